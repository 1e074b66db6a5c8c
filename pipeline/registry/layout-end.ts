/** An OCI image layout on disk, by whatever tool, as an end of a copy (OCI image-spec, image-layout.md). */
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LockstepError, type Problem, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { didYouMean } from "../host/suggest.ts";
import { blobPath, layoutJson, refName } from "../image/layout.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { type Digest, Digester, digestOf } from "../store/digest.ts";
import { writeFailure, writeFileAtomically } from "../store/store.ts";
import { type BlobSource, readFilePart } from "./blobs.ts";
import type { ImageSource, ImageTarget } from "./ends.ts";
import { isIndexType, largestManifest, type Manifest, parseManifest, type RemoteDescriptor } from "./manifest.ts";

const indexType = "application/vnd.oci.image.index.v1+json";

async function bytesOf(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}

function damaged(directory: string, digest: Digest, why: string): LockstepError {
  return new LockstepError({
    code: "LS5003",
    message: `blob ${digest} ${why}`,
    place: { file: directory },
    hint: "make the layout again",
  });
}

class Layout {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  #unusable(message: string, hint = "name the directory of a layout, and the image in it"): LockstepError {
    const problem: Problem = { code: "LS3218", message, place: { file: this.directory }, hint };
    return new LockstepError(problem);
  }

  /** Entries of index.json; undefined when the directory is not there or empty. */
  async entries(): Promise<readonly RemoteDescriptor[] | undefined> {
    const [marker, index] = await Promise.all([
      bytesOf(join(this.directory, "oci-layout")),
      bytesOf(join(this.directory, "index.json")),
    ]);
    if (marker === undefined && index === undefined) return undefined;
    if (marker === undefined || index === undefined || index.length > largestManifest)
      throw this.#unusable("the directory is no OCI image layout");
    let version: unknown;
    try {
      version = (JSON.parse(marker.toString("utf8")) as { readonly imageLayoutVersion?: unknown } | null)
        ?.imageLayoutVersion;
    } catch {
      version = undefined;
    }
    if (version !== "1.0.0") throw this.#unusable("the layout is not of version 1.0.0");
    return parseManifest(index, indexType, join(this.directory, "index.json")).manifests;
  }

  /** The index among some entries that has all the others in it, as a layout with a name for each platform has. */
  async #wholeOf(entries: readonly RemoteDescriptor[]): Promise<RemoteDescriptor | undefined> {
    for (const entry of entries) {
      if (!isIndexType(entry.mediaType)) continue;
      const members = new Set((await this.manifest(entry)).manifests.map(({ digest }) => digest));
      if (entries.every(({ digest }) => digest === entry.digest || members.has(digest))) return entry;
    }
    return undefined;
  }

  /** The entry of a name; when no name is given the only one, or the index that has the others in it. Throws LS3218. */
  async find(name: string | undefined): Promise<RemoteDescriptor> {
    const entries = await this.entries();
    if (entries === undefined) throw this.#unusable("there is no layout");
    const found = name === undefined ? entries : entries.filter(({ annotations }) => annotations?.[refName] === name);
    const [first] = found;
    if (first !== undefined && new Set(found.map(({ digest }) => digest)).size === 1) return first;
    const whole = name === undefined ? await this.#wholeOf(entries) : undefined;
    if (whole !== undefined) return whole;
    const names = entries.flatMap(({ annotations }) => annotations?.[refName] ?? []);
    const there = names.length === 0 ? "it has no names" : `it has ${names.join(", ")}`;
    if (name === undefined)
      throw this.#unusable(`the layout has ${entries.length} images, and none is named; ${there}`);
    const what = first === undefined ? "no image of this name" : "several images of this name";
    throw this.#unusable(`${name}: the layout has ${what}; ${there}`, didYouMean(name, names));
  }

  async manifest(descriptor: RemoteDescriptor): Promise<Manifest> {
    const { digest, size, mediaType } = descriptor;
    const bytes = size > largestManifest ? undefined : await bytesOf(blobPath(this.directory, digest));
    if (bytes === undefined) throw damaged(this.directory, digest, "is not there");
    if (bytes.length !== size || digestOf(bytes) !== digest) throw damaged(this.directory, digest, "has other content");
    return parseManifest(bytes, mediaType, `${this.directory}: ${digest}`);
  }

  blob({ digest, size }: RemoteDescriptor): BlobSource {
    const { directory } = this;
    const path = blobPath(directory, digest);
    return {
      digest,
      size,
      async *open(start, end) {
        const info = await stat(path).catch(() => undefined);
        if (info === undefined) throw damaged(directory, digest, "is not there");
        if (info.size !== size) throw damaged(directory, digest, `has ${info.size} bytes instead of ${size}`);
        const digester = new Digester();
        for await (const piece of readFilePart(path, start, end)) {
          digester.update(piece);
          // The last piece is not given away before the whole is known to be right: nobody can take it for complete.
          if (start === 0 && digester.size === size && digester.finish() !== digest)
            throw damaged(directory, digest, "has other content");
          yield piece;
        }
      },
    };
  }
}

export function layoutSource(directory: string, name: string | undefined): ImageSource {
  const layout = new Layout(directory);
  return {
    root: async () => layout.manifest(await layout.find(name)),
    manifest: (descriptor) => layout.manifest(descriptor),
    blob: (descriptor) => layout.blob(descriptor),
    referrers: async (digest) => {
      const entries = (await layout.entries()) ?? [];
      const found: RemoteDescriptor[] = [];
      for (const entry of entries) if ((await layout.manifest(entry)).subject?.digest === digest) found.push(entry);
      return found;
    },
    confirm: async () => {},
  };
}

async function hasBlob(path: string, { digest, size }: BlobSource): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (info?.size !== size) return false;
  const digester = new Digester();
  for await (const piece of readFilePart(path, 0, size)) digester.update(piece);
  return digester.finish() === digest;
}

async function writeBlob(host: Host, path: string, source: BlobSource): Promise<void> {
  const temporary = `${path}.${host.token(6)}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "wx", 0o444);
    try {
      for await (const piece of source.open(0, source.size)) await file.writeFile(piece);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw writeFailure(path, error);
  }
}

/** A layout to add to; it is made when the directory is empty or not there. */
export function layoutTarget(host: Host, directory: string): ImageTarget {
  const layout = new Layout(directory);
  return {
    has: async ({ descriptor, bytes }) =>
      (await bytesOf(blobPath(directory, descriptor.digest)))?.equals(bytes) === true,
    putBlob: async (source, { onBytes }) => {
      const path = blobPath(directory, source.digest);
      if (await hasBlob(path, source)) return "present";
      if (source.place === undefined) {
        await writeBlob(host, path, source);
        onBytes?.(source.size);
      } else {
        await rm(path, { force: true });
        await source.place(path);
      }
      return "pushed";
    },
    putManifest: async ({ descriptor, bytes }) =>
      writeFileAtomically(host, blobPath(directory, descriptor.digest), bytes),
    tag: async ({ descriptor }, name, expected) => {
      const entries = (await layout.entries()) ?? [];
      const named = entries.find(({ annotations }) => annotations?.[refName] === name);
      if (expected !== undefined && named?.digest !== descriptor.digest && (named?.digest ?? "absent") !== expected) {
        throw new LockstepError({
          code: "LS3216",
          message: `${name} was expected to be ${expected} and is ${named?.digest ?? "absent"}`,
          place: { file: directory },
          hint: "look at what is there now, then copy again and expect that",
        });
      }
      const manifests = [
        ...entries.filter((entry) => entry !== named),
        { ...descriptor, annotations: { ...descriptor.annotations, [refName]: name } },
      ];
      await writeFileAtomically(host, join(directory, "oci-layout"), layoutJson);
      await writeFileAtomically(
        host,
        join(directory, "index.json"),
        canonicalJson({ manifests, mediaType: indexType, schemaVersion: 2 }),
      );
    },
  };
}
