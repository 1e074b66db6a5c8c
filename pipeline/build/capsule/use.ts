/** Reads capsules: what they have, whether that is whole, and the inputs that a lock names, each checked by its digest. */
import { createHash } from "node:crypto";
import { LockstepError } from "../../host/errors.ts";
import { type Digest, digestOf, hexOf, isDigest } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import { comparePaths } from "../../tree/entry.ts";
import type { Report } from "../../report/report.ts";
import { type CapsuleBlob, readCapsuleManifest } from "./document.ts";
import { type CapsuleFiles, notCapsule, openCapsuleFiles } from "./files.ts";

/** The largest document of a capsule that is read: what registries take, and then some. */
const largestDocument = 8 << 20;
/** How many missing inputs are named one by one. */
const mostNamed = 50;

function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

async function readDocument(files: CapsuleFiles, name: string): Promise<Buffer | undefined> {
  const size = await files.size(name);
  if (size === undefined) return undefined;
  if (size > largestDocument) throw notCapsule(files.path, `${name} has ${size} bytes`);
  const pieces: Uint8Array[] = [];
  for await (const piece of files.read(name)) pieces.push(piece);
  return Buffer.concat(pieces);
}

function digestsOf(index: Buffer): readonly Digest[] {
  try {
    const { manifests } = JSON.parse(index.toString("utf8")) as {
      readonly manifests: readonly { readonly digest: unknown }[];
    };
    return manifests.flatMap(({ digest }) => (typeof digest === "string" && isDigest(digest) ? [digest] : []));
  } catch {
    return [];
  }
}

/** A capsule that was opened: what it says it has. */
export class Capsule {
  readonly #files: CapsuleFiles;
  readonly #blobs: ReadonlyMap<Digest, CapsuleBlob>;
  /** Of its manifest. */
  readonly digest: Digest;

  private constructor(files: CapsuleFiles, digest: Digest, blobs: ReadonlyMap<Digest, CapsuleBlob>) {
    this.#files = files;
    this.digest = digest;
    this.#blobs = blobs;
  }

  /** What it lists, sorted by name. */
  get inputs(): readonly CapsuleBlob[] {
    return [...this.#blobs.values()].toSorted(
      (a, b) => comparePaths(a.name, b.name) || comparePaths(a.digest, b.digest),
    );
  }

  /** Opens a layout that has exactly one capsule, or an archive of one. LS3350 otherwise. */
  static async open(path: string): Promise<Capsule> {
    const files = await openCapsuleFiles(path);
    const index = await readDocument(files, "index.json");
    if (index === undefined) throw notCapsule(path, "it has no index.json");
    const found: Capsule[] = [];
    for (const digest of new Set(digestsOf(index))) {
      const bytes = await readDocument(files, blobName(digest));
      if (bytes === undefined) continue;
      if (digestOf(bytes) !== digest) throw damaged(path, [], `its manifest ${digest} has other bytes`);
      const blobs = readCapsuleManifest(bytes);
      if (blobs !== undefined) found.push(new Capsule(files, digest, blobs));
    }
    const [capsule] = found;
    if (capsule === undefined || found.length > 1)
      throw notCapsule(path, found.length > 1 ? `it has ${found.length} capsules` : "it has no manifest of one");
    return capsule;
  }

  /**
   * Brings inputs into the store. All of them must be in the capsule, also those that the store has: LS3351 names what is not. LS3352
   * names what is listed and absent, or has other bytes; what was good is in the store then.
   */
  async take(store: Store, report: Report, wanted: readonly CapsuleBlob[], signal?: AbortSignal): Promise<void> {
    const unique = [...new Map(wanted.map((blob) => [blob.digest, blob])).values()];
    const lacking = unique.filter(({ digest, size }) => this.#blobs.get(digest)?.size !== size);
    if (lacking.length > 0) {
      throw new LockstepError({
        code: "LS3351",
        message: `lacks ${lacking.length} of ${unique.length} inputs of the lock${named(lacking)}`,
        place: { file: this.#files.path },
        hint: "make the capsule anew from this lock, for these images",
      });
    }
    await this.checkSizes(unique);
    const total = unique.reduce((sum, { size }) => sum + size, 0);
    const task = report.task("read the capsule", "bytes");
    const wrong: CapsuleBlob[] = [];
    let done = 0;
    try {
      for (const blob of unique) {
        if (signal?.aborted === true) throw new LockstepError({ code: "LS1003", message: "interrupted" });
        const there = await store.find(blob.digest);
        if (there?.size !== blob.size && !(await this.#copy(store, blob.digest))) wrong.push(blob);
        task.progress((done += blob.size), total);
      }
    } finally {
      task.done();
    }
    if (wrong.length > 0) throw damaged(this.#files.path, wrong, "other bytes than their digests say");
  }

  /** LS3352 names inputs that are absent, or of another size than is listed; of all when none are given. */
  async checkSizes(blobs: Iterable<CapsuleBlob> = this.#blobs.values()): Promise<void> {
    const absent: CapsuleBlob[] = [];
    for (const blob of blobs) {
      if ((await this.#files.size(blobName(blob.digest))) !== blob.size) absent.push(blob);
    }
    if (absent.length > 0) throw damaged(this.#files.path, absent, this.#files.cut ? "it ends in the middle" : "");
  }

  /** Reads everything that is listed. LS3352 names what is absent or has other bytes. */
  async check(report: Report, signal?: AbortSignal): Promise<void> {
    await this.checkSizes();
    const task = report.task("check the capsule", "bytes");
    const total = this.inputs.reduce((sum, { size }) => sum + size, 0);
    const wrong: CapsuleBlob[] = [];
    let done = 0;
    try {
      for (const blob of this.inputs) {
        const hash = createHash("sha256");
        for await (const piece of this.#files.read(blobName(blob.digest))) {
          if (signal?.aborted === true) throw new LockstepError({ code: "LS1003", message: "interrupted" });
          hash.update(piece);
          task.progress((done += piece.length), total);
        }
        if (`sha256:${hash.digest("hex")}` !== blob.digest) wrong.push(blob);
      }
    } finally {
      task.done();
    }
    if (wrong.length > 0) throw damaged(this.#files.path, wrong, "other bytes than their digests say");
  }

  /** Whether the bytes were right. */
  async #copy(store: Store, digest: Digest): Promise<boolean> {
    const writer = await store.writer();
    try {
      for await (const piece of this.#files.read(blobName(digest))) await writer.write(piece);
      await writer.commit(digest);
      return true;
    } catch (error) {
      if (error instanceof LockstepError && error.code === "LS3003") return false;
      throw error;
    } finally {
      await writer.abort();
    }
  }
}

function named(blobs: readonly CapsuleBlob[]): string {
  const lines = blobs.slice(0, mostNamed).map(({ name, size, digest }) => `\n  ${name} (${size} bytes, ${digest})`);
  return `:${lines.join("")}${blobs.length > mostNamed ? `\n  and ${blobs.length - mostNamed} more` : ""}`;
}

function damaged(path: string, blobs: readonly CapsuleBlob[], why: string): LockstepError {
  const what = blobs.length === 0 ? "" : `${blobs.length} inputs cannot be read${named(blobs)}`;
  return new LockstepError({
    code: "LS3352",
    message: `is damaged: ${[why, what].filter((part) => part !== "").join("; ")}`,
    place: { file: path },
    hint: "copy the capsule again from where it was whole, or make it anew",
  });
}
