import { mkdirSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dag } from "@dagger.io/dagger";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build, type BuiltImage, fetchInputs } from "../peers/builds.ts";
import { root, run } from "../support.ts";
import { type Called, engineMissing, Module } from "./engine.ts";

const minutes = 60_000;

describe.skipIf(engineMissing !== undefined)(`on a real engine (needs ${engineMissing ?? "nothing more"})`, () => {
  let directory: string;
  let inputs: string;
  let local: readonly BuiltImage[];
  let module: Module;

  /** The samples without steps have the digests of here, and those with steps, which are built on engines only, have one too. */
  const expectSamples = ({ code, stdout, stderr }: Called): void => {
    expect(code, stderr).toBe(0);
    const lines = stdout.trim().split("\n");
    const here = local.map(({ image, digest }) => `${image} ${digest}`);
    expect(lines.filter((line) => here.includes(line))).toEqual(here);
    const others = lines
      .filter((line) => !here.includes(line))
      .map((line) => line.replace(/ sha256:[0-9a-f]{64}$/, ""));
    expect(others).toEqual(["hello", "legacy"]);
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "lockstep-engine-"));
    inputs = (await fetchInputs([])).store.directory;
    local = await build({ inputs, work: join(directory, "local") });
    // Results of steps are read with the tar of the base.
    const toolbox = local.find(({ image }) => image === "toolbox");
    module = await Module.prepare(directory, toolbox?.layout ?? "");
  }, 15 * minutes);

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it(
    "every sample has the digest that the local back end gives it, and those with steps have one too",
    async () => {
      expectSamples(await module.call(["build", "digests"]));
    },
    12 * minutes,
  );

  it(
    "every sample has the same digest on the image of Lockstep itself, with nothing else installed",
    async () => {
      expectSamples(await (await Module.selfHosted(directory)).call(["build", "digests"]));
    },
    12 * minutes,
  );

  it(
    "a layout that is exported is the local one, file by file",
    async () => {
      const exported = join(directory, "exported");
      const called = await module.call(["build", "--image", "static", "layout", "export", "--path", exported]);
      expect(called.code).toBe(0);
      const there = local.find(({ image }) => image === "static")?.layout ?? "";
      expect(run("diff", ["-r", there, exported]).stdout.toString("utf8")).toBe("");
    },
    12 * minutes,
  );

  it(
    "the class of the module gives the same within this process, under one connection",
    async () => {
      const there = local.find(({ image }) => image === "static");
      await module.inProcess(async (lockstep) => {
        const source = dag.host().directory(root, { include: ["images", "lockstep.lock", "manifests"] });
        const built = await lockstep.build(source, ["static"]);
        expect(built.digests).toBe(`static ${there?.digest}\n`);
        expect(await built.index().contents()).toBe(
          await readFile(join(there?.layout ?? "", "blobs", there?.digest.replace(":", "/") ?? ""), "utf8"),
        );
        await expect(lockstep.build(source, ["statik"])).rejects.toThrow(/^LS\d{4} .*statik/s);
      });
    },
    12 * minutes,
  );

  it(
    "an image comes out the same again, rebuilt in the engine",
    async () => {
      const called = await module.call(["verify", "--image", "static", "--again"]);
      const digest = local.find(({ image }) => image === "static")?.digest;
      expect(called.stdout.trim()).toBe(`static: reproduced ${digest}`);
    },
    12 * minutes,
  );

  it(
    "a repository of its own is built, and what is wrong in it is told with code and place",
    async () => {
      const repository = join(directory, "repository");
      await mkdir(join(repository, "images/hello"), { recursive: true });
      await writeFile(join(repository, "images/hello/greeting"), "hello\n");
      const spec = "name: hello\nlayers:\n  - files: { from: greeting, into: /greeting }\n";
      await writeFile(join(repository, "images/hello/image.yaml"), spec);
      const good = await module.call(["build", "--source", repository, "digests"]);
      const here = await build({ inputs, work: join(directory, "hello"), repository });
      expect(good.stdout.trim()).toBe(`hello ${here[0]?.digest}`);
      await writeFile(join(repository, "images/hello/image.yaml"), spec.replace("layers", "layer"));
      const bad = await module.call(["build", "--source", repository, "digests"]);
      expect(bad.code).not.toBe(0);
      expect(bad.stderr).toMatch(/LS\d{4} images\/hello\/image\.yaml:2:1 /);
    },
    12 * minutes,
  );

  it(
    "two calls that use one cache at once are both correct",
    async () => {
      const repository = (name: string): string => {
        const made = join(directory, name);
        mkdirSync(join(made, `images/${name}`), { recursive: true });
        writeFileSync(join(made, `images/${name}/shared`), "x".repeat(1 << 20));
        writeFileSync(join(made, `images/${name}/own`), name);
        const files = ["shared", "own"].map((file) => `  - files: { from: ${file}, into: /${file} }\n`).join("");
        writeFileSync(join(made, `images/${name}/image.yaml`), `name: ${name}\nlayers:\n${files}`);
        return made;
      };
      const made = ["one", "two"].map(repository);
      const called = await Promise.all(made.map((source) => module.call(["build", "--source", source, "digests"])));
      const here = [];
      for (const source of made) here.push(...(await build({ inputs, work: `${source}-here`, repository: source })));
      expect(called.map(({ stdout }) => stdout.trim())).toEqual(here.map(({ image, digest }) => `${image} ${digest}`));
    },
    12 * minutes,
  );

  it(
    "signs with the key it is given as a secret, and shows it nowhere",
    async () => {
      const key = join(directory, "key.pem");
      run("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key]);
      const out = join(directory, "attestations");
      const args = ["attest", "--key", `file://${key}`, "--image", "static", "export", "--path", out];
      const called = await module.call(args);
      expect(called.code).toBe(0);
      const secret = (await readFile(key, "utf8")).split("\n")[1] ?? "";
      expect(called.stdout + called.stderr).not.toContain(secret);
      expect(run("grep", ["-rlF", secret, out]).stdout.toString("utf8")).toBe("");
      expect(run("find", [out, "-name", "*.json", "-size", "+0"]).stdout.toString("utf8")).not.toBe("");
    },
    12 * minutes,
  );
});
