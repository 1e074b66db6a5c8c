/** An input that is a commit: its files with git's modes, none of them changed by attributes, filters or line endings. */
import { LockstepError } from "../../host/errors.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { matchesAny, parseGlob } from "../../tree/glob.ts";
import type { EntrySink, InputBlob } from "../archive/sink.ts";
import { type CommitEntry, readCommit } from "./objects.ts";

/** What of a commit is taken, and with which metadata. */
export interface CommitSelection {
  /** Id of the commit, which proves what the blob is; id of its tree, and its time in seconds since 1970, for the lock to be true. */
  readonly commit: string;
  readonly tree: string;
  readonly time: number;
  /** Commits of the submodules in what is taken, by path in the commit; absent where they stay empty. */
  readonly submodules?: Readonly<Record<string, string>>;
  /** Directory or file of the commit; empty for all of it. */
  readonly path: string;
  /** Where in its layer the commit goes, which globs are relative to: empty, or the path of a submodule. */
  readonly below: string;
  readonly exclude: readonly string[];
  readonly uid: number;
  readonly gid: number;
  /** Permission bits by glob; the last match wins, those of git where none does. */
  readonly modes: readonly { readonly glob: string; readonly mode: number }[];
}

const join = (...parts: readonly string[]): string => parts.filter((part) => part !== "").join("/");

/** The path of an entry below what is taken; undefined when it is not in there. */
function relativeTo(base: string, path: string): string | undefined {
  if (base === "" || path === base) return base === "" ? path : "";
  return path.startsWith(`${base}/`) ? path.slice(base.length + 1) : undefined;
}

/**
 * Unpacks the archive of a commit; every entry has the time of the commit. Throws LS2911 when the commit has no such path, LS2907 and LS40xx
 * as `readCommit` does, LS3001 and LS3002 as the store gives them.
 */
export async function unpackCommit(blob: InputBlob, sink: EntrySink, selection: CommitSelection): Promise<void> {
  const { uid, gid, below } = selection;
  const exclude = selection.exclude.map(parseGlob);
  const modes = selection.modes.map(({ glob, mode }) => ({ glob: parseGlob(glob), mode }));
  /** A path that is excluded, or lies in a directory that is. */
  const excluded = (path: string): boolean => {
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (matchesAny(exclude, path.slice(0, end))) return true;
    }
    return false;
  };
  const untrue = (message: string): LockstepError =>
    new LockstepError({
      code: "LS2907",
      message,
      place: blob.place,
      hint: "the lock was changed by hand: run `lockstep pin`, and review the difference",
    });
  const planned = new Map(Object.entries(selection.submodules ?? {}));
  let mtime = 0;
  let found = selection.path === "";
  let taken = false;
  const send = async (entry: CommitEntry): Promise<void> => {
    const path = relativeTo(selection.path, entry.path);
    found ||= path !== undefined;
    if (entry.type === "submodule" && path !== undefined && selection.submodules !== undefined) {
      const locked = planned.get(entry.path);
      planned.delete(entry.path);
      if (locked !== entry.commit)
        throw untrue(
          `has the submodule ${entry.path} at ${entry.commit}, and the lock says ${locked ?? "nothing of it"}`,
        );
    }
    const named = join(below, path ?? "");
    taken = path !== undefined && !excluded(named);
    if (path === undefined || !taken) return;
    const base = { path, uid, gid, mtime };
    const modeOf = (usual: number): number => modes.findLast(({ glob }) => glob.test(named))?.mode ?? usual;
    if (entry.type === "file") {
      await sink.entry({ ...base, type: "file", mode: modeOf(entry.executable ? 0o755 : 0o644), size: entry.size });
    } else if (entry.type === "symlink") {
      await sink.entry({ ...base, type: "symlink", mode: 0o777, target: entry.target });
    } else {
      // Of a submodule the directory is part of the commit; what is in it is an input of its own.
      await sink.entry({ ...base, type: "directory", mode: modeOf(0o755) });
    }
  };
  const bytes = new ByteReader(blob.store.stream(blob.digest, 1 << 18), blob.place);
  try {
    await readCommit(bytes, selection.commit, {
      commit: ({ tree, time }) => {
        mtime = Math.max(0, time);
        if (tree === selection.tree && mtime === selection.time) return;
        throw untrue(
          `is a commit of the tree ${tree} and the time ${mtime}, and the lock says ${selection.tree} and ${selection.time}`,
        );
      },
      entry: send,
      content: async (piece) => {
        if (taken) await sink.content(piece);
      },
    });
    const [absent] = planned.keys();
    if (absent !== undefined) throw untrue(`has no submodule ${absent}, and the lock says it has`);
    // The digest of the blob is known at its very end.
    await bytes.drain();
  } catch (error) {
    // A damaged blob looks like other objects; reading it to its end tells which it is.
    if (error instanceof LockstepError) await bytes.drain();
    throw error;
  } finally {
    await bytes.close();
  }
  if (found) return;
  throw new LockstepError({
    code: "LS2911",
    message: `commit ${selection.commit} has nothing at ${selection.path}`,
    place: blob.place,
    hint: "correct `path` in the spec; names are told apart by case",
  });
}
