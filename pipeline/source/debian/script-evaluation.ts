/** What following a script gives, and how it asks what a command means. */
import type { Value } from "./script-expansion.ts";
import type { ImageModel } from "./script-model.ts";

/** A command that was not carried out. */
export interface Residual {
  /** With the values that are known put in. */
  readonly command: string;
  /** Whether it certainly would have run; else it depends on something that only running could tell. */
  readonly certain: boolean;
}

export interface Evaluation {
  /** Commands that were carried out on the model, in order. */
  readonly done: readonly string[];
  readonly residual: readonly Residual[];
}

/** Exit status as far as it is known: true is success. */
export type Status = boolean | undefined;

/** What a command did: `unknown` means that nothing here knows what it does. */
export type Outcome =
  | {
      readonly kind: "silent" | "effect";
      readonly status: Status;
      readonly output?: Value;
      /** A variable that the command sets (`read`, `db_get`). */
      readonly set?: { readonly name: string; readonly value: Value };
    }
  | { readonly kind: "unknown" };

export interface CommandCall {
  readonly name: string;
  readonly args: readonly Value[];
  /** Standard input, where it is known. */
  readonly input: Value;
  readonly umask: number;
  /** Absolute; undefined when unknown. */
  readonly directory: Value;
  /** Whether the command certainly runs; only then may it change the model. */
  readonly certain: boolean;
}

export interface ScriptContext {
  readonly model: ImageModel;
  /** `install`, `configure ""`, `triggered "name name"`. */
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** What commands mean; an unknown one is reported. */
  readonly command: (call: CommandCall) => Outcome;
}
