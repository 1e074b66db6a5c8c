import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../pipeline/host/errors.ts";
import { createHost } from "../../pipeline/host/host.ts";
import { lint, type LintOptions, type LintResult } from "../../pipeline/lint/lint.ts";
import { rules } from "../../pipeline/lint/rules/rules.ts";
import { sarifLog } from "../../pipeline/lint/sarif.ts";
import { image, tinyRepository } from "../build/tiny-repository.ts";
import { lockstep } from "../cli/lockstep.ts";
import { hasProgram, root, run, temporaryDirectory } from "../support.ts";
import { sarifValidator } from "./sarif-schema.ts";

const validator = await sarifValidator();

function tree(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

async function lintTree(directory: string, options: LintOptions = {}): Promise<LintResult> {
  return await lint({ ...createHost(), cwd: directory }, directory, options);
}

/** `build.sh LK2001`, suppressed ones in brackets. */
function summary({ files }: LintResult): readonly string[] {
  return files.flatMap(({ path, findings }) =>
    findings.map(({ rule, suppressed }) => `${path} ${suppressed === undefined ? rule.id : `(${rule.id})`}`),
  );
}

async function codesOf(work: Promise<unknown>): Promise<readonly string[]> {
  try {
    await work;
    return [];
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return error.problems.map(({ code, place }) => `${code} ${place?.line ?? ""}`.trim());
  }
}

const dated = "#!/bin/sh\ndate\n";

describe("the files that are linted", () => {
  it.skipIf(!hasProgram("git"))("are those that Git knows or would take (needs git)", async () => {
    const directory = tree({
      "build.sh": dated,
      "new.sh": dated,
      "out/made.sh": dated,
      ".gitignore": "out/\n",
      "node_modules/a/build.sh": dated,
      tool: dated,
      "tool.py": "#!/usr/bin/env python3\ndate\n",
      notes: "date\n",
    });
    const git = (...args: readonly string[]): void => {
      expect(run("git", ["-C", directory, ...args]).status).toBe(0);
    };
    git("init", "-q");
    git("add", "build.sh", ".gitignore");
    expect(summary(await lintTree(directory))).toEqual(["build.sh LK2001", "new.sh LK2001", "tool LK2001"]);
  });

  it("are all below a directory without Git, links and what others wrote left out", async () => {
    const directory = tree({ "a/build.sh": dated, "node_modules/a/build.sh": dated, ".venv/x.sh": dated });
    symlinkSync("a/build.sh", join(directory, "link.sh"));
    symlinkSync("/", join(directory, "everything"));
    expect(summary(await lintTree(directory))).toEqual(["a/build.sh LK2001"]);
  });

  it("are those that are named, and LS8002 tells of one that is not there or elsewhere", async () => {
    const directory = tree({ "a/build.sh": dated, "b/build.sh": dated, "c.sh": dated });
    symlinkSync("c.sh", join(directory, "d.sh"));
    expect(summary(await lintTree(directory, { paths: ["b", "c.sh", "./b/build.sh"] }))).toEqual([
      "b/build.sh LK2001",
      "c.sh LK2001",
    ]);
    for (const path of ["missing", "..", "/", "d.sh"])
      expect(await codesOf(lintTree(directory, { paths: [path] }))).toEqual(["LS8002"]);
  });

  it("are not read when they are binary, and not checked when they are too large, which is said", async () => {
    const directory = tree({ "a.sh": "#!/bin/sh\ndate\0\n", "b.sh": `#!/bin/sh\ndate\n${"#".repeat(1 << 20)}` });
    expect(summary(await lintTree(directory))).toEqual(["b.sh LK9004"]);
  });

  it("never make Git run what the repository's settings name", async () => {
    const directory = tree({ "build.sh": dated });
    run("git", ["-C", directory, "init", "-q"]);
    run("git", ["-C", directory, "config", "core.fsmonitor", `touch ${join(directory, "ran")}; false`]);
    await lintTree(directory);
    expect(statSync(join(directory, "ran"), { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe("suppressions", () => {
  it("in comments hold for their line or the next one, with a reason", async () => {
    const directory = tree({
      "a.sh":
        "#!/bin/sh\ndate # lockstep-ignore LK2001: shown only\n# lockstep-ignore LK2001, LK2006: shown only\n# and more\n\ndate; uuidgen\ndate\n",
    });
    expect(summary(await lintTree(directory))).toEqual([
      "a.sh (LK2001)",
      "a.sh (LK2001)",
      "a.sh (LK2006)",
      "a.sh LK2001",
    ]);
  });

  it("without a reason, of nothing, and of no rule are findings themselves", async () => {
    const directory = tree({
      "a.sh":
        "#!/bin/sh\ndate # lockstep-ignore LK2001\ntrue # lockstep-ignore LK2001: nothing here\ntrue # lockstep-ignore LK0000: no rule\ntrue # lockstep-ignore: no rule\n",
    });
    expect(summary(await lintTree(directory))).toEqual([
      "a.sh LK2001",
      "a.sh LK9001",
      "a.sh LK9002",
      "a.sh LK9003",
      "a.sh LK9003",
    ]);
  });

  it("in lockstep.lint.yaml are for files without comments, and for whole folders", async () => {
    const manifest = '{ "scripts": { "postinstall": "true" } }\n';
    const settings =
      "ignore:\n  - { paths: ['old/**'], reason: not built any more }\nsuppress:\n  - { file: package.json, rule: LK4004, reason: harmless }\n";
    const directory = tree({ "package.json": manifest, "old/a.sh": dated, "lockstep.lint.yaml": settings });
    expect(summary(await lintTree(directory))).toEqual(["package.json (LK4004)"]);
    const idle = tree({ "lockstep.lint.yaml": settings });
    expect(summary(await lintTree(idle))).toEqual(["lockstep.lint.yaml LK9002", "lockstep.lint.yaml LK9002"]);
  });

  it.each([
    ["ignore:\n  - { paths: [a] }\n", ["LS8001 2"]],
    ["ignore:\n  - { reason: a }\n", ["LS8001 2"]],
    ["suppress:\n  - { file: a, rule: LK0000, reason: b }\n", ["LS8001 2"]],
    ["suppress:\n  - { file: a, rule: LK2001, reason: '' }\n", ["LS8001 2"]],
    ["ignored: []\n", ["LS8001 1"]],
    ["ignore: a\n", ["LS8001 1"]],
    ["[]\n", ["LS8001 1"]],
    ["a: [\n", ["LS8001 2"]],
  ])("LS8001: settings such as %j are refused", async (settings, expected) => {
    expect(await codesOf(lintTree(tree({ "lockstep.lint.yaml": settings })))).toEqual(expected);
  });
});

describe("fixes", () => {
  it("are written once, keep the mode, and leave what is suppressed or not UTF-8 alone", async () => {
    const directory = tree({
      "a.sh": "#!/bin/sh\ngzip x\ndate # lockstep-ignore LK2001: shown only\n",
      Dockerfile: "FROM registry.example/a\nRUN make && npm install && apt-get install -y x=1\nRUN make\n",
      "c.sh": "#!/bin/sh\nsort x\n",
    });
    chmodSync(join(directory, "a.sh"), 0o750);
    writeFileSync(join(directory, "b.sh"), Buffer.from("#!/bin/sh\ngzip caf\xe9\n", "latin1"));
    const first = await lintTree(directory, { fix: true });
    expect(first.fixed).toEqual(["Dockerfile", "a.sh", "c.sh"]);
    expect(readFileSync(join(directory, "a.sh"), "utf8")).toBe(
      "#!/bin/sh\ngzip -n x\ndate # lockstep-ignore LK2001: shown only\n",
    );
    expect(statSync(join(directory, "a.sh")).mode & 0o777).toBe(0o750);
    expect(readFileSync(join(directory, "b.sh"), "latin1")).toBe("#!/bin/sh\ngzip caf\xe9\n");
    expect(readFileSync(join(directory, "Dockerfile"), "utf8")).toBe(
      "FROM registry.example/a\nARG SOURCE_DATE_EPOCH\nRUN make && npm ci && apt-get install --no-install-recommends -y x=1 && rm -rf /var/lib/apt/lists/*\nRUN make\n",
    );
    expect(summary(first)).toEqual(["Dockerfile LK1002", "a.sh (LK2001)", "b.sh LK2102"]);
    expect((await lintTree(directory, { fix: true })).fixed).toEqual([]);
  });
});

describe("SARIF", () => {
  const files = Object.fromEntries(
    rules.map(({ id, example }, at) => [`${at % 2 === 0 ? "a b" : "ü"}/${id}/${example.file}`, example.bad]),
  );

  it.skipIf(validator === undefined)(
    "is valid by the schema of the specification (needs python3 and PyPI)",
    async () => {
      const directory = tree({ ...files, "s.sh": "#!/bin/sh\ndate # lockstep-ignore LK2001: shown only\n" });
      const log = sarifLog(await lintTree(directory));
      const { python = "", args = [] } = validator ?? {};
      const said = run(python, args, { input: Buffer.from(log) });
      expect(said.stderr.toString()).toBe("");
      expect(said.stdout.toString()).toBe("");
      const broken = log.replace('"startLine": 1,', '"startLine": 0,');
      expect(run(python, args, { input: Buffer.from(broken) }).stdout.toString()).toContain("startLine");
    },
  );

  it("is the same for the same files, names every rule, and marks what is suppressed", async () => {
    const directory = tree({ "a.sh": "#!/bin/sh\ndate\ndate # lockstep-ignore LK2001: shown only\n", "b c.sh": dated });
    const text = sarifLog(await lintTree(directory));
    expect(sarifLog(await lintTree(directory))).toBe(text);
    const { runs } = JSON.parse(text) as {
      runs: readonly {
        tool: { driver: { rules: readonly { id: string }[] } };
        results: readonly Record<string, unknown>[];
      }[];
    };
    const [{ tool, results } = { tool: { driver: { rules: [] } }, results: [] }] = runs;
    expect(tool.driver.rules.map(({ id }) => id)).toEqual(rules.map(({ id }) => id));
    expect(results.map(({ ruleId, suppressions }) => ({ ruleId, suppressions }))).toEqual([
      { ruleId: "LK2001" },
      { ruleId: "LK2001", suppressions: [{ kind: "inSource", justification: "shown only" }] },
      { ruleId: "LK2001" },
    ]);
    expect(results[2]?.["locations"]).toEqual([
      {
        physicalLocation: {
          artifactLocation: { uri: "b%20c.sh", uriBaseId: "SRCROOT" },
          region: { startLine: 2, startColumn: 1, endLine: 2, endColumn: 5 },
        },
      },
    ]);
    const prints = results.map(({ partialFingerprints }) => JSON.stringify(partialFingerprints));
    expect(new Set(prints).size).toBe(3);
  });
});

describe("lockstep check with paths", () => {
  it("ends with 1 for errors and 0 for less, in text, as JSON and as SARIF", async () => {
    const directory = tree({ "a.sh": "#!/bin/sh\ngzip x\n", Dockerfile: "FROM registry.example/a:1\n" });
    const options = { cwd: directory };
    const bad = await lockstep(["check", "-C", directory, "."], options);
    expect(bad).toMatchObject({ code: 1, stderr: "" });
    expect(bad.stdout).toBe(
      "error LK1001 Dockerfile:1:6 registry.example/a:1 is another image when its tag is published again\n" +
        "warning LK2102 a.sh:2:1 gzip stores name and time (--fix mends it)\n" +
        "lint of 2 files: 1 error, 1 warning, 0 notes\n",
    );
    const good = await lockstep(["check", "a.sh", "--json", "--sarif", "out/a.sarif"], options);
    expect(good).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(good.stdout)).toMatchObject({
      exit: 0,
      result: {
        lint: {
          checked: 1,
          fixed: [],
          findings: [{ rule: "LK2102", place: { file: "a.sh", line: 2, column: 1 }, fixable: true }],
        },
      },
    });
    expect(JSON.parse(readFileSync(join(directory, "out/a.sarif"), "utf8"))).toMatchObject({ version: "2.1.0" });
    expect(await lockstep(["check", "--fix", "a.sh"], options)).toMatchObject({
      code: 0,
      stdout: "lint of 1 file: 0 errors, 0 warnings, 0 notes, 1 changed\n",
    });
    const missing = await lockstep(["check", "b.sh"], options);
    expect(missing).toMatchObject({ code: 2, stdout: "" });
    expect(missing.stderr).toMatch(/^LS8002 b\.sh is not there/);
  });

  it("lists its rules", async () => {
    const said = await lockstep(["check", "--rules"], { cwd: temporaryDirectory() });
    expect(said.code).toBe(0);
    expect(said.stdout.split("\n").length).toBe(rules.length + 2);
  });
});

describe("lockstep check of a repository", () => {
  it("tells what is wrong with specs, lock and manifests, and lints, in one go", async () => {
    const repository = await tinyRepository({
      images: { app: image("tool") },
      packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x", mode: 0o755 }] }],
    });
    const options = { cwd: repository.root, env: { LOCKSTEP_STORE: repository.store.directory } };
    const good = await lockstep(["check"], options);
    expect(good.stdout).toMatch(/^0 problems, 0 warnings\nlint of 1 file: 0 errors, 0 warnings, 0 notes\n$/);
    expect(good.code).toBe(0);
    writeFileSync(join(repository.root, "Dockerfile"), "FROM registry.example/a:1\n");
    const bad = await lockstep(["check", "--json"], options);
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.stdout)).toMatchObject({
      exit: 1,
      result: { problems: [], lint: { checked: 2, findings: [{ rule: "LK1001", severity: "error" }] } },
    });
  });
});

describe("this repository", () => {
  it("has no errors, and no suppression that is not needed", async () => {
    const result = await lintTree(root);
    expect(result.checked).toBeGreaterThan(5);
    const errors = result.files.flatMap(({ path, findings }) =>
      findings.flatMap(({ rule, severity, suppressed }) =>
        severity === "error" && suppressed === undefined ? [`${path} ${rule.id}`] : [],
      ),
    );
    expect(errors).toEqual([]);
  });
});
