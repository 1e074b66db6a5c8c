/** Raw DEFLATE with specified bytes (docs/format.md, "Compression"): this runtime's zlib when it gives them, else pako, which always does. */
import { constants, deflateRaw, deflateRawSync } from "node:zlib";
import { digestOf } from "../store/digest.ts";

export const blockSize = 1 << 20;
export const dictionarySize = 1 << 15;

/**
 * Compresses one block of a fragment: level 4, window 15, memory level 8, default strategy, primed with `dictionary` when it is given,
 * ended by a sync flush and not final, so that the outputs of several calls can be joined.
 */
export type Deflate = (block: Uint8Array, dictionary: Uint8Array | undefined) => Promise<Uint8Array>;

const nativeOptions = (block: Uint8Array, dictionary: Uint8Array | undefined) => ({
  level: 4,
  windowBits: 15,
  memLevel: 8,
  strategy: constants.Z_DEFAULT_STRATEGY,
  finishFlush: constants.Z_SYNC_FLUSH,
  // Not part of the bytes: the size of output buffers. The default of 16 KiB costs a fifth of the speed, and more than is needed costs
  // collecting it.
  chunkSize: Math.max(256, Math.min(blockSize / 2, block.length)),
  ...(dictionary === undefined ? {} : { dictionary }),
});

export function nativeDeflate(block: Uint8Array, dictionary: Uint8Array | undefined): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    deflateRaw(block, nativeOptions(block, dictionary), (error, output) => {
      if (error === null) resolve(output);
      else reject(error);
    });
  });
}

export async function portableDeflate(block: Uint8Array, dictionary: Uint8Array | undefined): Promise<Uint8Array> {
  const { Deflate: PakoDeflate, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH } = await import("pako");
  const stream = new PakoDeflate({
    level: 4,
    windowBits: 15,
    memLevel: 8,
    strategy: Z_DEFAULT_STRATEGY,
    raw: true,
    chunkSize: blockSize,
    ...(dictionary === undefined ? {} : { dictionary }),
  });
  const parts: Uint8Array[] = [];
  stream.onData = (part) => parts.push(part as Uint8Array);
  stream.push(block, Z_SYNC_FLUSH);
  return Buffer.concat(parts);
}

/**
 * The known-answer vector: text, runs and noise from a fixed recurrence, 192 KiB, enough to pass every branch of the matcher
 * (short and long matches, lazy evaluation, stored blocks, several Huffman blocks).
 */
function knownInput(): Uint8Array {
  const bytes = new Uint8Array(192 << 10);
  const sentence = Buffer.from(
    "The quick brown fox jumps over the lazy dog; pack my box with five dozen liquor jugs. ",
  );
  let state = 0x9e3779b9;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const section = (i >>> 13) % 6;
    let value: number;
    if (section === 0) value = sentence[(i + (state >>> 28)) % sentence.length] ?? 0;
    else if (section === 1) value = 0;
    else if (section === 2) value = state >>> 24;
    else if (section === 3) value = sentence[i % sentence.length] ?? 0;
    else if (section === 4) value = 97 + ((state >>> 27) % 5);
    else value = (i * i) >>> 7;
    bytes[i] = value;
  }
  return bytes;
}

/** Digest of what `knownInput` compresses to: its last 160 KiB, primed with the 32 KiB before them. Format 1. */
const knownAnswer = "sha256:d5075ddfef4fbd5e6100fd86811f66c8bfd16c7ea6a9b4e4423bd2d4ae4a5d83";

/** Whether this runtime's zlib gives the bytes of format 1 (the zlib of Node 18 and later does; zlib-ng and system zlibs do not). */
export function nativeIsExact(): boolean {
  const input = knownInput();
  const block = input.subarray(dictionarySize);
  const output = deflateRawSync(block, nativeOptions(block, input.subarray(0, dictionarySize)));
  return digestOf(output) === knownAnswer;
}

let chosen: Deflate | undefined;

/** The compressor to use here; decided once, by the known answer. */
export function chooseDeflate(): Deflate {
  chosen ??= nativeIsExact() ? nativeDeflate : portableDeflate;
  return chosen;
}
