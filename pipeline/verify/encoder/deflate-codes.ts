/** The bits of a DEFLATE stream (RFC 1951) and the Huffman codes in it. */

/** That a stream is not DEFLATE, or ends too early. */
export class NotDeflate extends Error {}

const orderOfLengths = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const tableBits = 15;

/** For each 15 bits that may come next, the symbol (`<< 4`) and how many bits it has; 0 where no code begins so. */
type Table = Uint16Array;

function tableOf(lengths: readonly number[]): Table {
  const count = Array.from({ length: 16 }, () => 0);
  for (const length of lengths) if (length > 0) count[length] = (count[length] ?? 0) + 1;
  const next: number[] = [];
  let code = 0;
  for (let bits = 1; bits < 16; bits++) {
    code = (code + (bits === 1 ? 0 : (count[bits - 1] ?? 0))) << 1;
    next[bits] = code;
    if (code + (count[bits] ?? 0) > 1 << bits) throw new NotDeflate("more codes than lengths allow");
  }
  const table = new Uint16Array(1 << tableBits);
  lengths.forEach((length, symbol) => {
    if (length === 0) return;
    const own = next[length] ?? 0;
    next[length] = own + 1;
    let reversed = 0;
    for (let bit = 0; bit < length; bit++) reversed |= ((own >> bit) & 1) << (length - 1 - bit);
    for (let at = reversed; at < table.length; at += 1 << length) table[at] = (symbol << 4) | length;
  });
  return table;
}

export interface Codes {
  readonly literals: Table;
  readonly distances: Table;
}

let fixedCodes: Codes | undefined;

/** The codes that need no header. */
export function fixed(): Codes {
  if (fixedCodes !== undefined) return fixedCodes;
  const lengths = Array.from({ length: 288 }, (_, symbol) =>
    symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
  );
  fixedCodes = { literals: tableOf(lengths), distances: tableOf(Array.from({ length: 30 }, () => 5)) };
  return fixedCodes;
}

/** The bits of a stream, the lowest of each byte first. */
export class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bits taken so far. */
  get position(): number {
    return this.#at * 8 - this.#count;
  }

  /** At least 15 bits where there are so many; zeros follow the end. */
  #fill(): void {
    while (this.#count <= 16) {
      this.#held |= (this.#bytes[this.#at] ?? 0) << this.#count;
      this.#at++;
      this.#count += 8;
    }
  }

  #drop(count: number): void {
    this.#held >>>= count;
    this.#count -= count;
    if (this.position > this.#bytes.length * 8) throw new NotDeflate("the stream ends within a block");
  }

  /** Up to 15 bits. */
  take(count: number): number {
    this.#fill();
    const value = this.#held & ((1 << count) - 1);
    this.#drop(count);
    return value;
  }

  symbol(table: Table): number {
    this.#fill();
    const found = table[this.#held & 0x7fff] ?? 0;
    if (found === 0) throw new NotDeflate("a code that is none");
    this.#drop(found & 15);
    return found >>> 4;
  }

  /** Skips to the next whole byte and gives so many bytes. */
  bytes(count: number): Uint8Array {
    const at = Math.ceil(this.position / 8);
    if (at + count > this.#bytes.length) throw new NotDeflate("the stream ends within a stored block");
    this.#at = at + count;
    this.#held = 0;
    this.#count = 0;
    return this.#bytes.subarray(at, at + count);
  }
}

/** Reads the codes that stand before a block (section 3.2.7). */
export function dynamic(bits: Bits): Codes {
  const literals = bits.take(5) + 257;
  const distances = bits.take(5) + 1;
  const codes = bits.take(4) + 4;
  const lengths = Array.from({ length: 19 }, () => 0);
  for (const symbol of orderOfLengths.slice(0, codes)) lengths[symbol] = bits.take(3);
  const table = tableOf(lengths);
  const all: number[] = [];
  while (all.length < literals + distances) {
    const symbol = bits.symbol(table);
    if (symbol < 16) all.push(symbol);
    else {
      const value = symbol === 16 ? all.at(-1) : 0;
      if (value === undefined) throw new NotDeflate("a repetition of nothing");
      const times = symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7);
      for (let i = 0; i < times; i++) all.push(value);
    }
  }
  if (all.length > literals + distances) throw new NotDeflate("more lengths than codes");
  return { literals: tableOf(all.slice(0, literals)), distances: tableOf(all.slice(literals)) };
}
