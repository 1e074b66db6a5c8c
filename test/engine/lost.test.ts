import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lockstep, type Said } from "../cli/lockstep.ts";
import { build, fetchInputs } from "../peers/builds.ts";
import { root, run } from "../support.ts";
import { commandMissing, Module, wanted } from "./engine.ts";
import { cannotStart, type OwnEngine, startEngine } from "./own-engine.ts";

const minutes = 60_000;
const without = commandMissing ?? cannotStart(wanted);

/** Waits until something is true; gives up after ten minutes. */
async function until(what: () => boolean): Promise<void> {
  for (const end = Date.now() + 10 * minutes; !what();) {
    if (Date.now() > end) throw new Error("it did not come to that");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** How often the program was started in a container of the engine, to verify. */
function starts({ directory }: OwnEngine): number {
  const log = existsSync(directory) ? readFileSync(join(directory, "engine.log"), "utf8") : "";
  return [...log.matchAll(/msg="starting container" args="[^"]*start\.js verify /g)].length;
}

/** What of the machine an engine could change by mistake: its name servers and interfaces. */
function machine(): string {
  return `${readFileSync("/etc/resolv.conf", "utf8")}${readdirSync("/sys/class/net").join(" ")}`;
}

describe.skipIf(without !== undefined)(`engines that come and go (needs ${without ?? "nothing more"})`, () => {
  let directory: string;
  let digest: string;
  let whole: string;
  let module: Module;
  let engines: readonly OwnEngine[] = [];
  let before: string;

  const verify = (some: readonly OwnEngine[], ...options: readonly string[]): Promise<Said> => {
    const named = some.flatMap(({ address }) => ["--engine", address]);
    const given = module.options.map((option) => `--module-option=${option}`);
    const env = { HOME: directory, LOCKSTEP_STORE: join(directory, "store") };
    const args = ["verify", "static", ...named, ...options, ...given, "--out", join(directory, "out"), "--quiet"];
    return lockstep(args, { cwd: root, env });
  };
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "lockstep-lost-"));
    before = machine();
    const inputs = (await fetchInputs(["static", "toolbox"])).store.directory;
    const local = await build({ inputs, work: join(directory, "local"), images: ["static", "toolbox"] });
    const tiny = local.find(({ image }) => image === "static");
    digest = tiny?.digest ?? "";
    whole = tiny?.layout ?? "";
    engines = await Promise.all([startEngine(), startEngine()]);
    const [first] = engines;
    const layout = local.find(({ image }) => image === "toolbox")?.layout ?? "";
    module = await Module.prepare(directory, layout, first?.address);
  }, 15 * minutes);

  afterAll(async () => {
    await Promise.all(engines.map((engine) => engine.stop()));
    await rm(directory, { recursive: true, force: true });
  });

  it(
    "two that have nothing come to the digest of the local back end",
    async () => {
      const said = await verify(engines);
      expect(said.stdout.trim(), said.stderr).toBe(`static: reproduced ${digest} on 2 engines`);
      expect(said.code).toBe(0);
    },
    20 * minutes,
  );

  it(
    "one that is lost while it builds is named, and another one does its work",
    async () => {
      const before = engines.map(starts);
      const working = (): OwnEngine | undefined => engines.find((engine, at) => starts(engine) > (before[at] ?? 0));
      const verified = verify(engines, "--rebuilders", "1");
      await until(() => working() !== undefined);
      const lost = working();
      await lost?.lose();
      const { code, stdout } = await verified;
      engines = engines.filter((engine) => engine !== lost);
      expect(stdout).toContain(`LS9030 ${lost?.address} could not be used: `);
      expect(stdout).toContain(`static: reproduced ${digest} on 1 engine`);
      expect(code).toBe(0);
    },
    20 * minutes,
  );

  it(
    "one that is lost while a layout is exported leaves nothing that is taken for an image",
    async () => {
      const [last] = engines;
      if (last === undefined) throw new Error("no engine is left");
      const repository = join(directory, "repository");
      mkdirSync(join(repository, "images/big"), { recursive: true });
      writeFileSync(join(repository, "images/big/noise"), randomBytes(100_000_000));
      const spec = "name: big\nlayers:\n  - files: { from: noise, into: /noise }\n";
      writeFileSync(join(repository, "images/big/image.yaml"), spec);
      const out = join(directory, "exported");
      const args = ["build", "--source", repository, "layout", "export", "--path", out];
      const ended = new AbortController();
      const called = module.on(last.address).call(args, ended.signal);
      await until(() => existsSync(out) && readdirSync(out).length > 0);
      await last.lose();
      // The command waits for the engine until somebody ends it, and never says that it is done.
      await Promise.race([called, new Promise((resolve) => setTimeout(resolve, 10_000))]);
      ended.abort();
      expect((await called).code).not.toBe(0);
      const read = await lockstep(["explain", out, whole], { cwd: directory });
      expect([3, 4], read.stdout).toContain(read.code);
      expect(read.stdout + read.stderr).toMatch(/\bLS\d{4} /);
    },
    20 * minutes,
  );

  it(
    "one that is gone is named with what to do, after a minute",
    async () => {
      const [last] = engines;
      const { code, stdout } = await verify(engines);
      expect(stdout).toContain(`LS9030 ${last?.address} could not be used: it did not answer within 60 seconds\n`);
      expect(stdout).toContain("LS5002 static: could not tell: ");
      expect(code).toBe(4);
    },
    20 * minutes,
  );

  it("leave nothing behind, and the machine as it was", async () => {
    const gone = await startEngine();
    expect(existsSync(gone.directory)).toBe(true);
    await gone.stop();
    expect(existsSync(gone.directory)).toBe(false);
    expect(run("pgrep", ["-f", gone.directory]).stdout.toString("utf8")).toBe("");
    expect(machine()).toBe(before);
  });
});
