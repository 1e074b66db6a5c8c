/** Tarballs of npm in the store: opened without their compression, unpacked, and looked into. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Place } from "../../host/errors.ts";
import type { Digest } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import { decompress } from "../decompress.ts";
import type { NpmSink, NpmStated } from "./place.ts";
import { type NpmUnpackOptions, unpackNpm } from "./unpack.ts";

export interface NpmBlob {
  readonly store: Store;
  readonly digest: Digest;
  readonly place: Place;
}

/** Bytes of tarballs that are decompressed whole, once, and of what they become; nearly all are smaller. */
const wholeLimit = { compressed: 16 << 20, tar: 48 << 20 } as const;

/** Bytes of the largest tar that is read. */
const tarLimit = 8 * 2 ** 30;

const inflate = promisify(gunzip);

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

/** The tar of a small tarball; undefined when it has to be read piece by piece, also to find out what is wrong with it. */
async function wholeTar(bytes: Buffer): Promise<Buffer | undefined> {
  if (bytes.length < 18 || bytes.readUInt16BE(0) !== 0x1f8b) return bytes;
  // What it becomes, modulo 2^32 and if it is honest.
  const size = bytes.readUInt32LE(bytes.length - 4);
  if (size > wholeLimit.tar) return undefined;
  try {
    // A buffer that is filled to its end makes zlib ask for another of the same size.
    return await inflate(bytes, { maxOutputLength: wholeLimit.tar, chunkSize: Math.max(size, 1 << 16) + 1024 });
  } catch {
    return undefined;
  }
}

/** Opens the tar in a tarball, as often as it is asked for. What is read is checked by digest: LS3001, LS3002. */
async function openTar({ store, digest, place }: NpmBlob): Promise<() => AsyncIterable<Uint8Array>> {
  const size = (await store.find(digest))?.size ?? 0;
  if (size <= wholeLimit.compressed) {
    const tar = await wholeTar(await store.read(digest));
    if (tar !== undefined) return () => once(tar);
  }
  return () => decompress(store.stream(digest, 1 << 18), "package.tar.gz", place, tarLimit);
}

/** Unpacks a tarball of the store; see `unpackNpm`. */
export async function unpackTarball(blob: NpmBlob, sink: NpmSink, options: NpmUnpackOptions): Promise<NpmStated> {
  return unpackNpm(await openTar(blob), blob.place, sink, options);
}

const nowhere: NpmSink = { entry: () => Promise.resolve(), content: () => Promise.resolve() };

/** Reads a tarball whole, so that one that cannot be unpacked is found when it is pinned; gives what the package says of itself. */
export function inspectTarball(blob: NpmBlob): Promise<NpmStated> {
  const plain = { location: "node_modules/package", uid: 0, gid: 0, bins: [], executable: [], drop: [], bundled: [] };
  return unpackTarball(blob, nowhere, plain);
}
