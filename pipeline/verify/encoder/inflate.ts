/** Reads a DEFLATE stream (RFC 1951) for what its maker decided: blocks, their borders, and each literal and match. */
import { Bits, type Codes, dynamic, fixed, NotDeflate } from "./deflate-codes.ts";

/** A literal is its byte; a match is `length << 15 | distance - 1`. */
export type Token = number;

export const isMatch = (token: Token): boolean => token >= 1 << 15;
export const lengthOf = (token: Token): number => token >>> 15;
export const distanceOf = (token: Token): number => (token & 0x7fff) + 1;

export interface Block {
  readonly type: "stored" | "fixed" | "dynamic";
  readonly final: boolean;
  /** Bits of the stream before its header, and up to its end. */
  readonly bit: number;
  readonly endBit: number;
  /** Bytes of content before and after it. */
  readonly start: number;
  readonly end: number;
  /** Its literals and matches: indexes into the tokens; none of a stored block. */
  readonly firstToken: number;
  readonly endToken: number;
}

export interface Trace {
  /** The blocks that were read in whole. */
  readonly blocks: readonly Block[];
  readonly content: Buffer;
  readonly tokens: Uint32Array;
  /** Whether the last block of the stream was read; otherwise reading stopped because there was enough. */
  readonly complete: boolean;
  /** The type of the block in which reading stopped. */
  readonly open?: Block["type"];
}

const lengthBase = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBase = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const distanceExtra = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
class Tracer {
  readonly #bits: Bits;
  /** Nothing beyond this much content is read. */
  readonly #most: number;
  #content = Buffer.allocUnsafe(1 << 19);
  #tokens = new Uint32Array(1 << 17);
  size = 0;
  count = 0;

  constructor(bits: Bits, most: number) {
    this.#bits = bits;
    this.#most = most;
  }

  get content(): Buffer {
    return this.#content.subarray(0, this.size);
  }

  get tokens(): Uint32Array {
    return this.#tokens.subarray(0, this.count);
  }

  #room(count: number): void {
    if (this.size + count <= this.#content.length) return;
    const larger = Buffer.allocUnsafe(this.#content.length * 2);
    this.#content.copy(larger, 0, 0, this.size);
    this.#content = larger;
  }

  #token(token: Token): void {
    if (this.count === this.#tokens.length) {
      const larger = new Uint32Array(this.#tokens.length * 2);
      larger.set(this.#tokens);
      this.#tokens = larger;
    }
    this.#tokens[this.count++] = token;
  }

  stored(): void {
    const [a = 0, b = 0, c = 0, d = 0] = this.#bits.bytes(4);
    if ((a ^ c) !== 0xff || (b ^ d) !== 0xff)
      throw new NotDeflate("the length of a stored block and its complement do not agree");
    const bytes = this.#bits.bytes(a | (b << 8));
    this.#room(bytes.length);
    this.#content.set(bytes, this.size);
    this.size += bytes.length;
  }

  /** Whether the end of the block was reached before there was enough. */
  compressed({ literals, distances }: Codes): boolean {
    for (;;) {
      if (this.size > this.#most) return false;
      const symbol = this.#bits.symbol(literals);
      if (symbol === 256) return true;
      this.#room(258);
      if (symbol < 256) {
        this.#content[this.size++] = symbol;
        this.#token(symbol);
        continue;
      }
      const length = (lengthBase[symbol - 257] ?? Number.NaN) + this.#bits.take(lengthExtra[symbol - 257] ?? 0);
      const code = this.#bits.symbol(distances);
      const distance = (distanceBase[code] ?? Number.NaN) + this.#bits.take(distanceExtra[code] ?? 0);
      if (!(distance <= this.size) || Number.isNaN(length)) throw new NotDeflate("a match with what is not there");
      for (let i = 0; i < length; i++, this.size++) this.#content[this.size] = this.#content[this.size - distance] ?? 0;
      this.#token((length << 15) | (distance - 1));
    }
  }
}

const types = ["stored", "fixed", "dynamic"] as const;

/**
 * Reads blocks from the beginning of `bytes`, until the stream ends or `enough` of the blocks so far, or there are more than `most` bytes of
 * content. Throws NotDeflate.
 */
export function trace(
  bytes: Uint8Array,
  most: number,
  enough: (blocks: readonly Block[], content: number) => boolean,
): Trace {
  const bits = new Bits(bytes);
  const tracer = new Tracer(bits, most);
  const blocks: Block[] = [];
  let complete = false;
  let open: Block["type"] | undefined;
  while (!complete && !enough(blocks, tracer.size)) {
    const bit = bits.position;
    const start = tracer.size;
    const firstToken = tracer.count;
    const final = bits.take(1) === 1;
    const type = types[bits.take(2)];
    if (type === undefined) throw new NotDeflate("a type of block that there is not");
    const tables = type === "dynamic" ? dynamic(bits) : fixed();
    if (type === "stored") tracer.stored();
    else if (!tracer.compressed(tables)) {
      open = type;
      break;
    }
    blocks.push({
      type,
      final,
      bit,
      endBit: bits.position,
      start,
      end: tracer.size,
      firstToken,
      endToken: tracer.count,
    });
    complete = final;
  }
  return { blocks, content: tracer.content, tokens: tracer.tokens, complete, ...(open === undefined ? {} : { open }) };
}
