/** Layers: one gzip member joined from fragments (docs/format.md, "Joining"), at copying speed. */
import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { constants, createInflateRaw } from "node:zlib";
import { type Digest, Digester } from "../store/digest.ts";
import type { Blob, BlobWriter, Store } from "../store/store.ts";
import { combineCrc32 } from "./crc32.ts";
import type { Deflate } from "./deflate.ts";
import { type Fragment, FragmentWriter } from "./fragment.ts";
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
/** Fragments that are inflated at once: the next one while the current one is hashed. */
const inflateAhead = 2;
/** Bytes of tar that may wait of each. */
const inflateBuffer = 8 << 20;

/** The fragment that ends every layer; always the same bytes. */
export async function endFragment(store: Store, deflate: Deflate): Promise<Fragment> {
  const blob = await store.writer();
  try {
    const writer = new FragmentWriter(blob, deflate);
    await writer.raw(endOfArchive);
    const sums = await writer.finish();
    return { ...(await blob.commit()), ...sums };
  } finally {
    await blob.abort();
  }
}

/** The tar bytes of a fragment, inflated by another thread as they are wanted. The blob is checked by whoever copies it. */
function inflate(store: Store, fragment: Fragment): Readable {
  const options = {
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: Math.max(1024, Math.min(fragment.tarSize, pieceSize)),
    readableHighWaterMark: inflateBuffer,
  };
  const inflater = createInflateRaw(options);
  // Errors come out of the inflater when it is read.
  return pipeline(
    createReadStream(store.pathOf(fragment.digest), { highWaterMark: pieceSize / 2 }),
    inflater,
    () => {},
  ).pause();
}

/** Copies the compressed fragments; every one is checked against its digest on the way. */
async function copyFragments(store: Store, fragments: readonly Fragment[], blob: BlobWriter): Promise<void> {
  await blob.write(gzipHeader);
  let crc = 0;
  let size = 0;
  for (const fragment of fragments) {
    for await (const piece of store.stream(fragment.digest, pieceSize)) await blob.write(piece);
    crc = combineCrc32(crc, fragment.crc32, fragment.tarSize);
    size += fragment.tarSize;
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  await blob.write(Buffer.concat([finalBlock, trailer]));
}

/** The digest of the uncompressed tar; or the first fragment that does not inflate to what its record says. */
async function digestTar(
  store: Store,
  fragments: readonly Fragment[],
): Promise<{ readonly diffId: Digest; readonly tarSize: number } | { readonly wrong: Digest }> {
  const digester = new Digester();
  const started: Readable[] = [];
  try {
    for (const [index, fragment] of fragments.entries()) {
      for (const next of fragments.slice(index + started.length, index + inflateAhead))
        started.push(inflate(store, next));
      const tar = started.shift();
      if (tar === undefined) break;
      const before = digester.size;
      try {
        for await (const piece of tar) digester.update(piece as Buffer);
      } catch {
        return { wrong: fragment.digest };
      }
      if (digester.size - before !== fragment.tarSize) return { wrong: fragment.digest };
    }
  } finally {
    for (const tar of started) tar.destroy();
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
