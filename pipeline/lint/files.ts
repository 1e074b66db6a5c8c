/** Finds the files that are linted: those that Git knows or would take, or else all below a directory, within limits. */
import { lstat, readdir } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { comparePaths } from "../tree/entry.ts";

/** Directories that hold what others wrote, or what was made. */
const foreign = new Set(["node_modules", ".git", ".hg", ".svn", ".venv", "venv", "__pycache__"]);

/** Files a walk may see; what is larger is no repository. */
const fileLimit = 200_000;

function isForeign(path: string): boolean {
  return path.split("/").some((name) => foreign.has(name));
}

/** Paths below `directory` as Git lists them; undefined where that is no checkout, or Git is not there. */
async function gitFiles(host: Host, directory: string): Promise<readonly string[] | undefined> {
  if (host.findProgram("git") === undefined) return undefined;
  // A repository's own settings may name programs to run; listing files needs none of them.
  const settings = ["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"];
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { code, stdout } = await host.run("git", [...settings, "-C", directory, ...list]);
  if (code !== 0) return undefined;
  return stdout
    .toString("utf8")
    .split("\0")
    .filter((path) => path !== "");
}

async function walk(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  const open = [""];
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    for (const entry of await readdir(join(directory, here), { withFileTypes: true })) {
      const path = here === "" ? entry.name : `${here}/${entry.name}`;
      if (entry.isDirectory() && !foreign.has(entry.name)) open.push(path);
      else if (entry.isFile()) found.push(path);
      if (found.length > fileLimit) {
        const hint = "name the folders that are meant";
        throw new LockstepError({
          code: "LS8003",
          message: `there are more than ${fileLimit} files`,
          place: { file: directory },
          hint,
        });
      }
    }
  }
  return found;
}

function outside(path: string, message: string, hint: string): never {
  throw new LockstepError({ code: "LS8002", message, place: { file: path }, hint });
}

/**
 * Files relative to `root`, sorted, each once. `paths` are relative to where the user is; without any it is the whole repository.
 * Throws LS8002 for a path that is not there or outside of `root`, LS8003 for too many files.
 */
export async function findFiles(host: Host, root: string, paths: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const path of paths.length === 0 ? [root] : paths) {
    const absolute = resolve(host.cwd, path);
    const below = relative(root, absolute);
    if (below === ".." || below.startsWith(`..${sep}`))
      outside(path, "is outside of the repository", "name the repository with -C");
    const info = await lstat(absolute).catch(() => undefined);
    if (info === undefined) outside(path, "is not there", "paths are relative to where you are");
    const prefix = below === "" ? "" : `${below.split(sep).join("/")}/`;
    if (info.isFile()) found.add(prefix.slice(0, -1));
    else if (!info.isDirectory()) outside(path, "is neither a file nor a directory", "name what it leads to");
    if (!info.isDirectory()) continue;
    const list = (await gitFiles(host, absolute)) ?? (await walk(absolute));
    for (const file of list) if (!isForeign(file)) found.add(`${prefix}${file}`);
  }
  return [...found].toSorted(comparePaths);
}
