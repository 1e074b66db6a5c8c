/** Reads OCI image layouts that anybody may have written: every document and blob is checked against what names it. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, systemCode } from "../host/errors.ts";
import { type Digest, digestOf } from "../store/digest.ts";
import type { Store } from "../store/store.ts";
import { readDescriptor } from "./descriptor.ts";
import { blobPath, refName } from "./layout.ts";

/** The largest document of a layout that is read. */
const largestDocument = 8 << 20;

export interface LayoutRoot {
  readonly name: string;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

function damaged(directory: string, message: string): LockstepError {
  return new LockstepError({ code: "LS5003", message, place: { file: directory }, hint: "make the layout anew" });
}

async function readLimited(directory: string, path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > largestDocument) throw damaged(directory, `a document has ${size} bytes`);
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR")
      throw damaged(directory, `${path.slice(directory.length + 1)} is not there`);
    throw error;
  }
}

/** The entries of `index.json`. LS5003 when the directory is no layout. */
export async function layoutRoots(directory: string): Promise<readonly LayoutRoot[]> {
  await readLimited(directory, join(directory, "oci-layout"));
  let value: unknown;
  try {
    value = JSON.parse((await readLimited(directory, join(directory, "index.json"))).toString("utf8"));
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw damaged(directory, "index.json is not JSON");
  }
  const list = typeof value === "object" && value !== null && "manifests" in value ? value.manifests : undefined;
  if (!Array.isArray(list)) throw damaged(directory, "index.json has no manifests");
  return (list as readonly unknown[]).map((item) => {
    const read = readDescriptor(item);
    if (read.wrong !== undefined) throw damaged(directory, `index.json has an entry that ${read.wrong}`);
    const { annotations } = item as { readonly annotations?: Readonly<Record<string, unknown>> | null };
    const name = annotations?.[refName];
    return { name: typeof name === "string" ? name : "", ...read };
  });
}

/** A document of a layout, checked. LS5003 when it is absent or other than its digest says. */
export async function layoutDocument(directory: string, digest: Digest): Promise<Buffer> {
  const bytes = await readLimited(directory, blobPath(directory, digest));
  if (digestOf(bytes) !== digest) throw damaged(directory, `blob ${digest} has other bytes`);
  return bytes;
}

/** Copies a blob of a layout into the store, checked. LS5003 when it is absent or other than its digest says. */
export async function copyBlob(store: Store, directory: string, digest: Digest): Promise<void> {
  if ((await store.find(digest)) !== undefined) return;
  const writer = await store.writer();
  try {
    for await (const piece of createReadStream(blobPath(directory, digest), { highWaterMark: 1 << 20 }))
      await writer.write(piece as Buffer);
    await writer.commit(digest);
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw damaged(directory, `blob ${digest} is not there`);
    if (error instanceof LockstepError && error.code === "LS3003")
      throw damaged(directory, `blob ${digest} has other bytes`);
    throw error;
  } finally {
    await writer.abort();
  }
}
