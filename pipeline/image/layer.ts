/** Layers: one gzip member joined from fragments (docs/format.md, "Joining"), at copying speed. */
import { once } from "node:events";
import { constants, createInflateRaw, inflateRaw } from "node:zlib";
import { type Digest, Digester } from "../store/digest.ts";
import type { Blob, Store } from "../store/store.ts";
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
/** A fragment up to this many bytes of tar is inflated in one call, ahead of its turn. */
const smallFragment = 8 << 20;
/** How many bytes of tar may wait for their turn. */
const waitingLimit = 24 << 20;

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

function inflateWhole(bytes: Uint8Array, tarSize: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = {
      finishFlush: constants.Z_SYNC_FLUSH,
      chunkSize: Math.max(64, Math.min(tarSize, pieceSize)),
      maxOutputLength: Math.max(1, tarSize),
    };
    inflateRaw(bytes, options, (error, output) => {
      if (error === null) resolve(output);
      else reject(error);
    });
  });
}

/** A fragment on its way into a layer: its compressed pieces, and its tar bytes for the diffID. */
interface Opened {
  readonly fragment: Fragment;
  /** Present for a small fragment: both forms, read ahead. */
  readonly whole?: Promise<{ readonly compressed: Buffer; readonly tar: Buffer }>;
}

function openFragment(store: Store, fragment: Fragment): Opened {
  if (fragment.tarSize > smallFragment) return { fragment };
  const whole = store.read(fragment.digest).then(async (compressed) => {
    return { compressed, tar: await inflateWhole(compressed, fragment.tarSize) };
  });
  // Seen when its turn comes; an earlier failure must not leave it unhandled.
  whole.catch(() => {});
  return { fragment, whole };
}

/** Copies a large fragment piece by piece while another thread inflates it. */
async function copyLarge(
  store: Store,
  fragment: Fragment,
  write: (bytes: Uint8Array) => Promise<void>,
  diff: Digester,
): Promise<void> {
  const inflater = createInflateRaw({
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: pieceSize,
  });
  const feed = async (): Promise<void> => {
    try {
      for await (const piece of store.stream(fragment.digest, pieceSize / 2)) {
        await write(piece);
        if (!inflater.write(piece)) await once(inflater, "drain");
      }
      inflater.end();
    } catch (error) {
      inflater.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const feeding = feed();
  for await (const tar of inflater) diff.update(tar as Buffer);
  await feeding;
}

/**
 * Joins fragments, in this order, into a layer blob of the store and computes its digests.
 * Every fragment is checked against its digest while it is copied: LS3001 when the store is corrupt, LS3002 when it lacks one.
 */
export async function joinLayer(store: Store, fragments: readonly Fragment[]): Promise<Layer> {
  const blob = await store.writer();
  try {
    const diff = new Digester();
    let crc = 0;
    await blob.write(gzipHeader);
    const waiting: Opened[] = [];
    let ahead = 0;
    let waitingBytes = 0;
    for (let i = 0; i < fragments.length; i++) {
      while (
        ahead < fragments.length &&
        (waiting.length === 0 || (waiting.length < 6 && waitingBytes < waitingLimit))
      ) {
        const next = fragments[ahead++];
        if (next === undefined) break;
        waiting.push(openFragment(store, next));
        waitingBytes += Math.min(next.tarSize, smallFragment);
      }
      const opened = waiting.shift();
      if (opened === undefined) break;
      const { fragment, whole } = opened;
      waitingBytes -= Math.min(fragment.tarSize, smallFragment);
      const before = diff.size;
      if (whole === undefined) {
        await copyLarge(store, fragment, (bytes) => blob.write(bytes), diff);
      } else {
        const { compressed, tar } = await whole;
        await blob.write(compressed);
        diff.update(tar);
      }
      if (diff.size - before !== fragment.tarSize) throw await store.corrupt(fragment.digest);
      crc = combineCrc32(crc, fragment.crc32, fragment.tarSize);
    }
    const tarSize = diff.size;
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(crc, 0);
    trailer.writeUInt32LE(tarSize % 2 ** 32, 4);
    await blob.write(Buffer.concat([finalBlock, trailer]));
    const { digest, size } = await blob.commit();
    return { digest, size, diffId: diff.finish(), tarSize };
  } finally {
    await blob.abort();
  }
}
