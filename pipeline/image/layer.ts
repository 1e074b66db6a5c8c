/** Layers: one gzip member joined from fragments (docs/format.md, "Joining"), at copying speed. */
import { createReadStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { pipeline, type Readable } from "node:stream";
import { constants, crc32, createInflateRaw } from "node:zlib";
import { type Digest, Digester } from "../store/digest.ts";
import type { Blob, BlobWriter, Store } from "../store/store.ts";
import { combineCrc32 } from "./crc32.ts";
import type { Deflate } from "./deflate.ts";
import { type Fragment, makeFragment } from "./fragment.ts";
import { endOfArchive } from "./tar.ts";

export interface Layer extends Blob {
  /** Digest of the uncompressed tar (OCI image-spec, config.md "rootfs"). */
  readonly diffId: Digest;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
}

/** RFC 1952 section 2.3: deflate, no flags, no time, no extra flags, operating system unknown. */
const gzipHeader = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
/** A final, empty block with fixed codes (RFC 1951 section 3.2.6): every fragment ends on a byte, none is final. */
const finalBlock = Uint8Array.of(3, 0);

const pieceSize = 1 << 20;

/** The fragment that ends every layer; always the same bytes. */
export function endFragment(store: Store, deflate: Deflate): Promise<Fragment> {
  return makeFragment(store, deflate, (writer) => writer.raw(endOfArchive));
}

/** Pieces of a file in one buffer that is used again and again: each is gone when the next is asked for. */
async function* readPieces(path: string): AsyncGenerator<Uint8Array, void> {
  const buffer = Buffer.allocUnsafeSlow(pieceSize);
  const file = await open(path);
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, pieceSize);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** The tar bytes of a fragment, inflated by another thread as they are wanted. */
function inflate(store: Store, fragment: Fragment): Readable {
  const inflater = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: pieceSize });
  // Errors come out of the inflater when it is read.
  return pipeline(
    createReadStream(store.pathOf(fragment.digest), { highWaterMark: pieceSize / 2 }),
    inflater,
    () => {},
  );
}

/** Copies the compressed fragments; every one is checked against its digest on the way. */
async function copyFragments(store: Store, fragments: readonly Fragment[], blob: BlobWriter): Promise<void> {
  await blob.write(gzipHeader);
  let crc = 0;
  let size = 0;
  for (const fragment of fragments) {
    await store.copyTo(fragment.digest, blob);
    crc = combineCrc32(crc, fragment.crc32, fragment.tarSize);
    size += fragment.tarSize;
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  await blob.write(Buffer.concat([finalBlock, trailer]));
}

/** Feeds a fragment's tar to the digest; whether it was what its record says. */
async function feed(digester: Digester, tar: AsyncIterable<Uint8Array>, fragment: Fragment): Promise<boolean> {
  let crc = 0;
  let size = 0;
  for await (const piece of tar) {
    digester.update(piece);
    crc = crc32(piece, crc);
    size += piece.length;
  }
  return crc === fragment.crc32 && size === fragment.tarSize;
}

/** The digest of the uncompressed tar; or the first fragment that does not inflate to what its record says. */
async function digestTar(
  store: Store,
  fragments: readonly Fragment[],
  useTars = true,
): Promise<{ readonly diffId: Digest; readonly tarSize: number } | { readonly wrong: Digest }> {
  const digester = new Digester();
  for (const fragment of fragments) {
    const kept = useTars ? await store.findTar(fragment.digest) : undefined;
    if (kept !== undefined) {
      if (await feed(digester, readPieces(kept), fragment).catch(() => false)) continue;
      // It went, or is damaged: no harm, but what was fed cannot be taken back.
      await rm(kept, { force: true });
      return digestTar(store, fragments, false);
    }
    if (!(await feed(digester, inflate(store, fragment), fragment).catch(() => false)))
      return { wrong: fragment.digest };
  }
  return { diffId: digester.finish(), tarSize: digester.size };
}

/**
 * Joins fragments, in this order, into a layer blob of the store and computes its digests.
 * LS3001 when a fragment in the store is corrupt, LS3002 when it is not there.
 */
export async function joinLayer(store: Store, fragments: readonly Fragment[]): Promise<Layer> {
  const blob = await store.writer();
  try {
    const [copied, digested] = await Promise.allSettled([
      copyFragments(store, fragments, blob),
      digestTar(store, fragments),
    ]);
    // The copy knows better what is wrong with a blob, and whether it is there at all; until it has ended nothing may be removed.
    if (copied.status === "rejected") throw copied.reason;
    if (digested.status === "rejected") throw digested.reason;
    if ("wrong" in digested.value) throw await store.corrupt(digested.value.wrong);
    const { digest, size } = await blob.commit();
    return { digest, size, ...digested.value };
  } finally {
    await blob.abort();
  }
}
