/** OCI image layouts (OCI image-spec, image-layout.md): a directory that skopeo, umoci, crane and registries' tools read. */
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { inParallel } from "../host/parallel.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { type Digest, Digester, hexOf } from "../store/digest.ts";
import { type Store, writeFileAtomically } from "../store/store.ts";
import { comparePaths } from "../tree/entry.ts";
import type { Descriptor, Document } from "./oci.ts";

export interface LayoutContent {
  /** Entries of index.json, each with the name a tool may ask for. */
  readonly roots: readonly { readonly name: string; readonly descriptor: Descriptor }[];
  /** Small documents, written from memory. */
  readonly documents: readonly Document[];
  /** Layers, placed from the store. */
  readonly layers: readonly Digest[];
}

/** Content of the file that makes a directory a layout. */
export const layoutJson = canonicalJson({ imageLayoutVersion: "1.0.0" });

/** The annotation that names an entry of index.json. */
export const refName = "org.opencontainers.image.ref.name";

/** Where a blob is in a layout. */
export function blobPath(directory: string, digest: Digest): string {
  return join(directory, "blobs", "sha256", hexOf(digest));
}

/** The text of index.json. */
export function layoutIndex(content: LayoutContent): string {
  return canonicalJson({
    manifests: content.roots.map(({ name, descriptor }) => ({
      ...descriptor,
      annotations: { ...descriptor.annotations, [refName]: name },
    })),
    mediaType: "application/vnd.oci.image.index.v1+json",
    schemaVersion: 2,
  });
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Whether the layout holds exactly this content already; contents of blobs are not read (`damagedBlobs` does that). */
export async function layoutIsCurrent(store: Store, directory: string, content: LayoutContent): Promise<boolean> {
  if ((await textOf(join(directory, "index.json"))) !== layoutIndex(content)) return false;
  if ((await textOf(join(directory, "oci-layout"))) !== layoutJson) return false;
  for (const { descriptor } of content.documents) {
    const info = await stat(blobPath(directory, descriptor.digest)).catch(() => undefined);
    if (info?.size !== descriptor.size) return false;
  }
  for (const digest of content.layers) if (!(await store.isPlaced(digest, blobPath(directory, digest)))) return false;
  return true;
}

/** The blobs of a layout whose content is not their name; all of them are read. */
export async function damagedBlobs(directory: string): Promise<readonly Digest[]> {
  const blobs = join(directory, "blobs", "sha256");
  const damaged: Digest[] = [];
  for (const name of (await readdir(blobs)).toSorted(comparePaths)) {
    const digester = new Digester();
    for await (const piece of createReadStream(join(blobs, name), { highWaterMark: 1 << 20 }))
      digester.update(piece as Buffer);
    if (hexOf(digester.finish()) !== name) damaged.push(`sha256:${name}`);
  }
  return damaged;
}

/**
 * Makes `directory` a layout of exactly this content. Blobs come first and index.json last, so that a reader never finds a name whose
 * blobs are missing; blobs that belong to nothing are removed at the end.
 */
export async function writeLayout(host: Host, store: Store, directory: string, content: LayoutContent): Promise<void> {
  const blobs = join(directory, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const wanted = new Set<string>();
  for (const digest of content.layers) {
    wanted.add(hexOf(digest));
    await store.place(digest, blobPath(directory, digest));
  }
  for (const { descriptor } of content.documents) wanted.add(hexOf(descriptor.digest));
  await inParallel(content.documents, 16, ({ bytes, descriptor }) =>
    writeFileAtomically(host, blobPath(directory, descriptor.digest), bytes),
  );
  await writeFileAtomically(host, join(directory, "oci-layout"), layoutJson);
  await writeFileAtomically(host, join(directory, "index.json"), layoutIndex(content));
  for (const name of await readdir(blobs)) if (!wanted.has(name)) await rm(join(blobs, name), { force: true });
}
