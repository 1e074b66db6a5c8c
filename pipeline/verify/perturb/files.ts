/** Treats a copy of the repository's files as checkouts, archives and file systems do: with other times, modes, owners, links and holes. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import {
  chmod,
  copyFile,
  link,
  lchown,
  lstat,
  lutimes,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  symlink,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Host } from "../../host/host.ts";
import { comparePaths } from "../../tree/entry.ts";

type Kind = "file" | "directory" | "link";

interface Found {
  readonly path: string;
  readonly kind: Kind;
  readonly mode: number;
  readonly size: number;
}

/** Everything below a directory, parents before what is in them, in the order of names. What is neither file, directory nor link is left out. */
async function* below(directory: string, leave: ReadonlySet<string>): AsyncGenerator<Found, void> {
  for (const name of (await readdir(directory)).toSorted(comparePaths)) {
    const path = join(directory, name);
    if (leave.has(path)) continue;
    const info = await lstat(path);
    const kind = info.isDirectory() ? "directory" : info.isFile() ? "file" : info.isSymbolicLink() ? "link" : undefined;
    if (kind === undefined) continue;
    yield { path, kind, mode: info.mode & 0o7777, size: info.size };
    if (kind === "directory") yield* below(path, leave);
  }
}

const everything = (directory: string): AsyncGenerator<Found, void> => below(directory, new Set());

/**
 * Copies the files of a repository into a directory that is not there yet, without its `.git`, its `node_modules` and what is in `leave`. The
 * modes and links are kept, times and owners are new. `reverse` makes the files in the reverse order.
 */
export async function copyRepository(
  from: string,
  to: string,
  leave: readonly string[],
  reverse: boolean,
): Promise<void> {
  const skip = new Set([join(from, ".git"), join(from, "node_modules"), ...leave]);
  const files: Found[] = [];
  await mkdir(to, { recursive: true });
  for await (const found of below(from, skip)) {
    if (found.kind === "directory") await mkdir(to + found.path.slice(from.length), { recursive: true });
    else files.push(found);
  }
  for (const { path, kind } of reverse ? files.toReversed() : files) {
    const target = to + path.slice(from.length);
    if (kind === "link") await symlink(await readlink(path), target);
    else await copyFile(path, target, constants.COPYFILE_FICLONE);
  }
}

/** A time with a fraction, before every commit that there is. */
const longAgo = 1_000_000_000.25;

export async function setTimes(directory: string): Promise<void> {
  for await (const { path } of everything(directory)) await lutimes(path, longAgo, longAgo);
}

/** As a checkout with umask 077 makes them; what is executable for its owner stays so. */
export async function closeModes(directory: string): Promise<void> {
  for await (const { path, kind, mode } of everything(directory)) if (kind !== "link") await chmod(path, mode & 0o700);
}

/** As a checkout with umask 000 in a shared directory makes them, with the setgid bit inherited. */
export async function openModes(directory: string): Promise<void> {
  for await (const { path, kind, mode } of everything(directory)) {
    if (kind === "directory") await chmod(path, 0o2777);
    else if (kind === "file") await chmod(path, (mode & 0o100) === 0 ? 0o666 : 0o777);
  }
}

export async function setOwners(directory: string): Promise<void> {
  for await (const { path } of everything(directory)) await lchown(path, 1234, 4321);
}

const attributes = `
import os, sys
for top, directories, files in os.walk(sys.argv[1]):
    for name in directories + files:
        path = os.path.join(top, name)
        if not os.path.islink(path): os.setxattr(path, "user.lockstep", b"a note of this machine")
`;

/** Gives every file and directory an attribute, by Python, since Node cannot. False when the file system does not keep it. */
export async function setAttributes(host: Host, directory: string): Promise<boolean> {
  const python = host.findProgram("python3");
  if (python === undefined) return false;
  return (await host.run(python, ["-I", "-c", attributes, directory])).code === 0;
}

/** Larger files are left as they are: these two treatments read whole files. */
const largest = 64 << 20;

/** Makes one file with several names of files that have the same content and are executable or not alike. */
export async function linkCopies(directory: string): Promise<void> {
  const first = new Map<string, string>();
  for await (const { path, kind, mode, size } of everything(directory)) {
    if (kind !== "file" || size > largest) continue;
    const hash = createHash("sha256").update(await readFile(path));
    const key = `${mode & 0o100} ${hash.digest("hex")}`;
    const known = first.get(key);
    if (known === undefined) first.set(key, path);
    else {
      const aside = join(dirname(path), ".lockstep-link");
      await link(known, aside);
      await rename(aside, path);
    }
  }
}

const blockSize = 4096;

/** Makes holes of all blocks of nothing but zeros, and a hole at the end of files that end so. */
export async function makeHoles(directory: string): Promise<void> {
  const zeros = Buffer.alloc(blockSize);
  for await (const { path, kind, size, mode } of everything(directory)) {
    if (kind !== "file" || size < blockSize || size > largest) continue;
    const content = await readFile(path);
    const aside = join(dirname(path), ".lockstep-holes");
    const file = await open(aside, "wx", mode);
    try {
      await file.truncate(content.length);
      for (let at = 0; at < content.length; at += blockSize) {
        const block = content.subarray(at, at + blockSize);
        if (!block.equals(zeros.subarray(0, block.length))) await file.write(block, 0, block.length, at);
      }
      // What was asked for at creation is narrowed by the umask.
      await file.chmod(mode);
    } finally {
      await file.close();
    }
    await rename(aside, path);
  }
}
