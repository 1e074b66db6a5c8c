/** Decodes bzip2: blocks of a Burrows-Wheeler transform under move-to-front and Huffman codes. Everything a stream says is checked; what is not one ends in an error. */

/** More than the bytes that one block can have at its largest: 900,000 symbols of 20 bits, with its tables. */
const mostOfBlock = 3 << 20;
/** `pi` starts a block, the root of it ends a stream. */
const [blockMagic, endMagic] = [0x3141_5926_5359, 0x1772_4538_5090];
const mostTables = 6;
const symbolsOfGroup = 50;
const longestCode = 20;
const pieceSize = 1 << 16;

const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c1_1db7 : value << 1;
  return value;
});

/** Bits of what has arrived so far, the highest of a byte first. */
class Bits {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** The lowest `#count` bits are those that come next. */
  #held = 0;
  #count = 0;

  /** Bytes that no bit was taken of. */
  get left(): number {
    return this.#bytes.length - this.#at + (this.#count >>> 3);
  }

  add(pieces: readonly Uint8Array[]): void {
    const whole = this.#count >>> 3;
    this.#held >>>= whole * 8;
    this.#count &= 7;
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at - whole), ...pieces]);
    this.#at = 0;
  }

  /** The next bits, at most 24 of them, zeros beyond the end. */
  peek(length: number): number {
    while (this.#count < length) {
      this.#held = (this.#held << 8) | (this.#bytes[this.#at++] ?? 0);
      this.#count += 8;
    }
    return (this.#held >>> (this.#count - length)) & (2 ** length - 1);
  }

  /** Takes bits that were looked at. */
  skip(length: number): void {
    this.#count -= length;
    if (this.left < 0) throw new Error("it ends too early");
  }

  /** Up to 48 bits as a number. */
  take(length: number): number {
    const low = Math.min(length, 24);
    const high = length > low ? this.take(length - low) * 2 ** low : 0;
    const value = this.peek(low);
    this.skip(low);
    return high + value;
  }

  /** To the start of the next byte. */
  align(): void {
    this.#count &= ~7;
  }
}

/** A canonical Huffman code, from the lengths of its words. */
class Code {
  readonly #symbols: Uint16Array;
  /** Of each length the first word that is longer, as if it had the longest; and the place of its symbols less their words. */
  readonly #limits = new Int32Array(longestCode + 1);
  readonly #bases = new Int32Array(longestCode + 1);

  constructor(lengths: Uint8Array) {
    const counts = new Int32Array(longestCode + 1);
    for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
    const order = [...lengths.keys()].toSorted((x, y) => (lengths[x] ?? 0) - (lengths[y] ?? 0) || x - y);
    this.#symbols = Uint16Array.from(order);
    for (let length = 1, word = 0, place = 0; length <= longestCode; length++) {
      const count = counts[length] ?? 0;
      this.#bases[length] = place - word;
      word += count;
      place += count;
      if (word > 2 ** length) throw new Error("a code has more words than there are");
      this.#limits[length] = word * 2 ** (longestCode - length);
      word *= 2;
    }
  }

  symbol(bits: Bits): number {
    const ahead = bits.peek(longestCode);
    let length = 1;
    while (length <= longestCode && ahead >= (this.#limits[length] ?? 0)) length++;
    const symbol =
      length > longestCode ? undefined : this.#symbols[(ahead >>> (longestCode - length)) + (this.#bases[length] ?? 0)];
    if (symbol === undefined) throw new Error("a word is not in its code");
    bits.skip(length);
    return symbol;
  }
}

/** The bytes that a block has, in the order of their values. */
function alphabetOf(bits: Bits): number[] {
  const used = bits.take(16);
  const bytes: number[] = [];
  for (let high = 0; high < 16; high++)
    if (((used >>> (15 - high)) & 1) === 1)
      for (let low = 0; low < 16; low++) if (bits.take(1) === 1) bytes.push(high * 16 + low);
  if (bytes.length === 0) throw new Error("a block has no bytes");
  return bytes;
}

/** Which code each group of symbols has: move-to-front over the codes. */
function selectorsOf(bits: Bits, tables: number): Uint8Array {
  const count = bits.take(15);
  if (count === 0) throw new Error("a block names no codes");
  const order = [...Array.from({ length: tables }).keys()];
  return Uint8Array.from({ length: count }, () => {
    let place = 0;
    while (bits.take(1) === 1) if (++place >= tables) throw new Error("a group names a code that is not there");
    const [selected = 0] = order.splice(place, 1);
    order.unshift(selected);
    return selected;
  });
}

function codeOf(bits: Bits, size: number): Code {
  let length = bits.take(5);
  return new Code(
    Uint8Array.from({ length: size }, () => {
      for (;;) {
        if (length < 1 || length > longestCode) throw new Error("a word of a code has an impossible length");
        if (bits.take(1) === 0) return length;
        length += bits.take(1) === 0 ? 1 : -1;
      }
    }),
  );
}

/** A block as the transform left it: of each byte its value, and above that where the next one is. */
function blockOf(bits: Bits, largest: number): { readonly links: Uint32Array; readonly start: number } {
  if (bits.take(1) === 1) throw new Error("it is randomised, as only versions before 0.9.5 did");
  const start = bits.take(24);
  const alphabet = alphabetOf(bits);
  const tables = bits.take(3);
  if (tables < 2 || tables > mostTables) throw new Error("a block has an impossible number of codes");
  const selectors = selectorsOf(bits, tables);
  const end = alphabet.length + 1;
  const codes = Array.from({ length: tables }, () => codeOf(bits, end + 1));
  const links = new Uint32Array(largest);
  const counts = new Uint32Array(256);
  let size = 0;
  let [run, weight] = [0, 1];
  const put = (byte: number, count: number): void => {
    if (count > largest - size) throw new Error("a block has more bytes than its stream allows");
    links.fill(byte, size, size + count);
    counts[byte] = (counts[byte] ?? 0) + count;
    size += count;
  };
  for (let group = 0, left = 0, code: Code | undefined; ;) {
    if (left === 0) {
      code = codes[selectors[group++] ?? mostTables];
      left = symbolsOfGroup;
    }
    if (code === undefined) throw new Error("a block has more groups than it names codes");
    left--;
    const symbol = code.symbol(bits);
    if (symbol <= 1) {
      run += weight << symbol;
      weight *= 2;
      if (run > largest) throw new Error("a block has more bytes than its stream allows");
      continue;
    }
    if (run > 0) put(alphabet[0] ?? 0, run);
    [run, weight] = [0, 1];
    if (symbol === end) break;
    const [byte = 0] = alphabet.splice(symbol - 1, 1);
    alphabet.unshift(byte);
    put(byte, 1);
  }
  if (start >= size) throw new Error("a block starts beyond its end");
  return { links: linked(links.subarray(0, size), counts), start };
}

/** Adds to each byte of a transform where the next one is. */
function linked(links: Uint32Array, counts: Uint32Array): Uint32Array {
  const next = new Uint32Array(256);
  for (let byte = 0, sum = 0; byte < 256; byte++) {
    next[byte] = sum;
    sum += counts[byte] ?? 0;
  }
  for (let index = 0; index < links.length; index++) {
    const byte = (links[index] ?? 0) & 0xff;
    const place = next[byte] ?? 0;
    next[byte] = place + 1;
    links[place] = ((links[place] ?? 0) & 0xff) | (index << 8);
  }
  return links;
}

/** The bytes of a block in pieces: four equal ones are followed by how many more there are. Throws when their sum is another. */
function* bytesOf({ links, start }: ReturnType<typeof blockOf>, crc: number): Generator<Uint8Array, void> {
  let piece = new Uint8Array(pieceSize);
  let filled = 0;
  let sum = -1;
  let [before, equal] = [-1, 0];
  let at = (links[start] ?? 0) >>> 8;
  for (let index = 0; index < links.length; index++) {
    const link = links[at] ?? 0;
    at = link >>> 8;
    const value = link & 0xff;
    let byte = value;
    let count = 1;
    if (equal === 4) {
      [byte, count] = [before, value];
      [before, equal] = [-1, 0];
    } else {
      equal = byte === before ? equal + 1 : 1;
      before = byte;
    }
    for (; count > 0; count--) {
      sum = (sum << 8) ^ (crcTable[(sum >>> 24) ^ byte] ?? 0);
      piece[filled++] = byte;
      if (filled === pieceSize) {
        yield piece;
        piece = new Uint8Array(pieceSize);
        filled = 0;
      }
    }
  }
  if (~sum >>> 0 !== crc) throw new Error("the sum of a block is another");
  if (filled > 0) yield piece.subarray(0, filled);
}

/** What a bzip2 file becomes, of one stream or several; throws for anything else, and for what follows the last of them. */
export async function* bunzip2(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const bits = new Bits();
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  const fill = async (): Promise<void> => {
    const pieces: Uint8Array[] = [];
    for (let size = bits.left; size < mostOfBlock && !ended;) {
      const next = await iterator.next();
      if (next.done === true) ended = true;
      else {
        pieces.push(next.value);
        size += next.value.length;
      }
    }
    if (pieces.length > 0) bits.add(pieces);
  };
  try {
    do {
      await fill();
      if (bits.take(24) !== 0x42_5a_68) throw new Error("it is no bzip2, or something follows its end");
      const level = bits.take(8) - 0x30;
      if (level < 1 || level > 9) throw new Error("its blocks have an impossible size");
      let whole = 0;
      for (;;) {
        if (bits.left < mostOfBlock) await fill();
        const magic = bits.take(48);
        const crc = bits.take(32);
        if (magic === endMagic) {
          if (crc !== whole) throw new Error("the sum of the stream is another");
          break;
        }
        if (magic !== blockMagic) throw new Error("a block begins as none does");
        yield* bytesOf(blockOf(bits, level * 100_000), crc);
        whole = (((whole << 1) | (whole >>> 31)) ^ crc) >>> 0;
      }
      bits.align();
      await fill();
    } while (bits.left > 0);
  } finally {
    await iterator.return?.();
  }
}
