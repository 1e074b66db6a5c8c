/** A real Dagger engine for tests, where there is one: the `dagger` command, and what a call of the module needs. */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { connection, dag, type File } from "@dagger.io/dagger";
import { createHost } from "../../pipeline/host/host.ts";
import { Lockstep } from "../../pipeline/src/index.ts";
import { findMirrors } from "../../pipeline/source/debian/mirrors.ts";
import type { Digest } from "../../pipeline/store/digest.ts";
import { readLayer } from "../build/tiny-repository.ts";
import { hasProgram, root, run } from "../support.ts";
import { cannotStart, type OwnEngine, startEngine } from "./own-engine.ts";

/** The version of engine and command that the tests are for. */
export const wanted = "v0.21.8";
const runner = "_EXPERIMENTAL_DAGGER_RUNNER_HOST";

function missingCommand(): string | undefined {
  if (!hasProgram("dagger")) return `dagger ${wanted} on PATH`;
  const version = /v\d+\.\d+\.\d+\S*/.exec(run("dagger", ["version"]).stdout.toString("utf8"))?.[0];
  return version === wanted ? undefined : `dagger ${wanted} on PATH, not ${String(version)}`;
}

/** Why no engine can be talked to from here; undefined when one can. */
export const commandMissing = missingCommand();

/** Why the tests cannot run here; undefined when they can. */
function missing(): string | undefined {
  if (commandMissing !== undefined) return commandMissing;
  if ((process.env[runner] ?? "") === "") {
    const without = cannotStart(wanted);
    return without === undefined ? undefined : `an engine, named by ${runner}, or ${without}`;
  }
  // The command waits for ever for an engine that is not there.
  const answer = spawnSync("dagger", ["-s", "core", "version"], { timeout: 60_000, env: environment() });
  const engine = answer.stdout.toString("utf8").trim();
  return engine.startsWith("v0.21.") ? undefined : `an engine of the line v0.21 at ${runner}, which says "${engine}"`;
}

function environment(engine?: string): NodeJS.ProcessEnv {
  const named = engine === undefined ? {} : { [runner]: engine };
  return { ...process.env, DO_NOT_TRACK: "1", DAGGER_NO_NAG: "1", NO_COLOR: "1", ...named };
}

/** For the names of tests that are skipped. */
export const engineMissing = missing();

let own: Promise<OwnEngine> | undefined;

/** The engine that the tests of this process use: the one that is named, or one of their own, which ends with this process. */
async function engineAddress(): Promise<string> {
  const named = process.env[runner] ?? "";
  if (named !== "") return named;
  own ??= startEngine();
  return (await own).address;
}

export interface Called {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The uppermost layer of the last platform in a layout. */
export function topLayer(layout: string): ReturnType<typeof readLayer> {
  const document = <T>(path: string): T => JSON.parse(readFileSync(join(layout, path), "utf8")) as T;
  const { manifests } = document<{ readonly manifests: readonly { readonly digest: Digest }[] }>("index.json");
  const blob = `blobs/sha256/${manifests.at(-1)?.digest.slice("sha256:".length)}`;
  const { layers } = document<{ readonly layers: readonly { readonly digest: Digest }[] }>(blob);
  return readLayer(layout, layers.at(-1)?.digest ?? "sha256:");
}

/** The module, called as a person does, from the checkout. */
export class Module {
  /** What `dagger call` gets before the function. */
  readonly options: readonly string[];
  readonly #engine: string;

  private constructor(options: readonly string[], engine: string) {
    this.options = options;
    this.#engine = engine;
  }

  /**
   * A module whose container is an image that Lockstep built, in `directory`: `layout` is that image's. No image of any registry is needed,
   * only npm's and Debian's packages, from where this machine gets them. Calls go to the engine of that address.
   */
  static async prepare(directory: string, layout: string, engine?: string): Promise<Module> {
    const archive = join(directory, "base.tar");
    run("tar", ["-cf", archive, "-C", layout, "."]);
    const installed = join(directory, "program");
    await mkdir(installed, { recursive: true });
    for (const name of ["package.json", "package-lock.json", ".npmrc"])
      await cp(join(root, name), join(installed, name));
    const npm = ["ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status, stderr } = run("npm", npm, { cwd: installed });
    if (status !== 0) throw new Error(stderr.toString("utf8"));
    return Module.#of({ "--base-archive": archive, "--dependencies": join(installed, "node_modules") }, engine);
  }

  /** A module whose container is the image of Lockstep itself, which brings everything: nothing is installed. */
  static async selfHosted(directory: string): Promise<Module> {
    const archive = join(directory, "self.tar");
    const { status, stderr } = run(join(root, "lockstep"), ["--node", "self/build.ts", "build", "--quiet"]);
    if (status !== 0) throw new Error(stderr.toString("utf8"));
    run("tar", ["-cf", archive, "-C", join(root, "out/self/out/images/lockstep"), "."]);
    return Module.#of({ "--base-archive": archive });
  }

  static async #of(base: Readonly<Record<string, string>>, engine?: string): Promise<Module> {
    const mirrors = await findMirrors(createHost());
    const options: Readonly<Record<string, string | undefined>> = {
      ...base,
      "--debian-mirror": mirrors.debian.join(","),
      "--debian-security-mirror": mirrors["debian-security"].join(","),
      "--certificates": process.env["NODE_EXTRA_CA_CERTS"],
    };
    const given = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
    return new Module(given, engine ?? (await engineAddress()));
  }

  /** The same module on another engine. */
  on(engine: string): Module {
    return new Module(this.options, engine);
  }

  /** The module's class within this process, under one connection that is held as long as `use` takes: no SDK of the engine has a part in it. */
  async inProcess(use: (lockstep: Lockstep) => Promise<void>): Promise<void> {
    const given = Object.fromEntries(this.options.map((option) => option.slice(2).split(/=(.*)/s)));
    const before = { ...process.env };
    Object.assign(process.env, environment(this.#engine), { _EXPERIMENTAL_DAGGER_CLI_BIN: "dagger" });
    try {
      await connection(async () => {
        const here = dag.host();
        const file = (name: string): File | undefined =>
          given[name] === undefined ? undefined : here.file(given[name]);
        const program = here.directory(root, {
          include: ["package.json", "package-lock.json", ".npmrc", "pipeline"],
          exclude: ["pipeline/src"],
        });
        const dependencies = given["dependencies"] === undefined ? undefined : here.directory(given["dependencies"]);
        const [debian, security] = [given["debian-mirror"], given["debian-security-mirror"]];
        const archive = file("base-archive");
        const certificates = file("certificates");
        await use(new Lockstep(program, "", archive, dependencies, undefined, debian, security, certificates));
      });
    } finally {
      for (const name of Object.keys(process.env)) if (before[name] === undefined) delete process.env[name];
      Object.assign(process.env, before);
    }
  }

  /** `dagger call` with the module's options; waits at most ten minutes, and no longer when the signal fires. */
  call(args: readonly string[], signal?: AbortSignal): Promise<Called> {
    const child = spawn("dagger", ["-s", "call", ...this.options, ...args], {
      cwd: root,
      env: environment(this.#engine),
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 600_000,
    });
    signal?.addEventListener("abort", () => child.kill());
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        const text = (pieces: readonly Buffer[]): string => Buffer.concat(pieces).toString("utf8");
        resolve({ code, stdout: text(stdout), stderr: text(stderr) });
      });
    });
  }
}
