/**
 * What xz.ts asks threads: decodes .xz, of which the parts that take time are in `assembly/lzma.ts`. Numbers of sections are those of "The .xz
 * File Format", version 1.2.1. Of its filters there is LZMA2 alone; the other decoder that verifies what this one says has no other either.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";

/**
 * What is asked: the next output of a stream, as much as `buffer` holds. `input` is there when the last answer wanted it; `last` that nothing
 * follows it. Without a buffer, the stream is forgotten, and nothing said.
 * @typedef {{ id: number, input?: Uint8Array, last?: boolean, buffer?: ArrayBuffer }} Question
 *
 * @typedef {{ output: Uint8Array, wants: boolean, ended: boolean, problem?: string }} Answer
 *
 * The functions of `assembly/lzma.ts`.
 * @typedef {{
 *   memory: WebAssembly.Memory, prepare(): void, input(): number, output(): number, room(length: number): number, advance(length: number): void,
 *   resetDictionary(bytes: number): number, setProperties(lc: number, lp: number, pb: number): void, resetState(): void,
 *   begin(length: number): number, decode(length: number): number, ended(): number,
 *   crcBegin(): void, crcUpdate(from: number, length: number): void, crcEnd(): bigint,
 * }} Lzma
 */

/** Bytes that are decoded before they are taken, while the processor has them at hand. */
const pieceSize = 1 << 18;
/** Twice what `xz -9` needs; a header that asks for more is an attack. */
const largestDictionary = 128 << 20;
/** A decoder whose memory has grown beyond this is not used again: WebAssembly gives none back. */
const largestKept = 48 << 20;

const compiled = new WebAssembly.Module(readFileSync(new URL("./lzma.wasm", import.meta.url)));
/** @type {Lzma[]} */
const idle = [];

/** @returns {Lzma} */
function newLzma() {
  const lzma = /** @type {Lzma} */ (/** @type {unknown} */ (new WebAssembly.Instance(compiled).exports));
  lzma.prepare();
  return lzma;
}

const damaged = "it is damaged";
const unknown = "it uses what this decoder does not know";

/** Input that has come and was not used. */
class Input {
  #piece = new Uint8Array(0);
  #last = false;
  /** Bytes that were used. */
  used = 0;
  /** CRC-32 of those, from where one is set. @type {number | undefined} */
  crc;

  /** @param {Uint8Array} piece @param {boolean} last */
  give(piece, last) {
    this.#piece = piece;
    this.#last = last;
  }

  /**
   * The next bytes, fewer only at the end of all.
   * @param {number} size @returns {Generator<undefined, Uint8Array>}
   */
  *upTo(size) {
    let bytes = this.#piece.subarray(0, size);
    this.#piece = this.#piece.subarray(bytes.length);
    while (bytes.length < size && !this.#last) {
      yield;
      const more = this.#piece.subarray(0, size - bytes.length);
      this.#piece = this.#piece.subarray(more.length);
      bytes = Buffer.concat([bytes, more]);
    }
    this.used += bytes.length;
    if (this.crc !== undefined) this.crc = crc32(bytes, this.crc);
    return bytes;
  }

  /**
   * The next bytes, which must be there.
   * @param {number} size @returns {Generator<undefined, Buffer>}
   */
  *take(size) {
    const bytes = yield* this.upTo(size);
    if (bytes.length < size) throw new Error("it ends in the middle");
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Zeros up to a multiple of four bytes since `start`. @param {number} start */
  *padding(start) {
    const bytes = yield* this.take((4 - ((this.used - start) & 3)) & 3);
    if (bytes.some((byte) => byte !== 0)) throw new Error(damaged);
  }
}

/** A number of up to 63 bits in bytes of seven (section 1.2); beyond 2^53 there are no sizes here. @param {Input} input */
function* takeNumber(input) {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const [byte = 0] = yield* input.take(1);
    value += (byte & 127) * scale;
    if ((byte === 0 && scale > 1) || value > Number.MAX_SAFE_INTEGER) throw new Error(damaged);
    if (byte < 128) return value;
  }
}

/** @param {Buffer} bytes with a CRC-32 in the last four */
function checkCrc32(bytes) {
  if (crc32(bytes.subarray(0, -4)) !== bytes.readUInt32LE(bytes.length - 4)) throw new Error(damaged);
}

/** Bytes in the memory of a decoder. @param {Lzma} lzma @param {number} from @param {number} size */
const bytesOf = ({ memory }, from, size) => new Uint8Array(memory.buffer, from, size);

/**
 * The checks of section 2.1.1.2: bytes that they take, and how they are made of what has come out.
 * @type {Map<number, { size: number, begin(lzma: Lzma): { update(from: number, size: number): void, end(): Buffer } }>}
 */
const checks = new Map([
  [0, { size: 0, begin: () => ({ update: () => {}, end: () => Buffer.alloc(0) }) }],
  [
    1,
    {
      size: 4,
      begin(lzma) {
        const sum = Buffer.alloc(4);
        return {
          update: (from, size) => void sum.writeUInt32LE(crc32(bytesOf(lzma, from, size), sum.readUInt32LE())),
          end: () => sum,
        };
      },
    },
  ],
  [
    4,
    {
      size: 8,
      begin(lzma) {
        lzma.crcBegin();
        return {
          update: lzma.crcUpdate,
          end() {
            const sum = Buffer.alloc(8);
            sum.writeBigUInt64LE(BigInt.asUintN(64, lzma.crcEnd()));
            return sum;
          },
        };
      },
    },
  ],
  [
    10,
    {
      size: 32,
      begin(lzma) {
        const hash = createHash("sha256");
        return { update: (from, size) => void hash.update(bytesOf(lzma, from, size)), end: () => hash.digest() };
      },
    },
  ],
]);

/**
 * The header of a block after its first byte (section 3.1): the size of its dictionary, and what it says of sizes.
 * @param {Input} input @param {number} first
 */
function* takeBlockHeader(input, first) {
  const header = Buffer.concat([Buffer.of(first), yield* input.take(first * 4 + 3)]);
  checkCrc32(header);
  const fields = new Input();
  fields.give(header.subarray(1, -4), true);
  const [flags = 0] = yield* fields.take(1);
  if ((flags & 0x3c) !== 0) throw new Error(unknown);
  const compressed = (flags & 0x40) === 0 ? undefined : yield* takeNumber(fields);
  const uncompressed = (flags & 0x80) === 0 ? undefined : yield* takeNumber(fields);
  // One filter, LZMA2, which has one byte of properties (section 5.3.1).
  const [filter, properties] = [yield* takeNumber(fields), yield* takeNumber(fields)];
  if ((flags & 3) !== 0 || filter !== 0x21) throw new Error(unknown);
  const [bits = 0] = yield* fields.take(1);
  if (properties !== 1 || bits > 40) throw new Error(damaged);
  const dictionary = bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11);
  if (dictionary > largestDictionary) throw new Error("it needs more memory than is allowed");
  const rest = yield* fields.take(header.length - 5 - fields.used);
  if (rest.some((byte) => byte !== 0)) throw new Error(unknown);
  return { dictionary, compressed, uncompressed };
}

/**
 * The chunks of LZMA2 (section 5.3.1; the format is that of the LZMA SDK). Yields undefined for input, and what has come out as places in the
 * memory of the decoder.
 * @param {Lzma} lzma @param {Input} input @param {number} dictionary
 * @returns {Generator<undefined | { from: number, size: number }, void>}
 */
function* takeChunks(lzma, input, dictionary) {
  let wantsDictionary = true;
  let wantsProperties = true;
  for (;;) {
    const [control = 0] = yield* input.take(1);
    if (control === 0) return;
    const isLzma = control >= 0x80;
    const head = yield* input.take(isLzma ? 4 : 2);
    if (control >= 0xe0 || control === 1) {
      if (lzma.resetDictionary(dictionary) === 0) throw new Error("it needs more memory than there is for it");
      wantsDictionary = false;
      wantsProperties = true;
    }
    if (wantsDictionary || (!isLzma && control > 2)) throw new Error(damaged);
    let left = ((isLzma ? control & 0x1f : 0) << 16) + head.readUInt16BE(0) + 1;
    if (isLzma) {
      if (control >= 0xc0) {
        const [properties = 0] = yield* input.take(1);
        const [lc, lp, pb] = [properties % 9, Math.floor(properties / 9) % 5, Math.floor(properties / 45)];
        if (pb > 4 || lc + lp > 4) throw new Error(damaged);
        lzma.setProperties(lc, lp, pb);
        wantsProperties = false;
      }
      if (wantsProperties) throw new Error(damaged);
      if (control >= 0xa0) lzma.resetState();
      const data = yield* input.take(head.readUInt16BE(2) + 1);
      bytesOf(lzma, lzma.input(), data.length).set(data);
      if (lzma.begin(data.length) === 0) throw new Error(damaged);
    }
    while (left > 0) {
      const size = lzma.room(Math.min(left, pieceSize));
      const from = lzma.output();
      if (!isLzma) {
        const data = yield* input.take(size);
        bytesOf(lzma, from, size).set(data);
        lzma.advance(size);
      } else if (lzma.decode(size) === 0) throw new Error(damaged);
      left -= size;
      yield { from, size };
    }
    if (isLzma && lzma.ended() === 0) throw new Error(damaged);
  }
}

/**
 * One stream (section 2.1), of which the first bytes of the header have been read.
 * @param {Lzma} lzma @param {Input} input @param {Buffer} magic
 */
function* takeStream(lzma, input, magic) {
  if (!magic.equals(Buffer.from("fd377a585a00", "hex")))
    throw new Error("it is no .xz stream, or something follows its end");
  const flags = yield* input.take(6);
  checkCrc32(flags);
  const check = checks.get(flags[1] ?? 0);
  if (flags[0] !== 0 || check === undefined) throw new Error(unknown);
  // What the index must say, as a digest: blocks may be many.
  let blocks = 0;
  const records = createHash("sha256");
  let start = input.used;
  let [first = 0] = yield* input.take(1);
  for (; first !== 0; [first = 0] = yield* input.take(1)) {
    const header = yield* takeBlockHeader(input, first);
    const data = input.used;
    const sum = check.begin(lzma);
    let size = 0;
    for (const piece of takeChunks(lzma, input, header.dictionary)) {
      if (piece !== undefined) {
        sum.update(piece.from, piece.size);
        size += piece.size;
      }
      yield piece;
    }
    const compressed = input.used - data;
    if ((header.compressed ?? compressed) !== compressed || (header.uncompressed ?? size) !== size)
      throw new Error(damaged);
    yield* input.padding(data);
    if (!sum.end().equals(yield* input.take(check.size))) throw new Error(damaged);
    records.update(`${data - start + compressed + check.size} ${size}\n`);
    blocks++;
    start = input.used;
  }
  // Section 4.
  const indexed = createHash("sha256");
  // With its first byte, a zero, which has been read.
  input.crc = crc32(Buffer.of(first));
  if ((yield* takeNumber(input)) !== blocks) throw new Error(damaged);
  for (; blocks > 0; blocks--) indexed.update(`${yield* takeNumber(input)} ${yield* takeNumber(input)}\n`);
  if (!indexed.digest().equals(records.digest())) throw new Error(damaged);
  yield* input.padding(start);
  const { crc } = input;
  input.crc = undefined;
  if ((yield* input.take(4)).readUInt32LE() !== crc) throw new Error(damaged);
  const indexSize = input.used - start;
  // Section 2.1.2.
  const footer = yield* input.take(12);
  if (crc32(footer.subarray(4, 10)) !== footer.readUInt32LE(0)) throw new Error(damaged);
  if ((footer.readUInt32LE(4) + 1) * 4 !== indexSize || footer.readUInt16LE(8) !== flags.readUInt16LE(0))
    throw new Error(damaged);
  if (footer.toString("latin1", 10) !== "YZ") throw new Error(damaged);
}

/** Streams that follow each other, with padding between them (section 2). @param {Lzma} lzma @param {Input} input */
function* takeStreams(lzma, input) {
  let magic = yield* input.take(6);
  for (;;) {
    yield* takeStream(lzma, input, magic);
    for (;;) {
      const four = yield* input.upTo(4);
      if (four.length === 0) return;
      if (four.length === 4 && four.every((byte) => byte === 0)) continue;
      magic = Buffer.concat([four, yield* input.take(2)]);
      break;
    }
  }
}

/** @typedef {{ lzma: Lzma, input: Input, output: ReturnType<typeof takeStreams>, rest?: { from: number, size: number } | undefined }} Stream */

/** @type {Map<number, Stream>} */
const streams = new Map();

/** @param {number} id @returns {Stream} */
function begin(id) {
  const [lzma, input] = [idle.pop() ?? newLzma(), new Input()];
  const stream = { lzma, input, output: takeStreams(lzma, input) };
  streams.set(id, stream);
  return stream;
}

/** @param {Question} question @param {ArrayBuffer} buffer @returns {Answer} */
function step({ id, input, last }, buffer) {
  const stream = streams.get(id) ?? begin(id);
  if (input !== undefined) stream.input.give(input, last === true);
  const output = new Uint8Array(buffer);
  let filled = 0;
  /** @type {(ended: boolean, wants: boolean) => Answer} */
  const said = (ended, wants) => ({ output: output.subarray(0, filled), wants, ended });
  for (;;) {
    const next = stream.rest === undefined ? stream.output.next() : { value: stream.rest, done: false };
    if (next.done === true) return said(true, false);
    if (next.value === undefined) return said(false, true);
    const { from, size } = next.value;
    const taken = Math.min(size, output.length - filled);
    output.set(bytesOf(stream.lzma, from, taken), filled);
    filled += taken;
    stream.rest = taken < size ? { from: from + taken, size: size - taken } : undefined;
    if (filled === output.length) return said(false, false);
  }
}

/** @param {number} id */
function forget(id) {
  const known = streams.get(id);
  streams.delete(id);
  if (known !== undefined && known.lzma.memory.buffer.byteLength <= largestKept) idle.push(known.lzma);
}

/** @param {Question} question */
export function answer(question) {
  /** @type {Answer} */
  let content = { output: new Uint8Array(0), wants: false, ended: false };
  if (question.buffer === undefined) forget(question.id);
  else {
    try {
      content = step(question, question.buffer);
    } catch (error) {
      content.problem = error instanceof Error ? error.message : String(error);
    }
  }
  return { content, moved: [content.output.buffer] };
}
