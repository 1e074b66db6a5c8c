/** Names the encoder that made a compressed layer. */
import { recogniseGzip } from "./gzip.ts";
import { type Recognised, unrecognised } from "./recognised.ts";
import { recogniseZstd } from "./zstd.ts";

/** So many compressed bytes hold what is looked at of the content, however badly it was compressed. */
const enough = 9 << 20;

/** The last bytes of a stream: the end of the compressed data, and the trailer of gzip. */
async function endOf(open: () => AsyncIterable<Uint8Array>): Promise<Buffer> {
  let end: Buffer = Buffer.alloc(0);
  for await (const piece of open()) end = Buffer.concat([end, piece.subarray(-16)]).subarray(-16);
  return end;
}

async function beginningOf(open: () => AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of open()) {
    // A copy: the reader may use its buffer again.
    pieces.push(Uint8Array.from(piece));
    size += piece.length;
    if (size >= enough) break;
  }
  return Buffer.concat(pieces);
}

/**
 * Which encoder made a gzip or zstd stream. Reads its beginning, and to its end only where that
 * tells. `certain` is never said of what only looks like an encoder: see
 * Recognised.
 */
export async function recogniseEncoder(open: () => AsyncIterable<Uint8Array>): Promise<Recognised> {
  const bytes = await beginningOf(open);
  if (bytes.length >= 2 && bytes.readUInt16BE(0) === 0x1f8b) return recogniseGzip(bytes, () => endOf(open));
  if (bytes.length >= 4 && bytes.readUInt32LE(0) === 0xfd2fb528) return recogniseZstd(bytes);
  return unrecognised("other");
}
