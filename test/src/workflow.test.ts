import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { digestOf, hexOf } from "../../pipeline/store/digest.ts";
import { hasProgram, root, run, temporaryDirectory } from "../support.ts";

interface Step {
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly "runs-on": string;
  readonly if?: string;
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const directory = join(root, ".github/workflows");

describe.each(readdirSync(directory))("the workflow %s", (name) => {
  const workflow = parse(readFileSync(join(directory, name), "utf8")) as Workflow;
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  it("pastes no expression into a line of shell", () => {
    expect(steps.filter((step) => step.run?.includes("${{"))).toEqual([]);
    expect(steps.length).toBeGreaterThan(4);
  });

  it("uses no action but by the id of its commit, and no runner by a name that moves", () => {
    expect(steps.filter(({ uses }) => uses !== undefined && !/@[0-9a-f]{40}$/.test(uses))).toEqual([]);
    expect(Object.values(workflow.jobs).filter((job) => job["runs-on"].endsWith("-latest"))).toEqual([]);
  });

  it("can only read the repository but for the job that delivers, and shows a secret to no step but the one that needs it", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
    const permitted = Object.entries(workflow.jobs).filter(([, { permissions }]) => permissions !== undefined);
    expect(permitted.map(([job, { permissions }]) => [job, permissions])).toEqual([["deliver", { contents: "write" }]]);
    const told = steps.filter(({ env }) => Object.values(env ?? {}).some((value) => value.includes("secrets.")));
    expect(told.map(({ run: line }) => line?.replace('--base "$BASE" ', "").split(" ").slice(0, 3).join(" "))).toEqual([
      "dagger call publish",
      "dagger call attest",
      "dagger call deliver",
      "dagger call deliver",
    ]);
    // A token is in no argument: git's own call takes it from a variable, and dagger a name of one.
    expect(steps.filter((step) => / --(?:token|login|key) "?\$(?!SIGNED_BY")/.test(step.run ?? ""))).toEqual([]);
  });

  it("publishes what a second machine came to as well, signs what was published, and delivers what was signed, each in a job of its own", () => {
    const needs = Object.entries(workflow.jobs).map(([name, job]) => [name, [job.needs ?? []].flat()]);
    expect(Object.fromEntries(needs)).toEqual({
      check: [],
      build: [],
      verify: ["build"],
      publish: ["check", "verify"],
      sign: ["publish"],
      deliver: ["publish", "sign"],
    });
  });

  it("delivers what is pushed to main alone, when a branch is named for it, and what was signed where that is asked for", () => {
    const condition = workflow.jobs["deliver"]?.if ?? "";
    const parts = condition.split(" && ").map((part) => part.trim());
    expect(parts).toEqual([
      "!cancelled()",
      "github.event_name == 'push'",
      "github.ref == 'refs/heads/main'",
      "vars.DELIVER_BRANCH != ''",
      "needs.publish.result == 'success'",
      "(needs.sign.result == 'success' || vars.SIGN != 'true')",
    ]);
    const delivering = (workflow.jobs["deliver"]?.steps ?? []).filter((step) => step.run?.includes("deliver") === true);
    expect(delivering.map((step) => [step.if, step.run?.includes("--attestations out/attestations --key ")])).toEqual([
      ["vars.SIGN == 'true'", true],
      ["vars.SIGN != 'true'", false],
    ]);
  });

  it("calls functions that the module has", () => {
    const module = readFileSync(join(root, "pipeline/src/index.ts"), "utf8");
    const called = steps.flatMap((step) =>
      [...(step.run ?? "").matchAll(/dagger call (?:--base "\$BASE" )?(\w+)/g)].map(([, name]) => name),
    );
    expect(called.filter((name) => !module.includes(`async ${name}(`))).toEqual([]);
    expect(new Set(called)).toEqual(new Set(["build", "verify", "publish", "attest", "deliver"]));
  });
});

describe.skipIf(!hasProgram("actionlint"))("workflows (needs actionlint)", () => {
  it("have nothing that actionlint complains of", () => {
    const { status, stdout } = run("actionlint", [
      "-no-color",
      ...readdirSync(directory).map((name) => join(directory, name)),
    ]);
    expect(stdout.toString("utf8")).toBe("");
    expect(status).toBe(0);
  });
});

describe.skipIf(!hasProgram("curl"))(".ci/dagger (needs curl)", () => {
  const install = (
    hash: (archive: Uint8Array) => string,
  ): { code: number | null; files: readonly string[]; said: string } => {
    const scratch = temporaryDirectory();
    writeFileSync(join(scratch, "dagger"), "#!/bin/sh\n", { mode: 0o755 });
    run("tar", ["-czf", "archive", "dagger"], { cwd: scratch });
    const archive = join(scratch, "archive");
    const env = {
      PATH: process.env["PATH"] ?? "",
      DAGGER_ARCHIVE: `file://${archive}`,
      DAGGER_SHA256: hash(readFileSync(archive)),
    };
    const result = run(join(root, ".ci/dagger"), [join(scratch, "bin")], { env });
    return { code: result.status, files: readdirSync(join(scratch, "bin")), said: result.stderr.toString("utf8") };
  };

  it("installs the command whose archive has the hash, and nothing else of it", () => {
    expect(install((archive) => hexOf(digestOf(archive)))).toEqual({ code: 0, files: ["dagger"], said: "" });
  });

  it("installs nothing when the hash is another", () => {
    const { code, files, said } = install(() => "0".repeat(64));
    expect(code).not.toBe(0);
    expect(files).toEqual([]);
    expect(said).toContain("did NOT match");
  });
});
