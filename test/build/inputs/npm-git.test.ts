import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { BuiltImage } from "../../../pipeline/build/build.ts";
import { pin } from "../../../pipeline/build/pin.ts";
import { readSpecs } from "../../../pipeline/build/repository.ts";
import { scriptWarnings } from "../../../pipeline/build/scripts-check.ts";
import { formatProblem } from "../../../pipeline/host/errors.ts";
import type { Host } from "../../../pipeline/host/host.ts";
import { formatLock } from "../../../pipeline/lock/format.ts";
import { readLock } from "../../../pipeline/lock/lockfile.ts";
import { emptyLock, type LockedCommit } from "../../../pipeline/lock/types.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { verifyImages } from "../../../pipeline/verify/verify.ts";
import { type Item, testRepository, type Tree as GitTree } from "../../source/git/repositories.ts";
import { npm, type TinyPackage } from "../../source/npm/tiny-registry.ts";
import { type Tree, treeOnDisk } from "../../source/npm/trees.ts";
import { hasProgram, run } from "../../support.ts";
import { readLayer } from "../tiny-repository.ts";
import { npmSite, type NpmSite } from "./npm-site.ts";

const script = "#!/usr/bin/env node\nconsole.log(1)\n";
const registry: readonly TinyPackage[] = [
  { name: "words", version: "1.0.0" },
  { name: "words", version: "2.0.0" },
];

/** A package that has all that makes packing more than copying. */
const everything: GitTree = {
  "package.json": JSON.stringify({
    name: "@ours/tool",
    version: "3.1.0",
    main: "ignored/main.js",
    bin: { tool: "bin/tool.js", dos: "bin/dos.js", none: "none.js" },
    dependencies: { words: "1.0.0" },
    scripts: { test: "exit 1", postinstall: "exit 1" },
  }),
  ".gitignore": "ignored\n*.tmp\n",
  ".npmrc": "x=y\n",
  "README.md": "read me\n",
  "package-lock.json": "{}",
  ".github": { tree: { "ci.yml": "on: push\n" } },
  bin: { tree: { "tool.js": script, "dos.js": "#!/usr/bin/env node\r\nconsole.log('\r\n')\r\n" } },
  ignored: { tree: { "main.js": "1", "other.js": "2" } },
  lib: {
    tree: {
      ".npmignore": "*.test.js\n",
      "a.js": "a",
      "a.test.js": "t",
      "run.sh": { executable: "#!/bin/sh\n" },
      "x.tmp": "",
      "empty.js": "",
      link: { link: "a.js" },
      deep: { tree: { "b.js": "b" } },
    },
  },
  link: { link: "lib" },
  node_modules: { tree: { words: { tree: { "index.js": "committed by mistake" } } } },
};

/** One that takes ignore files along, which npm gives its own name. */
const renaming: GitTree = {
  "package.json": JSON.stringify({
    name: "renaming",
    version: "1.0.0",
    files: ["a", "a/.gitignore", "b", "b/.gitignore", "b/.npmignore", "cli.js"],
    bin: "cli.js",
    dependencies: { words: "2.0.0" },
  }),
  "cli.js": script,
  a: { tree: { ".gitignore": "x\n", "x.js": "x" } },
  b: { tree: { ".gitignore": "y\n", ".npmignore": "z\n", "x.js": "x" } },
  c: { tree: { "x.js": "x" } },
};

/** What is in every node_modules of the only layer of an image, in the form of `treeOnDisk`. */
async function treeOf(built: BuiltImage | undefined): Promise<Tree> {
  const layer = built?.platforms[0]?.layers[0];
  const entries = await readLayer(built?.layout ?? "", layer?.digest ?? "sha256:");
  const rows = entries.flatMap((entry) => {
    const path = entry.path.replace(/^srv\/?/, "");
    if (!path.startsWith("node_modules")) return [];
    const mode = entry.mode.toString(8);
    const hash = createHash("sha256")
      .update(entry.content ?? "")
      .digest("hex");
    const text = entry.type === "symlink" ? entry.target : entry.type === "file" ? `${mode} ${hash}` : mode;
    return [[path, `${entry.type} ${text}`] as const];
  });
  return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

interface Repository {
  readonly url: string;
  readonly commit: string;
  /** As package.json of a project writes it. */
  readonly dependency: string;
  /** Key in the lock. */
  readonly key: string;
}

function repository(at: NpmSite, name: string, tree: GitTree): Repository {
  const made = testRepository(at.directory, `${name}.git`);
  const commit = made.commit(tree);
  made.ref("refs/heads/main", commit);
  return { url: made.url, commit, dependency: `git+${made.url}#${commit}`, key: `${made.url}#${commit}` };
}

const site = (): Promise<NpmSite> => npmSite(registry, { LOCKSTEP_GIT_PROTOCOLS: "file" });

/** A site with an image whose project depends on one repository, by a lock file that is written here. */
async function siteWith(tree: GitTree, more: Readonly<Record<string, unknown>> = {}) {
  const at = await site();
  const { dependency, key } = repository(at, "only", tree);
  const manifest = { name: "app", version: "1.0.0", dependencies: { only: dependency } };
  await at.project("app", { "package.json": { name: "app", version: "1.0.0" } });
  const lock = {
    lockfileVersion: 3,
    packages: { "": manifest, "node_modules/only": { version: "1.0.0", resolved: dependency, ...more } },
  };
  for (const [name, content] of Object.entries({ "package.json": manifest, "package-lock.json": lock }))
    writeFileSync(join(at.root, "images/app/app", name), JSON.stringify(content));
  return { at, key };
}

const plain = (more: Readonly<Record<string, unknown>> = {}, files: Readonly<Record<string, Item>> = {}): GitTree => ({
  "package.json": JSON.stringify({ name: "only", version: "1.0.0", ...more }),
  "index.js": "1",
  ...files,
});

describe.skipIf(!hasProgram("npm") || !hasProgram("git"))(
  "npm packages of git repositories (needs npm and git)",
  { timeout: 240_000 },
  () => {
    it("are unpacked as npm ci leaves them, are pinned by commit, and rebuilt from the store alone", async () => {
      const at = await site();
      const [tool, other] = [repository(at, "tool", everything), repository(at, "renaming", renaming)];
      const dependencies = { "@ours/tool": tool.dependency, renaming: other.dependency, words: "2.0.0" };
      const manifest = { name: "app", version: "1.0.0", dependencies };
      await at.project("app", { "package.json": manifest }, "project: app, into: /srv");
      const { lock } = await at.pin();
      expect([...lock.git.keys()]).toEqual([other.key, tool.key]);
      expect(lock.git.get(tool.key)).toMatchObject({
        commit: tool.commit,
        date: "2026-01-02T03:04:05Z",
        scripts: ["postinstall: exit 1"],
      });
      expect(lock.git.get(other.key)?.scripts).toEqual([]);
      expect(await at.problems()).toEqual([]);
      expect((await at.pin()).diff.unchanged).toBe(true);

      const project = join(at.root, "images/app/app");
      await npm(project, at.registry.base, "ci", "--ignore-scripts");
      const wanted = treeOnDisk(project);
      rmSync(join(project, "node_modules"), { recursive: true });
      expect(Object.keys(wanted).length).toBeGreaterThan(25);
      const built = await at.build();
      expect(await treeOf(built[0])).toEqual(wanted);
      expect(scriptWarnings(built).map(formatProblem)).toEqual([
        `LS2510 images/app/image.yaml would have been run by npm after unpacking: ${tool.key} postinstall: exit 1; see to it that the image works without it`,
      ]);
      const [verdict] = await verifyImages(at.host, at.store, silent, built, {
        root: at.root,
        again: true,
        signal: new AbortController().signal,
      });
      expect(verdict?.verdict).toBe("reproduced");
      const again = await at.build(new Store(at.host, join(at.directory, "empty")));
      expect(again[0]?.index.descriptor.digest).toBe(built[0]?.index.descriptor.digest);
    });

    it("keep what other packages have in them, and the begin of a long command", async () => {
      const long = `#!/usr/bin/env node\r\n${"// x\r\n".repeat(100_000)}`;
      const { at } = await siteWith(plain({ bin: { only: "index.js" } }, { "index.js": long, "empty.js": "" }), {
        bin: { only: "index.js", none: "empty.js" },
      });
      await at.pin();
      const [built] = await at.build();
      const entries = await readLayer(built?.layout ?? "", built?.platforms[0]?.layers[0]?.digest ?? "sha256:");
      const file = entries.find(({ path }) => path === "srv/node_modules/only/index.js");
      expect(file?.content).toBe(long.replace("\r", ""));
      expect(file).toMatchObject({ mode: 0o755, mtime: 1767323045 });
      expect(entries.filter(({ path }) => path.startsWith("srv/node_modules/.bin/")).map(({ path }) => path)).toEqual([
        "srv/node_modules/.bin/none",
        "srv/node_modules/.bin/only",
      ]);
    });

    it("LS2510: have every script in the lock that npm would run to make a package of them", async () => {
      const scripts = { prepare: "node build.js\n--all", build: "x", install: "i", prepublish: "p", postprepare: "q" };
      const { at, key } = await siteWith(plain({ scripts }));
      const { lock } = await at.pin();
      expect(lock.git.get(key)?.scripts).toEqual([
        "install: i",
        "prepublish: p",
        "prepare: node build.js --all",
        "postprepare: q",
      ]);
    });

    it("are asked for by https first where npm writes an address of ssh, and by ssh when nobody answers", async () => {
      const { at, key } = await siteWith(plain());
      const [url = "", commit = ""] = key.split("#");
      const path = join(at.root, "images/app/app/package-lock.json");
      for (const name of ["package.json", "package-lock.json"]) {
        const file = join(at.root, "images/app/app", name);
        writeFileSync(file, readFileSync(file, "utf8").replaceAll(url, "ssh://git@git.example/team/only.git"));
      }
      expect(readFileSync(path, "utf8")).toContain(`git+ssh://git@git.example/team/only.git#${commit}`);
      const real = run("sh", ["-c", "command -v git"]).stdout.toString("utf8").trim();
      const log = join(at.directory, "asked");
      // A git that knows where the two addresses lead, and writes down which it was given.
      const answering = (address: string): void => {
        const lines = [
          "#!/bin/sh",
          "for a do shift",
          `case $a in https://*|ssh://*) echo "$a" >> '${log}';; esac`,
          `if [ "$a" = '${address}' ]; then set -- "$@" '${url}'; export GIT_ALLOW_PROTOCOL=file`,
          `else case $a in https://*|ssh://*) set -- "$@" 'file:///nowhere'; export GIT_ALLOW_PROTOCOL=file;; *) set -- "$@" "$a";; esac; fi`,
          "done",
          `exec '${real}' "$@"`,
        ];
        writeFileSync(join(at.directory, "git"), `${lines.join("\n")}\n`, { mode: 0o755 });
        writeFileSync(log, "");
      };
      const { host } = at;
      const own: Host = {
        ...host,
        findProgram: (name) => (name === "git" ? join(at.directory, "git") : host.findProgram(name)),
      };
      const asked = async (address: string): Promise<readonly string[]> => {
        answering(address);
        const specs = await readSpecs(at.store, at.root);
        const { lock } = await pin(own, at.store, silent, { root: at.root, specs, lock: emptyLock });
        expect([...lock.git.keys()]).toEqual([`ssh://git@git.example/team/only.git#${commit}`]);
        return [...new Set(readFileSync(log, "utf8").trim().split("\n"))];
      };
      const [https, ssh] = ["https://git.example/team/only.git", "ssh://git@git.example/team/only.git"];
      expect(await asked(https)).toEqual([https]);
      expect(await asked(ssh)).toEqual([https, ssh]);
      await expect(asked("neither")).rejects.toThrow(
        /^LS2903 .* ssh:\/\/git\.example\/team\/only\.git: cannot be read/,
      );
    });

    const refused: readonly (readonly [string, GitTree])[] = [
      ["bundles packages, which its commit does not have", plain({ bundleDependencies: ["words"] })],
      ["has workspaces", plain({ workspaces: ["packages/*"] })],
      ["has the submodule sub", plain({}, { sub: { submodule: "ab".repeat(20) } })],
      ["has files in its package.json that are no list of texts", plain({ files: "lib" })],
      ["has no package.json", { "index.js": "1" }],
      ["has no package.json", { "package.json": { link: "other.json" }, "other.json": "{}" }],
      ["has .gitignore, which is no file", plain({}, { ".gitignore": { link: "index.js" } })],
      ["has more bytes than are read", plain({}, { ".npmignore": "#".repeat((8 << 20) + 1) })],
    ];
    it.each(refused)("LS2512: are refused when they are pinned, where the package %s", async (message, tree) => {
      const { at, key } = await siteWith(tree);
      const failure = await at.failure();
      expect(failure).toMatch(/^LS2512 /);
      expect(failure).toContain(`${key} ${message}`);
      expect(await readLock(at.root)).toMatchObject({ git: new Map() });
    });

    it("LS2512: are refused where the lock file of the project has a bundle in them", async () => {
      const { at } = await siteWith(plain());
      const path = join(at.root, "images/app/app/package-lock.json");
      const lock = JSON.parse(readFileSync(path, "utf8")) as { packages: Record<string, object> };
      lock.packages["node_modules/only/node_modules/in"] = { version: "1.0.0", inBundle: true };
      writeFileSync(path, JSON.stringify(lock));
      expect(await at.failure()).toMatch(
        /^LS2512 images\/app\/app\/package-lock\.json:\d+:\d+ "node_modules\/only" comes from a git repository and bundles node_modules\/only\/node_modules\/in; /,
      );
    });

    it("LS2201, LS2208: are out of date when the project has another commit, or none", async () => {
      const { at, key } = await siteWith(plain());
      await at.pin();
      const lock = await readLock(at.root);
      const entry = lock.git.get(key);
      const { scripts: _scripts, ...bare } = entry ?? ({} as LockedCommit);
      writeFileSync(join(at.root, "lockstep.lock"), formatLock({ ...lock, git: new Map([[key, bare]]) }));
      expect((await at.problems())[0]).toContain("is locked, but not as the npm package that it is");
      await at.pin();
      expect((await readLock(at.root)).git.get(key)).toEqual(entry);
      writeFileSync(join(at.root, "images/app/image.yaml"), "name: app\nlayers:\n  - directories: [{ path: /srv }]\n");
      expect(await at.problems()).toEqual([expect.stringMatching(/^LS2208 .* is asked for by no spec/)]);
    });

    it("LS2907, LS2201: are refused when an entry of the lock says something else of them, whatever its seal", async () => {
      const { at, key } = await siteWith(plain());
      await at.pin();
      const lock = await readLock(at.root);
      const entry = lock.git.get(key);
      if (entry === undefined) throw new Error("nothing is locked");
      const changes: readonly (readonly [Partial<LockedCommit>, RegExp])[] = [
        [{ commit: "ab".repeat(20) }, /^LS2201 /],
        [{ tree: "ab".repeat(20) }, /^LS2907 /],
        [{ date: "2026-01-02T03:04:06Z" }, /^LS2907 /],
        [{ size: entry.size + 1 }, /^LS3003 /],
        [{ sha256: "ab".repeat(32) }, /^LS3003 /],
        [{ submodules: {} }, /^LS2201 /],
      ];
      for (const [change, code] of changes) {
        writeFileSync(
          join(at.root, "lockstep.lock"),
          formatLock({ ...lock, git: new Map([[key, { ...entry, ...change }]]) }),
        );
        const [problem] = await at.problems();
        expect(problem ?? (await at.failure(() => at.build())), JSON.stringify(change)).toMatch(code);
      }
    });

    it("and a git layer of the same commit share one entry", async () => {
      const { at, key } = await siteWith(plain());
      const [url, commit] = key.split("#");
      writeFileSync(
        join(at.root, "images/app/image.yaml"),
        `name: app\nlayers:\n  - npm: { project: app, into: /srv }\n  - git: { repository: "${url}", ref: "${commit}", into: /src, submodules: true }\n`,
      );
      const { lock } = await at.pin();
      expect([...lock.git]).toEqual([[key, expect.objectContaining({ scripts: [], submodules: {} })]]);
      expect(await at.problems()).toEqual([]);
      expect((await at.build())[0]?.platforms[0]?.layers).toHaveLength(2);
    });
  },
);
