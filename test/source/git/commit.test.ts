import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Host } from "../../../pipeline/host/host.ts";
import type { LockedCommit } from "../../../pipeline/lock/types.ts";
import { fetchCommit, lockCommit } from "../../../pipeline/source/git/commit.ts";
import { type CommitEntry, readCommit } from "../../../pipeline/source/git/objects.ts";
import type { Store } from "../../../pipeline/store/store.ts";
import { ByteReader } from "../../../pipeline/tree/bytes.ts";
import { hasProgram, run, scene } from "../../support.ts";
import { hasHttpBackend, serveGit } from "./http-backend.ts";
import { testRepository, type TestRepository } from "./repositories.ts";

const git = hasProgram("git");

interface GitScene {
  readonly host: Host;
  readonly store: Store;
  readonly directory: string;
  readonly repository: TestRepository;
  lock(
    ref: string,
    options?: { readonly submodules?: boolean; readonly repository?: string },
  ): Promise<ReadonlyMap<string, LockedCommit>>;
}

function gitScene(format: "sha1" | "sha256" = "sha1", protocols = "file,http"): GitScene {
  const { host, store, directory } = scene({ PATH: process.env["PATH"] ?? "", LOCKSTEP_GIT_PROTOCOLS: protocols });
  const repository = testRepository(directory, "source.git", format);
  return {
    host,
    store,
    directory,
    repository,
    lock: (ref, { submodules = false, repository: address = repository.url } = {}) =>
      lockCommit({ host, store, root: directory }, { repository: address, ref, submodules }),
  };
}

function first(entries: ReadonlyMap<string, LockedCommit>): LockedCommit {
  const [entry] = entries.values();
  if (entry === undefined) throw new Error("nothing was locked");
  return entry;
}

type Read = CommitEntry & { readonly content?: string };

async function entriesOf(store: Store, { sha256, commit }: LockedCommit): Promise<readonly Read[]> {
  const entries: Read[] = [];
  await readCommit(new ByteReader(store.stream(`sha256:${sha256}`, 7), { file: "test" }), commit, {
    commit: () => {},
    entry: async (entry) => void entries.push(entry.type === "file" ? { ...entry, content: "" } : entry),
    content: async (piece) => {
      const last = entries.at(-1);
      if (last !== undefined)
        entries[entries.length - 1] = {
          ...last,
          content: (last.content ?? "") + Buffer.from(piece).toString("latin1"),
        };
    },
  });
  return entries;
}

/** The archive as anyone can make it from the repository with git's plumbing, by the rule of docs/git.md. */
function remade({ directory }: TestRepository, commit: string): Buffer {
  const git = (args: readonly string[], input?: Uint8Array): Buffer =>
    run("git", ["-C", directory, ...args], input === undefined ? {} : { input }).stdout;
  const root = git(["rev-parse", `${commit}^{tree}`])
    .toString()
    .trim();
  const below = git(["ls-tree", "-r", "-t", "--format=%(objecttype) %(objectname)", commit]).toString().trim();
  const ids = below.split("\n").filter((line) => line !== "" && !line.startsWith("commit"));
  return Buffer.concat(
    [`commit ${commit}`, `tree ${root}`, ...ids].flatMap((line) => {
      const [type = "", id = ""] = line.split(" ");
      const content = git(["cat-file", type, id]);
      return [Buffer.from(`${type} ${content.length}\0`), content];
    }),
  );
}

const usual = {
  "README.md": "hello\r\n$Format:%H$ $Id$\n",
  ".gitattributes": "* text=auto eol=crlf export-subst\nsecret export-ignore\n*.bin filter=lfs\n",
  secret: "not left out\n",
  "a.bin": "version https://git-lfs.example/spec/v1\noid sha256:0\n",
  bin: { tree: { run: { executable: "#!/bin/sh\n" }, link: { link: "../../etc/passwd" } } },
  "a-b": "1",
  a: { tree: { ü: "2", empty: "" } },
  Readme: "twin in another case\n",
} as const;

describe.skipIf(!git)("locking a commit (needs git)", () => {
  it("locks the commit of a tag, a tag with a message, a branch, a full name, HEAD and an id", async () => {
    const { repository, lock } = gitScene();
    const commit = repository.commit(usual);
    repository.ref("refs/heads/main", commit);
    repository.ref("refs/tags/plain", commit);
    repository.ref("refs/odd/name", commit);
    repository.tag("v1", commit);
    for (const ref of ["plain", "v1", "main", "refs/odd/name", "refs/tags/v1", "HEAD", commit]) {
      const entries = await lock(ref);
      expect([...entries.keys()]).toEqual([`${repository.url}#${ref}`]);
      expect(first(entries)).toMatchObject({ commit, date: "2026-01-02T03:04:05Z" });
    }
  });

  it.each(["sha1", "sha256"] as const)(
    "keeps the archive that git's plumbing makes (objects named by %s)",
    async (format) => {
      const { repository, lock, store } = gitScene(format);
      const commit = repository.commit(usual);
      const entry = first(await lock(commit));
      const bytes = await store.read(`sha256:${entry.sha256}`);
      expect(bytes.equals(remade(repository, commit))).toBe(true);
      expect(entry).toMatchObject({ size: bytes.length, tree: repository.git(["rev-parse", `${commit}^{tree}`]) });
    },
  );

  it("reads bytes as they are committed: no attribute, filter, line ending or missing file has a part in it", async () => {
    const { repository, lock, store } = gitScene();
    const entries = await entriesOf(store, first(await lock(repository.commit(usual))));
    expect(entries.map(({ path }) => path)).toEqual([
      ".gitattributes",
      "README.md",
      "Readme",
      "a-b",
      "a.bin",
      "a",
      "a/empty",
      "a/ü",
      "bin",
      "bin/link",
      "bin/run",
      "secret",
    ]);
    const by = new Map(entries.map((entry) => [entry.path, entry]));
    expect(by.get("README.md")).toMatchObject({ executable: false, content: usual["README.md"] });
    expect(by.get("secret")).toMatchObject({ content: "not left out\n" });
    expect(by.get("a.bin")).toMatchObject({ content: usual["a.bin"] });
    expect(by.get("bin/run")).toMatchObject({ executable: true, content: "#!/bin/sh\n" });
    expect(by.get("bin/link")).toMatchObject({ type: "symlink", target: "../../etc/passwd" });
  });

  it("does not look at the settings, hooks and environment of the user or the machine", async () => {
    const { host, store, directory, repository } = gitScene();
    const commit = repository.commit(usual);
    repository.ref("refs/heads/main", commit);
    const home = join(directory, "home");
    run("mkdir", ["-p", join(home, "hooks")]);
    const settings = `[url "file:///nowhere/"]\n\tinsteadOf = ${repository.url}\n[core]\n\thooksPath = ${home}/hooks\n[init]\n\ttemplateDir = ${home}\n[fetch]\n\tfsckObjects = nonsense\n`;
    writeFileSync(join(home, ".gitconfig"), settings);
    const hostile: Host = {
      ...host,
      env: (name) =>
        ({ HOME: home, GIT_DIR: "/nowhere", GIT_CONFIG_COUNT: "1", LOCKSTEP_GIT_PROTOCOLS: "file" })[name] ??
        host.env(name),
    };
    const entries = await lockCommit(
      { host: hostile, store, root: directory },
      { repository: repository.url, ref: "main", submodules: false },
    );
    expect(first(entries).commit).toBe(commit);
  });

  it("reads the repository that the specs are in, from its commits and not from its files", async () => {
    const { host, store, directory } = scene({ PATH: process.env["PATH"] ?? "" });
    const repository = testRepository(directory, "own");
    const commit = repository.commit({ file: "committed" });
    repository.ref("refs/heads/main", commit);
    writeFileSync(join(repository.directory, "file"), "changed");
    const entries = await lockCommit(
      { host, store, root: repository.directory },
      { repository: ".", ref: "main", submodules: false },
    );
    expect([...entries.keys()]).toEqual([".#main"]);
    expect(await entriesOf(store, first(entries))).toMatchObject([{ path: "file", content: "committed" }]);
  });

  it("leaves nothing in the temporary directory", async () => {
    const { repository, lock, directory } = gitScene();
    await lock(repository.commit(usual));
    await expect(lock("nothing")).rejects.toMatchObject({ code: "LS2904" });
    expect(readdirSync(directory).filter((name) => name.startsWith("lockstep-git"))).toEqual([]);
  });

  it("fetches a locked commit again, to the same archive, also when its tag has moved", async () => {
    const { host, repository, lock, directory } = gitScene();
    const commit = repository.commit(usual);
    repository.tag("v1", commit);
    const entry = first(await lock("v1"));
    repository.tag("v1", repository.commit({ other: "x" }));
    const again = scene();
    await fetchCommit({ host, store: again.store, root: directory }, { repository: repository.url, ref: "v1" }, entry);
    expect(await again.store.find(`sha256:${entry.sha256}`)).toMatchObject({ size: entry.size });
  });

  it("LS3003: refuses a commit whose archive is not the locked one, and keeps nothing", async () => {
    const { host, repository, lock, directory } = gitScene();
    const entry = first(await lock(repository.commit(usual)));
    const again = scene();
    const wrong = { ...entry, sha256: "0".repeat(64) };
    const fetching = fetchCommit(
      { host, store: again.store, root: directory },
      { repository: repository.url, ref: "v1" },
      wrong,
    );
    await expect(fetching).rejects.toMatchObject({ code: "LS3003" });
    expect(await again.store.find(`sha256:${entry.sha256}`)).toBeUndefined();
  });
});

describe.skipIf(!git)("submodules (needs git)", () => {
  it("are locked by the commit that the tree names, with their own submodules, each as an entry", async () => {
    const { directory, repository, lock, store } = gitScene();
    const inner = testRepository(directory, "inner.git");
    const middle = testRepository(directory, "middle.git");
    const innerCommit = inner.commit({ deep: "deep" });
    inner.ref("refs/heads/main", innerCommit);
    const middleCommit = middle.commit({
      ".gitmodules": `[submodule "in"]\n\tpath = lib/in\n\turl = ../inner.git\n`,
      lib: { tree: { in: { submodule: innerCommit } } },
    });
    middle.ref("refs/heads/main", middleCommit);
    // The branch has gone on: what counts is the commit.
    middle.ref("refs/heads/main", middle.commit({ newer: "x" }, { parent: middleCommit }));
    const commit = repository.commit({
      ".gitmodules": `[submodule "m"]\n\tpath = mod\n\turl = ${middle.url}\n`,
      mod: { submodule: middleCommit },
    });
    const entries = await lock(commit, { submodules: true });
    const [outerKey, middleKey, innerKey] = [
      `${repository.url}#${commit}`,
      `${middle.url}#${middleCommit}`,
      `${inner.url}#${innerCommit}`,
    ];
    expect([...entries.keys()]).toEqual([outerKey, middleKey, innerKey]);
    expect(entries.get(outerKey)?.submodules).toEqual({ mod: middleKey });
    expect(entries.get(middleKey)?.submodules).toEqual({ "lib/in": innerKey });
    expect(entries.get(innerKey)?.submodules).toEqual({});
    const read = await entriesOf(store, first(entries));
    expect(read).toContainEqual({ type: "submodule", path: "mod", commit: middleCommit });
    expect(first(await lock(commit))).not.toHaveProperty("submodules");
  });

  it.each([
    ["that runs a program", "ext::sh -c touch% /tmp/pwned"],
    ["that is an option", "--upload-pack=touch /tmp/pwned"],
    ["with a host that is an option", "ssh://-oProxyCommand=touch/x"],
    ["that leads above its host", "../../../../../x"],
    ["of a path", "/etc"],
  ])("LS2909: refuses an address %s", async (_, url) => {
    const { repository, lock } = gitScene();
    const commit = repository.commit({
      ".gitmodules": `[submodule "m"]\n\tpath = mod\n\turl = "${url}"\n`,
      mod: { submodule: "1".repeat(40) },
    });
    const locking = lock(commit, { submodules: true });
    await expect(locking).rejects.toMatchObject({ code: expect.stringMatching(/^LS2907|LS2909$/) as string });
    // Without its submodules the commit is sound, unless git itself refuses the file.
  });

  it("LS2909: refuses a submodule that .gitmodules does not name", async () => {
    const { repository, lock } = gitScene();
    const commit = repository.commit({ mod: { submodule: "1".repeat(40) } });
    await expect(lock(commit, { submodules: true })).rejects.toMatchObject({ code: "LS2909" });
    expect(first(await lock(commit)).commit).toBe(commit);
  });

  it("LS2902: refuses a protocol that this machine does not allow, also for submodules", async () => {
    const { repository, lock } = gitScene();
    const commit = repository.commit({
      ".gitmodules": `[submodule "m"]\n\tpath = mod\n\turl = git://127.0.0.1/x\n`,
      mod: { submodule: "1".repeat(40) },
    });
    await expect(lock(commit, { submodules: true })).rejects.toMatchObject({ code: "LS2902" });
    const strict = gitScene("sha1", "");
    await expect(strict.lock("main")).rejects.toMatchObject({ code: "LS2902" });
  });
});

describe.skipIf(!git)("hostile and broken repositories (needs git)", () => {
  it.each([".git", ".GIT", "git~1", ".g\u200cit", ".git ", ".git..."])(
    "refuses the name %j in a tree",
    async (name) => {
      const { repository, lock } = gitScene();
      const commit = repository.commit([[name, "x"]]);
      await expect(lock(commit)).rejects.toMatchObject({ code: expect.stringMatching(/^LS290[78]$/) as string });
    },
  );

  it.each(["..", "a/b", ""])("refuses the name %j in a tree", async (name) => {
    const { repository, lock } = gitScene();
    const commit = repository.commit([[name, "x"]]);
    await expect(lock(commit)).rejects.toMatchObject({ code: expect.stringMatching(/^LS290[678]$/) as string });
  });

  it("refuses a tree with one name twice", async () => {
    const { repository, lock } = gitScene();
    const commit = repository.commit([
      ["a", { link: "/etc" }],
      ["a", { tree: { passwd: "x" } }],
    ]);
    await expect(lock(commit)).rejects.toMatchObject({ code: expect.stringMatching(/^LS(2907|4006)$/) as string });
  });

  it("LS4007: refuses a name that is not UTF-8", async () => {
    const { repository, lock } = gitScene();
    const commit = repository.commit([[Buffer.from([0x61, 0xff]), "x"]]);
    await expect(lock(commit)).rejects.toMatchObject({ code: "LS4007" });
  });

  it("LS2904: says when there is no such tag or branch", async () => {
    const { repository, lock } = gitScene();
    repository.ref("refs/heads/feature/main", repository.commit(usual));
    await expect(lock("main")).rejects.toMatchObject({ code: "LS2904" });
    await expect(lock("abcdef1")).rejects.toThrow(/all 40 digits/);
  });

  it("LS2905: says when a name is of a tag and of a branch with other commits", async () => {
    const { repository, lock } = gitScene();
    repository.ref("refs/heads/v1", repository.commit(usual));
    repository.tag("v1", repository.commit({ x: "x" }));
    await expect(lock("v1")).rejects.toThrow(/LS2905.*refs\/tags\/v1 or refs\/heads\/v1/s);
    expect(first(await lock("refs/heads/v1")).commit).not.toBe(first(await lock("refs/tags/v1")).commit);
  });

  it("LS2906: says when the commit is not there, or is no commit", async () => {
    const { repository, lock } = gitScene();
    repository.ref("refs/heads/main", repository.commit(usual));
    await expect(lock("1".repeat(40))).rejects.toMatchObject({ code: "LS2906" });
    const blob = repository.object("blob", "x");
    repository.git(["update-ref", "refs/tags/blob", blob]);
    await expect(lock("blob")).rejects.toMatchObject({ code: "LS2906" });
  });

  it("LS2903: says when the repository is not there", async () => {
    const { lock } = gitScene();
    await expect(lock("main", { repository: "file:///nowhere/at-all.git" })).rejects.toMatchObject({ code: "LS2903" });
  });

  it("LS2907: refuses a commit without a tree", async () => {
    const { repository, lock } = gitScene();
    const commit = repository.object("commit", "author A <a@example.org> 1 +0000\n\nx\n");
    await expect(lock(commit)).rejects.toMatchObject({ code: expect.stringMatching(/^LS290[367]$/) as string });
  });

  it("LS2910: refuses a commit that is dated in the future", async () => {
    const { repository, lock } = gitScene();
    await expect(lock(repository.commit(usual, { time: 4102444800 }))).rejects.toThrow(/LS2910.*2100-01-01/);
  });

  it("LS2901: says when there is no git", async () => {
    const { host, store, directory, repository } = gitScene();
    const bare = { ...host, findProgram: () => undefined };
    await expect(
      lockCommit(
        { host: bare, store, root: directory },
        { repository: repository.url, ref: "main", submodules: false },
      ),
    ).rejects.toMatchObject({ code: "LS2901" });
  });
});

describe.skipIf(!git)("archives of commits (needs git)", () => {
  const sink = { commit: () => {}, entry: async () => {}, content: async () => {} };
  const reader = (bytes: Uint8Array): ByteReader =>
    new ByteReader(
      (async function* () {
        yield bytes;
      })(),
      { file: "test" },
    );

  it("prove every byte: one that is changed, missing or added is refused", async () => {
    const { repository } = gitScene();
    const commit = repository.commit({ a: "some text", d: { tree: { e: { executable: "x" }, l: { link: "t" } } } });
    const archive = remade(repository, commit);
    await expect(readCommit(reader(archive), commit, sink)).resolves.toMatchObject({ time: 1767323045 });
    for (let at = 0; at < archive.length; at++) {
      const changed = Buffer.from(archive);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(readCommit(reader(changed), commit, sink), `byte ${at}`).rejects.toThrow(/LS2907|LS4/);
      await expect(readCommit(reader(archive.subarray(0, at)), commit, sink), `cut at ${at}`).rejects.toThrow(
        /LS2907|LS4001/,
      );
    }
    await expect(readCommit(reader(Buffer.concat([archive, Buffer.from("x")])), commit, sink)).rejects.toThrow(
      /LS2907/,
    );
  });

  it.each([".GIT", "git~1", ".g\u200cit", ".git ", "..", "a/b", "a\\..\\b", ".git::$INDEX_ALLOCATION"])(
    "LS2908: may not have the name %j, whatever git thinks of it",
    async (name) => {
      const { repository } = gitScene();
      const commit = repository.commit([[name, "x"]]);
      await expect(readCommit(reader(remade(repository, commit)), commit, sink)).rejects.toMatchObject({
        code: "LS2908",
      });
    },
  );

  it("LS4006: may not have a name twice, LS4007: nor one that is not UTF-8, LS4004: nor another mode", async () => {
    const { repository } = gitScene();
    const read = (tree: Parameters<TestRepository["commit"]>[0]): Promise<unknown> => {
      const commit = repository.commit(tree);
      return readCommit(reader(remade(repository, commit)), commit, sink);
    };
    const twice = read([
      ["a", { link: "/etc" }],
      ["a", { tree: { passwd: "x" } }],
    ]);
    await expect(twice).rejects.toMatchObject({ code: "LS4006" });
    await expect(read([[Buffer.from([0xff]), "x"]])).rejects.toMatchObject({ code: "LS4007" });
    await expect(read({ link: { link: "a\u0000b" } })).rejects.toMatchObject({ code: "LS4002" });
    const blob = repository.object("blob", "x");
    await expect(read({ device: { mode: "20644", id: blob } })).rejects.toMatchObject({ code: "LS4004" });
    await expect(read({ setuid: { mode: "104755", id: blob } })).rejects.toMatchObject({ code: "LS4004" });
    await expect(read({ old: { mode: "100664", id: blob } })).resolves.toBeDefined();
  });

  it("LS4005: have limits", async () => {
    const { repository } = gitScene();
    const commit = repository.commit({ a: "12345", b: "12345", c: { tree: { d: "x" } } });
    const archive = remade(repository, commit);
    await expect(readCommit(reader(archive), commit, sink, { entries: 3, content: 100 })).rejects.toMatchObject({
      code: "LS4005",
    });
    await expect(readCommit(reader(archive), commit, sink, { entries: 9, content: 9 })).rejects.toMatchObject({
      code: "LS4005",
    });
  });
});

describe.skipIf(!hasHttpBackend)("over HTTP (needs git http-backend)", () => {
  it("fetches one commit without its history", async () => {
    const { repository, lock, directory } = gitScene();
    const server = await serveGit(directory);
    const noise = Array.from({ length: 10_000 }, (_, i) => createHash("sha256").update(String(i)).digest());
    const big = repository.commit({ old: Buffer.concat(noise) });
    const commit = repository.commit({ new: "x" }, { parent: big });
    repository.ref("refs/heads/main", commit);
    const entry = first(await lock("main", { repository: `${server.url}/source.git` }));
    expect(entry.commit).toBe(commit);
    expect(server.requests).toContain("POST /source.git/git-upload-pack");
    expect(server.sent()).toBeLessThan(10_000);
  });

  it("LS2903: says what the server said, and shows no password", async () => {
    const { lock, directory } = gitScene();
    const server = await serveGit(directory);
    await expect(lock("main", { repository: `${server.url}/nothing.git` })).rejects.toThrow(/LS2903 .*nothing\.git/);
  });

  it("takes all branches and tags from a server that knows nothing of single commits", async () => {
    const { repository, lock, directory } = gitScene();
    const old = repository.commit({ old: "x" });
    repository.ref("refs/heads/main", repository.commit({ new: "x" }, { parent: old }));
    repository.git(["update-server-info"]);
    // Plain files, as any web server gives them.
    const server = createServer((request, response) => {
      const path = join(directory, decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname));
      try {
        response.end(readFileSync(path));
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/source.git`;
    expect(first(await lock(old, { repository: url })).commit).toBe(old);
  });
});
