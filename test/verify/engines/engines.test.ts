import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createHost, type Host } from "../../../pipeline/host/host.ts";
import { emptyLock } from "../../../pipeline/lock/types.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { daggerRunner, verdictsIn } from "../../../pipeline/verify/engines/dagger.ts";
import type { CallOutcome, EngineRunner, Rebuilt } from "../../../pipeline/verify/engines/fleet.ts";
import { describeEngines, judgeEngines, verifyOnEngines } from "../../../pipeline/verify/engines/verify-engines.ts";
import { lockstep } from "../../cli/lockstep.ts";
import { root, temporaryDirectory } from "../../support.ts";
import { writeLayout } from "../image-of.ts";

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const rebuilt = (engine: string, letter: string, more: Partial<Rebuilt> = {}): Rebuilt => ({
  image: "web",
  verdict: "reproduced",
  digest: digest(letter),
  engine,
  seconds: 1,
  together: 1,
  ...more,
});

describe("judging what engines say", () => {
  it("says reproduced only of one digest, from as many engines as wanted, and of the layout here", () => {
    const judge = (list: readonly Rebuilt[], wanted: number, expected?: string) =>
      judgeEngines("web", list, [], wanted, expected).verdict;
    expect(judge([rebuilt("a", "1"), rebuilt("b", "1")], 2)).toBe("reproduced");
    expect(judge([rebuilt("a", "1"), rebuilt("b", "1")], 2, digest("1"))).toBe("reproduced");
    expect(judge([rebuilt("a", "1"), rebuilt("b", "1")], 2, digest("2"))).toBe("differs");
    expect(judge([rebuilt("a", "1"), rebuilt("b", "2")], 2)).toBe("differs");
    expect(judge([rebuilt("a", "1", { verdict: "differs" }), rebuilt("b", "1")], 2)).toBe("differs");
    expect(judge([rebuilt("a", "1")], 2)).toBe("could not tell");
    expect(judge([rebuilt("a", "1"), rebuilt("a", "1")], 2)).toBe("could not tell");
    expect(judge([rebuilt("a", "1"), rebuilt("b", "1", { verdict: "could not tell" })], 1)).toBe("could not tell");
    expect(judge([], 1)).toBe("could not tell");
    expect(judge([rebuilt("a", "1", { digest: undefined as never })], 1)).toBe("could not tell");
  });

  it("always says why it is not reproduced", () => {
    expect(judgeEngines("web", [], [], 2, undefined).reasons).toEqual(["0 of 2 engines rebuilt it"]);
    expect(judgeEngines("web", [], ["a: LS3103 …"], 2, undefined).reasons).toEqual(["a: LS3103 …"]);
    expect(judgeEngines("web", [rebuilt("a", "1"), rebuilt("b", "2")], [], 2, undefined).reasons).toEqual([
      "there are 2 digests",
    ]);
  });
});

/** A runner whose engines do what they are told to, call by call. */
function scripted(script: Readonly<Record<string, readonly ((images: readonly string[]) => CallOutcome)[]>>) {
  const calls: (readonly [string, readonly string[]])[] = [];
  const turns = new Map<string, number>();
  const runner: EngineRunner = {
    ready: async (engine) => (script[engine] === undefined ? "it is not there" : undefined),
    rebuild: async (engine, images) => {
      calls.push([engine, images]);
      const turn = turns.get(engine) ?? 0;
      turns.set(engine, turn + 1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      const steps = script[engine] ?? [];
      return (steps[turn] ?? steps.at(-1) ?? good)(images);
    },
  };
  return { runner, calls };
}

const good = (images: readonly string[]): CallOutcome => ({
  kind: "done",
  verdicts: images.map((image) => ({ image, verdict: "reproduced", digest: digest("1") })),
});
const lost = (): CallOutcome => ({ kind: "lost", reason: "the connection was lost" });
const failed = (): CallOutcome => ({ kind: "failed", reason: "LS3103 no mirror" });

function verify(
  runner: EngineRunner,
  engines: readonly string[],
  rebuilders: number,
  images: readonly string[] = ["web", "node", "static"],
  layouts = temporaryDirectory(),
) {
  const signal = new AbortController().signal;
  return verifyOnEngines(createHost(), silent, runner, emptyLock, images, { engines, rebuilders, layouts, signal });
}

describe("verify on engines", () => {
  it("has every image rebuilt by every engine", async () => {
    const { runner } = scripted({ a: [good], b: [good] });
    const { verdicts, lost: gone } = await verify(runner, ["a", "b"], 2);
    expect(verdicts.map(({ image, verdict, rebuilds }) => [image, verdict, rebuilds.length])).toEqual([
      ["web", "reproduced", 2],
      ["node", "reproduced", 2],
      ["static", "reproduced", 2],
    ]);
    expect([...gone]).toEqual([]);
  });

  it("goes on elsewhere when an engine is lost, or is not there at all", async () => {
    const { runner } = scripted({ a: [lost], b: [good] });
    const result = await verify(runner, ["a", "b", "nowhere"], 1);
    expect(result.verdicts.every(({ verdict }) => verdict === "reproduced")).toBe(true);
    expect([...result.lost.keys()].toSorted()).toEqual(["a", "nowhere"]);
    expect(describeEngines(result)).toContain("LS9030 nowhere could not be used: it is not there\n");
  });

  it("could not tell when too few engines are left", async () => {
    const { runner } = scripted({ a: [lost], b: [good] });
    const result = await verify(runner, ["a", "b"], 2);
    expect(new Set(result.verdicts.map(({ verdict }) => verdict))).toEqual(new Set(["could not tell"]));
    expect(describeEngines(result)).toMatch(/LS5002 web: could not tell: no engine is left to rebuild it/);
  });

  it("finds out which image of a batch fails, tries it on a second engine, and gives it up", async () => {
    const bad = (images: readonly string[]): CallOutcome => (images.includes("node") ? failed() : good(images));
    const { runner, calls } = scripted({ a: [bad], b: [bad], c: [bad] });
    const { verdicts } = await verify(runner, ["a", "b", "c"], 1);
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["reproduced", "could not tell", "reproduced"]);
    expect(verdicts[1]?.reasons).toHaveLength(2);
    expect(verdicts[1]?.reasons.every((reason) => reason.includes("LS3103"))).toBe(true);
    expect(calls.filter(([, images]) => images.length === 1 && images[0] === "node")).toHaveLength(2);
  });

  it("takes nothing for an answer that is none: a wrong digest, an image left out", async () => {
    const wrong = (images: readonly string[]): CallOutcome => ({
      kind: "done",
      verdicts: images.map((image) => ({ image, verdict: "reproduced", digest: digest("2") })),
    });
    const other = scripted({ a: [good], b: [wrong] });
    expect((await verify(other.runner, ["a", "b"], 2)).verdicts.map(({ verdict }) => verdict)).toEqual([
      "differs",
      "differs",
      "differs",
    ]);
    const silentOne = scripted({ a: [() => ({ kind: "done", verdicts: [] })] });
    const result = await verify(silentOne.runner, ["a"], 1, ["web"]);
    expect(result.verdicts).toMatchObject([
      { verdict: "could not tell", reasons: [expect.stringMatching(/said nothing of web/)] },
    ]);
  });

  it("compares with the layout that lies here", async () => {
    const layouts = temporaryDirectory();
    writeLayout(join(layouts, "web"), { layers: [] });
    const index = join(layouts, "web/index.json");
    const value = JSON.parse(readFileSync(index, "utf8")) as { manifests: Record<string, unknown>[] };
    Object.assign(value.manifests[0] ?? {}, { annotations: { "org.opencontainers.image.ref.name": "web" } });
    writeFileSync(index, JSON.stringify(value));
    const { runner } = scripted({ a: [good] });
    const { verdicts } = await verify(runner, ["a"], 1, ["web"], layouts);
    expect(verdicts[0]).toMatchObject({ verdict: "differs", expected: expect.stringMatching(/^sha256:/) });
  });
});

/** A host with a `dagger` that is a shell script. */
function withDagger(script: string): Host & { readonly path: string } {
  const directory = temporaryDirectory();
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "dagger");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  const host = createHost();
  return {
    ...host,
    path,
    run: (program, args, options) => host.run(program === "dagger" ? path : program, args, options),
  };
}

const answers = `case "$*" in
  *"core version"*) echo v0.21.8 ;;
  *) echo '{"version":1,"command":"verify","exit":0,"result":{"verdicts":[{"image":"web","verdict":"reproduced","rebuilt":"${digest("1")}"}]}}' ;;
esac`;

function runner(script: string, patience = 60_000, limit = 60_000): EngineRunner {
  return daggerRunner(withDagger(script), {
    program: root,
    root,
    moduleOptions: ["--epoch=5"],
    signal: new AbortController().signal,
    patience,
    interval: 100,
    limit: () => limit,
  });
}

describe("an engine through the dagger command", () => {
  it("is asked by its address, with the module's options before the function", async () => {
    const told = join(temporaryDirectory(), "told");
    const { ready, rebuild } = runner(`echo "$_EXPERIMENTAL_DAGGER_RUNNER_HOST $*" >> ${told}; ${answers}`);
    expect(await ready("tcp://one:1234")).toBeUndefined();
    expect(await rebuild("tcp://one:1234", ["web"])).toEqual({
      kind: "done",
      verdicts: [{ image: "web", verdict: "reproduced", digest: digest("1") }],
    });
    const lines = readFileSync(told, "utf8").trim().split("\n");
    expect(lines).toContain(`tcp://one:1234 -s -m ${root} call --epoch=5 verdicts --source ${root} --image web`);
  });

  it.each([
    [
      "of an older version",
      `case "$*" in *"core version"*) echo v0.19.1;; *) echo "dagger v0.21.8 (image) linux/amd64";; esac`,
      /^it is of version v0\.19\.1, which is too old: v0\.21 is needed; start an engine of version v0\.21\.8/,
    ],
    [
      "of a newer version",
      `case "$*" in *"core version"*) echo v1.0.0;; *) echo "dagger v0.21.8 (image) linux/amd64";; esac`,
      /^it is of version v1\.0\.0, which is too new: v0\.21 is needed; start an engine of version v0\.21\.8/,
    ],
    [
      "through a command of an older version",
      `case "$*" in *"core version"*) echo v0.21.8;; *) echo "dagger v0.19.1 (image) linux/amd64";; esac`,
      /^the dagger command on PATH is of version v0\.19\.1, which is too old: v0\.21 is needed; install the dagger command of version v0\.21\.8$/,
    ],
    [
      "through a command of a newer version",
      `case "$*" in *"core version"*) echo v0.21.8;; *) echo "dagger v0.22.0 (image) linux/amd64";; esac`,
      /^the dagger command on PATH is of version v0\.22\.0, which is too new/,
    ],
    ["that says no version", "echo hello", /of version "hello", and v0\.21 is needed/],
    ["that cannot be reached", "echo 'connection refused' >&2; exit 1", /connection refused/],
  ])("%s cannot be used", async (_, script, reason) => {
    expect(await runner(script).ready("tcp://one:1234")).toMatch(reason);
  });

  it("that never answers cannot be used", async () => {
    expect(await runner("exec sleep 600", 500).ready("tcp://one:1234")).toMatch(/did not answer within/);
  });

  it("cannot be used without the dagger command, which the reason says", async () => {
    const host: Host = { ...createHost(), run: (_, args) => createHost().run("/nonexistent/dagger", args) };
    const options = { program: root, root, moduleOptions: [], signal: new AbortController().signal };
    const { ready } = daggerRunner(host, { ...options, patience: 60_000, interval: 5000, limit: () => 60_000 });
    expect(await ready("e")).toBe("there is no dagger command on PATH; install the dagger command of version v0.21.8");
  });

  it("that goes away, or takes too long, is lost; one that is still there has failed", async () => {
    expect(await runner("echo 'connection reset' >&2; exit 1").rebuild("e", ["web"])).toMatchObject({ kind: "lost" });
    expect(await runner("exec sleep 600", 500, 500).rebuild("e", ["web"])).toMatchObject({ kind: "lost" });
    expect(await runner("kill -9 $$").rebuild("e", ["web"])).toMatchObject({ kind: "lost" });
    const coded = `case "$*" in *"core version"*) echo v0.21.8;; *) echo 'LS3103 no mirror' >&2; exit 1;; esac`;
    expect(await runner(coded).rebuild("e", ["web"])).toEqual({ kind: "failed", reason: "LS3103 no mirror" });
    const odd = `case "$*" in *"core version"*) echo v0.21.8;; *) echo 'everything is fine';; esac`;
    expect(await runner(odd).rebuild("e", ["web"])).toEqual({ kind: "failed", reason: "its answer is no verdict" });
  });

  it("that is lost while a call waits for it without an end is lost long before the call is too long", async () => {
    const away = join(temporaryDirectory(), "away");
    const script = `case "$*" in
      *"core version"*) [ -e ${away} ] && exec sleep 60; echo v0.21.8 ;;
      *verdicts*) touch ${away}; exec sleep 60 ;;
    esac`;
    const begin = Date.now();
    expect(await runner(script, 500, 60_000).rebuild("e", ["web"])).toEqual({
      kind: "lost",
      reason: "it did not answer within 1 seconds",
    });
    expect(Date.now() - begin).toBeLessThan(30_000);
  });

  it("is not believed without the document of verify", () => {
    for (const text of [
      "",
      "{}",
      "[]",
      '{"result":{"verdicts":[{}]}}',
      '{"result":{"verdicts":[{"image":"web","verdict":"fine"}]}}',
    ])
      expect(verdictsIn(text)).toBeUndefined();
  });
});

describe("lockstep verify --engine", () => {
  it("ends with 4 when no engine can be used, and refuses options that go with a rebuild here", async () => {
    const env = {
      HOME: temporaryDirectory(),
      PATH: `${join(withDagger("echo 'connection refused' >&2; exit 1").path, "..")}:${process.env["PATH"] ?? ""}`,
    };
    const said = await lockstep(["verify", "static", "--engine", "tcp://127.0.0.1:1"], { cwd: root, env });
    expect(said.code).toBe(4);
    expect(said.stdout).toMatch(
      /^LS9030 tcp:\/\/127\.0\.0\.1:1 could not be used: connection refused\nLS5002 static: could not tell/,
    );
    expect(await lockstep(["verify", "static", "--engine", "a", "--against", "b"], { cwd: root, env })).toMatchObject({
      code: 2,
    });
    expect(await lockstep(["verify", "--engine", "a", "--rebuilders", "2"], { cwd: root, env })).toMatchObject({
      code: 2,
    });
    expect(await lockstep(["verify", "statik", "--engine", "a"], { cwd: root, env })).toMatchObject({ code: 2 });
  });
});
