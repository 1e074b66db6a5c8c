import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commands } from "../../pipeline/cli/commands.ts";
import { image, tinyRepository, type TinyRepository } from "../build/tiny-repository.ts";
import { temporaryDirectory } from "../support.ts";
import { lockstep, type Said, startLockstep } from "./lockstep.ts";

function anywhere(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
  return lockstep(args, { cwd: temporaryDirectory(), env });
}

async function tiny(): Promise<TinyRepository & { readonly call: (...args: readonly string[]) => Promise<Said> }> {
  const repository = await tinyRepository({
    images: { app: image("tool") },
    packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x", mode: 0o755 }] }],
  });
  const env = { LOCKSTEP_STORE: repository.store.directory };
  return { ...repository, call: (...args) => lockstep(args, { cwd: repository.root, env }) };
}

/** The one JSON value on stdout. */
function documentOf({ stdout }: Said): Record<string, unknown> {
  expect(stdout.endsWith("\n")).toBe(true);
  expect(stdout.trimEnd()).not.toContain("\n");
  const document = JSON.parse(stdout) as Record<string, unknown>;
  expect(document["version"]).toBe(1);
  return document;
}

describe("help", () => {
  it("of the program lists the commands in their order, exit codes and examples; no command at all asks for it", async () => {
    const [help, bare] = await Promise.all([anywhere(["--help"]), anywhere([])]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(bare).toEqual(help);
    const listed = [...help.stdout.matchAll(/^ {2}(\w+) .*/gm)].map(([, name]) => name);
    expect(listed.filter((name) => commands.some((entry) => entry.name === name))).toEqual(
      commands.map(({ name }) => name),
    );
    expect(help.stdout).toMatch(/Exit codes: 0 done, 1 .*, 2 .*, 3 .*, 4 /);
    expect(help.stdout).toMatch(/Examples:\n {2}lockstep /);
  });

  it.each(commands.map(({ name, summary }) => ({ name, summary })))(
    "of $name shows options and examples",
    async ({ name, summary }) => {
      const { code, stdout, stderr } = await anywhere([name, "--help"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain(`Usage: lockstep ${name}`);
      expect(stdout.replaceAll(/\s+/g, " ")).toContain(summary);
      expect(stdout).toMatch(new RegExp(`\nExamples:\n(?: {2}lockstep ${name}.*\n)+$`));
      for (const option of ["--root", "--json", "--quiet", "--verbose", "--help"]) expect(stdout).toContain(option);
      // Examples name only options that the command has.
      const [usage = "", examples = ""] = stdout.split("\nExamples:\n");
      for (const [option] of examples.matchAll(/(?<= )--?[a-z][a-z-]*/g)) expect(usage).toContain(option);
    },
  );

  it("tells the version", async () => {
    expect(await anywhere(["--version"])).toMatchObject({ code: 0, stdout: "0.1.0\n" });
  });
});

describe("wrong usage", () => {
  it.each([
    [["biuld"], /unknown command 'biuld'[^]*Did you mean build\?/],
    [["build", "--jsno"], /unknown option '--jsno'[^]*Did you mean --json\?/],
    [["store"], /missing required argument 'action'/],
    [["store", "clean"], /'clean' is invalid for argument 'action'. Allowed choices are gc, check, du/],
    [["ship", "web"], /too many arguments/],
    [["build", "--out"], /argument missing/],
    [["pin", "--to", "1.2"], /LS1002 --to 1.2 names no package; write --to NAME=VERSION/],
    [["pin", "--to", "curl="], /LS1002 --to curl= names no package/],
    [["pin", "--only", "curl", "--to", "wget=1"], /LS1002 --only curl and --to wget=1 are about two things/],
    [["pin", "--to", "curl=1", "--to", "curl=2"], /LS1002 --to is given twice for curl/],
    [["pin", "--format", "html"], /'html' is invalid.*Allowed choices are text, markdown/],
    [["attest", "--signing-config", "x.json"], /LS1002 to sign as an identity takes both --signing-config and --tr/],
    [["attest", "--trusted-root", "x.json"], /LS1002 to sign as an identity takes both/],
    [["attest", "--identity-token", "x"], /LS1002 to sign as an identity takes both/],
    [["store", "gc", "--days", "many"], /LS1002 --days many is not a number of days/],
    [["store", "gc", "--days", "-1"], /LS1002 --days -1 is not a number of days/],
  ])("%j ends with 2 and says what was meant", async (args, expected) => {
    const { code, stdout, stderr } = await anywhere(args);
    expect(stderr).toMatch(expected);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    const json = await anywhere([...args, "--json"]);
    // `--out --json` takes the next word as its value, which is another story.
    if (args.at(-1) === "--out") return;
    expect(json.code).toBe(2);
    expect(documentOf(json)).toMatchObject({ error: { problems: [{ code: "LS1002" }] } });
  });

  it("of an image's name suggests the one that was meant", async () => {
    const { call } = await tiny();
    const said = await call("build", "apq", "--json");
    expect(said.code).toBe(2);
    expect(documentOf(said)).toMatchObject({
      error: { problems: [{ code: "LS1002", hint: 'did you mean "app"?' }] },
    });
    expect(said.stderr).toBe('LS1002 there is no image "apq" in images/; did you mean "app"?\n');
  });
});

describe("outside of a repository", () => {
  it.each(["ship", "build", "verify", "check", "pin", "outdated", "sbom", "attest", "render"])(
    "%s ends with 3 and LS1006",
    async (name) => {
      const said = await anywhere([name, "--json"]);
      expect(said.code).toBe(3);
      expect(documentOf(said)).toMatchObject({ error: { problems: [{ code: "LS1006" }] } });
      expect(said.stderr).toMatch(/^LS1006 \S+ there is no folder images\//);
      expect(said.stderr).not.toContain("    at ");
    },
  );

  it("works in the repository that is named, and in the nearest one upwards", async () => {
    const { root, store } = await tiny();
    const env = { LOCKSTEP_STORE: store.directory };
    const below = join(root, "images/app");
    const elsewhere = temporaryDirectory();
    const [named, before, upwards] = await Promise.all([
      lockstep(["build", "--json", "--root", root, "--out", join(elsewhere, "a")], { cwd: elsewhere, env }),
      lockstep(["-C", root, "--json", "build", "--out", join(elsewhere, "b")], { cwd: elsewhere, env }),
      lockstep(["build", "--json", "--out", join(elsewhere, "c")], { cwd: below, env }),
    ]);
    const digests = [named, before, upwards].map((said) => {
      expect(said.code).toBe(0);
      const { result } = documentOf(said) as { result: { images: readonly { digest: string }[] } };
      return result.images[0]?.digest;
    });
    expect(new Set(digests).size).toBe(1);
  });
});

describe("output", () => {
  it("of --json is one document with version, command, exit code and result; for people it is a table", async () => {
    const { call } = await tiny();
    const json = await call("build", "--json", "--quiet");
    expect(json).toMatchObject({ code: 0, stderr: "" });
    expect(documentOf(json)).toMatchObject({
      command: "build",
      exit: 0,
      result: { images: [{ image: "app", unchanged: false, platforms: [{ platform: "linux/amd64", packages: 3 }] }] },
    });
    const text = await call("build");
    expect(text.stdout).toMatch(/^image +platform +digest +size +packages/);
    expect(text.stdout).toContain("unchanged");
    expect(documentOf(await call("build", "--json"))).toMatchObject({ result: { images: [{ unchanged: true }] } });
    for (const args of [["store", "du"], ["store", "check"], ["store", "gc"], ["schema"]])
      expect(documentOf(await call(...args, "--json"))).toMatchObject({ command: args[0], exit: 0 });
  });

  it("has no colour where nobody sees it, nor with NO_COLOR where one is asked for", async () => {
    const { root, store } = await tiny();
    const env = { LOCKSTEP_STORE: store.directory };
    for (const more of [{}, { NO_COLOR: "1", FORCE_COLOR: "1" }, { TERM: "dumb" }]) {
      const said = await lockstep(["build", "--verbose"], { cwd: root, env: { ...env, ...more } });
      expect(said.code).toBe(0);
      expect(`${said.stdout}${said.stderr}`).not.toContain("\u001B");
    }
  });

  it("of check --about is of one subject alone, and says which there are", async () => {
    const { root, store } = await tiny();
    writeFileSync(join(root, "Dockerfile"), "FROM registry.example/debian:13\n");
    mkdirSync(join(root, "manifests/rendered/production"), { recursive: true });
    writeFileSync(join(root, "manifests/rendered/production/stray.yaml"), "a: 1\n");
    const check = (...args: readonly string[]) =>
      lockstep(["check", ...args], { cwd: root, env: { LOCKSTEP_STORE: store.directory } });
    const codes = async (...args: readonly string[]): Promise<readonly string[]> =>
      [...(await check(...args)).stdout.matchAll(/\bL[SK]\d{4}\b/g)].map(([code]) => code);
    const [rendered, lint, lock] = [
      await codes("--about", "rendered"),
      await codes("--about", "lint"),
      await codes("--about", "lock"),
    ];
    expect([rendered, lint, lock]).toEqual([["LS7103"], ["LK1001"], []]);
    expect(await codes()).toEqual([...rendered, ...lint]);
    expect((await check("--about", "rendered")).stdout).not.toContain("lint of");
    for (const wrong of [
      ["--about", "all"],
      ["--about", "lock", "Dockerfile"],
    ])
      expect((await check(...wrong)).stderr).toMatch(/^LS1002 .*; there are lint, lock, rendered; paths are linted\n$/);
  });

  it("of problems is every problem at once, on stderr, without a stack", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "images/a"), { recursive: true });
    writeFileSync(join(directory, "images/a/image.yaml"), "name: a\nlayrs: []\nplatforms: [linux/amd65]\n");
    const said = await lockstep(["build", "--json"], { cwd: directory });
    expect(said.code).toBe(3);
    const { error } = documentOf(said) as { error: { problems: readonly { place: unknown }[] } };
    expect(error.problems.length).toBeGreaterThan(1);
    expect(error.problems[0]?.place).toMatchObject({ file: "images/a/image.yaml", line: 2 });
    expect(said.stderr.trim().split("\n")).toHaveLength(error.problems.length);
  });

  it("may be closed early by whoever reads it", async () => {
    const child = startLockstep(["schema"], { cwd: temporaryDirectory() });
    child.stdout.destroy();
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("says what is missing when it may not use the network (LS3102)", async () => {
    const { root, store } = await tiny();
    const empty = temporaryDirectory();
    const args = ["build", "--offline", "--json"];
    const said = await lockstep(args, { cwd: root, env: { LOCKSTEP_STORE: join(empty, "store") } });
    expect(said.code).toBe(4);
    expect(documentOf(said)).toMatchObject({ error: { problems: [{ code: "LS3102" }] } });
    expect(said.stderr).toContain("missing: pool/main/t/tool/tool_1.0_all.deb");
    expect((await lockstep(args, { cwd: root, env: { LOCKSTEP_STORE: store.directory } })).code).toBe(0);
  });

  it("tells of a variable that is not usable (LS1005), and of a store that cannot be written (LS1004)", async () => {
    const { root, store } = await tiny();
    const env = { LOCKSTEP_STORE: store.directory, SOURCE_DATE_EPOCH: "now" };
    const said = await lockstep(["build"], { cwd: root, env });
    expect(said).toMatchObject({ code: 3, stdout: "" });
    expect(said.stderr).toMatch(/^LS1005 SOURCE_DATE_EPOCH is "now"/);
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "");
    const blocked = await lockstep(["build", "--inputs", store.directory], {
      cwd: root,
      env: { LOCKSTEP_STORE: file },
    });
    expect(blocked.code).toBe(4);
    expect(blocked.stderr).toMatch(/^LS1004 .* a file stands where a directory is needed/);
  });
});
