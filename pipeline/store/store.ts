/**
 * The store: a content-addressed directory of blobs by SHA-256, and of small records that say what was made from what.
 * Safe for several processes and for kill -9: everything is written to a temporary file, flushed, and renamed into place.
 */
import { constants } from "node:fs";
import { type FileHandle, link, mkdir, open, readFile, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LockstepError, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { ask } from "../host/threads.ts";
import { type Digest, Digester, digestOf, hexOf } from "./digest.ts";

/** What a record is about: fragments by their recipe, results by plan, indexes, resolutions and specs by their inputs. */
export type RecordKind = "fragment" | "result" | "index" | "resolution" | "spec";

export interface Blob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** Bytes on their way into the store; nothing is visible until commit. */
export interface BlobWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** Flushes and names the blob. With `expected`, throws LS3003 and keeps nothing when the bytes are others. */
  commit(expected?: Digest): Promise<Blob>;
  /** Drops what was written; does nothing after commit. */
  abort(): Promise<void>;
}

/** The uncompressed tar of a fragment on its way beside it: a convenience that is never relied on. */
export interface TarWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** Puts it beside the fragment of this digest. Not flushed: whoever reads it checks it. */
  keep(digest: Digest): Promise<void>;
  /** Drops what was written; does nothing after `keep`. */
  drop(): Promise<void>;
}

/** Whether something was not found, or has a file where one of its directories should be. */
function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");
}

/** Turns "disk full", "not permitted" and "something is in the way" into problems a user can act on. */
export function writeFailure(path: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new LockstepError(
      {
        code: "LS1004",
        message: "no space left on the disk; nothing was left half written",
        place: { file: path },
        hint: "free some space, or run `lockstep store gc`",
      },
      { cause: error },
    );
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new LockstepError(
      {
        code: "LS1004",
        message: "no permission to write",
        place: { file: path },
        hint: "check the owner and mode of the directory",
      },
      { cause: error },
    );
  }
  if (code === "ENOTDIR" || code === "EEXIST") {
    return new LockstepError(
      {
        code: "LS1004",
        message: "cannot be written, because a file stands where a directory is needed",
        place: { file: path },
        hint: "name another directory, or move that file",
      },
      { cause: error },
    );
  }
  return error;
}

/** Does something with a path whose directory is made when it turns out not to be there: it nearly always is. */
async function inDirectory<Result>(path: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    await mkdir(dirname(path), { recursive: true });
    return action();
  }
}

/** Makes a hard link, unless another process just put the file there; false where the file system, or a border between two, does not allow it. */
async function linked(source: string, path: string): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    try {
      await link(source, path);
      return true;
    } catch (error) {
      const code = systemCode(error) ?? "";
      // Linux says so, too, of a source that another process replaces at this moment, as when several make the same blob.
      if (code === "ENOENT" && tries < 20) continue;
      if (["EXDEV", "EPERM", "EMLINK", "EACCES", "ENOTSUP"].includes(code)) return false;
      if (code !== "EEXIST") throw error;
      return true;
    }
  }
}

/**
 * Writes a whole file so that a reader sees the old content or the new, never a part. What is not `durable` may be neither after the
 * machine has failed: for files that say themselves whether they are whole.
 */
export async function writeFileAtomically(
  host: Host,
  path: string,
  bytes: Uint8Array | string,
  mode = 0o644,
  durable = true,
): Promise<void> {
  const temporary = `${path}.${host.token(6)}.tmp`;
  try {
    const file = await inDirectory(temporary, () => open(temporary, "wx", mode));
    try {
      await file.writeFile(bytes);
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // What went wrong first is what is told.
    await rm(temporary, { force: true }).catch(() => {});
    throw writeFailure(path, error);
  }
}

const joinProgram = new URL("./join-thread.js", import.meta.url);

/** What `join-thread.js` says: what it wrote, or the index of a part that is not there or is another. */
type JoinAnswer =
  | { readonly sha256: string; readonly size: number }
  | { readonly absent: number }
  | { readonly corrupt: number };

export class Store {
  readonly directory: string;
  readonly #host: Host;
  #generation: string | (() => string);
  /** Where copies of blobs were put, for other places in the file system of the copy. */
  readonly #copies = new Map<Digest, string>();

  /** `generation` names who makes records: those of another one are not found. A function is asked when the first record is. */
  constructor(host: Host, directory: string = host.cacheDirectory, generation: string | (() => string) = "0") {
    this.#host = host;
    this.directory = directory;
    this.#generation = generation;
  }

  /** Who makes records here. */
  get generation(): string {
    if (typeof this.#generation !== "string") this.#generation = this.#generation();
    return this.#generation;
  }

  /** Where a blob is, whether or not it is there. */
  pathOf(digest: Digest): string {
    const hex = hexOf(digest);
    return join(this.directory, "blobs", "sha256", hex.slice(0, 2), hex);
  }

  /** Whether the blob is there, with its size; content is checked when it is read. Marks the blob as used. */
  async find(digest: Digest): Promise<Blob | undefined> {
    const path = this.pathOf(digest);
    try {
      const { size } = await stat(path);
      await this.#touch(path);
      return { digest, size };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** A small blob whole, checked; throws LS3002 when it is absent and LS3001 when it is corrupt (and forgets it). */
  async read(digest: Digest): Promise<Buffer> {
    let bytes: Buffer;
    try {
      bytes = await readFile(this.pathOf(digest));
    } catch (error) {
      if (isAbsent(error)) throw this.#absent(digest);
      throw error;
    }
    if (digestOf(bytes) !== digest) throw await this.corrupt(digest);
    return bytes;
  }

  /**
   * A blob piece by piece. The digest is checked at the end: LS3001 after the last piece when it is another. With `reuse` every piece lies
   * in that buffer, and is gone when the next one is asked for.
   */
  async *stream(digest: Digest, pieceSize = 1 << 20, reuse?: Buffer): AsyncGenerator<Buffer, void> {
    let file: FileHandle;
    try {
      file = await open(this.pathOf(digest), constants.O_RDONLY);
    } catch (error) {
      if (isAbsent(error)) throw this.#absent(digest);
      throw error;
    }
    try {
      const digester = new Digester();
      for (;;) {
        const buffer = reuse ?? Buffer.allocUnsafe(pieceSize);
        const { bytesRead } = await file.read(buffer, 0, pieceSize);
        if (bytesRead === 0) break;
        const piece = buffer.subarray(0, bytesRead);
        digester.update(piece);
        yield piece;
      }
      if (digester.finish() !== digest) throw await this.corrupt(digest);
    } finally {
      await file.close();
    }
  }

  /** Removes a blob that turned out not to be what it is called, and gives the error to throw. */
  async corrupt(digest: Digest): Promise<LockstepError> {
    await rm(this.pathOf(digest), { force: true });
    return new LockstepError({
      code: "LS3001",
      message: `blob ${digest} in the store is corrupt and was removed`,
      hint: "run the command again: it is fetched or made anew",
    });
  }

  #absent(digest: Digest): LockstepError {
    return new LockstepError({
      code: "LS3002",
      message: `blob ${digest} is not in the store`,
      hint: "run the command again with a network to fetch it",
    });
  }

  async put(bytes: Uint8Array): Promise<Blob> {
    const digest = digestOf(bytes);
    const known = await this.find(digest);
    if (known !== undefined && known.size === bytes.length) return known;
    const writer = await this.writer();
    try {
      await writer.write(bytes);
      return await writer.commit();
    } finally {
      await writer.abort();
    }
  }

  /** A new file that no other process has; whoever opens it renames or removes it. */
  async #temporary(): Promise<{ readonly temporary: string; readonly file: FileHandle }> {
    const temporary = join(this.directory, "tmp", this.#host.token(12));
    try {
      return { temporary, file: await inDirectory(temporary, () => open(temporary, "wx", 0o444)) };
    } catch (error) {
      throw writeFailure(this.directory, error);
    }
  }

  async writer(): Promise<BlobWriter> {
    const { temporary, file } = await this.#temporary();
    const digester = new Digester();
    let pending = true;
    return {
      write: async (bytes) => {
        digester.update(bytes);
        try {
          let offset = 0;
          while (offset < bytes.length) offset += (await file.write(bytes, offset)).bytesWritten;
        } catch (error) {
          throw writeFailure(this.directory, error);
        }
      },
      commit: async (expected) => {
        const blob: Blob = { size: digester.size, digest: digester.finish() };
        if (expected !== undefined && blob.digest !== expected) {
          throw new LockstepError({ code: "LS3003", message: `expected ${expected}, got ${blob.digest}` });
        }
        try {
          await file.datasync();
          await file.close();
          pending = false;
          await this.#place(temporary, blob.digest);
        } catch (error) {
          await rm(temporary, { force: true });
          throw writeFailure(this.directory, error);
        }
        return blob;
      },
      abort: async () => {
        if (!pending) return;
        pending = false;
        await file.close();
        await rm(temporary, { force: true });
      },
    };
  }

  /**
   * Writes a blob that is made of bytes and of other blobs, in their order; a thread does. Each blob is checked on the way: LS3001 when it is
   * corrupt, LS3002 when it is not there.
   */
  async join(parts: readonly (Uint8Array | Digest)[]): Promise<Blob> {
    const { temporary, file } = await this.#temporary();
    try {
      const question = {
        file: file.fd,
        parts: parts.map((part) =>
          typeof part === "string" ? { path: this.pathOf(part), sha256: hexOf(part) } : part,
        ),
      };
      const answer = (await ask(joinProgram, question)) as JoinAnswer;
      if ("absent" in answer) throw this.#absent(parts[answer.absent] as Digest);
      if ("corrupt" in answer) throw await this.corrupt(parts[answer.corrupt] as Digest);
      // Not by the thread, which would wait for the disk.
      await file.datasync();
      const blob: Blob = { size: answer.size, digest: `sha256:${answer.sha256}` };
      await this.#place(temporary, blob.digest);
      return blob;
    } catch (error) {
      await rm(temporary, { force: true });
      const reading = error instanceof Error && "syscall" in error && ["open", "read"].includes(String(error.syscall));
      throw reading ? error : writeFailure(this.directory, error);
    } finally {
      await file.close();
    }
  }

  #tarPath(digest: Digest): string {
    return join(this.directory, "tars", hexOf(digest));
  }

  /** Where the uncompressed tar of a fragment is, when it was kept. Marks it as used. */
  async findTar(digest: Digest): Promise<string | undefined> {
    const path = this.#tarPath(digest);
    return (await this.#touch(path)) ? path : undefined;
  }

  /** Renews the time of last use; whether the file is there. */
  async #touch(path: string): Promise<boolean> {
    const seconds = this.#host.now() / 1000;
    try {
      await utimes(path, seconds, seconds);
      return true;
    } catch (error) {
      // Another user's store can be read all the same.
      return systemCode(error) !== "ENOENT";
    }
  }

  async tarWriter(): Promise<TarWriter> {
    const { temporary, file } = await this.#temporary();
    let pending = true;
    let position = 0;
    const drop = async (): Promise<void> => {
      if (!pending) return;
      pending = false;
      await file.close();
      await rm(temporary, { force: true });
    };
    return {
      write: async (bytes) => {
        const begin = position;
        position += bytes.length;
        try {
          for (let offset = 0; offset < bytes.length;) {
            offset += (await file.write(bytes, offset, bytes.length - offset, begin + offset)).bytesWritten;
          }
        } catch (error) {
          throw writeFailure(this.directory, error);
        }
      },
      keep: async (digest) => {
        const path = this.#tarPath(digest);
        pending = false;
        await file.close();
        await inDirectory(path, () => rename(temporary, path));
      },
      drop,
    };
  }

  /** Takes over a finished file in the same file system whose digest the caller has just computed. */
  async adopt(path: string, digest: Digest): Promise<void> {
    try {
      await this.#place(path, digest);
    } catch (error) {
      throw writeFailure(this.directory, error);
    }
  }

  async #place(temporary: string, digest: Digest): Promise<void> {
    const path = this.pathOf(digest);
    await inDirectory(path, () => rename(temporary, path));
  }

  /**
   * Whether `path` is this blob as `place` puts it: the same file where both are in one file system (a copy there may be damaged, and is
   * not worth reading), else a file of the same size.
   */
  async isPlaced(digest: Digest, path: string): Promise<boolean> {
    const [source, there] = await Promise.all([
      stat(this.pathOf(digest)).catch(() => undefined),
      stat(path).catch(() => undefined),
    ]);
    if (source === undefined || there === undefined) return false;
    return source.dev === there.dev ? source.ino === there.ino : source.size === there.size;
  }

  /**
   * Puts a blob at `path`: a hard link where the file system allows it, else a copy, or a link to the copy that this store has put elsewhere.
   * Does nothing when it is there. Returns whether anything was written. LS3002 when the store has no such blob.
   */
  async place(digest: Digest, path: string): Promise<boolean> {
    if ((await this.find(digest)) === undefined) throw this.#absent(digest);
    if (await this.isPlaced(digest, path)) return false;
    await rm(path, { force: true });
    try {
      await mkdir(dirname(path), { recursive: true });
      if (await linked(this.pathOf(digest), path)) return true;
      // Images that share a layer, with a store in another file system: one copy is enough.
      const copied = this.#copies.get(digest);
      if (copied !== undefined && (await linked(copied, path).catch(() => false))) return true;
      const temporary = `${path}.${this.#host.token(6)}.tmp`;
      try {
        const file = await open(temporary, "wx", 0o444);
        try {
          for await (const piece of this.stream(digest)) await file.writeFile(piece);
          await file.datasync();
        } finally {
          await file.close();
        }
        await rename(temporary, path);
        this.#copies.set(digest, path);
      } catch (failure) {
        await rm(temporary, { force: true });
        throw failure;
      }
    } catch (error) {
      throw writeFailure(path, error);
    }
    return true;
  }

  #recordPath(kind: RecordKind, key: string): string {
    return join(this.directory, "records", this.generation, kind, key);
  }

  /** What was recorded under a key (64 hexadecimal digits); undefined when there is nothing or it does not hold together. */
  async getRecord(kind: RecordKind, key: string): Promise<unknown> {
    let text: string;
    try {
      text = await readFile(this.#recordPath(kind, key), "utf8");
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
    // First line: digest of the rest, so that a damaged record is never believed.
    const end = text.indexOf("\n");
    const body = text.slice(end + 1);
    if (digestOf(body) !== text.slice(0, end)) {
      await rm(this.#recordPath(kind, key), { force: true });
      return undefined;
    }
    return JSON.parse(body);
  }

  async putRecord(kind: RecordKind, key: string, value: unknown): Promise<void> {
    const body = JSON.stringify(value);
    await writeFileAtomically(this.#host, this.#recordPath(kind, key), `${digestOf(body)}\n${body}`, 0o644, false);
  }

  async removeRecord(kind: RecordKind, key: string): Promise<void> {
    await rm(this.#recordPath(kind, key), { force: true });
  }

  /** Every file of the store with its size in bytes and the time of last use in milliseconds, sorted by path. */
  async files(): Promise<readonly { readonly path: string; readonly size: number; readonly used: number }[]> {
    const found: { path: string; size: number; used: number }[] = [];
    const walk = async (directory: string): Promise<void> => {
      const names = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
        if (isAbsent(error)) return [];
        throw error;
      });
      for (const name of names) {
        const path = join(directory, name.name);
        if (name.isDirectory()) await walk(path);
        else {
          const info = await stat(path).catch(() => undefined);
          if (info !== undefined) found.push({ path, size: info.size, used: info.mtimeMs });
        }
      }
    };
    await walk(this.directory);
    return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }
}
