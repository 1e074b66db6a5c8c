/** What rules about causes are given besides the differences: what is known of the two sides. */
import type { Finding } from "../compare/finding.ts";

/** What one side says of itself. */
export interface SideFacts {
  /** The configuration's `created`, in seconds since 1970. */
  readonly created?: number;
  /** The number of Lockstep's byte rules, when the manifest has it. */
  readonly format?: string;
  /** `linux/arm64`. */
  readonly platform?: string;
  /** What made each layer, as the history has it; by number of the layer, from 1. */
  readonly madeBy: ReadonlyMap<number, string>;
}

export interface Scene {
  readonly findings: readonly Finding[];
  readonly a: SideFacts;
  readonly b: SideFacts;
  /** Seconds since 1970, where a clock says it: what is later is in the future. */
  readonly now?: number;
}
