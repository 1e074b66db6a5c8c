/** What a command of a maintainer script is planned to do: how the files that know commands describe it. */
import type { CommandCall, Status } from "./script-evaluation.ts";
import type { Value } from "./script-expansion.ts";
import type { ImageModel } from "./script-model.ts";

/** Without `apply`, the command changes nothing in an image. */
export interface Plan {
  readonly status: Status;
  /** Standard output; empty unless given, `undefined` in the object when it is unknown. */
  readonly output?: Value;
  readonly set?: { readonly name: string; readonly value: Value };
  /** Carries the command out on the model; only called when it certainly would have run. */
  readonly apply?: () => void;
}

/** The package whose script it is, and what it can see. */
export interface Caller {
  readonly model: ImageModel;
  readonly packageName: string;
  /** Answers of debconf by template: its defaults. */
  readonly answers: ReadonlyMap<string, string>;
}

/** A command all of whose arguments are known. */
export interface KnownCall extends CommandCall {
  readonly args: readonly string[];
}

/** Tells what a command would do; undefined when it is not understood in this form. */
export type Knowledge = (call: KnownCall, caller: Caller) => Plan | undefined;

export const nothing: Plan = { status: true };
export const fails: Plan = { status: false };
/** A question whose answer is only known when it is asked. */
export const asked: Plan = { status: undefined, output: undefined };

/** Options and operands of a command line; undefined when an option is not in the lists. */
export function readOptions(
  args: readonly string[],
  flags: readonly string[],
  valued: readonly string[],
): { readonly options: ReadonlyMap<string, string>; readonly operands: readonly string[] } | undefined {
  const options = new Map<string, string>();
  const operands: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--") {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      operands.push(arg);
      continue;
    }
    const equals = arg.startsWith("--") ? arg.indexOf("=") : -1;
    const name = equals < 0 ? arg : arg.slice(0, equals);
    if (valued.includes(name)) {
      const value = equals < 0 ? args[++i] : arg.slice(equals + 1);
      if (value === undefined) return undefined;
      options.set(name, value);
    } else if (flags.includes(arg)) options.set(arg, "");
    else if (/^-[A-Za-z]{2,}$/.test(arg) && Array.from(arg.slice(1)).every((letter) => flags.includes(`-${letter}`)))
      for (const letter of arg.slice(1)) options.set(`-${letter}`, "");
    else return undefined;
  }
  return { options, operands };
}

/** The absolute form of a path a command was given. */
export function absolute(path: string, call: CommandCall): string | undefined {
  if (path.startsWith("/")) return path;
  return call.directory === undefined ? undefined : `${call.directory}/${path}`;
}
