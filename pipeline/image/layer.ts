/** Layers: one gzip member joined from fragments (docs/format.md, "Joining"), at copying speed. */
import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { constants, crc32, createInflateRaw } from "node:zlib";
import { type Digest, Digester } from "../store/digest.ts";
import type { Blob, Store } from "../store/store.ts";
import { combineCrc32 } from "./crc32.ts";
import { type Fragment, makeFragment } from "./fragment.ts";
import { digestTars, type TarPart } from "./tar-digest.ts";
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
export function endFragment(store: Store): Promise<Fragment> {
  return makeFragment(store, (writer) => writer.raw(endOfArchive));
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

/** The gzip member: the compressed fragments, each checked against its digest on the way, between header and trailer. */
function joinFragments(store: Store, fragments: readonly Fragment[]): Promise<Blob> {
  let crc = 0;
  let size = 0;
  for (const fragment of fragments) {
    crc = combineCrc32(crc, fragment.crc32, fragment.tarSize);
    size += fragment.tarSize;
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  return store.join([gzipHeader, ...fragments.map(({ digest }) => digest), finalBlock, trailer]);
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

/** From the tars that were kept, when all of them are there and right. */
async function digestKept(store: Store, fragments: readonly Fragment[]): Promise<Digest | undefined> {
  const paths = await Promise.all(fragments.map(({ digest }) => store.findTar(digest)));
  const parts = fragments.flatMap(({ tarSize: size, crc32: crc }, index): readonly TarPart[] => {
    const path = paths[index];
    return path === undefined ? [] : [{ path, size, crc32: crc }];
  });
  if (parts.length < fragments.length) return undefined;
  const sha256 = await digestTars(parts);
  return sha256 === undefined ? undefined : `sha256:${sha256}`;
}

/** The digest of the uncompressed tar; or the first fragment that does not inflate to what its record says. */
async function digestTar(
  store: Store,
  fragments: readonly Fragment[],
): Promise<{ readonly diffId: Digest } | { readonly wrong: Digest }> {
  const kept = await digestKept(store, fragments);
  if (kept !== undefined) return { diffId: kept };
  const digester = new Digester();
  for (const fragment of fragments) {
    if (!(await feed(digester, inflate(store, fragment), fragment).catch(() => false)))
      return { wrong: fragment.digest };
  }
  return { diffId: digester.finish() };
}

/**
 * Joins fragments, in this order, into a layer blob of the store and computes its digests.
 * LS3001 when a fragment in the store is corrupt, LS3002 when it is not there.
 */
export async function joinLayer(store: Store, fragments: readonly Fragment[]): Promise<Layer> {
  const [joined, digested] = await Promise.allSettled([joinFragments(store, fragments), digestTar(store, fragments)]);
  // Who reads the blobs knows better what is wrong with one, and whether it is there at all; until then nothing may be removed.
  if (joined.status === "rejected") throw joined.reason;
  if (digested.status === "rejected") throw digested.reason;
  if ("wrong" in digested.value) throw await store.corrupt(digested.value.wrong);
  return { ...joined.value, ...digested.value, tarSize: fragments.reduce((sum, { tarSize }) => sum + tarSize, 0) };
}
