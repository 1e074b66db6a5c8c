import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type BuiltImage, buildImages } from "../../../pipeline/build/build.ts";
import { type Pinned, pin } from "../../../pipeline/build/pin.ts";
import {
  fetchLocked,
  lockProblems,
  openRepository,
  planRepository,
  readSpecs,
} from "../../../pipeline/build/repository.ts";
import { formatProblem } from "../../../pipeline/host/errors.ts";
import { readLock, writeLock } from "../../../pipeline/lock/lockfile.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { ByteReader } from "../../../pipeline/tree/bytes.ts";
import { TarReader } from "../../../pipeline/tree/tar-reader.ts";
import { verifyImages } from "../../../pipeline/verify/verify.ts";
import { testRepository, type TestRepository, type Tree } from "../../source/git/repositories.ts";
import { hasProgram, run, type Scene, scene } from "../../support.ts";
import { damage, readLayer } from "../tiny-repository.ts";

interface Site extends Scene {
  readonly root: string;
  readonly source: TestRepository;
  readonly warnings: string[];
  spec(layers: string, image?: string): void;
  pin(only?: string): Promise<Pinned>;
  problems(): Promise<readonly string[]>;
  build(options?: { readonly store?: Store; readonly offline?: boolean }): Promise<readonly BuiltImage[]>;
  /** The entries of the layers of the first image, each in a line. */
  lines(): Promise<readonly string[]>;
}

function site(): Site {
  const at = scene({ PATH: process.env["PATH"] ?? "", LOCKSTEP_GIT_PROTOCOLS: "file" });
  const root = join(at.directory, "repository");
  const source = testRepository(at.directory, "source.git");
  const warnings: string[] = [];
  const report = { ...silent, warn: (line: string) => void warnings.push(line) };
  const open = () => openRepository(at.store, root);
  const build: Site["build"] = async ({ store = at.store, offline = false } = {}) => {
    const repository = await open();
    const planned = planRepository(at.host, repository, []);
    await fetchLocked(at.host, store, silent, repository, planned, { offline });
    return buildImages(at.host, { inputs: store, results: store }, silent, planned, { out: join(root, "out") });
  };
  return {
    ...at,
    root,
    source,
    warnings,
    spec(layers, image = "app") {
      mkdirSync(join(root, "images", image), { recursive: true });
      writeFileSync(
        join(root, "images", image, "image.yaml"),
        `name: ${image}\nplatforms: [linux/amd64]\nlayers:\n${layers}`,
      );
    },
    async pin(only) {
      const specs = await readSpecs(at.store, root);
      const options = { root, specs, lock: await readLock(root), ...(only === undefined ? {} : { only }) };
      const pinned = await pin(at.host, at.store, report, options);
      await writeLock(at.host, root, pinned.lock);
      return pinned;
    },
    problems: async () => lockProblems(await open()).map(formatProblem),
    build,
    async lines() {
      const [built] = await build();
      const layers = built?.platforms[0]?.layers ?? [];
      const all = await Promise.all(layers.map(({ digest }) => readLayer(built?.layout ?? "", digest)));
      return all.flat().map((entry) => {
        const { type, path, mode, uid, gid, mtime, content } = entry;
        const target = "target" in entry ? ` -> ${entry.target}` : "";
        return `${type} ${path}${target} ${mode.toString(8)} ${uid}:${gid} ${mtime}${content === undefined ? "" : ` ${content.trim()}`}`;
      });
    },
  };
}

const layer = (source: TestRepository, more = "", ref = "v1"): string =>
  `  - git: { repository: "${source.url}", ref: ${ref}, into: /srv/app${more} }\n`;

const tree: Tree = {
  README: "read me",
  ".gitattributes": "README export-ignore\n",
  src: {
    tree: {
      "main.js": "main",
      run: { executable: "#!" },
      link: { link: "../README" },
      test: { tree: { "a.test.js": "t" } },
    },
  },
};

describe.skipIf(!hasProgram("git"))("layers of a git repository (needs git)", () => {
  it("are pinned by commit, built with git's modes and the commit's time, and reproduced", async () => {
    const { spec, pin, lines, source, problems, host, store, root, build } = site();
    const commit = source.commit(tree);
    source.tag("v1", commit);
    spec(layer(source));
    const { lock } = await pin();
    expect(lock.git.get(`${source.url}#v1`)).toMatchObject({ commit, date: "2026-01-02T03:04:05Z" });
    expect(await problems()).toEqual([]);
    expect(await lines()).toEqual([
      "directory srv 755 0:0 1767323045",
      "directory srv/app 755 0:0 1767323045",
      "directory srv/app/src 755 0:0 1767323045",
      "directory srv/app/src/test 755 0:0 1767323045",
      "file srv/app/.gitattributes 644 0:0 1767323045 README export-ignore",
      "file srv/app/README 644 0:0 1767323045 read me",
      "symlink srv/app/src/link -> ../README 777 0:0 1767323045",
      "file srv/app/src/main.js 644 0:0 1767323045 main",
      "file srv/app/src/run 755 0:0 1767323045 #!",
      "file srv/app/src/test/a.test.js 644 0:0 1767323045 t",
    ]);
    const verdicts = await verifyImages(host, store, silent, await build(), { root, again: true });
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["reproduced"]);
  });

  it("take a directory or a file of the commit, leave out, and set owner and modes", async () => {
    const { spec, pin, lines, source } = site();
    source.tag("v1", source.commit(tree));
    spec(
      layer(source, ', path: src, exclude: ["test"], owner: "7:8", mode: { "*.js": "0600" }') +
        layer(source, ", path: README").replace("/srv/app", "/srv/readme.txt"),
    );
    await pin();
    expect(await lines()).toEqual([
      "directory srv 755 0:0 1767323045",
      "directory srv/app 755 0:0 1767323045",
      "symlink srv/app/link -> ../README 777 7:8 1767323045",
      "file srv/app/main.js 600 7:8 1767323045 main",
      "file srv/app/run 755 7:8 1767323045 #!",
      "file srv/readme.txt 644 0:0 1767323045 read me",
    ]);
  });

  it("have what git archive gives, but for what attributes change", async () => {
    const { spec, pin, source, build } = site();
    const commit = source.commit({ ...tree, ".gitattributes": "", ü: { tree: { x: "y" } }, Readme: "twin" });
    source.ref("refs/heads/main", commit);
    spec(layer(source, "", "main"));
    await pin();
    const [built] = await build();
    const read = await readLayer(built?.layout ?? "", built?.platforms[0]?.layers[0]?.digest ?? "sha256:");
    const { stdout } = run("git", ["-C", source.directory, "archive", "--format=tar", commit]);
    const tar = new TarReader(
      new ByteReader(
        (async function* () {
          yield stdout;
        })(),
        { file: "git archive" },
      ),
    );
    const expected: string[] = [];
    for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
      if (entry.type === "directory") continue;
      const content =
        entry.type === "file" ? (await tar.readAll(1 << 20)).toString("utf8") : "target" in entry ? entry.target : "";
      expected.push(`${entry.path} ${entry.mtime} ${entry.type} ${(entry.mode & 0o100) !== 0} ${content}`);
    }
    const mine = read
      .filter(({ type }) => type !== "directory")
      .map(
        (entry) =>
          `${entry.path.slice("srv/app/".length)} ${entry.mtime} ${entry.type} ${(entry.mode & 0o100) !== 0} ${"target" in entry ? entry.target : (entry.content ?? "")}`,
      );
    expect(mine.toSorted()).toEqual(expected.toSorted());
  });

  it("take submodules along, each an entry of the lock that goes when its commit goes", async () => {
    const { spec, pin, lines, source, directory, problems } = site();
    const sub = testRepository(directory, "sub.git");
    const subCommit = sub.commit({ "lib.js": "lib", docs: { tree: { x: "x" } } });
    sub.ref("refs/heads/main", subCommit);
    const withSub = {
      ".gitmodules": `[submodule "s"]\n\tpath = src/sub\n\turl = ../sub.git\n`,
      src: { tree: { sub: { submodule: subCommit }, a: "a" } },
    };
    source.ref("refs/heads/main", source.commit(withSub));
    spec(layer(source, ', path: src, submodules: true, exclude: ["sub/docs"]', "main"));
    const first = await pin();
    expect([...first.lock.git.keys()]).toEqual([`${source.url}#main`, `${sub.url}#${subCommit}`].toSorted());
    const files = (await lines()).filter((line) => line.startsWith("file"));
    expect(files.map((line) => line.split(" ")[1])).toEqual(["srv/app/a", "srv/app/sub/lib.js"]);

    spec(layer(source, ", path: src", "main"));
    expect(await problems()).toEqual([
      expect.stringMatching(/^LS2201 .*is locked with its submodules, and no spec asks for them/),
      expect.stringMatching(/^LS2208 .*sub\.git#/),
    ]);
    spec(layer(source, ", path: src, submodules: true", "main"));
    source.ref("refs/heads/main", source.commit({ src: { tree: { a: "b" } } }));
    const second = await pin();
    expect([...second.lock.git.keys()]).toEqual([`${source.url}#main`]);
    expect(await problems()).toEqual([]);
  });

  it("stay at the locked commit when the tag moves, until pin says so", async () => {
    const { spec, pin, build, source, warnings, store } = site();
    const [old, moved] = [source.commit(tree), source.commit({ new: "x" }, { time: 1767409445 })];
    source.tag("v1", old);
    spec(layer(source));
    const { lock } = await pin();
    const [before] = await build();
    source.tag("v1", moved);
    const again = new Store(scene().host);
    const [after] = await build({ store: again });
    expect(after?.index.descriptor.digest).toBe(before?.index.descriptor.digest);
    expect(await again.find(`sha256:${lock.git.get(`${source.url}#v1`)?.sha256 ?? ""}`)).toBeDefined();
    expect(warnings).toEqual([]);
    await pin();
    expect(warnings.join("\n")).toContain(`moved from commit ${old} of 2026-01-02 to ${moved} of 2026-01-03`);
    const [third] = await build({ store });
    expect(third?.index.descriptor.digest).not.toBe(before?.index.descriptor.digest);
  });

  it("do not move with `pin --only` of another image, and a commit id never", async () => {
    const { spec, pin, source } = site();
    const old = source.commit(tree);
    source.ref("refs/heads/main", old);
    spec(layer(source, "", "main"));
    spec(layer(source, "", old), "fixed");
    await pin();
    source.ref("refs/heads/main", source.commit({ new: "x" }));
    const { lock } = await pin("fixed");
    expect(lock.git.get(`${source.url}#main`)?.commit).toBe(old);
    expect(lock.git.get(`${source.url}#${old}`)?.commit).toBe(old);
  });

  it("are built offline from the store; LS3002 without it", async () => {
    const { spec, pin, build, source } = site();
    source.tag("v1", source.commit(tree));
    spec(layer(source));
    await pin();
    run("rm", ["-rf", source.directory]);
    expect(await build({ offline: true })).toHaveLength(1);
    await expect(build({ store: new Store(scene().host), offline: true })).rejects.toMatchObject({ code: "LS3002" });
    await expect(build({ store: new Store(scene().host) })).rejects.toMatchObject({ code: "LS2903" });
  });

  it("LS3001: are not built from a damaged archive, and LS2907: not from another commit under the lock's hash", async () => {
    const { spec, pin, build, source, store, root, host } = site();
    source.tag("v1", source.commit(tree));
    spec(layer(source));
    const { lock } = await pin();
    const key = `${source.url}#v1`;
    const entry = lock.git.get(key);
    if (entry === undefined) throw new Error("nothing was locked");
    // A lock that is sealed, and still not what its commit id says.
    const forged = { ...entry, commit: source.commit({ other: "x" }) };
    await writeLock(host, root, { ...lock, git: new Map([[key, forged]]) });
    await expect(build()).rejects.toMatchObject({ code: "LS2907" });
    await writeLock(host, root, lock);
    damage(store, `sha256:${entry.sha256}`);
    await expect(build({ offline: true })).rejects.toMatchObject({ code: "LS3001" });
  });

  it("tell a lock entry that was changed and sealed again, whichever field it is", async () => {
    const { spec, pin, build, source, directory, root, host, store } = site();
    const sub = testRepository(directory, "sub.git");
    const subCommit = sub.commit({ "lib.js": "lib" });
    sub.ref("refs/heads/main", subCommit);
    const modules = `[submodule "s"]\n\tpath = sub\n\turl = ../sub.git\n`;
    source.tag("v1", source.commit({ ".gitmodules": modules, sub: { submodule: subCommit }, a: "a" }));
    spec(layer(source, ", submodules: true"));
    const { lock } = await pin();
    const changes = {
      commit: "1".repeat(40),
      tree: "2".repeat(40),
      date: "2026-02-03T04:05:06Z",
      size: 1,
      sha256: "3".repeat(64),
      submodules: { elsewhere: `${sub.url}#${subCommit}` },
    };
    expect(await build({ offline: true })).toHaveLength(1);
    for (const [key, entry] of lock.git) {
      expect(Object.keys(entry).toSorted()).toEqual(Object.keys(changes).toSorted());
      for (const [field, value] of Object.entries(changes)) {
        await writeLock(host, root, { ...lock, git: new Map(lock.git).set(key, { ...entry, [field]: value }) });
        const outcome = await build({
          offline: true,
          store: new Store({ ...host, cacheDirectory: store.directory }, store.directory),
        }).then(
          (built) => `built ${built[0]?.index.descriptor.digest ?? ""}`,
          (error: unknown) => String(error),
        );
        expect(outcome, `${field} of ${key}`).toMatch(/LS(?:2201|2208|2907|3002)/);
      }
      await writeLock(host, root, { ...lock, git: new Map([...lock.git].filter(([other]) => other !== key)) });
      await expect(build({ offline: true }), key).rejects.toMatchObject({ code: "LS2201" });
    }
  });

  it("leave out, and do not lock, submodules outside of the path", async () => {
    const { spec, pin, build, source, directory, problems } = site();
    const sub = testRepository(directory, "sub.git");
    const subCommit = sub.commit({ "lib.js": "lib" });
    sub.ref("refs/heads/main", subCommit);
    const modules = `[submodule "s"]\n\tpath = vendor/sub\n\turl = ../sub.git\n`;
    source.tag(
      "v1",
      source.commit({
        ".gitmodules": modules,
        vendor: { tree: { sub: { submodule: subCommit } } },
        src: { tree: { a: "a" } },
      }),
    );
    spec(layer(source, ", path: src, submodules: true"));
    expect([...(await pin()).lock.git.keys()]).toEqual([`${source.url}#v1`]);
    expect(await problems()).toEqual([]);
    expect(await build()).toHaveLength(1);
  });

  it("LS2911: say when the commit has nothing at the path", async () => {
    const { spec, pin, build, source } = site();
    source.tag("v1", source.commit(tree));
    spec(layer(source, ", path: Src"));
    await pin();
    await expect(build()).rejects.toMatchObject({ code: "LS2911" });
  });

  it.each([
    ["LS2050", 'repository: "ext::sh -c id", ref: v1'],
    ["LS2050", 'repository: "https://u:p@git.example/x", ref: v1'],
    ["LS2050", "repository: ../x, ref: v1"],
    ["LS2051", 'repository: ".", ref: "main~1"'],
    ["LS2051", 'repository: ".", ref: "--upload-pack=x"'],
    ["LS2052", 'repository: ".", ref: v1, path: ../x'],
    ["LS2052", 'repository: ".", ref: v1, path: /x'],
    ["LS2017", 'repository: ".", ref: v1, into: srv'],
    ["LS2003", 'repository: ".", ref: v1, branch: x'],
    ["LS2008", 'repository: ".", ref: v1, mode: { "*": 0755 }'],
  ])("%s: refuse { %s }", async (code, text) => {
    const { spec, store, root } = site();
    spec(`  - git: { ${text}${text.includes("into:") ? "" : ", into: /srv"} }\n`);
    await expect(readSpecs(store, root)).rejects.toMatchObject({ code });
  });
});
