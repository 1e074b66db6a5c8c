/** Runs contenders in turn, and programs under the clock. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { Bench, Contender, Measured, Sample } from "./model.ts";
import { summarise } from "./statistics.ts";

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the environment of the benchmark. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ran {
  readonly sample: Sample;
  readonly stdout: string;
}

/** GNU time; not the shell's. */
export const gnuTime = "/usr/bin/time";

/** How much of a program's complaints is shown. */
const shown = 4000;

/** Reads what `time -f '%U %S %M'` wrote: seconds, seconds, KiB. Its last line, because a failure adds one before. */
function readUsage(file: string): Pick<Sample, "cpu" | "peak"> {
  const last = readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "";
  const [user = Number.NaN, system = Number.NaN, kibibytes = Number.NaN] = last.split(" ").map(Number);
  return { cpu: user + system, peak: kibibytes * 1024 };
}

/** Runs a program to its end; throws with its last words when it fails. */
export async function timed(bench: Bench, command: Command): Promise<Ran> {
  const { host, scratch } = bench;
  const usage = scratch.path("usage");
  const measured = existsSync(gnuTime);
  const [program, ...args] = measured
    ? [gnuTime, "-o", usage, "-f", "%U %S %M", command.program, ...command.args]
    : [command.program, ...command.args];
  const begin = host.elapsed();
  const child = spawn(program ?? "", args, {
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that Ctrl-C ends it with its descendants and in our order.
    detached: true,
    cwd: command.cwd ?? scratch.directory,
    env: { ...host.environment(), ...command.env },
  });
  scratch.track(child);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  let end = begin;
  child.on("exit", () => (end = host.elapsed()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) {
    const said = Buffer.concat(stderr).toString("utf8").slice(-shown);
    throw new Error(`${[command.program, ...command.args].join(" ").slice(0, 300)} ended with ${code}:\n${said}`);
  }
  const sample = { wall: (end - begin) / 1000, ...(measured ? readUsage(usage) : {}) };
  return { sample, stdout: Buffer.concat(stdout).toString("utf8") };
}

/** Runs contenders A B C, A B C, … so that what slows the machine down for a while slows all of them down. */
export async function interleave(
  bench: Bench,
  contenders: readonly Contender[],
  rounds: number = bench.rounds,
): Promise<readonly Measured[]> {
  const samples = contenders.map((): Sample[] => []);
  const warmUps = bench.warmUp && rounds > 1 ? 1 : 0;
  for (let round = 0; round < rounds + warmUps; round++) {
    for (const [index, contender] of contenders.entries()) {
      const sample = await contender.run(round);
      const counts = round >= warmUps;
      const which = counts ? `round ${round - warmUps + 1} of ${rounds}` : "warm-up";
      bench.say(`  ${which}  ${contender.name}: ${sample.wall.toFixed(2)} s`);
      if (counts) samples[index]?.push(sample);
    }
  }
  return contenders.map(({ name }, index) => summarise(name, samples[index] ?? []));
}
