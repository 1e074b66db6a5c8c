/** Reads what a step left: a directory with the file system of its container, with owners, links and attributes as they are. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, messageOf } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { comparePaths } from "../../tree/entry.ts";
import { isOfTheContainer } from "./state.ts";
import { FileTree, readEntries } from "./tree.ts";

/** GNU tar leaves sockets out without failing, so they are looked for. */
async function findSocket(root: string, directory = ""): Promise<string | undefined> {
  const found = await readdir(join(root, directory), { withFileTypes: true });
  for (const entry of found.toSorted((a, b) => comparePaths(a.name, b.name))) {
    const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
    if (isOfTheContainer(path)) continue;
    if (entry.isSocket()) return path;
    const below = entry.isDirectory() ? await findSocket(root, path) : undefined;
    if (below !== undefined) return below;
  }
  return undefined;
}

/**
 * The tree below a directory. `title` is what problems call the step. Throws LS9008 for a socket, LS9012 when GNU tar is missing or does not
 * read all of it, and LS40xx for names and amounts that no image has.
 */
export async function readResult(host: Host, directory: string, title: string): Promise<FileTree> {
  const unreadable = (message: string, cause?: unknown): LockstepError =>
    new LockstepError(
      { code: "LS9012", message: `${title}: ${message}`, hint: "use a base image that has GNU tar" },
      ...(cause === undefined ? [] : [{ cause }]),
    );
  const socket = await findSocket(directory);
  if (socket !== undefined) {
    const message = `${title}: the step left a socket at /${socket}`;
    throw new LockstepError({ code: "LS9008", message, hint: "remove it at the end of the step" });
  }
  const args = ["--create", "--file=-", `--directory=${directory}`, "--format=pax", "--sort=name", "--numeric-owner"];
  const all = [...args, "--xattrs", "--xattrs-include=*", "."];
  const place = { file: title };
  const tree = new FileTree();
  try {
    // The rebuild of `verify` has no search path.
    const bytes = host.filter(host.findProgram("tar") ?? "/usr/bin/tar", all, nothing(), { LC_ALL: "C" });
    tree.apply(await readEntries(bytes, place, 0, false), place);
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw unreadable(`the result could not be read: ${messageOf(error)}`, error);
  }
  return tree;
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {}
