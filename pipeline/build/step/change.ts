/** What a step did to a tree: the entries of its layer, or every reason why there cannot be one (docs/format.md, "Steps"). */
import { LockstepError, type Problem } from "../../host/errors.ts";
import { reservedPath } from "../../spec/paths.ts";
import { comparePaths, type DirectoryEntry, type Entry, parentOf } from "../../tree/entry.ts";
import { whiteoutPrefix } from "../../tree/whiteout.ts";
import { isLeftOut, isMadeByLockstep, isOfTheContainer, isRefused } from "./state.ts";
import type { FileTree, Inode } from "./tree.ts";

/** An entry with the hash of its content, where it has one, and the path in the step's file system that it is at. */
export interface Taken {
  readonly entry: Entry;
  readonly sha256?: string;
  readonly from: string;
}

export interface StepChange {
  /** Sorted. */
  readonly directories: readonly DirectoryEntry[];
  /** Everything else, also what takes something away; sorted. */
  readonly items: readonly Taken[];
  /** Paths that the step made or changed and that are not taken; sorted. */
  readonly leftOut: readonly string[];
}

/** What is about the step and not about its files. */
interface About {
  /** Of everything in the layer, in seconds. */
  readonly epoch: number;
  /** What problems are about: the title of the layer. */
  readonly title: string;
}

function sameAttributes(a: Inode["xattrs"], b: Inode["xattrs"]): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Buffer.compare(a[name] ?? none, b[name] ?? none) === 0)
  );
}

const none = new Uint8Array(0);

function sameInode(a: Inode, b: Inode): boolean {
  return (
    a.type === b.type &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.sha256 === b.sha256 &&
    a.target === b.target &&
    a.device?.[0] === b.device?.[0] &&
    a.device?.[1] === b.device?.[1] &&
    sameAttributes(a.xattrs, b.xattrs)
  );
}

/** Whether a file has the same names as before, but for those that are gone. */
function sameNames(now: Inode, before: Inode, after: FileTree): boolean {
  const left = [...before.names].filter((name) => after.get(name) !== undefined);
  return left.length === now.names.size && left.every((name) => now.names.has(name));
}

const kinds: Readonly<Partial<Record<Inode["type"], string>>> = {
  character: "a device",
  block: "a device",
  fifo: "a pipe",
};

/** Why an inode cannot be in a layer at a path. */
function unfit(path: string, { type, size, xattrs }: Inode): string | undefined {
  if (path.split("/").some((part) => part.startsWith(whiteoutPrefix))) return 'a name that begins with ".wh."';
  const foreign = Object.keys(xattrs).find((name) => name !== "security.capability" && !name.startsWith("user."));
  if (foreign !== undefined) return `something with the attribute ${foreign}, which no image carries`;
  // An empty one says that the machine has none yet.
  if (type === "file" && size === 0 && path.endsWith("machine-id")) return undefined;
  return kinds[type] ?? isRefused(path);
}

function refusal({ title }: About, path: string, what: string): Problem {
  const message = `${title}: the step left ${what} at /${path}`;
  return { code: "LS9008", message, hint: "remove it at the end of the step" };
}

function metadata({ mode, uid, gid, xattrs }: Inode, path: string, mtime: number) {
  return { path, mode, uid, gid, mtime, ...(Object.keys(xattrs).length === 0 ? {} : { xattrs }) };
}

/** The entry of an inode; a file's first name has the content, others are links to it. */
function entryOf(path: string, inode: Inode, first: string, mtime: number): Entry {
  const base = metadata(inode, path, mtime);
  switch (inode.type) {
    case "file":
      return first === path
        ? { ...base, type: "file", size: inode.size ?? 0 }
        : { ...base, type: "hardlink", target: first };
    case "symlink":
      return { ...base, type: "symlink", target: inode.target ?? "" };
    case "character":
    case "block":
      return { ...base, type: inode.type, major: inode.device?.[0] ?? 0, minor: inode.device?.[1] ?? 0 };
    case "directory":
    case "fifo":
      return { ...base, type: inode.type };
  }
}

/** Sorted entries of what is taken, by path. */
function entriesOf(
  taken: ReadonlyMap<string, { readonly inode: Inode; readonly from: string }>,
  { epoch }: About,
): Pick<StepChange, "directories" | "items"> {
  const first = new Map<Inode, string>();
  const directories: DirectoryEntry[] = [];
  const items: Taken[] = [];
  for (const [path, { inode, from }] of [...taken].toSorted(([a], [b]) => comparePaths(a, b))) {
    const name = first.get(inode) ?? path;
    first.set(inode, name);
    const entry = entryOf(path, inode, name, epoch);
    if (entry.type === "directory") directories.push(entry);
    else items.push({ entry, from, ...(entry.type === "file" ? { sha256: inode.sha256 ?? "" } : {}) });
  }
  return { directories, items };
}

/** The topmost paths that were there and are not any more. */
function removedPaths(before: FileTree, after: FileTree): readonly string[] {
  const gone: string[] = [];
  for (const [path] of before.entries()) {
    if (after.get(path) !== undefined || isOfTheContainer(path)) continue;
    const parent = parentOf(path);
    // What was in something that is gone is gone with it.
    if (parent === "" || after.get(parent)?.type === "directory") gone.push(path);
  }
  return gone;
}

/**
 * The difference between two trees. `system` says that Lockstep makes files of accounts and packages of the image. Throws LS9008 for what
 * cannot be in an image and LS9009 for changes of what Lockstep makes, all of them at once.
 */
export function changeOf(before: FileTree, after: FileTree, about: About, system: boolean): StepChange {
  const taken = new Map<string, { readonly inode: Inode; readonly from: string }>();
  const leftOut: string[] = [];
  const problems: Problem[] = [];
  const own = (path: string): number =>
    problems.push({
      code: "LS9009",
      message: `${about.title}: the step changed /${path}, which Lockstep makes`,
      hint: "declare accounts with `users:` and `groups:`, and packages with a debian layer",
    });
  for (const [path, inode] of after.entries()) {
    const was = before.get(path);
    if (isOfTheContainer(path)) continue;
    if (was !== undefined && sameInode(inode, was) && (inode.type !== "file" || sameNames(inode, was, after))) continue;
    if (isLeftOut(path)) {
      leftOut.push(path);
      continue;
    }
    const what = unfit(path, inode);
    if (what !== undefined) problems.push(refusal(about, path, what));
    else if (system && isMadeByLockstep(path)) own(path);
    else taken.set(path, { inode, from: path });
  }
  const removed = removedPaths(before, after);
  for (const path of removed) if (system && isMadeByLockstep(path)) own(path);
  if (problems.length > 0) throw new LockstepError(problems);
  const { directories, items } = entriesOf(taken, about);
  const whiteouts = removed.map((path): Taken => {
    const parent = parentOf(path);
    const name = `${whiteoutPrefix}${path.slice(parent === "" ? 0 : parent.length + 1)}`;
    const base = { path: parent === "" ? name : `${parent}/${name}`, mode: 0o644, uid: 0, gid: 0, mtime: about.epoch };
    return { entry: { ...base, type: "file", size: 0 }, from: path };
  });
  return {
    directories,
    items: [...items, ...whiteouts].toSorted((a, b) => comparePaths(a.entry.path, b.entry.path)),
    leftOut: leftOut.toSorted(comparePaths),
  };
}

/**
 * The outputs of a step, where they go. Throws LS9010 for one that is not there, LS9008 for what cannot be in an image, and LS4201 for a path
 * that two of them have.
 */
export function outputsOf(
  after: FileTree,
  outputs: readonly { readonly from: string; readonly into: string }[],
  about: About,
): StepChange {
  const taken = new Map<string, { readonly inode: Inode; readonly from: string }>();
  const problems: Problem[] = [];
  for (const { from, into } of outputs) {
    const all = [...after.entries()].filter(([path]) => from === "" || path === from || path.startsWith(`${from}/`));
    if (all.length === 0) {
      const hint = "name what the step makes; paths are absolute, and links on the way are not followed";
      problems.push({ code: "LS9010", message: `${about.title}: the step made no /${from}`, hint });
    }
    for (const [path, inode] of all) {
      const rest = path.slice(from.length).replace(/^\//, "");
      const to = [into, rest].filter((part) => part !== "").join("/");
      if (to === "") continue;
      const xattrs = inode.type === "directory" && Object.keys(inode.xattrs).length > 0;
      const reserved = reservedPath(`/${to}`);
      const what = xattrs ? "a directory with attributes" : unfit(to, inode);
      if (what !== undefined) problems.push(refusal(about, path, what));
      else if (reserved !== undefined) {
        const message = `${about.title}: /${path} would be /${to}, which ${reserved.message}`;
        problems.push({ code: "LS9008", message, hint: reserved.hint ?? "take it to another path" });
      } else if (taken.has(to) && inode.type !== "directory") {
        problems.push({ code: "LS4201", message: `${about.title}: two outputs are /${to}` });
      } else taken.set(to, { inode, from: path });
    }
  }
  if (problems.length > 0) throw new LockstepError(problems);
  return { ...entriesOf(taken, about), leftOut: [] };
}
