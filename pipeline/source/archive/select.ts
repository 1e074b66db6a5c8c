/** What of an archive is taken, where it goes and with which metadata: the same rules for every kind of archive. */
import { LockstepError, type Place } from "../../host/errors.ts";
import type { Entry } from "../../tree/entry.ts";
import { matchesAny, parseGlob } from "../../tree/glob.ts";

/** What of an archive is taken, and with which metadata. */
export interface Selection {
  /** How many leading components of every path are left out. */
  readonly strip: number;
  /** Globs of what is taken, on paths as they are after stripping; everything when there are none. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly uid: number;
  readonly gid: number;
  /** Permission bits by glob; the last match wins, the archive's own where none does. */
  readonly modes: readonly { readonly glob: string; readonly mode: number }[];
}

/** Permission bits; setuid, setgid and sticky bits of an archive are not taken, only what the spec says. */
const permissions = 0o777;

function climbs(path: string, target: string): boolean {
  if (target.startsWith("/")) return true;
  let depth = path.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "..") depth--;
    else if (part !== "." && part !== "") depth++;
    if (depth < 0) return true;
  }
  return false;
}

/**
 * The function that says what becomes of an entry: undefined when it is not taken. Directories above a path that is taken are taken too
 * when the archive has them; one that is excluded goes with all it has. LS4003 for a symbolic link out of what is unpacked.
 */
export function selector(selection: Selection, place: Place): (entry: Entry) => Entry | undefined {
  const { strip, uid, gid } = selection;
  const include = selection.include.map(parseGlob);
  const exclude = selection.exclude.map(parseGlob);
  const modes = selection.modes.map(({ glob, mode }) => ({ glob: parseGlob(glob), mode }));

  const stripped = (path: string): string | undefined => {
    const parts = path.split("/");
    return parts.length <= strip ? undefined : parts.slice(strip).join("/");
  };
  /** Whether a path, or a directory it lies in, matches. */
  const within = (globs: typeof include, path: string): boolean => {
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (matchesAny(globs, path.slice(0, end))) return true;
    }
    return false;
  };

  return (entry) => {
    const path = stripped(entry.path);
    if (path === undefined || path === "" || within(exclude, path)) return undefined;
    if (include.length > 0 && !within(include, path)) return undefined;
    const { mtime } = entry;
    const mode = modes.findLast(({ glob }) => glob.test(path))?.mode ?? entry.mode & permissions;
    const base = { path, mode, uid, gid, mtime };
    switch (entry.type) {
      case "file":
        return { ...base, type: "file", size: entry.size };
      case "directory":
        return { ...base, type: "directory" };
      case "symlink": {
        if (climbs(path, entry.target)) {
          throw new LockstepError({
            code: "LS4003",
            message: `has ${entry.path}, a symbolic link to ${entry.target}, which is outside of what is unpacked`,
            place,
            hint: "exclude it, and declare the link with `symlinks` where it is wanted",
          });
        }
        return { ...base, mode: 0o777, type: "symlink", target: entry.target };
      }
      case "hardlink": {
        const target = stripped(entry.target);
        if (target === undefined || target === "") {
          const message = `has ${entry.path}, a hard link to ${entry.target}, which is not unpacked`;
          throw new LockstepError({ code: "LS4003", message, place });
        }
        return { ...base, type: "hardlink", target };
      }
      default:
        return { ...entry, ...base };
    }
  };
}
