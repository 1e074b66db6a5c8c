/** Writes capsules: a layout on disk, or the same in one tar archive; the same inputs give the same bytes. */
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { LockstepError, systemCode } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { layoutJson, type LayoutContent, layoutIndex, layoutIsCurrent, writeLayout } from "../../image/layout.ts";
import { endOfArchive, paddingOf, tarHeader } from "../../image/tar.ts";
import type { Report } from "../../report/report.ts";
import { type Digest, digestOf, hexOf } from "../../store/digest.ts";
import { type Store, writeFailure } from "../../store/store.ts";
import { type CapsuleBlob, capsuleManifest, emptyConfig } from "./document.ts";
import { Capsule } from "./use.ts";

/** The name of the capsule in its layout. */
const rootName = "capsule";

export interface CreatedCapsule {
  /** Of its manifest: what it is pushed and pulled by. */
  readonly digest: Digest;
  readonly inputs: number;
  /** Bytes of the inputs. */
  readonly size: number;
  /** Whether it was there already; an archive is always written. */
  readonly unchanged: boolean;
}

/** Small files of the archive, then blobs of the store, in this order. */
async function writeArchive(
  host: Host,
  store: Store,
  report: Report,
  path: string,
  content: LayoutContent,
): Promise<void> {
  const temporary = `${path}.${host.token(6)}.tmp`;
  const blobs = content.documents.map(({ bytes }) => [`blobs/sha256/${hexOf(digestOf(bytes))}`, bytes] as const);
  const small = [
    ["oci-layout", Buffer.from(layoutJson)],
    ["index.json", Buffer.from(layoutIndex(content))],
    ...blobs,
  ] as const;
  if ((await stat(path).catch(() => undefined))?.isDirectory() === true) {
    throw new LockstepError({
      code: "LS1004",
      message: "cannot be written, because a directory stands where the archive is to be",
      place: { file: path },
      hint: "name another path, or move that directory",
    });
  }
  const task = report.task("write the capsule", "items");
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "wx", 0o644);
    try {
      const write = async (bytes: Uint8Array): Promise<void> => {
        for (let offset = 0; offset < bytes.length;) offset += (await file.write(bytes, offset)).bytesWritten;
      };
      const base = { uid: 0, gid: 0, mtime: 0 };
      const header = (name: string, size: number): Promise<void> =>
        write(tarHeader({ ...base, type: "file", path: name, mode: 0o644, size }));
      for (const name of ["blobs", "blobs/sha256"]) {
        await write(tarHeader({ ...base, type: "directory", path: name, mode: 0o755 }));
      }
      for (const [name, bytes] of small) {
        await header(name, bytes.length);
        await write(bytes);
        await write(Buffer.alloc(paddingOf(bytes.length)));
      }
      for (const [position, digest] of content.layers.entries()) {
        const size = (await store.find(digest))?.size ?? 0;
        await header(`blobs/sha256/${hexOf(digest)}`, size);
        for await (const piece of store.stream(digest)) await write(piece);
        await write(Buffer.alloc(paddingOf(size)));
        task.progress(position + 1, content.layers.length);
      }
      await write(endOfArchive);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw writeFailure(path, error);
  } finally {
    task.done();
  }
}

/** LS3350 for a directory that has something else than a capsule in it, of which files would go. */
async function mayReplace(path: string): Promise<void> {
  const there = await readdir(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw writeFailure(path, error);
  });
  if (there.length > 0) await Capsule.open(path);
}

/** Blobs are put into a layout without being read, and whoever opens a capsule may have no other place to take them from. */
async function checkBlobs(store: Store, report: Report, digests: readonly Digest[]): Promise<void> {
  const task = report.task("check the inputs", "items");
  const buffer = Buffer.allocUnsafeSlow(1 << 20);
  try {
    for (const [position, digest] of digests.entries()) {
      for await (const _ of store.stream(digest, buffer.length, buffer));
      task.progress(position + 1, digests.length);
    }
  } finally {
    task.done();
  }
}

/**
 * Writes a capsule of blobs that are all in the store: into one archive when the path ends in `.tar`, else into a layout, whose directory
 * it replaces. LS3001 and LS3002 for blobs that are damaged or absent, LS3353 for too many, LS1004 when it cannot be written.
 */
export async function createCapsule(
  host: Host,
  store: Store,
  report: Report,
  blobs: readonly CapsuleBlob[],
  path: string,
): Promise<CreatedCapsule> {
  const manifest = capsuleManifest(blobs);
  const content: LayoutContent = {
    roots: [{ name: rootName, descriptor: manifest.descriptor }],
    documents: [manifest, emptyConfig],
    layers: blobs.map(({ digest }) => digest).toSorted(),
  };
  let unchanged = false;
  if (path.endsWith(".tar")) await writeArchive(host, store, report, path, content);
  else {
    await mayReplace(path);
    unchanged = await layoutIsCurrent(store, path, content);
    if (!unchanged) {
      await checkBlobs(store, report, content.layers);
      await writeLayout(host, store, path, content);
    }
  }
  const size = blobs.reduce((sum, blob) => sum + blob.size, 0);
  return { digest: manifest.descriptor.digest, inputs: blobs.length, size, unchanged };
}
