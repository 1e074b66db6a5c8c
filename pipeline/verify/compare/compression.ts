/** Which compression a blob has, told by its first bytes, and what it becomes without it. */
import type { Place } from "../../host/errors.ts";
import { decompress } from "../../source/decompress.ts";

export type Compression = "none" | "gzip" | "zstd" | "xz" | "bzip2";

/** A layer that becomes more than this is an attack on the time of whoever looks at it. */
const largestLayer = 256 * 2 ** 30;

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["bzip2", [0x42, 0x5a, 0x68]],
];

/** By the first bytes; also skippable frames of zstd are its own. */
function compressionOfBytes(head: Uint8Array): Compression {
  for (const [name, magic] of magics) if (magic.every((byte, index) => head[index] === byte)) return name;
  const skippable =
    head.length >= 4 && ((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
  return skippable ? "zstd" : "none";
}

/** The first bytes of a stream, as many as there are up to `length`. */
export async function headOf(source: AsyncIterable<Uint8Array>, length: number): Promise<Buffer> {
  let head = Buffer.alloc(0);
  for await (const piece of source) {
    head = Buffer.concat([head, piece.subarray(0, length - head.length)]);
    if (head.length >= length) break;
  }
  return head;
}

export async function compressionOf(source: AsyncIterable<Uint8Array>): Promise<Compression> {
  return compressionOfBytes(await headOf(source, 16));
}

const endings: Readonly<Record<Compression, string>> = {
  none: "layer.tar",
  gzip: "layer.tar.gz",
  zstd: "layer.tar.zst",
  xz: "layer.tar.xz",
  bzip2: "layer.tar.bz2",
};

/** The bytes without their compression. Throws LS4002 for what cannot be decompressed, LS4005 for what becomes too much. */
export function decompressed(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  name: string,
): AsyncIterable<Uint8Array> {
  const place: Place = { file: name };
  return decompress(source, endings[compression], place, largestLayer);
}
