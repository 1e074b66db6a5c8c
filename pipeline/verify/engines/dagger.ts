/** Rebuilds images on a Dagger engine, through the `dagger` command and this program's own module. */
import { messageOf, systemCode } from "../../host/errors.ts";
import type { Host, RunResult } from "../../host/host.ts";
import type { CallOutcome, EngineRunner, EngineVerdict } from "./fleet.ts";

export interface DaggerOptions {
  /** Directory of this program, which is the module. */
  readonly program: string;
  /** Directory of the repository with the images. */
  readonly root: string;
  /** Options of the module, as `dagger call` takes them before the function: `--debian-mirror=…`. */
  readonly moduleOptions: readonly string[];
  readonly signal: AbortSignal;
  /** Milliseconds within which an engine that is there has answered. */
  readonly patience: number;
  /** Milliseconds between looks at an engine that is at work. */
  readonly interval: number;
  /** Milliseconds that a call with some images may take. */
  readonly limit: (images: readonly string[]) => number;
}

/** The line of versions that this program's module is written for, and the version that it was tested with. */
const wanted = { major: 0, minor: 21, tested: "v0.21.8" } as const;
const needed = `v${wanted.major}.${wanted.minor} is needed`;
const install = `install the dagger command of version ${wanted.tested}`;
const start = `start an engine of version ${wanted.tested}, as the dagger command of that version does where there is a container runtime`;

/** How a version is not of the line; undefined when it is, or when it is no version. */
function beside(version: string): string | undefined {
  const [, major, minor] = /\bv?(\d+)\.(\d+)\.\d/.exec(version) ?? [];
  const distance = (Number(major) - wanted.major) * 1000 + Number(minor) - wanted.minor;
  return Number.isNaN(distance) || distance === 0
    ? undefined
    : `which is too ${distance < 0 ? "old" : "new"}: ${needed}`;
}

/** Why an engine of a version is of no use; undefined when it is. What is no version was not said by an engine. */
function unfit(version: string): string | undefined {
  if (!/^v?\d+\.\d+\.\d/.test(version)) return `it says that it is of version "${version}", and ${needed}; ${start}`;
  const off = beside(version);
  return off === undefined ? undefined : `it is of version ${version}, ${off}; ${start}`;
}

/** Why the dagger command is of no use; undefined when it is. It prints `dagger v0.21.8 (…)`. */
function unfitCommand(said: string): string | undefined {
  const version = /\bv\d+\.\d+\.\d\S*/.exec(said)?.[0] ?? "";
  const off = beside(version);
  return off === undefined ? undefined : `the dagger command on PATH is of version ${version}, ${off}; ${install}`;
}

/** The first line that a person should see of what a failed command printed. */
function complaint(text: string): string {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.find((line) => /\bLS\d{4}\b/.test(line)) ?? lines.at(-1) ?? "it said nothing";
}

function isVerdict(value: unknown): value is EngineVerdict & { readonly rebuilt?: string } {
  const { image, verdict, rebuilt } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof image !== "string" || (rebuilt !== undefined && typeof rebuilt !== "string")) return false;
  return verdict === "reproduced" || verdict === "differs" || verdict === "could not tell";
}

/** What the document of `verify --json` says; undefined for anything else. */
export function verdictsIn(text: string): readonly EngineVerdict[] | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { result } = (document ?? {}) as { readonly result?: { readonly verdicts?: unknown } };
  const verdicts = result?.verdicts;
  if (!Array.isArray(verdicts) || !(verdicts as readonly unknown[]).every(isVerdict)) return undefined;
  return (verdicts as readonly (EngineVerdict & { readonly rebuilt?: string })[]).map(
    ({ image, verdict, rebuilt, reason }) => ({
      image,
      verdict,
      ...(rebuilt === undefined ? {} : { digest: rebuilt }),
      ...(reason === undefined ? {} : { reason }),
    }),
  );
}

/** Runs `dagger` on an engine; undefined when it has not ended in time. */
async function dagger(
  host: Host,
  engine: string,
  args: readonly string[],
  limit: number,
  { program }: DaggerOptions,
  signal: AbortSignal,
): Promise<RunResult | undefined> {
  const tooLong = new AbortController();
  const ended = new AbortController();
  const run = host.run("dagger", ["-s", ...args], {
    cwd: program,
    env: {
      ...host.environment(),
      _EXPERIMENTAL_DAGGER_RUNNER_HOST: engine,
      DO_NOT_TRACK: "1",
      DAGGER_NO_NAG: "1",
      NO_COLOR: "1",
    },
    signal: AbortSignal.any([signal, tooLong.signal]),
  });
  void host.sleep(limit, ended.signal).then(() => tooLong.abort());
  try {
    return await run;
  } catch (error) {
    if (tooLong.signal.aborted && !signal.aborted) return undefined;
    throw error;
  } finally {
    ended.abort();
  }
}

/** A runner by means of the `dagger` command on PATH. */
export function daggerRunner(host: Host, options: DaggerOptions): EngineRunner {
  const ask = async (engine: string, signal: AbortSignal): Promise<string | undefined> => {
    try {
      const command = await dagger(host, engine, ["version"], options.patience, options, signal);
      const reason = unfitCommand(command?.stdout.toString("utf8") ?? "");
      if (reason !== undefined) return reason;
      const answer = await dagger(host, engine, ["core", "version"], options.patience, options, signal);
      // The command waits without an end for an engine that is not there.
      if (answer === undefined) return `it did not answer within ${Math.round(options.patience / 1000)} seconds`;
      const version = answer.stdout.toString("utf8").trim();
      if (answer.code !== 0) return complaint(answer.stderr.toString("utf8"));
      return unfit(version);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return `there is no dagger command on PATH; ${install}`;
      return messageOf(error);
    }
  };
  /** Looks at an engine until `signal` fires; tells when it is gone, and why. A call waits without an end for an engine that was lost. */
  const watch = async (engine: string, signal: AbortSignal, onLost: (reason: string) => void): Promise<void> => {
    for (;;) {
      await host.sleep(options.interval, signal);
      if (signal.aborted) return;
      const reason = await ask(engine, signal);
      if (signal.aborted) return;
      if (reason !== undefined) return onLost(reason);
    }
  };
  return {
    ready: (engine) => ask(engine, options.signal),
    async rebuild(engine, images): Promise<CallOutcome> {
      const { program, root, moduleOptions, signal } = options;
      const named = images.flatMap((image) => ["--image", image]);
      const args = ["-m", program, "call", ...moduleOptions, "verdicts", "--source", root, ...named];
      const lost = new AbortController();
      const over = new AbortController();
      let why: string | undefined;
      void watch(engine, AbortSignal.any([signal, over.signal]), (reason) => {
        why = reason;
        lost.abort();
      });
      let answer: RunResult | undefined;
      try {
        const limit = options.limit(images);
        answer = await dagger(host, engine, args, limit, options, AbortSignal.any([signal, lost.signal]));
      } catch (error) {
        return { kind: "lost", reason: why ?? messageOf(error) };
      } finally {
        over.abort();
      }
      if (answer === undefined) return { kind: "lost", reason: "it did not come to an end in time" };
      const verdicts = answer.code === 0 ? verdictsIn(answer.stdout.toString("utf8")) : undefined;
      if (verdicts !== undefined) return { kind: "done", verdicts };
      const said = `${answer.stderr.toString("utf8")}\n${answer.stdout.toString("utf8")}`;
      // An engine that still answers is not to blame for what was asked of it.
      const gone = /\bLS\d{4}\b/.test(said) ? undefined : await ask(engine, signal);
      if (gone !== undefined) return { kind: "lost", reason: gone };
      return { kind: "failed", reason: answer.code === 0 ? "its answer is no verdict" : complaint(said) };
    },
  };
}
