/** Clones of this repository as it is now, for builds in other places, by other users, on other file systems. */
import { chmod, copyFile, cp, mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createHost, type RunResult } from "../../pipeline/host/host.ts";
import { root } from "../support.ts";
import { writeTiny } from "./tiny.ts";

const host = createHost();

interface PackageLock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>;
}

async function must(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const result = await host.run(program, args, { env: { PATH: host.env("PATH") ?? "", LC_ALL: "C", ...env } });
  if (result.code !== 0) throw new Error(`${program} ${args.join(" ")}: ${result.stderr.toString()}`);
  return result;
}

/** The dependencies that a build needs, without those of development, readable for everyone. */
async function copyDependencies(target: string): Promise<void> {
  const { packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as PackageLock;
  for (const [path, { dev = false, optional = false }] of Object.entries(packages)) {
    if (!path.startsWith("node_modules/") || dev || optional || path.lastIndexOf("node_modules/") > 0) continue;
    await cp(join(root, path), join(target, path), { recursive: true });
  }
  await must("chmod", ["-R", "a+rX", join(target, "node_modules")]);
}

export interface Origin {
  /** A file that `git clone` takes, whoever runs it. */
  readonly bundle: string;
  /** Directory whose `node_modules` clones use. */
  readonly dependencies: string;
  /** A Node that every user may run. */
  readonly node: string;
}

/**
 * Puts the files of this checkout as they are, committed or not, and the image `tiny` into a Git bundle in `directory`. The repository of
 * the checkout is not touched. Needs git.
 */
export async function packOrigin(directory: string): Promise<Origin> {
  const git = join(directory, "origin");
  const identity = [
    "-c",
    "user.name=test",
    "-c",
    "user.email=test@localhost",
    "-c",
    "safe.directory=*",
    "-c",
    "core.autocrlf=false",
  ];
  const inTree = (...args: readonly string[]) =>
    must("git", [...identity, `--git-dir=${git}`, `--work-tree=${root}`, ...args]);
  await must("git", ["init", "--quiet", "--bare", git]);
  await inTree("add", "--all");
  // A link in its place is not ignored.
  await inTree("rm", "--cached", "--quiet", "--ignore-unmatch", "node_modules");
  const tiny = join(directory, "tiny");
  writeTiny(tiny);
  await must("git", [...identity, `--git-dir=${git}`, `--work-tree=${tiny}`, "add", "--no-all", "images"]);
  await inTree("commit", "--quiet", "--message=as it is");
  const bundle = join(directory, "origin.bundle");
  await must("git", [...identity, `--git-dir=${git}`, "bundle", "create", "--quiet", bundle, "HEAD"]);
  await copyDependencies(directory);
  const node = join(directory, "node");
  await copyFile(host.node, node);
  await chmod(node, 0o755);
  await chmod(bundle, 0o644);
  return { bundle, dependencies: directory, node };
}

/** Shell words that clone the origin to the directory in `$to` and give the clone its dependencies; for scripts of other users and places. */
export function cloneWords({ bundle, dependencies }: Origin): string {
  return `git clone --quiet '${bundle}' "$to" && ln -s '${dependencies}/node_modules' "$to/node_modules"`;
}

/** Clones into a new directory and gives it. */
export async function clone(origin: Origin, directory: string): Promise<string> {
  await mkdir(dirname(directory), { recursive: true });
  await must("git", ["clone", "--quiet", origin.bundle, directory]);
  await symlink(join(origin.dependencies, "node_modules"), join(directory, "node_modules"));
  return directory;
}
