import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run as runVerify } from "../../../pipeline/cli/verify.ts";
import type { Host } from "../../../pipeline/host/host.ts";
import { silent } from "../../../pipeline/report/report.ts";
import type { Conclusion } from "../../../pipeline/verify/perturb/conclude.ts";
import { usualPerturbations } from "../../../pipeline/verify/perturb/table.ts";
import type { Verdict } from "../../../pipeline/verify/judge.ts";
import { image, tinyRepository } from "../../build/tiny-repository.ts";
import { filesBelow } from "../../files.ts";
import { temporaryDirectory } from "../../support.ts";

const text = Array.from({ length: 400 }, (_, index) => `line ${index * index} of a file\n`).join("");

/** A host whose rebuilds compress otherwise where `condition` holds in them; the first build is made without it. */
async function drifting(condition: string, before: (rebuild: number) => void = () => {}) {
  const repository = await tinyRepository({
    images: { app: image("tool", "  - files: { from: app, into: /app }\n") },
    packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x", mode: 0o755 }] }],
    files: { "images/app/app/a": text },
  });
  const drift = join(temporaryDirectory(), "drift.mjs");
  writeFileSync(
    drift,
    `import fs from "node:fs";
    import { Worker } from "node:worker_threads";
    const drifts = ${condition};
    // Empty stored blocks after what a thread has compressed: other bytes for the same content.
    const more = Buffer.concat(Array(Number(drifts)).fill(Buffer.of(0, 0, 0, 255, 255)));
    const compressing = new Set();
    const { postMessage, emit } = Worker.prototype;
    Worker.prototype.postMessage = function (message, moved) {
      if (message.program?.endsWith("/deflate-thread.js")) compressing.add([this.threadId, message.number].join());
      return postMessage.call(this, message, moved);
    };
    Worker.prototype.emit = function (event, answer, ...others) {
      if (event === "message" && compressing.delete([this.threadId, answer.number].join()))
        answer = { ...answer, content: Buffer.concat([answer.content, more]) };
      return emit.call(this, event, answer, ...others);
    };`,
  );
  let rebuilds = 0;
  const host: Host = {
    ...repository.host,
    cwd: repository.root,
    environment: () => ({ TZ: "UTC", LC_ALL: "C", HOME: "/" }),
    run: (program, args, options) => {
      const main = args.findIndex((word) => word.endsWith("cli/main.ts"));
      if (main < 0) return repository.host.run(program, args, options);
      before(++rebuilds);
      return repository.host.run(program, [...args.slice(0, main), "--import", drift, ...args.slice(main)], options);
    },
  };
  const verify = async (options: Readonly<Record<string, unknown>> = {}) => {
    const signal = new AbortController().signal;
    const context = { host, report: silent, store: repository.store, root: repository.root, signal };
    const { exit, text: said, result } = await runVerify(context, options, ["app"]);
    const { verdicts } = result as { readonly verdicts: readonly Verdict[] };
    return { exit, said, verdict: verdicts[0], experiments: verdicts[0]?.comparison?.experiments ?? [] };
  };
  return { ...repository, verify, rebuilds: () => rebuilds };
}

const bound = (count: number): number => Math.ceil(Math.log2(count)) + 2;

it("an image of packages and files is the same under everything that this machine can change", async () => {
  const { verify, rebuilds } = await drifting("false");
  const { exit, verdict, experiments } = await verify({ perturb: "all" });
  expect([exit, verdict?.verdict, experiments]).toEqual([0, "reproduced", []]);
  // Four clocks are four rebuilds; and as everything usual was among it, it is remembered.
  expect(rebuilds()).toBe(4);
  expect(await verify()).toMatchObject({ exit: 0, verdict: { known: true } });
});

describe("verify finds by experiment what a build depends on", () => {
  it.each([
    ["clock", `new Date().getFullYear() < ${new Date().getFullYear() - 5}`, "T"],
    ["umask", "process.umask() === 0o077", "P2"],
    ["zone", "new Date(0).getTimezoneOffset() !== 0", "E1"],
    ["listings", 'fs.readdirSync("/proc/sys").at(0) > fs.readdirSync("/proc/sys").at(-1)', "O1"],
  ])("%s", async (name, condition, id) => {
    const { verify, rebuilds, store } = await drifting(condition);
    const { exit, said, verdict, experiments } = await verify();
    expect(exit).toBe(1);
    expect(verdict).toMatchObject({ verdict: "differs", conclusion: { kind: "found", perturbations: [name] } });
    expect(said).toContain(`  ${name} alone makes the difference (${experiments.length} reruns): `);
    expect(experiments.length).toBeLessThanOrEqual(bound(usualPerturbations.length));
    expect(rebuilds()).toBe(1 + experiments.length);
    expect(experiments[0]).toMatchObject({ perturbations: [], outcome: "same", start: 0, digest: verdict?.expected });
    expect(experiments).toContainEqual(
      expect.objectContaining({ perturbations: [name], outcome: "differs", digest: verdict?.rebuilt }),
    );
    const [first] = verdict?.comparison?.causes ?? [];
    expect(first?.id).toMatch(new RegExp(`^(?:${id})`));
    expect(first).toMatchObject({ confidence: 0.99, count: verdict?.comparison?.differences.length });
    expect(first?.evidence[0]).toMatch(new RegExp(`^${name} alone makes the difference`));
    expect(filesBelow(join(store.directory, "verify"))).toEqual([]);
  });

  it("that two things make the difference together, and neither without the other", async () => {
    const { verify } = await drifting('process.umask() === 0o077 && process.env.LC_ALL !== "C"');
    const { said, verdict } = await verify();
    expect(verdict?.conclusion).toMatchObject({
      kind: "found",
      perturbations: ["language", "umask"],
    } satisfies Partial<Conclusion>);
    expect(said).toContain("language and umask make the difference together, and none of them does without the others");
  });

  it("that it differs without any change too, after one rerun: E10", async () => {
    const { verify } = await drifting("1 + (process.pid % 3)");
    const { exit, said, verdict, experiments } = await verify();
    expect([exit, verdict?.conclusion?.kind, experiments.length]).toEqual([1, "always", 1]);
    expect(verdict?.comparison?.causes[0]).toMatchObject({ id: "E10" });
    expect(said).toContain("the rebuild differs without any change of its surroundings too (1 rerun)");
  });

  it("that what differed does not come back", async () => {
    const marker = join(temporaryDirectory(), "marker");
    const { verify } = await drifting(`fs.existsSync(${JSON.stringify(marker)})`, (rebuild) => {
      if (rebuild === 1) writeFileSync(marker, "");
      else rmSync(marker, { force: true });
    });
    const { exit, verdict, experiments } = await verify();
    expect([exit, verdict?.verdict, verdict?.conclusion?.kind]).toEqual([1, "differs", "unreproduced"]);
    expect(experiments.length).toBeLessThanOrEqual(bound(usualPerturbations.length) + 1);
  });

  it("nothing where a rerun fails, and the verdict stays what it was", async () => {
    const { verify } = await drifting("process.umask() === 0o077 || (process.exitCode = 0)", () => {});
    const failing = await drifting("process.umask() === 0o077 || process.exit(7)");
    expect((await verify()).verdict?.conclusion?.kind).toBe("found");
    const { exit, verdict, experiments } = await failing.verify();
    expect([exit, verdict?.verdict]).toEqual([1, "differs"]);
    expect(verdict?.conclusion).toMatchObject({
      kind: "failed",
      text: expect.stringContaining("the rebuild ended with code 7") as string,
    });
    expect(experiments).toMatchObject([{ outcome: "failed", perturbations: [] }]);
  });

  it("only among what --perturb names; and of all rounds it is the one that differs", async () => {
    const { verify, rebuilds } = await drifting("new Date().getFullYear() > 2040");
    expect(await verify({ perturb: "umask,clock" })).toMatchObject({ exit: 0 });
    // That was less than usual, so it is not remembered for the usual.
    expect(rebuilds()).toBe(1);
    expect(await verify()).toMatchObject({ exit: 0, verdict: { known: false } });
    expect(await verify()).toMatchObject({ exit: 0, verdict: { known: true } });
    expect(rebuilds()).toBe(2);
    const { exit, verdict } = await verify({ perturb: "umask,clock,clock+20y,clock+1d" });
    expect([exit, verdict?.conclusion]).toMatchObject([1, { kind: "found", perturbations: ["clock+20y"] }]);
    expect(verdict?.comparison?.causes[0]?.id).toMatch(/^T/);
  });
});
