/**
 * Files on their way into the store, kept over breaks as `tmp/partial-<sha256>`. A process takes one for itself by renaming it to a name
 * of its own, so two never write one file; one that a killed process left under its own name is copied, never shared.
 */
import { constants } from "node:fs";
import { type FileHandle, copyFile, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { type Digest, Digester, hexOf } from "./digest.ts";
import { type Store, writeFailure } from "./store.ts";

/** Milliseconds after which a file that nobody writes to counts as left behind: longer than a transfer may stall. */
const abandonedAfter = 120_000;

async function ignoringAbsence<T>(work: Promise<T>): Promise<T | undefined> {
  return await work.catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  });
}

/** Moves what an earlier run left, if anything, to `own`. */
async function takeOver(host: Host, directory: string, name: string, own: string): Promise<void> {
  const taken = await ignoringAbsence(rename(join(directory, name), own).then(() => true));
  if (taken === true) return;
  const names = (await readdir(directory)).filter((other) => other.startsWith(`${name}.`)).toSorted();
  for (const other of names) {
    const path = join(directory, other);
    const info = await ignoringAbsence(stat(path));
    if (info === undefined || info.mtimeMs + abandonedAfter > host.now()) continue;
    // Its writer may only sleep: a copy stays whole whatever it still does.
    await ignoringAbsence(copyFile(path, own, constants.COPYFILE_EXCL));
    await rm(path, { force: true });
    return;
  }
}

/** What is left of pieces of which the first `count` bytes are done. */
function after(pieces: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  let index = 0;
  for (; index < pieces.length; index++) {
    const { length } = pieces[index] ?? new Uint8Array();
    if (left < length) break;
    left -= length;
  }
  const [first, ...others] = pieces.slice(index);
  return first === undefined ? [] : [first.subarray(left), ...others];
}

export class PartialFile {
  readonly #store: Store;
  readonly #path: string;
  readonly #shared: string;
  readonly #file: FileHandle;
  #digester = new Digester();

  private constructor(store: Store, path: string, shared: string, file: FileHandle) {
    this.#store = store;
    this.#path = path;
    this.#shared = shared;
    this.#file = file;
  }

  /** Opens the partial file of a blob, with what an earlier run left of it (never more than `limit` bytes). */
  static async open(host: Host, store: Store, digest: Digest, limit: number): Promise<PartialFile> {
    const directory = join(store.directory, "tmp");
    const name = `partial-${hexOf(digest)}`;
    const own = join(directory, `${name}.${host.token(6)}`);
    try {
      await mkdir(directory, { recursive: true });
      await takeOver(host, directory, name, own);
      const file = await open(own, constants.O_RDWR | constants.O_CREAT, 0o644);
      const partial = new PartialFile(store, own, join(directory, name), file);
      await partial.#readBack(limit);
      return partial;
    } catch (error) {
      throw writeFailure(store.directory, error);
    }
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#digester.size;
  }

  async #readBack(limit: number): Promise<void> {
    if ((await this.#file.stat()).size > limit) await this.#file.truncate(0);
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (;;) {
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.size);
      if (bytesRead === 0) return;
      this.#digester.update(buffer.subarray(0, bytesRead));
    }
  }

  /** Forgets what is there, to begin again. */
  async restart(): Promise<void> {
    this.#digester = new Digester();
    await this.#file.truncate(0);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.writeAll([bytes]);
  }

  /** Writes several pieces at once: fewer turns for what a network gives in small ones. */
  async writeAll(pieces: readonly Uint8Array[]): Promise<void> {
    let position = this.size;
    for (const bytes of pieces) this.#digester.update(bytes);
    try {
      let rest = pieces;
      while (rest.length > 0) {
        const { bytesWritten } = await this.#file.writev([...rest], position);
        position += bytesWritten;
        rest = after(rest, bytesWritten);
      }
    } catch (error) {
      throw writeFailure(this.#path, error);
    }
  }

  /**
   * Ends it: into the store when the bytes are those expected, else away. Gives the digest of what came; undefined when another process
   * took the file for abandoned, because this one had slept.
   */
  async finish(expected: Digest): Promise<Digest | undefined> {
    const found = this.#digester.finish();
    try {
      if (found === expected) {
        await this.#file.chmod(0o444);
        await this.#file.datasync();
      }
    } catch (error) {
      throw writeFailure(this.#path, error);
    } finally {
      await this.#file.close();
    }
    if (found !== expected) {
      await rm(this.#path, { force: true });
      return found;
    }
    const adopted = await ignoringAbsence(this.#store.adopt(this.#path, expected).then(() => true));
    return adopted === undefined ? undefined : found;
  }

  /** Lays it aside for a later try, or away when nothing is there. */
  async layAside(): Promise<void> {
    const { size } = this;
    await this.#file.close();
    if (size === 0) await rm(this.#path, { force: true });
    else await ignoringAbsence(rename(this.#path, this.#shared));
  }

  async discard(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}
