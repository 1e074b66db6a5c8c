/** File systems as trees: what the layers of an image are on each other, and what a step left, in one form that can be compared. */
import { LockstepError, type Place } from "../../host/errors.ts";
import { strictWhiteoutOf } from "../../source/image/layer.ts";
import { Digester, hexOf } from "../../store/digest.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { type Entry, parentOf } from "../../tree/entry.ts";
import { TarReader } from "../../tree/tar-reader.ts";

/** What one or more names stand for: a file with its hard links, or anything else. */
export interface Inode {
  readonly type: Exclude<Entry["type"], "hardlink">;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds. */
  readonly mtime: number;
  /** By name, sorted; those that belong to the machine are left out. */
  readonly xattrs: Readonly<Record<string, Uint8Array>>;
  /** Of files. */
  readonly size?: number;
  readonly sha256?: string;
  /** Of symbolic links. */
  readonly target?: string;
  /** Of devices. */
  readonly device?: readonly [major: number, minor: number];
  /** Where its content is: the number of the layer, and its name there. */
  readonly origin: { readonly layer: number; readonly path: string };
  /** Every path of it. */
  readonly names: Set<string>;
}

/** Attributes that a machine gives to files by its own rules. */
const ofTheMachine = /^(?:security\.(?:selinux|ima|evm|SMACK64.*|apparmor)|system\.nfs4_acl|btrfs\..*)$/;

/** Entries of one archive, read to its end. */
export interface ReadEntries {
  readonly entries: readonly { readonly path: string; readonly inode: Inode; readonly link: boolean }[];
  readonly removed: readonly string[];
  readonly opaque: readonly string[];
}

function attributesOf({ xattrs = {} }: Entry): Readonly<Record<string, Uint8Array>> {
  const kept = Object.entries(xattrs).filter(([name]) => !ofTheMachine.test(name));
  return Object.fromEntries(kept.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function inodeOf(entry: Exclude<Entry, { type: "hardlink" }>, layer: number, sha256: string | undefined): Inode {
  const { type, path, mode, uid, gid, mtime } = entry;
  return {
    type,
    mode: type === "symlink" ? 0o777 : mode,
    uid,
    gid,
    mtime,
    xattrs: attributesOf(entry),
    ...(entry.type === "file" ? { size: entry.size, sha256: sha256 ?? "" } : {}),
    ...(entry.type === "symlink" ? { target: entry.target } : {}),
    ...("major" in entry ? { device: [entry.major, entry.minor] as const } : {}),
    origin: { layer, path },
    names: new Set(),
  };
}

/**
 * Reads a tar archive; with `whiteouts`, names that take something away are told apart. `layer` is its number. Throws LS40xx; LS4006 for a
 * path that is there twice, and for a hard link to what is not in the archive before it.
 */
export async function readEntries(
  source: AsyncIterable<Uint8Array>,
  place: Place,
  layer: number,
  whiteouts: boolean,
): Promise<ReadEntries> {
  const bytes = new ByteReader(source, place);
  const reader = new TarReader(bytes);
  const entries: { path: string; inode: Inode; link: boolean }[] = [];
  const removed: string[] = [];
  const emptied: string[] = [];
  const seen = new Map<string, Inode>();
  const fail = (message: string): LockstepError => new LockstepError({ code: "LS4006", message, place });
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      const { path } = entry;
      if (path === "") continue;
      const gone = whiteouts ? strictWhiteoutOf(path, place) : undefined;
      if (gone !== undefined) {
        if (gone.removed !== undefined) removed.push(gone.removed);
        if (gone.opaque !== undefined) emptied.push(gone.opaque);
        continue;
      }
      const before = seen.get(path);
      if (before !== undefined && (before.type !== "directory" || entry.type !== "directory"))
        throw fail(`${path} is there twice`);
      if (entry.type === "hardlink") {
        const inode = seen.get(entry.target);
        if (inode?.type !== "file")
          throw fail(`${path} is a hard link to ${entry.target}, which is no file of the archive before it`);
        seen.set(path, inode);
        entries.push({ path, inode, link: true });
        continue;
      }
      let sha256: string | undefined;
      if (entry.type === "file") {
        const digester = new Digester();
        for (let piece = await reader.read(); piece !== undefined; piece = await reader.read()) digester.update(piece);
        sha256 = hexOf(digester.finish());
      }
      const inode = inodeOf(entry, layer, sha256);
      seen.set(path, inode);
      entries.push({ path, inode, link: false });
    }
  } finally {
    await bytes.close();
  }
  return { entries, removed, opaque: emptied };
}

export class FileTree {
  readonly #nodes = new Map<string, Inode>();
  readonly #children = new Map<string, Set<string>>();

  get(path: string): Inode | undefined {
    return this.#nodes.get(path);
  }

  /** In no order. */
  entries(): IterableIterator<[string, Inode]> {
    return this.#nodes.entries();
  }

  /** Puts entries on top (OCI image-spec, layer.md "Applying Changesets"). LS4003 for one below what is no directory. */
  apply({ entries, removed, opaque: emptied }: ReadEntries, place: Place): void {
    for (const path of emptied) for (const name of this.#children.get(path) ?? []) this.#remove(name);
    for (const path of removed) this.#remove(path);
    for (const { path, inode } of entries) {
      this.#addParents(path, inode.origin.layer, place);
      const old = this.#nodes.get(path);
      if (old !== undefined && (old.type !== "directory" || inode.type !== "directory")) this.#remove(path);
      this.#set(path, inode);
    }
  }

  #set(path: string, inode: Inode): void {
    this.#nodes.get(path)?.names.delete(path);
    this.#nodes.set(path, inode);
    inode.names.add(path);
    const parent = parentOf(path);
    const siblings = this.#children.get(parent) ?? new Set();
    siblings.add(path);
    this.#children.set(parent, siblings);
  }

  #addParents(path: string, layer: number, place: Place): void {
    const parent = parentOf(path);
    if (parent === "") return;
    const there = this.#nodes.get(parent);
    if (there?.type === "directory") return;
    if (there !== undefined) {
      const message = `${path} lies below ${parent}, which is no directory`;
      throw new LockstepError({ code: "LS4003", message, place });
    }
    this.#addParents(parent, layer, place);
    const origin = { layer, path: parent };
    const names = new Set<string>();
    this.#set(parent, { type: "directory", mode: 0o755, uid: 0, gid: 0, mtime: 0, xattrs: {}, origin, names });
  }

  #remove(path: string): void {
    for (const child of this.#children.get(path) ?? []) this.#remove(child);
    this.#children.delete(path);
    this.#children.get(parentOf(path))?.delete(path);
    this.#nodes.get(path)?.names.delete(path);
    this.#nodes.delete(path);
  }
}
