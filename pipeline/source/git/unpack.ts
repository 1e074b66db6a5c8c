/** An input that is a commit: its files with git's modes, none of them changed by attributes, filters or line endings. */
import { LockstepError } from "../../host/errors.ts";
import { matchesAny, parseGlob } from "../../tree/glob.ts";
import type { EntrySink, InputBlob } from "../archive/sink.ts";
import type { CommitEntry } from "./objects.ts";
import { type PlannedFacts, readPlannedCommit, untrue } from "./planned.ts";

/** What of a commit is taken, and with which metadata. */
export interface CommitSelection extends PlannedFacts {
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
  const planned = new Map(Object.entries(selection.submodules ?? {}));
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
          blob,
          `has the submodule ${entry.path} at ${entry.commit}, and the lock says ${locked ?? "nothing of it"}`,
        );
    }
    const named = join(below, path ?? "");
    taken = path !== undefined && !excluded(named);
    if (path === undefined || !taken) return;
    const base = { path, uid, gid, mtime: selection.time };
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
  await readPlannedCommit(blob, selection, {
    entry: send,
    content: async (piece) => {
      if (taken) await sink.content(piece);
    },
    end: () => {
      const [absent] = planned.keys();
      if (absent !== undefined) throw untrue(blob, `has no submodule ${absent}, and the lock says it has`);
    },
  });
  if (found) return;
  throw new LockstepError({
    code: "LS2911",
    message: `commit ${selection.commit} has nothing at ${selection.path}`,
    place: blob.place,
    hint: "correct `path` in the spec; names are told apart by case",
  });
}
