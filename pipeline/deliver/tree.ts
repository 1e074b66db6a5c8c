/** The rendered tree on disk: written so that it holds exactly what was rendered, and checked for whether it does. */
import { lstat, readFile, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, type Problem, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { writeFailure, writeFileAtomically } from "../store/store.ts";
import { comparePaths } from "../tree/entry.ts";
import { type RenderedFile, renderedDirectory } from "./model.ts";

export interface Written {
  /** Paths relative to the repository root, sorted. */
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

interface Listing {
  readonly files: readonly string[];
  /** Deepest first. */
  readonly directories: readonly string[];
}

function notPlain(path: string): never {
  throw new LockstepError({
    code: "LS7104",
    message: "in the rendered tree there is something that is neither file nor directory",
    place: { file: path },
    hint: "remove it; nothing outside of the tree is ever touched by way of a link",
  });
}

/** Everything below a directory of the repository; links are refused, not followed. */
async function list(root: string, directory: string): Promise<Listing> {
  let names: readonly string[];
  try {
    if (!(await lstat(join(root, directory))).isDirectory()) notPlain(directory);
    names = (await readdir(join(root, directory))).toSorted(comparePaths);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return { files: [], directories: [] };
    throw error;
  }
  const files: string[] = [];
  const directories: string[] = [];
  for (const name of names) {
    const path = `${directory}/${name}`;
    const info = await lstat(join(root, path));
    if (info.isFile()) files.push(path);
    else if (info.isDirectory()) {
      const inner = await list(root, path);
      files.push(...inner.files);
      directories.push(...inner.directories, path);
    } else notPlain(path);
  }
  return { files, directories };
}

/** What is in the tree; `manifests` itself must not be a link either. */
async function listTree(root: string): Promise<Listing> {
  const [above = ""] = renderedDirectory.split("/");
  const info = await lstat(join(root, above)).catch(() => undefined);
  if (info !== undefined && !info.isDirectory()) notPlain(above);
  return list(root, renderedDirectory);
}

/** Paths of the files that are in the tree, relative to the repository root. LS7104 as for `writeRendered`. */
export async function filesOfTree(root: string): Promise<readonly string[]> {
  return (await listTree(root)).files;
}

function isInside(path: string): boolean {
  const steps = path.split("/");
  return path.startsWith(`${renderedDirectory}/`) && !steps.includes("..") && !steps.includes("");
}

async function isCurrent(root: string, file: RenderedFile): Promise<boolean> {
  return (await readFile(join(root, file.path), "utf8").catch(() => undefined)) === file.text;
}

/**
 * Makes `manifests/rendered` hold exactly `files`: removes what is not rendered any more, then writes what differs, each file atomically.
 * Throws LS7104 when the tree holds anything but files and directories, LS1004 when it cannot be written.
 */
export async function writeRendered(host: Host, root: string, files: readonly RenderedFile[]): Promise<Written> {
  const stray = files.find((file) => !isInside(file.path));
  if (stray !== undefined) throw new Error(`rendered file "${stray.path}" is outside ${renderedDirectory}`);
  const before = await listTree(root);
  const wanted = new Set(files.map((file) => file.path));
  const removed = before.files.filter((path) => !wanted.has(path));
  const written: string[] = [];
  try {
    // Removing comes first: a file may lie where a directory must be, and the other way round.
    for (const path of removed) await rm(join(root, path), { force: true });
    for (const path of before.directories) await removeEmpty(join(root, path));
    for (const file of files.toSorted((a, b) => comparePaths(a.path, b.path))) {
      if (await isCurrent(root, file)) continue;
      await writeFileAtomically(host, join(root, file.path), file.text);
      written.push(file.path);
    }
  } catch (error) {
    throw writeFailure(renderedDirectory, error);
  }
  return { written, removed };
}

async function removeEmpty(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    const code = systemCode(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOENT") throw error;
  }
}

/**
 * How the tree on disk differs from what is rendered now, sorted by path: LS7101 stale, LS7102 missing, LS7103 not rendered. Empty when it is up to date.
 * Throws LS7104 when the tree holds anything but files and directories.
 */
export async function checkRendered(root: string, files: readonly RenderedFile[]): Promise<readonly Problem[]> {
  const found = new Set((await listTree(root)).files);
  const hint = "run `lockstep render` and commit the result";
  const problems: Problem[] = [];
  for (const file of files) {
    const place = { file: file.path };
    if (!found.has(file.path)) problems.push({ code: "LS7102", message: "rendered file is missing", place, hint });
    else if (!(await isCurrent(root, file))) {
      problems.push({
        code: "LS7101",
        message: "rendered file is not what the model and the release give now",
        place,
        hint,
      });
    }
    found.delete(file.path);
  }
  for (const path of found) {
    const message = "this file is in the rendered tree, but it is not rendered";
    problems.push({ code: "LS7103", message, place: { file: path }, hint });
  }
  return problems.toSorted((a, b) => comparePaths(a.place?.file ?? "", b.place?.file ?? ""));
}
