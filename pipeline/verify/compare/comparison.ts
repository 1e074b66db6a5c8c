/** The outcome of a comparison: the document that `explain --json` prints and that every report is made from. */
import type { Finding, Grade, Unread } from "./finding.ts";

/** One side of a comparison. */
export interface Compared {
  /** What the user called it. */
  readonly name: string;
  readonly kind: "image" | "index" | "layer" | "file";
  /** Of the root document or of the layer. */
  readonly digest: string;
}

/** A cause that a difference may have. */
export interface CauseGuess {
  /** The row of docs/catalogue.md, such as `T1`. */
  readonly id: string;
  /** 0 to 1. */
  readonly confidence: number;
}

/** A cause of some or all of the differences. */
export interface RankedCause extends CauseGuess {
  /** One clause: `the times of files come from the checkout`. */
  readonly title: string;
  /** The gravest grade of what it explains. */
  readonly grade: Grade;
  /** How many differences have it as their first cause. */
  readonly count: number;
  /** Sentences that name the bytes, fields or experiments that speak for it. */
  readonly evidence: readonly string[];
  /** What to do about it, for this project where it is known. */
  readonly fix: string;
  /** Indexes into `differences` of some that it explains. */
  readonly examples: readonly number[];
}

/** Allowed by a waiver: see docs/waivers.md. */
export interface Waived {
  readonly reason: string;
  readonly owner: string;
  /** The day on which it ends, `2026-12-31`. */
  readonly expires: string;
}

/** One rerun of a build, made to see which part of its surroundings makes the difference. */
export interface Experiment {
  /** Names of the perturbations that it was made under; none for a rerun in unchanged surroundings. */
  readonly perturbations: readonly string[];
  /** Milliseconds from the start of the first rerun to the start of this one, and how long it took. */
  readonly start: number;
  readonly duration: number;
  /** Whether it gave what A is; `failed` when it did not come to an end. */
  readonly outcome: "same" | "differs" | "failed";
  /** What it gave, where it gave something. */
  readonly digest?: string;
  /** A clause for people: `the build ended with 1`. */
  readonly note?: string;
}

export interface Difference extends Finding {
  /** The likeliest first. */
  readonly causes: readonly CauseGuess[];
  readonly waived?: Waived;
}

export interface Comparison {
  /** Version of this document. */
  readonly schema: 1;
  /** `equal` only when the digests are. */
  readonly verdict: "equal" | "differs";
  /** Of the whole; null when equal. */
  readonly grade: Grade | null;
  readonly a: Compared;
  readonly b: Compared;
  /** The likeliest first. */
  readonly causes: readonly RankedCause[];
  readonly differences: readonly Difference[];
  /** How many more differences there are than are listed. */
  readonly more: number;
  readonly unread: readonly Unread[];
  /** The reruns that were made to find causes, in their order; absent where none were. */
  readonly experiments?: readonly Experiment[];
}
