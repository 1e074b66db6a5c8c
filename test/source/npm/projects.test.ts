import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createHost } from "../../../pipeline/host/host.ts";
import { npmTree } from "../../../pipeline/source/npm/layout.ts";
import { parsePackageLock } from "../../../pipeline/source/npm/package-lock.ts";
import { temporaryDirectory } from "../../support.ts";
import { type Tree, treeOnDisk, unpackedTree } from "./trees.ts";

const projects = fileURLToPath(new URL("projects", import.meta.url));
const host = createHost();

async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  // What npm gives files depends on the mask. Everything else is as this machine has it: its registry, and its cache.
  const shell = ["-c", 'umask 022; exec npm "$@"', "npm", ...args];
  const { code, stdout, stderr } = await host.run("sh", shell, { cwd, env: host.environment() });
  if (code !== 0) throw new Error(`npm ${args.join(" ")}: ${stderr.toString()}`);
  return stdout.toString().trim();
}

/** Where npm keeps what it has downloaded; undefined without npm or without a registry. */
async function cacheOfNpm(): Promise<string | undefined> {
  if (host.findProgram("npm") === undefined) return undefined;
  try {
    await npm(projects, "view", "ms@2.0.0", "version", "--prefer-offline");
    return join(await npm(projects, "config", "get", "cache"), "_cacache/content-v2");
  } catch {
    return undefined;
  }
}

const cache = await cacheOfNpm();

/** A tarball from npm's cache, which has it once `npm ci` has run. */
function cached(integrity: string): Buffer {
  const [, algorithm = "", hash = ""] = /^(\w+)-(\S+)/.exec(integrity) ?? [];
  const hex = Buffer.from(hash, "base64").toString("hex");
  return readFileSync(join(cache ?? "", algorithm, hex.slice(0, 2), hex.slice(2, 4), hex.slice(4)));
}

async function both(project: string, cpu: "x64" | "arm64"): Promise<{ readonly theirs: Tree; readonly ours: Tree }> {
  const directory = join(temporaryDirectory(), project);
  mkdirSync(directory);
  cpSync(join(projects, project), directory, { recursive: true });
  const target = ["--os=linux", `--cpu=${cpu}`, "--libc=glibc"];
  await npm(directory, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", ...target);
  const lock = parsePackageLock(readFileSync(join(directory, "package-lock.json"), "utf8"), "package-lock.json");
  const platform = cpu === "x64" ? "linux/amd64" : "linux/arm64";
  const tree = npmTree(lock, { platform, libc: "glibc", omit: [] });
  const ours = await unpackedTree(
    tree,
    ({ tarball }) => cached(tarball.integrity),
    (path) => existsSync(join(directory, path)),
  );
  return { theirs: treeOnDisk(directory), ours };
}

describe.skipIf(cache === undefined)("real projects, as npm ci installs them (needs npm, a registry)", () => {
  it.each([
    ["cli", "a plain program", 1600],
    ["workspaces", "workspaces that depend on each other, and on several versions of one package", 1100],
    ["native", "packages with binaries for each platform", 250],
    ["mixed", "aliases, peer dependencies, and a bundle of two hundred packages", 7000],
    ["large", "more than five hundred packages", 16_000],
  ])("are the same tree, on both platforms: %s, %s", { timeout: 300_000 }, async (project, _what, entries) => {
    const platforms = await Promise.all([both(project, "x64"), both(project, "arm64")]);
    for (const { theirs, ours } of platforms) {
      expect(Object.keys(theirs).length).toBeGreaterThan(entries);
      expect(ours).toEqual(theirs);
    }
  });
});
