/** Decompression of archive members by the ending of their name: streaming, with a limit, failing closed. */
import { createRequire } from "node:module";
import {
  type BrotliDecompress,
  createBrotliDecompress,
  createGunzip,
  createZstdDecompress,
  type Gunzip,
  type ZstdDecompress,
} from "node:zlib";
import { interrupted, LockstepError, messageOf, type Place } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { bunzip2 } from "./bzip2.ts";
import { decodeXz } from "./xz.ts";

// The package is CommonJS whose exports Node cannot see by name.
const require = createRequire(import.meta.url);

const chunkSize = 1 << 18;

async function* limited(
  source: AsyncIterable<Uint8Array>,
  place: Place,
  limit: number,
  { signal }: Decoders,
): AsyncGenerator<Uint8Array, void> {
  let total = 0;
  try {
    for await (const chunk of source) {
      if (signal?.aborted === true) throw interrupted();
      total += chunk.length;
      if (total > limit)
        throw new LockstepError({ code: "LS4005", message: `decompresses to more than ${limit} bytes`, place });
      yield chunk;
    }
  } catch (error) {
    // A decoder that was ended with the command, or cut short by the end of it, says nothing about the bytes.
    if (signal?.aborted === true) throw interrupted();
    if (error instanceof LockstepError) throw error;
    throw new LockstepError(
      { code: "LS4002", message: `cannot be decompressed: ${messageOf(error)}`, place },
      { cause: error },
    );
  }
}

/** Decoders that are used instead of the one in this thread, with the same output or an error. */
export interface Decoders {
  /** Decodes .xz; the size of the source in bytes is 0 where nobody knows it. */
  readonly xz?: (source: AsyncIterable<Uint8Array>, size: number) => AsyncIterable<Uint8Array>;
  /** Ends decoding at the next piece, with LS1003. */
  readonly signal?: AbortSignal;
}

/**
 * Decoders in threads, as many as keep up with what is done with their output, or none for a rebuild that is to use another one. They end
 * when the signal fires.
 */
export function findDecoders(host: Host, signal?: AbortSignal): Decoders {
  return {
    ...(host.env("LOCKSTEP_DECODER") === "portable" ? {} : { xz: decodeXz }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Only when it is read does it take the decoder, of which there is one at a time; giving up on reading gives the decoder back. */
async function* xz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  // Loaded on use: compiling its WebAssembly takes time that a run without packages should not pay.
  const { XzReadableStream } = require("xz-decompress") as typeof import("xz-decompress");
  const stream = new XzReadableStream(ReadableStream.from(source) as ReadableStream<Uint8Array>);
  yield* stream as unknown as AsyncIterable<Uint8Array>;
}

/**
 * What a decoder of Node makes of the source. Streams composed by Node itself lose errors that come after the reader has given up, and
 * then end the process; here the source is fed by hand, and nothing of it runs on after the last piece.
 */
async function* through(
  source: AsyncIterable<Uint8Array>,
  decoder: BrotliDecompress | Gunzip | ZstdDecompress,
  atEnd = (fed: number): void => {
    if (decoder.bytesWritten !== fed) throw new Error("data after the end");
  },
): AsyncGenerator<Uint8Array, void> {
  let fed = 0;
  let wake: (() => void) | undefined;
  // A decoder that has failed or was given up says so to its reader, or to no one.
  decoder.on("error", () => {});
  decoder.on("close", () => wake?.());
  decoder.on("drain", () => wake?.());
  const feed = async (): Promise<void> => {
    try {
      for await (const piece of source) {
        if (decoder.destroyed) return;
        fed += piece.length;
        if (!decoder.write(piece) && !decoder.destroyed) await new Promise<void>((resolve) => (wake = resolve));
        if (decoder.destroyed) return;
      }
      decoder.end();
    } catch (error) {
      decoder.destroy(error instanceof Error ? error : new Error(messageOf(error)));
    }
  };
  const feeding = feed();
  try {
    for await (const piece of decoder) yield piece as Buffer;
    await feeding;
    atEnd(fed);
  } finally {
    decoder.destroy();
    await feeding;
  }
}

/** Pieces of a source, kept until a decoder has taken them, so that another can go on where it ended. */
class Pending {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #pieces: Uint8Array[] = [];
  /** How many of the pieces the decoder at work has been given. */
  #given = 0;
  /** Bytes of pieces that it was given and that are dropped. */
  #dropped = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next piece for the decoder, which by now has taken `taken` bytes; undefined at the end. */
  async next(taken: number): Promise<Uint8Array | undefined> {
    for (let first = this.#pieces[0]; this.#given > 0 && first !== undefined; first = this.#pieces[0]) {
      if (this.#dropped + first.length > taken) break;
      this.#dropped += first.length;
      this.#pieces.shift();
      this.#given--;
    }
    while (this.#given === this.#pieces.length) {
      const next = await this.#source.next();
      if (next.done === true) return undefined;
      if (next.value.length > 0) this.#pieces.push(next.value);
    }
    return this.#pieces[this.#given++];
  }

  /** Begins with another decoder after one that took `taken` bytes; whether anything is left for it. */
  async restart(taken: number): Promise<boolean> {
    const rest = Buffer.concat(this.#pieces).subarray(taken - this.#dropped);
    this.#pieces.splice(0, this.#pieces.length, ...(rest.length === 0 ? [] : [rest]));
    this.#given = 0;
    this.#dropped = 0;
    if ((await this.next(0)) === undefined) return false;
    this.#given = 0;
    return true;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

/** What Zstandard frames become, one after the other (RFC 8878, section 3.1): Node's decoder ends with the first, so each gets its own. */
async function* frames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const pending = new Pending(source);
  try {
    if (!(await pending.restart(0))) throw new Error("nothing is there");
    for (let taken = 0; await pending.restart(taken);) {
      const decoder = createZstdDecompress({ chunkSize });
      const fed = async function* (): AsyncGenerator<Uint8Array, void> {
        for (let piece = await pending.next(0); piece !== undefined; piece = await pending.next(decoder.bytesWritten))
          yield piece;
      };
      yield* through(fed(), decoder, () => {});
      taken = decoder.bytesWritten;
      if (taken === 0) throw new Error("nothing that can be decoded");
    }
  } finally {
    await pending.close();
  }
}

/**
 * The content of a member called `name` (`data.tar.xz`), by its ending: .gz, .xz, .zst, .bz2, .br, or none after .tar.
 * `limit` is the largest number of bytes it may become; `decoders` are used where they are given, and told the size of the source. LS4002 for damaged or unknown compression, LS4005 beyond the limit,
 * LS1003 when their signal fires.
 */
export function decompress(
  source: AsyncIterable<Uint8Array>,
  name: string,
  place: Place,
  limit: number,
  decoders: Decoders = {},
  size = 0,
): AsyncIterable<Uint8Array> {
  const ending = name.slice(name.lastIndexOf(".") + 1);
  switch (ending) {
    case "tar":
      return limited(source, place, limit, decoders);
    case "gz":
      return limited(through(source, createGunzip({ chunkSize })), place, limit, decoders);
    case "zst":
      return limited(frames(source), place, limit, decoders);
    case "br":
      return limited(through(source, createBrotliDecompress({ chunkSize })), place, limit, decoders);
    case "bz2":
      return limited(bunzip2(source), place, limit, decoders);
    case "xz":
      return limited((decoders.xz ?? xz)(source, size), place, limit, decoders);
    default:
      throw new LockstepError({
        code: "LS4002",
        message: `member ${JSON.stringify(name)} has an unknown compression`,
        place,
      });
  }
}
