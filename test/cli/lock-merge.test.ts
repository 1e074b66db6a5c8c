import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatLock } from "../../pipeline/lock/format.ts";
import { parseLock } from "../../pipeline/lock/parse.ts";
import type { Lock } from "../../pipeline/lock/types.ts";
import { lock as sample } from "../lock/sample.ts";
import { hasProgram, root, run, temporaryDirectory } from "../support.ts";
import { lockstep } from "./lockstep.ts";

const git = hasProgram("git");

/** The sample lock, with files from the web by name and a digit for their content, and without images that are named. */
function lockWith(files: Readonly<Record<string, string>>, without: readonly string[] = []): Lock {
  const http = Object.entries(files).map(
    ([name, digit]) => [`https://files.example/${name}`, { size: 4, sha256: digit.repeat(64) }] as const,
  );
  const images = new Map([...sample.images].filter(([image]) => !without.includes(image)));
  return { ...sample, http: new Map(http), images };
}

/** A repository whose lock is merged by the driver that the documents tell to configure. */
function repository(): {
  readonly directory: string;
  readonly git: (...args: readonly string[]) => { readonly status: number | null; readonly said: string };
  readonly commit: (text: string) => void;
  readonly lock: () => string;
} {
  const directory = temporaryDirectory();
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: directory,
    LOCKSTEP_STORE: join(directory, ".store"),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "A",
    GIT_AUTHOR_EMAIL: "a@example.invalid",
    GIT_COMMITTER_NAME: "A",
    GIT_COMMITTER_EMAIL: "a@example.invalid",
  };
  const call = (...args: readonly string[]): { readonly status: number | null; readonly said: string } => {
    const { status, stdout, stderr } = run("git", args, { cwd: directory, env });
    return { status, said: `${stdout.toString()}${stderr.toString()}` };
  };
  call("init", "-q", "-b", "main");
  const driver = `"${process.execPath}" "${join(root, "pipeline/cli/main.ts")}" lock merge %O %A %B`;
  call("config", "merge.lockstep.name", "lockstep.lock, entry by entry");
  call("config", "merge.lockstep.driver", driver);
  writeFileSync(join(directory, ".gitattributes"), "lockstep.lock text eol=lf merge=lockstep\n");
  writeFileSync(join(directory, ".gitignore"), ".store\n");
  call("add", "-A");
  call("commit", "-qm", "begin");
  const commit = (text: string): void => {
    writeFileSync(join(directory, "lockstep.lock"), text);
    call("add", "lockstep.lock");
    expect(call("commit", "-qm", "pin").status).toBe(0);
  };
  return { directory, git: call, commit, lock: () => readFileSync(join(directory, "lockstep.lock"), "utf8") };
}

type Repository = ReturnType<typeof repository>;

/** Two branches from one lock, with `ours` checked out. */
function branches(at: Repository, base: string, ours: string, theirs: string): void {
  at.commit(base);
  at.git("branch", "theirs");
  at.commit(ours);
  at.git("switch", "-q", "theirs");
  at.commit(theirs);
  at.git("switch", "-q", "main");
}

describe.skipIf(!git)("a merge by Git (needs git)", () => {
  it("of changes that Git's own merge would fight over comes out whole, without a question", () => {
    const at = repository();
    // Neighbours in the text: for Git, both sides changed the same lines.
    const [base, ours, theirs] = [{ b: "1" }, { a: "2", b: "1" }, { b: "1", c: "3" }].map((files) =>
      formatLock(lockWith(files)),
    );
    branches(at, base ?? "", ours ?? "", theirs ?? "");
    expect(at.git("merge", "-q", "--no-edit", "theirs")).toMatchObject({ status: 0 });
    expect(at.lock()).toBe(formatLock(lockWith({ a: "2", b: "1", c: "3" })));
    expect(at.git("status", "--porcelain").said).toBe("");
  });

  it("is the same when the other side merges, rebases or picks", () => {
    const texts = [{ b: "1" }, { b: "2" }, { b: "1", c: "3" }].map((files) => formatLock(lockWith(files)));
    const expected = formatLock(lockWith({ b: "2", c: "3" }));
    for (const how of [
      ["merge", "-q", "--no-edit", "main"],
      ["rebase", "-q", "main"],
      ["cherry-pick", "main"],
    ]) {
      const at = repository();
      branches(at, texts[0] ?? "", texts[1] ?? "", texts[2] ?? "");
      at.git("switch", "-q", "theirs");
      expect(at.git(...how)).toMatchObject({ status: 0 });
      expect(at.lock()).toBe(expected);
    }
  });

  it("LS2211: of one entry that both changed stops, says which, and leaves both answers between marks", async () => {
    const at = repository();
    const [base, ours, theirs] = ["1", "2", "3"].map((b, i) => formatLock(lockWith({ b, [`n${i}`]: "4" })));
    branches(at, base ?? "", ours ?? "", theirs ?? "");
    const { status, said } = at.git("merge", "theirs");
    expect(status).toBe(1);
    expect(said).toContain(
      'LS2211 lockstep.lock both sides changed file "https://files.example/b"; merge the specs, then run `lockstep pin --only https://files.example/b`',
    );
    expect(said).toContain("CONFLICT (content): Merge conflict in lockstep.lock");
    expect(at.git("status", "--porcelain").said).toBe("UU lockstep.lock\n");
    const marked = at.lock();
    expect(marked.match(/^<<<<<<< ours$/gm)).toHaveLength(1);
    const sides = [/(?<=^<<<<<<< ours\n)[^]*?(?=^=======$)/m, /(?<=^=======\n)[^]*?(?=^>>>>>>> theirs$)/m].map(
      (side) => side.exec(marked)?.[0],
    );
    expect(sides[0]).toContain("2".repeat(64));
    expect(sides[1]).toContain("3".repeat(64));
    // Nothing works with it until a person has decided.
    mkdirSync(join(at.directory, "images"));
    const check = await lockstep(["check"], { cwd: at.directory });
    expect(check.code).toBe(3);
    expect(check.stderr).toMatch(/^LS2202 lockstep.lock:\d+:1 an unfinished merge begins here/);
  });

  it("LS2204: with a lock of another format version leaves ours as it was, and is not taken for done", () => {
    const at = repository();
    const [base, ours] = [{ b: "1" }, { b: "2" }].map((files) => formatLock(lockWith(files)));
    const theirs = (base ?? "").replace('"lockfileVersion": 1', '"lockfileVersion": 2');
    branches(at, base ?? "", ours ?? "", theirs);
    const { status, said } = at.git("merge", "theirs");
    expect(status).toBe(1);
    expect(said).toContain("LS2204 lockstep.lock (theirs):2:3 lock is of version 2");
    expect(at.lock()).toBe(ours);
    expect(at.git("status", "--porcelain").said).toBe("UU lockstep.lock\n");
  });

  it("of branches that both added a lock, and of branches that merged each other, comes out whole", () => {
    const at = repository();
    const text = (files: Readonly<Record<string, string>>): string => formatLock(lockWith(files));
    at.git("branch", "theirs");
    at.commit(text({ a: "1" }));
    at.git("switch", "-q", "theirs");
    at.commit(text({ b: "1" }));
    at.git("branch", "theirs-before");
    expect(at.git("merge", "-q", "--no-edit", "main")).toMatchObject({ status: 0 });
    at.git("switch", "-q", "main");
    expect(at.git("merge", "-q", "--no-edit", "theirs-before")).toMatchObject({ status: 0 });
    expect(at.lock()).toBe(text({ a: "1", b: "1" }));
    at.commit(text({ a: "1", b: "1", c: "1" }));
    at.git("switch", "-q", "theirs");
    at.commit(text({ a: "1", b: "2" }));
    // Two common ancestors, which Git merges first.
    expect(at.git("merge", "-q", "--no-edit", "main")).toMatchObject({ status: 0 });
    expect(at.lock()).toBe(text({ a: "1", b: "2", c: "1" }));
  });

  it("of images that each side added or removed keeps the packages that are still used, and no others", () => {
    const at = repository();
    const without = (...images: readonly string[]): string => {
      const lock = lockWith({}, images);
      const used = new Set([...lock.images.values()].flatMap(({ platforms }) => Object.values(platforms).flat()));
      const packages = new Map([...lock.packages].filter(([key]) => used.has(key)));
      const vouching = new Set([...packages.values()].map(({ release }) => release));
      return formatLock({
        ...lock,
        packages,
        releases: new Map([...lock.releases].filter(([key]) => vouching.has(key))),
      });
    };
    branches(at, without("9"), without("9", "web"), without());
    expect(at.git("merge", "-q", "--no-edit", "theirs")).toMatchObject({ status: 0 });
    expect(at.lock()).toBe(without("web"));
    expect([...parseLock(at.lock(), "lockstep.lock").packages.keys()]).toEqual(["netbase_6.5_all"]);
  });
});

describe("lockstep lock diff", () => {
  it("reports on any two locks, as text, Markdown and JSON, in a repository or outside of one", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "none"), "");
    writeFileSync(join(directory, "old"), formatLock(lockWith({ a: "1" }, ["9"])));
    writeFileSync(join(directory, "new"), formatLock(lockWith({ a: "2", b: "1" })));
    const call = (...args: readonly string[]) => lockstep(["lock", "diff", ...args], { cwd: directory });
    const text = await call("old", "new");
    expect(text.code).toBe(0);
    expect(text.stdout).toContain("+ image 9\npackages:\n+ netbase (linux/amd64)  6.5  1007 B  9\n");
    expect(text.stdout).toContain("! https://files.example/a  111111111111 → 222222222222 (other bytes)  same size\n");
    expect(text.stdout).toContain("+ https://files.example/b  ");
    expect((await call("old", "new", "--format", "markdown")).stdout).toMatch(
      /^## Pinned inputs\n\n- packages: 1 added\n- files: /,
    );
    const json = JSON.parse((await call("none", "new", "--json")).stdout) as {
      result: { diff: { addedImages: unknown } };
    };
    expect(json.result.diff.addedImages).toEqual(["10", "9", "web"]);
    expect((await call("new", "new")).stdout).toBe("nothing changed\n");
    expect(await call("new")).toMatchObject({ code: 2, stderr: "LS1002 lock diff takes 2 files, not 1\n" });
    writeFileSync(join(directory, "osv.json"), "[]");
    const advised = await call("old", "new", "--advisories", "osv.json");
    expect(advised).toMatchObject({ code: 3, stdout: "" });
    expect(advised.stderr).toMatch(/^LS2212 osv.json has no advisory in it/);
  });
});

describe("lockstep lock merge", () => {
  it("says in JSON what came out, and needs all three files", async () => {
    const directory = temporaryDirectory();
    const paths = ["base", "ours", "theirs"].map((name, i) => {
      writeFileSync(join(directory, name), i === 0 ? "" : formatLock(lockWith({ a: String(i) })));
      return name;
    });
    const said = await lockstep(["lock", "merge", ...paths, "--json"], { cwd: directory });
    expect(said.code).toBe(1);
    expect(JSON.parse(said.stdout)).toMatchObject({
      command: "lock",
      exit: 1,
      result: { recomputed: [], problems: [{ code: "LS2211", place: { file: "lockstep.lock" } }] },
    });
    const few = await lockstep(["lock", "merge", "base", "ours"], { cwd: directory });
    expect(few).toMatchObject({ code: 2, stderr: "LS1002 lock merge takes 3 files, not 2\n" });
    const missing = await lockstep(["lock", "merge", "base", "ours", "none"], { cwd: directory });
    expect(missing).toMatchObject({ code: 2, stdout: "", stderr: "LS1002 none cannot be read (ENOENT)\n" });
    expect(readFileSync(join(directory, "base"), "utf8")).toBe("");
  });
});
