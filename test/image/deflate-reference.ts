/**
 * The compressor of docs/format.md, "Compression", once more: written from that text, with no thought of speed. What the program has is
 * compared with it.
 */

const window = 32_768;

/** Bits, the first lowest in the first byte (RFC 1951, section 3.1.1). */
class Bits {
  readonly #bytes: number[] = [];
  #bit = 0;

  put(value: number, count: number): void {
    for (let i = 0; i < count; i++) {
      if (this.#bit === 0) this.#bytes.push(0);
      const last = this.#bytes.length - 1;
      this.#bytes[last] = (this.#bytes[last] ?? 0) | (((value >>> i) & 1) << this.#bit);
      this.#bit = (this.#bit + 1) & 7;
    }
  }

  /** Codes are written from their highest bit on. */
  putCode({ code, length }: Code): void {
    for (let i = length - 1; i >= 0; i--) this.put(code >>> i, 1);
  }

  stored(bytes: Uint8Array): void {
    this.put(0, 3);
    this.#bit = 0;
    for (const value of [bytes.length, bytes.length ^ 0xffff]) this.#bytes.push(value & 0xff, value >>> 8);
    for (const byte of bytes) this.#bytes.push(byte);
  }

  get bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

interface Code {
  readonly code: number;
  readonly length: number;
}

interface Symbol {
  readonly symbol: number;
  readonly bits: number;
  readonly extra: number;
}

/** RFC 1951, section 3.2.5. */
function lengthSymbol(length: number): Symbol {
  if (length === 258) return { symbol: 285, bits: 0, extra: 0 };
  let base = 3;
  for (let symbol = 257; ; symbol++) {
    const bits = symbol < 265 ? 0 : (symbol - 261) >> 2;
    if (length < base + 2 ** bits) return { symbol, bits, extra: length - base };
    base += 2 ** bits;
  }
}

function distanceSymbol(distance: number): Symbol {
  let base = 1;
  for (let symbol = 0; ; symbol++) {
    const bits = symbol < 4 ? 0 : (symbol - 2) >> 1;
    if (distance < base + 2 ** bits) return { symbol, bits, extra: distance - base };
    base += 2 ** bits;
  }
}

interface Node {
  readonly weight: number;
  depth: number;
  readonly children: readonly Node[];
}

function codesOf(counts: readonly number[], limit: number): readonly Code[] {
  const used = counts.flatMap((count, symbol) => (count > 0 ? [{ symbol, count }] : []));
  used.sort((a, b) => a.count - b.count || a.symbol - b.symbol);
  for (let symbol = 0; used.length < 2; symbol++) if (counts[symbol] === 0) used.push({ symbol, count: 0 });
  const leaves: Node[] = used.map(({ count }) => ({ weight: count, depth: 0, children: [] }));
  const inner: Node[] = [];
  const take = (from: Node[], joined: readonly Node[]): Node => {
    const [leaf] = leaves;
    const node = joined[0];
    const first = leaf !== undefined && (node === undefined || leaf.weight <= node.weight) ? leaves : from;
    return first.shift() as Node;
  };
  const made: Node[] = [];
  while (leaves.length + inner.length > 1) {
    const children = [take(inner, inner), take(inner, inner)];
    const node = { weight: children.reduce((sum, { weight }) => sum + weight, 0), depth: 0, children };
    inner.push(node);
    made.push(node);
  }
  const numbers = Array<number>(limit + 1).fill(0);
  numbers[0] = 1;
  for (const node of made.toReversed()) {
    for (const child of node.children) child.depth = node.depth + 1;
    let depth = node.depth;
    if (depth >= limit) for (depth = limit - 1; numbers[depth] === 0; depth--);
    numbers[depth] = (numbers[depth] ?? 0) - 1;
    numbers[depth + 1] = (numbers[depth + 1] ?? 0) + 2;
  }
  const lengths = counts.map(() => 0);
  const rarestFirst = used.map(({ symbol }) => symbol);
  for (let length = limit; length > 0; length--)
    for (const symbol of rarestFirst.splice(0, numbers[length])) lengths[symbol] = length;
  // RFC 1951, section 3.2.2.
  const codes = lengths.map((length) => ({ code: 0, length }));
  let code = 0;
  for (let length = 1; length <= limit; length++) {
    code <<= 1;
    for (const one of codes) if (one.length === length) one.code = code++;
  }
  return codes;
}

type Token = number | { readonly length: number; readonly distance: number };

/** RFC 1951, section 3.2.7. */
const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function countsOf(symbols: readonly number[], size: number): number[] {
  const counts = Array<number>(size).fill(0);
  for (const symbol of symbols) counts[symbol] = (counts[symbol] ?? 0) + 1;
  return counts;
}

/** Number of symbols up to the last with a code, but at least so many. */
function writtenOf(codes: readonly Code[], least: number): number {
  return Math.max(least, codes.findLastIndex(({ length }) => length > 0) + 1);
}

function itemsOf(lengths: readonly number[]): readonly Symbol[] {
  const items: Symbol[] = [];
  for (let at = 0; at < lengths.length;) {
    const length = lengths[at] ?? 0;
    let run = 1;
    while (lengths[at + run] === length) run++;
    at += run;
    if (length > 0 && run >= 4) {
      items.push({ symbol: length, bits: 0, extra: 0 });
      run--;
      for (; run >= 3; run -= Math.min(run, 6)) items.push({ symbol: 16, bits: 2, extra: Math.min(run, 6) - 3 });
    }
    if (length === 0) {
      for (; run >= 11; run -= Math.min(run, 138)) items.push({ symbol: 18, bits: 7, extra: Math.min(run, 138) - 11 });
      if (run >= 3) {
        items.push({ symbol: 17, bits: 3, extra: run - 3 });
        run = 0;
      }
    }
    for (; run > 0; run--) items.push({ symbol: length, bits: 0, extra: 0 });
  }
  return items;
}

function writeBlock(bits: Bits, bytes: Uint8Array, tokens: readonly Token[]): void {
  const symbols = tokens.map((token) =>
    typeof token === "number"
      ? { length: { symbol: token, bits: 0, extra: 0 } }
      : { length: lengthSymbol(token.length), distance: distanceSymbol(token.distance) },
  );
  const end = { length: { symbol: 256, bits: 0, extra: 0 } };
  const all: readonly { readonly length: Symbol; readonly distance?: Symbol }[] = [...symbols, end];
  const literals = codesOf(
    countsOf(
      all.map(({ length }) => length.symbol),
      286,
    ),
    15,
  );
  const distances = codesOf(
    countsOf(
      all.flatMap(({ distance }) => distance?.symbol ?? []),
      30,
    ),
    15,
  );
  const [hlit, hdist] = [writtenOf(literals, 257), writtenOf(distances, 1)];
  const items = itemsOf([...literals.slice(0, hlit), ...distances.slice(0, hdist)].map(({ length }) => length));
  const lengths = codesOf(
    countsOf(
      items.map(({ symbol }) => symbol),
      19,
    ),
    7,
  );
  const hclen = Math.max(4, order.findLastIndex((symbol) => (lengths[symbol]?.length ?? 0) > 0) + 1);
  const sizeOf = (codes: readonly Code[], { symbol, bits: extra }: Symbol): number =>
    (codes[symbol]?.length ?? 0) + extra;
  let size = 17 + 3 * hclen;
  for (const item of items) size += sizeOf(lengths, item);
  for (const { length, distance } of all)
    size += sizeOf(literals, length) + (distance === undefined ? 0 : sizeOf(distances, distance));
  if (8 * bytes.length + 40 * Math.ceil(bytes.length / 65_535) <= size) {
    for (let at = 0; at < bytes.length; at += 65_535) bits.stored(bytes.subarray(at, at + 65_535));
    return;
  }
  bits.put(0b100, 3);
  bits.put(hlit - 257, 5);
  bits.put(hdist - 1, 5);
  bits.put(hclen - 4, 4);
  for (const symbol of order.slice(0, hclen)) bits.put(lengths[symbol]?.length ?? 0, 3);
  const put = (codes: readonly Code[], { symbol, bits: count, extra }: Symbol): void => {
    bits.putCode(codes[symbol] as Code);
    bits.put(extra, count);
  };
  for (const item of items) put(lengths, item);
  for (const { length, distance } of all) {
    put(literals, length);
    if (distance !== undefined) put(distances, distance);
  }
}

/** Compresses what follows the first `dictionary` bytes. */
export function referenceDeflate(data: Uint8Array, dictionary: number): Buffer {
  const word = (at: number): number =>
    (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16) | ((data[at + 3] ?? 0) << 24);
  const hash4 = (at: number): number => Math.imul(word(at), 0x1e35a7bd) >>> 17;
  const hash3 = (at: number): number => Math.imul(word(at) << 8, 0x1e35a7bd) >>> 19;
  const byFour = new Map<number, readonly number[]>();
  const byThree = new Map<number, number>();
  const enter = (at: number): void => {
    byFour.set(hash4(at), [at, ...(byFour.get(hash4(at)) ?? [])].slice(0, 2));
    byThree.set(hash3(at), at);
  };
  const last = data.length - 8;
  const equal = (a: number, b: number): number => {
    let length = 0;
    while (length < 258 && b + length < data.length && data[a + length] === data[b + length]) length++;
    return length;
  };
  const find = (at: number): Exclude<Token, number> | undefined => {
    let found = { length: 0, distance: 0 };
    for (const other of byFour.get(hash4(at)) ?? []) {
      const length = at - other <= window ? equal(other, at) : 0;
      if (length > found.length) found = { length, distance: at - other };
    }
    if (found.length >= 4) return found;
    const near = byThree.get(hash3(at)) ?? Number.NEGATIVE_INFINITY;
    if (at - near <= 2048 && equal(near, at) >= 3) return { length: 3, distance: at - near };
    return undefined;
  };
  for (let at = 0; at < dictionary && at < last; at++) enter(at);
  const bits = new Bits();
  for (let at = dictionary; at < data.length;) {
    const start = at;
    const tokens: Token[] = [];
    for (let matches = 0; at < data.length && matches < 4096;) {
      const match = at < last ? find(at) : undefined;
      tokens.push(match ?? data[at] ?? 0);
      if (match !== undefined) matches++;
      for (const next = at + (match?.length ?? 1); at < next; at++) if (at < last) enter(at);
    }
    writeBlock(bits, data.subarray(start, at), tokens);
  }
  bits.stored(new Uint8Array(0));
  return bits.bytes;
}
