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
    const own = Object.entries(workflow.jobs).filter(([, { permissions }]) => permissions !== undefined);
    expect(own.map(([name, { permissions }]) => [name, permissions])).toEqual([
      ["sign", { contents: "read", "id-token": "write" }],
      ["deliver", { contents: "write" }],
    ]);
    const told = steps.filter(({ env }) => Object.values(env ?? {}).some((value) => value.includes("secrets.")));
    expect(told.map(({ run: line }) => line?.replace('--base "$BASE" ', "").split(" ").slice(0, 3).join(" "))).toEqual([
      "dagger call publish",
      "dagger call attest",
      "dagger call deliver",
      "dagger call deliver",
      "dagger call deliver",
    ]);
    // A token is in no argument: git's own call takes it from a variable, and dagger a name of one.
    expect(steps.filter((step) => / --(?:token|login|key) "?\$(?!SIGNED_BY")/.test(step.run ?? ""))).toEqual([]);
  });

  it("signs with the key or as the job, and shows neither the token nor the job's word for it", async () => {
    const signing = (workflow.jobs["sign"]?.steps ?? []).filter(({ run: line }) =>
      line?.includes("dagger call attest"),
    );
    expect(signing.map((step) => step.if)).toEqual(["vars.SIGNING_CONFIG == ''", "vars.SIGNING_CONFIG != ''"]);
    const line = signing[1]?.run ?? "";
    const scratch = temporaryDirectory();
    const program = (name: string, text: string): void =>
      writeFileSync(join(scratch, name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
    // What each is called with, and given.
    program(
      "curl",
      `printf '%s\\n' "$*" > curl.args; cat > curl.input; [ ! -e fails ] || exit 22; echo '{"count":1,"value":"the.token.itself"}'`,
    );
    program("jq", `"$NODE" -e 'console.log(JSON.parse(require("fs").readFileSync(0, "utf8")).value)'`);
    program("dagger", `printf '%s %s\\n' "$IDENTITY_TOKEN" "$*" > dagger.args`);
    const env = {
      PATH: `${scratch}:${process.env["PATH"] ?? ""}`,
      NODE: process.execPath,
      SIGNING_CONFIG: "a b.json",
      TRUSTED_ROOT: "root.json",
      ACTIONS_ID_TOKEN_REQUEST_URL: "https://tokens.example/?v=1",
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "word-of-the-job",
    };
    const shell = () => run("bash", ["-euo", "pipefail", "-c", line], { cwd: scratch, env });
    const { status, stdout } = shell();
    expect(status).toBe(0);
    expect(stdout.toString("utf8")).toBe("::add-mask::the.token.itself\n");
    const written = (name: string): string => readFileSync(join(scratch, name), "utf8");
    expect(written("curl.args")).toContain("https://tokens.example/?v=1&audience=sigstore");
    expect(written("curl.args")).not.toContain("word-of-the-job");
    expect(written("curl.input")).toBe("Authorization: bearer word-of-the-job\n");
    expect(written("dagger.args")).toBe(
      "the.token.itself call attest --identity-token env://IDENTITY_TOKEN --signing-config a b.json --trusted-root root.json export --path attestations\n",
    );
    writeFileSync(join(scratch, "dagger.args"), "");
    writeFileSync(join(scratch, "fails"), "");
    expect(shell().status).not.toBe(0);
    expect(written("dagger.args")).toBe("");
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
    const proof = / --attestations out\/attestations (--.*) --login/;
    expect(delivering.map((step) => [step.if, proof.exec(step.run ?? "")?.[1]])).toEqual([
      [
        "vars.SIGN == 'true' && vars.SIGNING_CONFIG != ''",
        '--trusted-root "$TRUSTED_ROOT" --signer "$SIGNER" --issuer "$ISSUER"',
      ],
      ["vars.SIGN == 'true' && vars.SIGNING_CONFIG == ''", '--key "$SIGNED_BY"'],
      ["vars.SIGN != 'true'", undefined],
    ]);
    // What the job that signs is called by.
    expect(delivering[0]?.env?.["SIGNER"]).toBe("${{ github.server_url }}/${{ github.workflow_ref }}");
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
