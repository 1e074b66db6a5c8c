/** Compresses a spoiled tar as Lockstep would have compressed one fragment (docs/format.md, "Compression"). */
import { crc32 } from "node:zlib";
import { blockSize, deflate, dictionarySize } from "../../image/deflate.ts";

export async function gzipAsLockstep(tar: Buffer): Promise<Buffer> {
  const pieces: Uint8Array[] = [Buffer.from("1f8b08000000000000ff", "hex")];
  for (let at = 0; at < tar.length; at += blockSize) {
    const dictionary = Math.min(at, dictionarySize);
    pieces.push(await deflate(tar.subarray(at - dictionary, at + blockSize), dictionary));
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(tar), 0);
  trailer.writeUInt32LE(tar.length % 2 ** 32, 4);
  return Buffer.concat([...pieces, Buffer.of(3, 0), trailer]);
}
