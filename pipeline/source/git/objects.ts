/** Reads commit archives (docs/git.md): git's objects of one commit, each checked against the id by which the one before it names it. */
import { createHash } from "node:crypto";
import type { Code } from "../../host/codes.ts";
import { LockstepError } from "../../host/errors.ts";
import type { ByteReader } from "../../tree/bytes.ts";
import { wrongName } from "./names.ts";

interface Named {
  /** From the root of the commit's tree, without a slash at either end. */
  readonly path: string;
}

export type CommitEntry =
  | (Named & { readonly type: "directory" })
  | (Named & { readonly type: "file"; readonly executable: boolean; readonly size: number })
  | (Named & { readonly type: "symlink"; readonly target: string })
  /** A commit of another repository that belongs at this path. */
  | (Named & { readonly type: "submodule"; readonly commit: string });

/** Where entries go as they are read, each directory before what is in it, otherwise in order of paths. */
export interface CommitSink {
  /** What the commit itself says, before anything that is in it. */
  commit(facts: CommitFacts): void;
  entry(entry: CommitEntry): Promise<void>;
  /** The content of the file that was sent last, piece by piece. */
  content(bytes: Uint8Array): Promise<void>;
}

export interface CommitFacts {
  /** Id of the root tree. */
  readonly tree: string;
  /** The committer's time in seconds since 1970. */
  readonly time: number;
}

export interface CommitLimits {
  readonly entries: number;
  /** Bytes of all files together. */
  readonly content: number;
}

const defaultLimits: CommitLimits = { entries: 2_000_000, content: 64 * 2 ** 30 };
/** Bytes of the largest commit or tree object: a commit has its whole message, a tree a million names. */
const objectLimit = 64 << 20;
/** Linux's PATH_MAX, in bytes, less the NUL. */
const pathLimit = 4095;
const depthLimit = 512;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface TreeItem {
  readonly mode: string;
  readonly name: string;
  readonly id: string;
}

class CommitReader {
  readonly #bytes: ByteReader;
  readonly #sink: CommitSink;
  readonly #limits: CommitLimits;
  /** What git names objects by (gitformat-hash-function-transition): the length of an id tells. */
  readonly #algorithm: "sha1" | "sha256";
  readonly #idLength: number;
  #entries = 0;
  #content = 0;

  constructor(bytes: ByteReader, commit: string, sink: CommitSink, limits: CommitLimits) {
    this.#bytes = bytes;
    this.#sink = sink;
    this.#limits = limits;
    this.#algorithm = commit.length === 64 ? "sha256" : "sha1";
    this.#idLength = commit.length / 2;
  }

  fail(code: Code, message: string): LockstepError {
    return new LockstepError({ code, message, place: this.#bytes.place });
  }

  /** The header of the next object: its type, a blank, its size, NUL. */
  async #header(type: string, limit: number): Promise<{ readonly size: number; readonly header: string }> {
    let text = "";
    for (;;) {
      const byte = (await this.#bytes.exactly(1))?.[0];
      if (byte === undefined) throw this.#bytes.truncated();
      if (byte === 0) break;
      text += String.fromCharCode(byte);
      if (text.length > 24) throw this.fail("LS2907", `has no object of git where a ${type} should be`);
    }
    const size = new RegExp(`^${type} (0|[1-9][0-9]{0,14})$`).exec(text)?.[1];
    if (size === undefined) throw this.fail("LS2907", `has ${JSON.stringify(text)} where a ${type} should be`);
    if (Number(size) > limit) throw this.fail("LS4005", `has a ${type} of ${size} bytes`);
    return { size: Number(size), header: `${text}\0` };
  }

  /** The next object, which must be the one of that id. */
  async object(
    type: string,
    id: string,
    consume: (size: number) => Promise<void>,
    each: (piece: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const { size, header } = await this.#header(type, type === "blob" ? Number.MAX_SAFE_INTEGER : objectLimit);
    const hash = createHash(this.#algorithm).update(header);
    await consume(size);
    for await (const piece of this.#bytes.part(size)) {
      hash.update(piece);
      await each(piece);
    }
    const found = hash.digest("hex");
    if (found !== id) throw this.fail("LS2907", `has the ${type} ${found} where ${id} should be`);
  }

  async #whole(type: string, id: string, limit: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    await this.object(
      type,
      id,
      async (size) => {
        if (size > limit) throw this.fail("LS4005", `has a ${type} of ${size} bytes where at most ${limit} can be`);
      },
      async (piece) => void pieces.push(Uint8Array.from(piece)),
    );
    return Buffer.concat(pieces);
  }

  async commit(id: string): Promise<CommitFacts> {
    const text = (await this.#whole("commit", id, objectLimit)).toString("latin1");
    const head = text.slice(0, text.indexOf("\n\n") < 0 ? text.length : text.indexOf("\n\n"));
    const tree = new RegExp(`^tree ([0-9a-f]{${2 * this.#idLength}})(?:\n|$)`).exec(head)?.[1];
    const time = /^committer .*> (-?[0-9]{1,15}) [+-][0-9]{1,7}$/m.exec(head)?.[1];
    if (tree === undefined || time === undefined)
      throw this.fail("LS2907", `has the commit ${id}, which names no ${tree === undefined ? "tree" : "time"}`);
    const facts = { tree, time: Number(time) };
    this.#sink.commit(facts);
    await this.#tree(tree, "", 0);
    if ((await this.#bytes.some(1)) !== undefined) throw this.fail("LS2907", "has more than the objects of its commit");
    return facts;
  }

  #items(content: Buffer, path: string): readonly TreeItem[] {
    const items: TreeItem[] = [];
    const names = new Set<string>();
    const where = path === "" ? "the root tree" : path;
    for (let offset = 0; offset < content.length;) {
      const blank = content.indexOf(0x20, offset);
      const end = content.indexOf(0, blank + 1);
      const next = end + 1 + this.#idLength;
      if (blank < 0 || end < 0 || next > content.length) throw this.fail("LS2907", `${where} is malformed`);
      const mode = content.toString("latin1", offset, blank).replace(/^0+/, "");
      const raw = content.subarray(blank + 1, end);
      let name: string;
      try {
        name = utf8.decode(raw);
      } catch {
        throw this.fail("LS4007", `${JSON.stringify(raw.toString("latin1"))} in ${where} is not UTF-8`);
      }
      const wrong = wrongName(name);
      if (wrong !== undefined) throw this.fail("LS2908", `${JSON.stringify(name)} in ${where} ${wrong}`);
      if (names.has(name)) throw this.fail("LS4006", `${JSON.stringify(name)} is in ${where} twice`);
      names.add(name);
      items.push({ mode, name, id: content.toString("hex", end + 1, next) });
      offset = next;
    }
    return items;
  }

  async #tree(id: string, path: string, depth: number): Promise<void> {
    if (depth > depthLimit) throw this.fail("LS4005", `has directories more than ${depthLimit} deep`);
    const content = await this.#whole("tree", id, objectLimit);
    for (const item of this.#items(content, path)) {
      const below = path === "" ? item.name : `${path}/${item.name}`;
      if (++this.#entries > this.#limits.entries)
        throw this.fail("LS4005", `has more than ${this.#limits.entries} entries`);
      if (Buffer.byteLength(below) > pathLimit)
        throw this.fail("LS4005", `has a path of ${Buffer.byteLength(below)} bytes`);
      await this.#item(item, below, depth);
    }
  }

  async #item({ mode, id }: TreeItem, path: string, depth: number): Promise<void> {
    switch (mode) {
      case "40000":
        await this.#sink.entry({ type: "directory", path });
        return this.#tree(id, path, depth + 1);
      // Old programs wrote what is now 644 with the group's bit.
      case "100644":
      case "100664":
      case "100755":
        return this.object(
          "blob",
          id,
          (size) => {
            this.#content += size;
            if (this.#content > this.#limits.content)
              throw this.fail("LS4005", `has more than ${this.#limits.content} bytes of files`);
            return this.#sink.entry({ type: "file", path, executable: mode === "100755", size });
          },
          (piece) => this.#sink.content(piece),
        );
      case "120000":
        return this.#sink.entry({
          type: "symlink",
          path,
          target: this.#target(await this.#whole("blob", id, pathLimit), path),
        });
      case "160000":
        return this.#sink.entry({ type: "submodule", path, commit: id });
      default:
        throw this.fail("LS4004", `${path} has the mode ${mode}; git has 644, 755, links, directories and submodules`);
    }
  }

  #target(bytes: Buffer, path: string): string {
    let target: string;
    try {
      target = utf8.decode(bytes);
    } catch {
      throw this.fail("LS4007", `the target of ${path} is not UTF-8`);
    }
    if (target === "" || target.includes("\0")) throw this.fail("LS4002", `${path} is a symbolic link to nothing`);
    return target;
  }
}

/**
 * Reads the archive of a commit to its end. Whatever the archive says is proven against the commit's id: each object is hashed, and is the one
 * that the object above it names. Nothing that went to the sink may be used when this throws: LS2907 (not those objects), LS2908 (a name),
 * LS4001 (truncated), LS4002, LS4004 (a mode), LS4005 (limits), LS4006 (a name twice), LS4007 (not UTF-8).
 */
export function readCommit(
  bytes: ByteReader,
  commit: string,
  sink: CommitSink,
  limits: CommitLimits = defaultLimits,
): Promise<CommitFacts> {
  return new CommitReader(bytes, commit, sink, limits).commit(commit);
}
