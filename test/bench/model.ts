/** The benchmark: ratios of our times to those of other tools doing the same work, taken in one run. This file says what it is made of. */
import type { Host } from "../../pipeline/host/host.ts";
import type { Lock } from "../../pipeline/lock/types.ts";
import type { Scratch } from "./scratch.ts";

/** One run of one contender. */
export interface Sample {
  /** Wall time in seconds. */
  readonly wall: number;
  /** User and system time of all processes in seconds; absent without GNU time. */
  readonly cpu?: number;
  /** Resident memory of the largest single process in bytes; absent without GNU time. */
  readonly peak?: number;
}

/** A way to do the work of a row. */
export interface Contender {
  readonly name: string;
  /** Prepares, runs and tidies up; only the work itself is in the sample. Rounds count from 0. */
  run(round: number): Promise<Sample>;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What all rounds of one contender gave. */
export interface Measured {
  readonly name: string;
  readonly rounds: number;
  readonly wall: Spread;
  readonly cpu?: Spread;
  /** Bytes, the largest of all rounds. */
  readonly peak?: number;
}

type Unit = "×" | "s" | "MiB" | "fragments" | "layers" | "packages";

/** A figure that the project has a target for, or that is worth knowing beside one. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** The largest value that reaches the target; absent when there is no target. */
  readonly target?: number;
}

export interface Result {
  /** Number of the row in docs/benchmarks.md. */
  readonly row: number;
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly measured: readonly Measured[];
  /** What a reader must know to judge the figures. */
  readonly notes: readonly string[];
}

/** What every row is given. */
export interface Bench {
  readonly host: Host;
  readonly scratch: Scratch;
  /** Root of the checkout that is measured. */
  readonly root: string;
  readonly lock: Lock;
  readonly rounds: number;
  /** Whether each contender runs once before the rounds that count. */
  readonly warmUp: boolean;
  /** A line of progress, on stderr. */
  say(line: string): void;
}

/** Rows that are measured together, because their figures are ratios to each other. */
export interface Experiment {
  /** For `--only`. */
  readonly name: string;
  readonly rows: readonly number[];
  /** Whether it is part of `--quick`. */
  readonly quick: boolean;
  run(bench: Bench): Promise<readonly Result[]>;
}

/** A row cannot be measured here, for the reason in the message. */
export class Skip extends Error {}
