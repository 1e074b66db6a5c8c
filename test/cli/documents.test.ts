import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { z } from "zod";
import type { OutdatedItem } from "../../pipeline/build/outdated.ts";
import type { attest, build, sbom } from "../../pipeline/cli/documents/build.ts";
import type { outdated } from "../../pipeline/cli/documents/pin.ts";
import type { DocumentOf } from "../../pipeline/cli/documents/shared.ts";
import { documents, documentSchema } from "../../pipeline/cli/documents/table.ts";
import type { verdict, verify } from "../../pipeline/cli/documents/verify.ts";
import { commands } from "../../pipeline/cli/commands.ts";
import type { Attested } from "../../pipeline/evidence/record.ts";
import type { EnginesVerdict } from "../../pipeline/verify/engines/verify-engines.ts";
import type { ReleaseReport } from "../../pipeline/verify/inventory/release.ts";
import type { Verdict } from "../../pipeline/verify/judge.ts";
import type { ReleaseVerdict } from "../../pipeline/verify/releases.ts";
import { appText } from "../deliver/samples.ts";
import { image, tinyRepository } from "../build/tiny-repository.ts";
import { startRegistry } from "../registry/registry.ts";
import { hasProgram, root, run, temporaryDirectory } from "../support.ts";
import { lockstep } from "./lockstep.ts";

const git = hasProgram("git");
const folder = join(root, "docs/schemas");
const names = Object.keys(documents) as readonly (keyof typeof documents)[];

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true, formats: { date: true } });

/** What is wrong with a document by a committed file, according to a validator of another make. */
function wrongWith(name: string, document: unknown): readonly string[] {
  const file = JSON.parse(readFileSync(join(folder, `${name}.schema.json`), "utf8")) as object;
  const valid = ajv.compile(file);
  return valid(document) ? [] : (valid.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Types without the names of what has only one. */
type Plain<T> = T extends string
  ? string extends T
    ? T
    : T extends `sha256:${string}` | `${string}/${string}`
      ? string
      : T
  : T extends readonly (infer Item)[]
    ? readonly Plain<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Plain<T[Key]> }
      : T;
type Member<Union, Key extends PropertyKey> = Extract<Union, { readonly [K in Key]: unknown }>;

describe("the schemas in docs/schemas", () => {
  // `npm test -- test/cli/documents.test.ts -u` writes them anew.
  it.each(names)("%s is the one that `lockstep schema` prints", async (name) => {
    const text = `${JSON.stringify(documentSchema(name), undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot(join(folder, `${name}.schema.json`));
    const said = await lockstep(["schema", name], { cwd: temporaryDirectory() });
    expect(said).toMatchObject({ code: 0, stdout: text });
  });

  it("are all that there are, each of a command, and docs/commands/README.md lists them", () => {
    expect(readdirSync(folder).toSorted()).toEqual(names.map((name) => `${name}.schema.json`).toSorted());
    const known = commands.map(({ name }) => name);
    expect(names.filter((name) => name !== "output" && !known.includes(name))).toEqual([]);
    const page = readFileSync(join(root, "docs/commands/README.md"), "utf8");
    const linked = [...page.matchAll(/\(\.\.\/schemas\/(\w+)\.schema\.json\)/g)].map(([, name]) => name);
    expect(linked.toSorted()).toEqual(names.toSorted());
  });

  it("are of the types that the program has", () => {
    expectTypeOf<Plain<DocumentOf<typeof documents.report>>>().toEqualTypeOf<Plain<ReleaseReport>>();
    expectTypeOf<Omit<DocumentOf<typeof verdict>, "accepted">>().toEqualTypeOf<Plain<Verdict>>();
    type Verified = DocumentOf<typeof verify>;
    expectTypeOf<Member<Verified, "releases">["releases"][number]>().toEqualTypeOf<Plain<ReleaseVerdict>>();
    expectTypeOf<Member<Verified, "engines">["verdicts"][number]>().toEqualTypeOf<EnginesVerdict>();
    expectTypeOf<DocumentOf<typeof outdated>["outdated"][number]>().toEqualTypeOf<OutdatedItem>();
    expectTypeOf<Member<DocumentOf<typeof attest>, "attestations">["attestations"][number]>().toEqualTypeOf<Attested>();
    expectTypeOf<z.output<typeof build>["images"][number]["platforms"][number]["size"]>().toEqualTypeOf<number>();
    expectTypeOf<z.output<typeof sbom>["sboms"][number]["digest"]>().toEqualTypeOf<string>();
  });
});

/** A repository that delivers an image, and what its commands say. */
async function delivering() {
  const repository = await tinyRepository({
    images: {
      app: image("tool", '  - files: { from: app, into: /app }\nconfig:\n  user: "65532:65532"\n  ports: [8080/tcp]\n'),
    },
    packages: [
      {
        name: "tool",
        data: [{ name: "./usr/bin/tool", content: "x", mode: 0o755 }],
        control: { postinst: "#!/bin/sh\nunknown-tool --do\n" },
      },
    ],
    files: {
      "images/app/app/a": "one\n",
      "manifests/delivery.yaml": "images: registry.example/team\nrepository: { url: https://git.example/a/b.git }\n",
      "manifests/apps/web.yaml": appText({ "image: web": "image: app" }),
      Dockerfile: "FROM registry.example/debian:13\nRUN date > /built\n",
    },
  });
  const env = { LOCKSTEP_STORE: repository.store.directory, XDG_CONFIG_HOME: join(repository.directory, "config") };
  const call = async (
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly result: unknown }> => {
    const { code, stdout } = await lockstep([...args, "--json"], { cwd: repository.root, env });
    const document = JSON.parse(stdout) as { readonly result: unknown };
    expect(wrongWith("output", document)).toEqual([]);
    return { code, result: document.result };
  };
  return { ...repository, call };
}

describe("the documents of --json", () => {
  it("of building, evidence and delivery are what their schemas say", async () => {
    const { call } = await delivering();
    for (const args of [
      ["build"],
      ["sbom"],
      ["attest"],
      ["render"],
      ["render", "--message", "-"],
      ["ship"],
      ["check"],
    ]) {
      const { code, result } = await call(...args);
      expect([args, code, wrongWith(args[0] ?? "", result)]).toEqual([args, args[0] === "check" ? 1 : 0, []]);
    }
    const rules = await call("check", "--rules");
    expect(wrongWith("check", rules.result)).toEqual([]);
    const { result } = await call("build");
    expect(wrongWith("build", { ...(result as object), more: 1 })).toEqual([" must NOT have additional properties"]);
    expect(wrongWith("build", { images: [{}] }).length).toBeGreaterThan(0);
  });

  it("of comparing are what their schemas say", async () => {
    const { call, build: make, write, root: directory } = await delivering();
    const [built] = await make();
    const before = join(temporaryDirectory(), "before");
    cpSync(built?.layout ?? "", before, { recursive: true });
    write("images/app/app/a", "two, and longer\n");
    const verified = await call("verify", "--against", before, "app");
    expect([verified.code, wrongWith("verify", verified.result)]).toEqual([1, []]);
    const known = await call("verify");
    expect([known.code, wrongWith("verify", known.result)]).toEqual([0, []]);
    const reported = await call("report", before, join(directory, "out/images/app"));
    expect([reported.code, wrongWith("report", reported.result)]).toEqual([0, []]);
    const { images } = reported.result as ReleaseReport;
    expect(images[0]?.files.grown).toEqual({ count: 1, size: 12 });
    for (const spoiled of [
      { ...(reported.result as object), schema: 2 },
      { ...(reported.result as object), images: [{ ...images[0], files: undefined }] },
      { ...(reported.result as object), unread: {} },
    ])
      expect(wrongWith("report", JSON.parse(JSON.stringify(spoiled))).length).toBeGreaterThan(0);
  });

  it.skipIf(!git)("of past releases are what their schema says (needs git)", async () => {
    const { call, root: directory } = await delivering();
    await call("render");
    writeFileSync(join(directory, ".gitignore"), "out/\n");
    for (const args of [
      ["init", "--quiet"],
      ["add", "--all"],
      ["commit", "--quiet", "--message", "x"],
      ["tag", "v1"],
    ]) {
      const identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"];
      const said = run("git", ["-C", directory, ...identity, ...args]);
      expect([args, said.status, said.stderr.toString()]).toEqual([args, 0, ""]);
    }
    const { code, result } = await call("verify", "--all-tags", "--perturb", "none");
    expect([code, wrongWith("verify", result)]).toEqual([0, []]);
  });

  it.skipIf(!git)("of delivering are what their schema says (needs git)", async () => {
    const { call, root: directory, write } = await delivering();
    const registry = await startRegistry();
    const settings = "repository: { url: https://git.example/a/b.git }\nflux: {}\n";
    write("manifests/delivery.yaml", `images: ${registry.host}/team\n${settings}`);
    writeFileSync(join(directory, ".gitignore"), "out/\n");
    await call("render");
    const bare = join(directory, "out/remote.git");
    const identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"];
    const did = (...args: readonly string[]): void =>
      expect([args, run("git", ["-C", directory, ...identity, ...args]).status]).toEqual([args, 0]);
    did("init", "--quiet");
    did("init", "--quiet", "--bare", bare);
    const deliver = (...more: readonly string[]) =>
      call("deliver", "--branch", "delivered", "--remote", `file://${bare}`, ...more);
    did("add", "--all");
    did("commit", "--quiet", "--message", "x");
    const refused = await deliver();
    expect([refused.code, wrongWith("deliver", refused.result)]).toEqual([1, []]);
    await call("publish", "--to", `${registry.host}/team/{image}:1.2.3`);
    await call("attest");
    for (const more of [["--dry-run"], ["--attestations", "out/attestations"], []]) {
      const { code, result } = await deliver(...more);
      expect([code, wrongWith("deliver", result)]).toEqual([0, []]);
    }
    expect((await deliver()).result).toMatchObject({ outcome: "current", followed: "refs/heads/main" });
    write("images/app/app/b", "b\n");
    const stale = await deliver();
    expect([stale.code, wrongWith("deliver", stale.result)]).toEqual([1, []]);
  });

  it("of transfers are what their schemas say", async () => {
    const { call } = await delivering();
    const registry = await startRegistry();
    const published = await call("publish", "--to", `${registry.host}/team/app:1.0`);
    expect([published.code, wrongWith("publish", published.result)]).toEqual([0, []]);
    const copied = await call("copy", `${registry.host}/team/app:1.0`, `${registry.host}/prod/app:1.0`);
    expect([copied.code, wrongWith("copy", copied.result)]).toEqual([0, []]);
  });

  it("of locks are what their schema says", async () => {
    const { call, root: directory } = await delivering();
    mkdirSync(join(directory, "locks"));
    const text = readFileSync(join(directory, "lockstep.lock"), "utf8");
    writeFileSync(join(directory, "locks/empty"), "");
    writeFileSync(join(directory, "locks/full"), text);
    const { code, result } = await call("lock", "diff", "locks/empty", "locks/full");
    expect([code, wrongWith("pin", result)]).toEqual([0, []]);
    expect(wrongWith("pin", { ...(result as object), written: true })).toEqual([]);
  });

  it("of an error is what the schema of all output says", async () => {
    const { code, stdout } = await lockstep(["build", "--json"], { cwd: temporaryDirectory() });
    expect([code, wrongWith("output", JSON.parse(stdout))]).toEqual([3, []]);
    expect(wrongWith("output", { version: 1, error: { problems: [] } }).length).toBeGreaterThan(0);
  });
});
