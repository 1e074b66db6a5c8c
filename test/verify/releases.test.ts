import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run as runVerify } from "../../pipeline/cli/verify.ts";
import type { Host } from "../../pipeline/host/host.ts";
import { silent } from "../../pipeline/report/report.ts";
import { recordedDigests, type ReleaseVerdict } from "../../pipeline/verify/releases.ts";
import { image, tinyRepository } from "../build/tiny-repository.ts";
import { filesBelow } from "../files.ts";
import { hasProgram, run, temporaryDirectory } from "../support.ts";

const git = hasProgram("git");
const other = `sha256:${"0".repeat(64)}`;

/** A repository under git with one image, whose manifests name what is built. */
async function released() {
  const repository = await tinyRepository({
    images: { app: image("tool", "  - files: { from: app, into: /app }\n") },
    packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x", mode: 0o755 }] }],
    files: { "images/app/app/a": "one\n", ".gitignore": "out/\n" },
  });
  const { root, store } = repository;
  const call = (...args: readonly string[]): string => {
    const identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"];
    const { status, stdout, stderr } = run("git", ["-C", root, ...identity, ...args]);
    if (status !== 0) throw new Error(stderr.toString());
    return stdout.toString().trim();
  };
  call("init", "--quiet");
  const release = (tag: string, ...args: readonly string[]): string => {
    call("add", "--all");
    call("commit", "--quiet", "--allow-empty", "--message", tag);
    call("tag", ...args, tag);
    return call("rev-parse", "HEAD");
  };
  const record = (digest: string, file = "manifests/rendered/app/deployment-app.yaml"): void =>
    repository.write(
      file,
      `spec:\n  containers:\n    - name: app\n      image: registry.example/team/app:1@${digest}\n`,
    );
  const host: Host = {
    ...repository.host,
    cwd: root,
    environment: () => ({ PATH: process.env["PATH"] ?? "", HOME: repository.directory, GIT_DIR: "/nowhere" }),
  };
  const verify = async (options: Readonly<Record<string, unknown>> = {}, names: readonly string[] = []) => {
    const signal = new AbortController().signal;
    const context = { host, report: silent, store, root, signal };
    const { exit, text, result } = await runVerify(context, { allTags: true, ...options }, names);
    return { exit, text, releases: (result as { readonly releases: readonly ReleaseVerdict[] }).releases };
  };
  const digest = async (): Promise<string> => (await repository.build())[0]?.index.descriptor.digest ?? "";
  return { ...repository, release, record, verify, digest };
}

describe.skipIf(!git)("verify --all-tags (needs git)", () => {
  it("rebuilds each release from its own commit, in the order of versions, and leaves no clone: exit code 0", async () => {
    const { release, record, verify, digest, write, root, store } = await released();
    const first = await digest();
    record(first);
    const one = release("v1.9");
    write("images/app/app/a", "two\n");
    const second = await digest();
    record(second);
    const two = release("v1.10", "--annotate", "--message", "of the second");
    // What is not committed has no part in it.
    write("images/app/app/a", "three\n");
    const { exit, text, releases } = await verify();
    expect(releases).toEqual([
      { tag: "v1.9", commit: one, image: "app", verdict: "reproduced", recorded: first, rebuilt: first },
      { tag: "v1.10", commit: two, image: "app", verdict: "reproduced", recorded: second, rebuilt: second },
    ]);
    expect([exit, first === second]).toEqual([0, false]);
    expect(text).toBe(`v1.9 app: reproduced ${first}\nv1.10 app: reproduced ${second}\n`);
    expect(filesBelow(join(store.directory, "verify"))).toEqual([]);
    expect(run("git", ["-C", root, "worktree", "list"]).stdout.toString().trim().split("\n")).toHaveLength(1);
  });

  it("LS5007: finds a release that comes out otherwise: exit code 1, whatever else could not be told", async () => {
    const { release, record, verify, digest, root } = await released();
    release("v0");
    record(other);
    release("v1");
    const { exit, text, releases } = await verify({ perturb: "none" });
    expect(releases).toMatchObject([
      { tag: "v0", verdict: "could not tell", reason: "its rendered manifests name no digest" },
      { tag: "v1", image: "app", verdict: "differs", recorded: other, rebuilt: await digest() },
    ]);
    expect(exit).toBe(1);
    expect(text).toContain(`LS5007 v1 app: ${other} recorded, sha256:`);
    rmSync(join(root, "manifests"), { recursive: true });
  });

  it("LS5008: tells nothing of what has no record, several, or cannot be built: exit code 4", async () => {
    const { release, record, verify, digest, write } = await released();
    await expect(verify()).rejects.toMatchObject({ code: "LS5008", exitCode: 4 });
    record(await digest());
    record(other, "manifests/rendered/app/cronjob-app.yaml");
    release("v1");
    record(await digest(), "manifests/rendered/app/cronjob-app.yaml");
    write("images/app/image.yaml", "name: app\nlayrs: []\n");
    release("v2");
    const { exit, text, releases } = await verify();
    expect(exit).toBe(4);
    expect(releases).toMatchObject([
      { tag: "v1", image: "app", verdict: "could not tell", reason: "its rendered manifests name several digests" },
      { tag: "v2", image: "app", verdict: "could not tell", reason: expect.stringMatching(/^LS200\d /) as string },
    ]);
    expect(text).toMatch(/^LS5008 v1 app: could not tell: its rendered manifests name several digests\n/);
    expect(await verify({}, ["other"])).toMatchObject({ exit: 4, releases: [{ image: "other" }, { image: "other" }] });
    await expect(verify({ against: "x" })).rejects.toMatchObject({ code: "LS1002" });
  });
});

describe("the digests that rendered manifests name", () => {
  it("are those of images with a tag and a digest, quoted or not, and of nothing else", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "deep"));
    const digest = `sha256:${"ab".repeat(32)}`;
    const lines = [
      `image: registry.example:5000/team/one:1@${digest}`,
      `  - image: "two:0.1.0@${digest}"`,
      `image: 'registry.example/three:v1@${other}' `,
      `# image: registry.example/four:1@${digest}`,
      `image: registry.example/five@${digest}`,
      "image: registry.example/six:1",
      `annotation: registry.example/seven:1@${digest}`,
    ];
    writeFileSync(join(directory, "deep", "a.yaml"), lines.join("\n"));
    writeFileSync(join(directory, "b.txt"), `image: registry.example/eight:1@${digest}\n`);
    expect(await recordedDigests(directory)).toEqual(
      new Map([
        ["one", new Set([digest])],
        ["two", new Set([digest])],
        ["three", new Set([other])],
      ]),
    );
    expect(await recordedDigests(join(directory, "nothing"))).toEqual(new Map());
  });
});
