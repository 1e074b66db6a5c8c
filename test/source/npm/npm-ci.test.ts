import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { npmTree } from "../../../pipeline/source/npm/layout.ts";
import { parsePackageLock } from "../../../pipeline/source/npm/package-lock.ts";
import type { Omittable } from "../../../pipeline/source/npm/selection.ts";
import type { RawEntry } from "../debian/tiny-deb.ts";
import { hasProgram, temporaryDirectory } from "../../support.ts";
import {
  integrityOf,
  npm,
  startRegistry,
  tarballOf,
  type TinyPackage,
  type TinyRegistry,
  writeProject,
} from "./tiny-registry.ts";
import { type Tree, treeOnDisk, unpackedTree } from "./trees.ts";

const file = (name: string, content = name, mode = 0o644): RawEntry => ({ name: `package/${name}`, content, mode });
const script = "#!/usr/bin/env node\nconsole.log(1)\n";

const deeper: TinyPackage = {
  name: "deep",
  version: "2.0.0",
  manifest: { bin: { deep: "deep.js" } },
  entries: [file("deep.js", `${script}//2`)],
};

/** One project that has all that makes installing more than unpacking. */
const packages: readonly TinyPackage[] = [
  {
    name: "app-one",
    version: "1.0.0",
    manifest: {
      bin: { one: "bin/one.js", missing: "bin/none.js", both: "./bin/one.js", "../up": "../../bin/one.js" },
      dependencies: { "@s/two": "^1.0.0", deep: "1.0.0" },
    },
    entries: [
      file("bin/one.js", script),
      file("lib/a/b/c.js"),
      file("tool.sh", script, 0o744),
      file("secret", "", 0o600),
    ],
  },
  {
    name: "@s/two",
    version: "1.2.0",
    manifest: { bin: "cli.js", dependencies: { deep: "2.0.0" } },
    entries: [file("cli.js", "#!/usr/bin/env node\r\nconsole.log('\r\n')\r\n"), file("both.js", script)],
  },
  { name: "deep", version: "1.0.0", manifest: { bin: { deep: "deep.js" } }, entries: [file("deep.js", script)] },
  {
    name: "deep",
    version: "2.0.0",
    manifest: { bin: { deep: "deep.js" } },
    entries: [file("deep.js", `${script}//2`)],
  },
  // Two packages want one command; the order of a dictionary decides, not that of bytes.
  { name: "zz_a", version: "1.0.0", manifest: { bin: { both: "a.js", zz: "a.js" } }, entries: [file("a.js", script)] },
  { name: "zz-a", version: "1.0.0", manifest: { bin: { zz: "b.js" } }, entries: [file("b.js", "no script")] },
  {
    name: "odd",
    version: "3.0.0",
    entries: [
      file(".gitignore", "first"),
      file("sub/.npmignore", "kept"),
      file("sub/.gitignore", "lost"),
      file("twice.txt", "one", 0o755),
      file("twice.txt", "two"),
      { name: "package/link", flag: "2", link: "twice.txt" },
      { name: "package/hard", flag: "1", link: "package/twice.txt" },
      { name: "package/empty", flag: "5", mode: 0o700 },
      { name: "package/full", flag: "5", mode: 0o700 },
      file("full/x"),
      { name: "other/strange.txt", content: "the first part of a name does not count" },
      { name: "./dotted/x.txt", content: "also when it is a dot" },
      { name: "top.txt", content: "not in the package" },
    ],
  },
  {
    name: "bundler",
    version: "1.0.0",
    manifest: {
      bundleDependencies: ["inner"],
      dependencies: { inner: "1.0.0", deep: "2.0.0" },
      bin: { bundler: "b.js" },
    },
    entries: [
      file("b.js", script),
      file("node_modules/inner/package.json", JSON.stringify({ name: "inner", version: "1.0.0", bin: "i.js" })),
      file("node_modules/inner/i.js", script),
    ],
  },
  { name: "inner", version: "1.0.0", manifest: { bin: "i.js" }, entries: [file("i.js", "from the registry")] },
  {
    name: "native",
    version: "1.0.0",
    manifest: {
      optionalDependencies: {
        "native-x64": "1.0.0",
        "native-arm64": "1.0.0",
        "native-musl": "1.0.0",
        "native-mac": "1.0.0",
      },
    },
  },
  { name: "native-x64", version: "1.0.0", manifest: { os: ["linux"], cpu: ["x64"], libc: ["glibc"] } },
  { name: "native-arm64", version: "1.0.0", manifest: { os: ["linux"], cpu: ["arm64"] } },
  { name: "native-musl", version: "1.0.0", manifest: { os: ["linux"], libc: ["musl"] } },
  { name: "native-mac", version: "1.0.0", manifest: { os: ["!linux"] } },
  // Optional at a distance: what needs something that is not for the platform goes too, and what only that needs.
  {
    name: "wrapper",
    version: "1.0.0",
    manifest: { dependencies: { "only-x64": "1.0.0", helper: "1.0.0", deep: "1.0.0" } },
  },
  { name: "only-x64", version: "1.0.0", manifest: { cpu: ["x64"] } },
  { name: "helper", version: "1.0.0", manifest: { dependencies: { "helpers-helper": "1.0.0" } } },
  { name: "helpers-helper", version: "1.0.0" },
  {
    name: "peered",
    version: "1.0.0",
    manifest: {
      peerDependencies: { helper: "1.0.0", absent: "1.0.0" },
      peerDependenciesMeta: { absent: { optional: true } },
    },
  },
  { name: "scripted", version: "1.0.0", manifest: { scripts: { postinstall: "exit 1" } } },
  {
    name: "shrunk",
    version: "1.0.0",
    manifest: { dependencies: { deep: "*" }, _hasShrinkwrap: true },
    entries: [
      file(
        "npm-shrinkwrap.json",
        JSON.stringify({
          name: "shrunk",
          version: "1.0.0",
          lockfileVersion: 3,
          packages: {
            "": { name: "shrunk", version: "1.0.0", dependencies: { deep: "*" } },
            "node_modules/deep": {
              version: "2.0.0",
              integrity: integrityOf(tarballOf(deeper)),
              bin: { deep: "deep.js" },
            },
          },
        }),
      ),
    ],
  },
  { name: "gyp", version: "1.0.0", entries: [file("binding.gyp", "{}")] },
  {
    name: "dev-tool",
    version: "1.0.0",
    manifest: { bin: { tool: "t.js" }, dependencies: { deep: "1.0.0", "dev-only": "1.0.0" } },
    entries: [file("t.js", script)],
  },
  { name: "dev-only", version: "1.0.0" },
];

const project = {
  "package.json": {
    name: "everything",
    version: "1.0.0",
    workspaces: ["packages/*", "!packages/skipped"],
    dependencies: {
      "app-one": "1.0.0",
      renamed: "npm:deep@2.0.0",
      zz_a: "1.0.0",
      "zz-a": "1.0.0",
      odd: "3.0.0",
      bundler: "1.0.0",
      native: "1.0.0",
      scripted: "1.0.0",
      gyp: "1.0.0",
      shrunk: "1.0.0",
      peered: "1.0.0",
      local: "file:local",
      packed: "file:vendor/packed.tgz",
    },
    optionalDependencies: { wrapper: "1.0.0" },
    devDependencies: { "dev-tool": "1.0.0" },
  },
  "packages/core/package.json": {
    name: "@ours/core",
    version: "1.0.0",
    bin: { core: "core.js", none: "none.js", tool: "core.js" },
    dependencies: { deep: "2.0.0" },
    devDependencies: { "dev-only": "1.0.0" },
  },
  "packages/core/core.js": script,
  "packages/app/package.json": { name: "ours-app", version: "1.0.0", dependencies: { "@ours/core": "1.0.0" } },
  "local/package.json": {
    name: "local",
    version: "0.0.0",
    dependencies: { deep: "2.0.0" },
    devDependencies: { "dev-only": "1.0.0" },
  },
};

const packed: TinyPackage = {
  name: "packed",
  version: "7.0.0",
  manifest: { bin: { packed: "p.js", deep: "d.js" } },
  entries: [file("p.js", script), file("d.js", script)],
};

const available = hasProgram("npm");

describe.skipIf(!available)("a project with everything, as npm ci installs it (needs npm)", () => {
  let registry: TinyRegistry;
  let directory: string;

  beforeAll(async () => {
    registry = await startRegistry(packages);
  });
  afterAll(async () => registry.close());

  async function prepare(lockfileVersion: 2 | 3, resolved: boolean): Promise<void> {
    directory = join(temporaryDirectory(), "project");
    writeProject(directory, project);
    writeProject(directory, { "vendor/.keep": "" });
    writeFileSync(join(directory, "vendor/packed.tgz"), tarballOf(packed));
    const settings = [`--lockfile-version=${lockfileVersion}`, `--omit-lockfile-registry-resolved=${!resolved}`];
    await npm(directory, registry.base, "install", "--package-lock-only", "--ignore-scripts", ...settings);
  }

  async function ours(cpu: string, omit: readonly Omittable[]): Promise<Tree> {
    const lock = parsePackageLock(readFileSync(join(directory, "package-lock.json"), "utf8"), "package-lock.json");
    const platform = cpu === "x64" ? "linux/amd64" : "linux/arm64";
    const tree = npmTree(lock, { platform, libc: "glibc", omit });
    return unpackedTree(
      tree,
      ({ tarball }) =>
        tarball.origin.kind === "file"
          ? readFileSync(join(directory, tarball.origin.path))
          : (registry.tarballs.get(`${tarball.name}@${tarball.version}`) ?? Buffer.alloc(0)),
      (path) => existsSync(join(directory, path)),
    );
  }

  it.each([
    { lockfileVersion: 3 as const, resolved: false },
    { lockfileVersion: 2 as const, resolved: true },
  ])(
    "is the same tree from a lock file of version $lockfileVersion, resolved: $resolved",
    { timeout: 120_000 },
    async ({ lockfileVersion, resolved }) => {
      await prepare(lockfileVersion, resolved);
      for (const cpu of ["x64", "arm64"]) {
        for (const omit of [[], ["dev"], ["dev", "optional"]] as const) {
          const wanted = ["--os=linux", `--cpu=${cpu}`, "--libc=glibc", ...omit.map((kind) => `--omit=${kind}`)];
          await npm(directory, registry.base, "ci", "--ignore-scripts", ...wanted);
          const tree = { ...treeOnDisk(directory) };
          // npm makes every command executable when it asked the registry about the package, and only linked ones when the lock file says
          // where the tarball is. Here they always are.
          for (const path of ["node_modules/renamed/deep.js", "node_modules/zz-a/b.js"])
            tree[path] = tree[path]?.replace("file 644", "file 755") ?? "";
          expect(Object.keys(tree).length).toBeGreaterThan(60);
          expect(await ours(cpu, omit)).toEqual(tree);
          rmSync(join(directory, "node_modules"), { recursive: true });
        }
      }
    },
  );
});
