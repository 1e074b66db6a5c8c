/** The only place that touches clock, environment, randomness, processes and locale; everything else is handed a Host. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { availableParallelism, homedir, tmpdir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { interrupted, systemCode } from "./errors.ts";

export interface RunResult {
  /** Exit code; 128 + signal number is not used: a killed process has `signal`. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the process; nothing is inherited when given. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array;
  /** Lines of the process's stderr as they come, for progress. */
  readonly onStderr?: (chunk: Buffer) => void;
  readonly signal?: AbortSignal;
}

export interface Host {
  /** Milliseconds since 1970, for expiry checks and progress; never for bytes. */
  now(): number;
  /** Monotonic milliseconds, for durations. */
  elapsed(): number;
  env(name: string): string | undefined;
  /** A copy of the whole environment, to hand on to a child process. */
  environment(): Readonly<Record<string, string>>;
  /** `bytes` random bytes in hex, for temporary names; never for content. */
  token(bytes: number): string;
  /** How many things may run at once. Bytes must not depend on it. */
  readonly parallelism: number;
  /** `uid` of the process, or -1 where there is none. */
  readonly uid: number;
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  /** The running Node binary, to start a fresh process with. */
  readonly node: string;
  /** Paths of the libraries that the running Node is made of, its loader among them, by the names that it asks for. */
  libraries(): readonly string[];
  /** Where caches go: `$LOCKSTEP_STORE`, else `$XDG_CACHE_HOME/lockstep`, else `~/.cache/lockstep`. */
  readonly cacheDirectory: string;
  /** Where keys and settings go: `$XDG_CONFIG_HOME/lockstep`, else `~/.config/lockstep`. */
  readonly configDirectory: string;
  readonly temporaryDirectory: string;
  /** Runs a program without a shell and collects its output. Rejects when it cannot be started, and once it has ended when the signal fired. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /**
   * Sends bytes through a program and gives what it writes, as it comes; nothing of the environment is handed on, `env` is all it has.
   * Throws when it cannot be started, or ends with anything but 0, with what it said on stderr. The signal ends it; LS1003 when it was
   * ended by Ctrl-C, which a terminal sends to every process of the command.
   */
  filter(
    program: string,
    args: readonly string[],
    input: AsyncIterable<Uint8Array>,
    env?: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  /** The absolute path of a program on PATH, when there is one that may be run. */
  findProgram(name: string): string | undefined;
  /** Waits, for back-off; ends early when the signal fires. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => {
      stderr.push(chunk);
      options.onStderr?.(chunk);
    });
    // A child that ends without reading its input is not an error of ours.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input);
    let failure: Error | undefined;
    child.on("error", (error) => {
      failure = error;
      // One that was started and is given up is waited for: the caller may want to remove what it writes to.
      if (child.pid === undefined) reject(error);
    });
    child.on("close", (code, signal) => {
      if (failure !== undefined) reject(failure);
      else resolve({ code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) });
    });
  });
}

async function* filter(
  program: string,
  args: readonly string[],
  input: AsyncIterable<Uint8Array>,
  env: Readonly<Record<string, string>> = {},
  interrupt?: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env });
  const kill = (): void => void child.kill("SIGKILL");
  if (interrupt?.aborted === true) kill();
  interrupt?.addEventListener("abort", kill);
  const ended = new Promise<string | undefined>((resolve) => {
    const said: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => {
      resolve(code === 0 ? undefined : `${Buffer.concat(said).toString("utf8").trim()} (ended with ${code ?? signal})`);
    });
  });
  // An error of the input ends the pipeline and is thrown in place of the program's complaint about it.
  let failure: unknown;
  const feeding = pipeline(input, child.stdin).catch((error: unknown) => {
    if (systemCode(error) !== "EPIPE" && systemCode(error) !== "ERR_STREAM_PREMATURE_CLOSE") failure = error;
  });
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const message = await ended;
    await feeding;
    if (interrupt?.aborted === true || child.signalCode === "SIGINT") throw interrupted();
    if (failure !== undefined) throw failure;
    if (message !== undefined) throw new Error(message);
  } finally {
    // Whoever stops reading early leaves no process behind.
    interrupt?.removeEventListener("abort", kill);
    kill();
    await feeding;
  }
}

function findProgram(name: string): string | undefined {
  for (const directory of (env("PATH") ?? "").split(delimiter)) {
    // Relative entries would make it depend on the working directory whose program runs.
    if (!isAbsolute(directory)) continue;
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
    if (signal?.aborted === true) done();
  });
}

function libraries(): readonly string[] {
  if (process.report === undefined) return [];
  // Names of the network take a while, and nobody asked for them.
  Object.assign(process.report, { excludeNetwork: true });
  const { sharedObjects } = process.report.getReport() as { readonly sharedObjects: readonly string[] };
  return sharedObjects.filter((path) => isAbsolute(path));
}

function env(name: string): string | undefined {
  const value = process.env[name];
  return value === undefined || value === "" ? undefined : value;
}

function environment(): Record<string, string> {
  const copy: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) copy[name] = value;
  return copy;
}

/** The host of this process. Tests make their own by spreading this one and replacing members. */
export function createHost(): Host {
  return {
    now: () => Date.now(),
    elapsed: () => performance.now(),
    env,
    environment,
    token: (bytes) => randomBytes(bytes).toString("hex"),
    parallelism: availableParallelism(),
    uid: process.getuid?.() ?? -1,
    cwd: process.cwd(),
    platform: process.platform,
    node: process.execPath,
    libraries,
    cacheDirectory: env("LOCKSTEP_STORE") ?? join(env("XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "lockstep"),
    configDirectory: join(env("XDG_CONFIG_HOME") ?? join(homedir(), ".config"), "lockstep"),
    temporaryDirectory: tmpdir(),
    run,
    filter,
    findProgram,
    sleep,
  };
}
