/** What no plan fixes about where a step runs, and how a run is given it otherwise (docs/verify.md, "Steps"). */
import type { Platform } from "../../spec/types.ts";
import { oneProcessor } from "./one-processor.ts";

/** Names as `--perturb` takes them. */
export const stepSurroundings = ["step-processors", "step-listings", "step-pids", "step-limits"] as const;

export type StepSurrounding = (typeof stepSurroundings)[number];

/** What is otherwise in a run. */
export type Otherwise = ReadonlySet<StepSurrounding>;

export const asEver: Otherwise = new Set();

/** In how many archives each tree is: a directory of several layers lists what is in one of them after another. */
export function archivesOf(otherwise: Otherwise): number {
  return otherwise.has("step-listings") ? 2 : 1;
}

/** Clauses for the shell that starts a program. */
export function clauses(otherwise: Otherwise): readonly string[] {
  return [
    ...(otherwise.has("step-limits") ? ["ulimit -S -n 512"] : []),
    // Each in a process of its own.
    ...(otherwise.has("step-pids") ? ["i=0 && while [ $i -lt 400 ]; do (:) && i=$((i+1)); done"] : []),
  ];
}

/** The stage with the program that leaves itself one processor, and where a step has it while it runs. */
export const launcherStage = "lockstep-launcher";
const mounted = "/run/lockstep";

export interface Launcher {
  readonly file: Uint8Array;
  /** A line of a Dockerfile's, which makes the stage of the archive `lockstep-launcher.tar`. */
  readonly stage: string;
  /** A flag of RUN. */
  readonly mount: string;
  /** What starts a command. */
  readonly command: string;
}

/** What a run on one processor needs; undefined for others. */
export function launcherOf(platform: Platform, otherwise: Otherwise): Launcher | undefined {
  if (!otherwise.has("step-processors")) return undefined;
  return {
    file: oneProcessor(platform),
    stage: `FROM scratch AS ${launcherStage}\nADD ${launcherStage}.tar /\n`,
    mount: `--mount=type=bind,from=${launcherStage},target=${mounted}`,
    command: `${mounted}/one-processor`,
  };
}
