/** npm projects of the repository: their lock files, checked against their package.json files. */
import { readFileSync, realpathSync } from "node:fs";
import { join, posix, sep } from "node:path";
import { LockstepError, type Place, type Problem, systemCode } from "../../host/errors.ts";
import { comparePaths } from "../../tree/entry.ts";
import { isTop } from "./graph.ts";
import {
  type Dependent,
  dependenciesOf,
  type PackageLock,
  parseNpmJson,
  parsePackageLock,
  relock,
} from "./package-lock.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a file of the repository; undefined when it is not there. LS2501 when it is no text, or lies elsewhere in fact. */
function readText(root: string, file: string): string | undefined {
  const path = join(root, file);
  try {
    if (!realpathSync(path).startsWith(realpathSync(root) + sep)) {
      throw new LockstepError({ code: "LS2501", message: "leads out of the repository", place: { file } });
    }
    return utf8.decode(readFileSync(path));
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    if (error instanceof TypeError || systemCode(error) === "EISDIR")
      throw new LockstepError({ code: "LS2501", message: "is not UTF-8 text", place: { file } }, { cause: error });
    throw error;
  }
}

function missing(project: string, file: string, place: Place): LockstepError {
  const hint = "run `npm install --package-lock-only` there, and commit what it writes";
  return new LockstepError({ code: "LS2040", message: `${project} has no ${file}`, place, hint });
}

const kinds = [
  "dependencies",
  "devDependencies",
  "optionalDependencies",
  "peerDependencies",
] as const satisfies readonly (keyof Dependent)[];

/** Where what a package.json asks for is not what its lock file was made for: LS2505, at the entry of the lock file. */
function differences(manifest: Dependent, locked: Dependent, file: string, place: Place): readonly Problem[] {
  return kinds.flatMap((kind) => {
    const names = new Set([...Object.keys(manifest[kind]), ...Object.keys(locked[kind])]);
    return [...names].toSorted(comparePaths).flatMap((name): readonly Problem[] => {
      const [asked, known] = [manifest[kind][name], locked[kind][name]];
      if (asked === known) return [];
      const what =
        asked === undefined
          ? `has no ${name} in ${kind}, which the lock file has`
          : `asks for ${name} "${asked}" in ${kind}, and the lock file is of ${known === undefined ? "none" : `"${known}"`}`;
      return [{ code: "LS2505", message: `${file} ${what}`, place, hint: relock }];
    });
  });
}

function checkManifests(root: string, project: string, lock: PackageLock, place: Place): void {
  const problems: Problem[] = [];
  for (const entry of lock.entries.values()) {
    if (!isTop(entry)) continue;
    const file = posix.join(project, entry.location, "package.json");
    const text = readText(root, file);
    if (text === undefined) {
      // Folders that are linked may be left out of a repository; the project itself may not.
      if (entry.location === "") throw missing(project, "package.json", place);
      continue;
    }
    const wrong = (field: string, must: string): void => {
      problems.push({ code: "LS2501", message: `${field} ${must}`, place: { file } });
    };
    const manifest = dependenciesOf(parseNpmJson(text, file), wrong);
    problems.push(...differences(manifest, entry, posix.join(entry.location, "package.json"), lock.at(entry.location)));
  }
  if (problems.length > 0) throw new LockstepError(problems.slice(0, 50));
}

/**
 * The lock file of a project, which is a directory relative to `root`: npm-shrinkwrap.json where there is one, as npm has it.
 * Throws LS2040, with the place in the spec, when there is none; LS2501 to LS2503, and LS2505 when a package.json asks for something else.
 */
export function readNpmProject(root: string, project: string, place: Place): PackageLock {
  for (const name of ["npm-shrinkwrap.json", "package-lock.json"]) {
    const file = posix.join(project, name);
    const text = readText(root, file);
    if (text === undefined) continue;
    const lock = parsePackageLock(text, file);
    checkManifests(root, project, lock, place);
    return lock;
  }
  throw missing(project, "package-lock.json", place);
}
