/** Decompression of archive members by the ending of their name: streaming, with a limit, failing closed. */
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { LockstepError, messageOf, type Place } from "../host/errors.ts";
import type { Host } from "../host/host.ts";

// The package is CommonJS whose exports Node cannot see by name.
const require = createRequire(import.meta.url);

const chunkSize = 1 << 18;

async function* limited(
  source: AsyncIterable<Uint8Array>,
  place: Place,
  limit: number,
): AsyncGenerator<Uint8Array, void> {
  let total = 0;
  try {
    for await (const chunk of source) {
      total += chunk.length;
      if (total > limit)
        throw new LockstepError({ code: "LS4005", message: `decompresses to more than ${limit} bytes`, place });
      yield chunk;
    }
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw new LockstepError(
      { code: "LS4002", message: `cannot be decompressed: ${messageOf(error)}`, place },
      { cause: error },
    );
  }
}

/** Decoders of the machine that are used instead of our own where they are there: faster, and with the same output or an error. */
export interface Decoders {
  /** Decodes .xz. */
  readonly xz?: (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

/** A compressed member of fewer bytes is decoded here: starting a program costs more. */
export const worthAProcess = 128 << 10;
/** What `xz -9` needs to decode, and then some; a header that asks for more is an attack. */
const xzMemory = "--memlimit-decompress=160MiB";

/** The decoders that this machine has. */
export function findDecoders(host: Host): Decoders {
  const program = host.findProgram("xz");
  return program === undefined ? {} : { xz: (source) => host.filter(program, ["-dc", "-T1", xzMemory], source) };
}

function xz(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  // Loaded on use: compiling its WebAssembly takes time that a run without packages should not pay.
  const { XzReadableStream } = require("xz-decompress") as typeof import("xz-decompress");
  return new XzReadableStream(
    ReadableStream.from(source) as ReadableStream<Uint8Array>,
  ) as unknown as AsyncIterable<Uint8Array>;
}

/**
 * The content of a member called `name` (`data.tar.xz`), by its ending: .gz, .xz, .zst, or none after .tar.
 * `limit` is the largest number of bytes it may become; `decoders` are used where they are given. LS4002 for damaged or unknown compression, LS4005 beyond the limit.
 */
export function decompress(
  source: AsyncIterable<Uint8Array>,
  name: string,
  place: Place,
  limit: number,
  decoders: Decoders = {},
): AsyncIterable<Uint8Array> {
  const ending = name.slice(name.lastIndexOf(".") + 1);
  switch (ending) {
    case "tar":
      return limited(source, place, limit);
    case "gz":
      return limited(
        Readable.from(source, { objectMode: false, highWaterMark: chunkSize }).compose(createGunzip({ chunkSize })),
        place,
        limit,
      );
    case "zst":
      return limited(
        Readable.from(source, { objectMode: false, highWaterMark: chunkSize }).compose(
          createZstdDecompress({ chunkSize }),
        ),
        place,
        limit,
      );
    case "xz":
      return limited((decoders.xz ?? xz)(source), place, limit);
    default:
      throw new LockstepError({
        code: "LS4002",
        message: `member ${JSON.stringify(name)} has an unknown compression`,
        place,
      });
  }
}
