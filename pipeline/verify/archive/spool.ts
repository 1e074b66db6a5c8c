/** Keeps contents that are compared later: in memory while they are few, in temporary files beyond that. */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../../host/host.ts";
import { writeFailure } from "../../store/store.ts";
import { type Content, contentOf } from "../content/format.ts";

/** Bytes of all contents together that are kept in memory. */
const inMemory = 48 << 20;
/** A content that is larger gets a file of its own. */
const largestShared = 8 << 20;

/** A temporary file that only grows. */
class SpoolFile {
  readonly #path: string;
  readonly #file: number;
  #end = 0;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, "wx+", 0o600);
  }

  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length;) {
        const written = writeSync(this.#file, bytes, done, bytes.length - done, this.#end);
        this.#end += written;
        done += written;
      }
    } catch (error) {
      throw writeFailure(this.#path, error);
    }
  }

  content(from: number, size: number): Content {
    return {
      size,
      read: (offset, length) => {
        const start = Math.max(0, Math.min(offset, size));
        const piece = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - start)));
        let filled = 0;
        while (filled < piece.length) {
          const count = readSync(this.#file, piece, filled, piece.length - filled, from + start + filled);
          if (count === 0) break;
          filled += count;
        }
        return piece.subarray(0, filled);
      },
    };
  }

  close(): void {
    closeSync(this.#file);
  }
}

export class Spool {
  readonly #directory: string;
  readonly #files: SpoolFile[] = [];
  #shared: SpoolFile | undefined;
  #held = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** A spool with its files in a directory of its own below `parent`. */
  static async open(host: Host, parent: string): Promise<Spool> {
    const directory = join(parent, `compare-${host.token(8)}`);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new Spool(directory);
  }

  /** Where others may put files that go with this one. */
  get directory(): string {
    return this.#directory;
  }

  #newFile(): SpoolFile {
    const file = new SpoolFile(join(this.#directory, String(this.#files.length)));
    this.#files.push(file);
    return file;
  }

  /** Reads a content to its end and keeps it. Throws what `writeFailure` gives when there is no room. */
  async keep(pieces: AsyncIterable<Uint8Array>): Promise<Content> {
    const held: Uint8Array[] = [];
    let size = 0;
    let own: SpoolFile | undefined;
    for await (const piece of pieces) {
      size += piece.length;
      if (own === undefined && size > largestShared) {
        own = this.#newFile();
        for (const earlier of held.splice(0)) own.append(earlier);
      }
      // The reader uses its buffer again.
      if (own === undefined) held.push(Uint8Array.from(piece));
      else own.append(piece);
    }
    if (own !== undefined) return own.content(0, size);
    const [only] = held;
    const whole = held.length === 1 && only !== undefined ? only : Buffer.concat(held);
    if (this.#held + size <= inMemory) {
      this.#held += size;
      return contentOf(whole);
    }
    this.#shared ??= this.#newFile();
    const from = this.#shared.end;
    this.#shared.append(whole);
    return this.#shared.content(from, size);
  }

  /** Removes everything. */
  async close(): Promise<void> {
    for (const file of this.#files) file.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
