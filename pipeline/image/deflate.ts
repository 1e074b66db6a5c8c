/** Raw DEFLATE with specified bytes (docs/format.md, "Compression"), made by threads with the compressor in `assembly/deflate.ts`. */
import { ask } from "../host/threads.ts";

export const blockSize = 1 << 20;
export const dictionarySize = 1 << 15;

const program = new URL("./deflate-thread.js", import.meta.url);

/**
 * Compresses one block of a fragment: what follows the first `dictionary` bytes (at most 32 KiB), with which it is primed; 1 byte to 1 MiB. It
 * ends with a sync flush and is not final, so that the outputs of several calls can be joined. Bytes in shared memory are not copied.
 */
export async function deflate(bytes: Uint8Array, dictionary: number): Promise<Uint8Array> {
  if (bytes.buffer instanceof SharedArrayBuffer) return ask(program, { bytes, dictionary }) as Promise<Uint8Array>;
  // Only the bytes, not everything that lies in the same memory.
  const copy = Uint8Array.prototype.slice.call(bytes) as Uint8Array<ArrayBuffer>;
  return ask(program, { bytes: copy, dictionary }, [copy.buffer]) as Promise<Uint8Array>;
}
