/** The state of a shell that follows a script, and what is known of it when it is not known which way the script went. */
import type { Value } from "./script-expansion.ts";

/** What a subshell or an uncertain branch must not change for good. */
export class Shell {
  variables: Map<string, Value>;
  positional: readonly Value[];
  /** Working directory, absolute. */
  directory: Value = "/";
  umask = 0o022;
  /** Whether what is followed now certainly runs. */
  certain = true;

  constructor(variables: ReadonlyMap<string, Value>, positional: readonly Value[]) {
    this.variables = new Map(variables);
    this.positional = positional;
  }

  copy(): Shell {
    const copy = new Shell(this.variables, this.positional);
    copy.directory = this.directory;
    copy.umask = this.umask;
    copy.certain = this.certain;
    return copy;
  }

  /** A variable's value; one that was never set is empty. */
  variable(name: string): Value {
    return this.variables.has(name) ? this.variables.get(name) : "";
  }

  /** The absolute form of a path; undefined when the working directory is not known. */
  absolute(path: string): string | undefined {
    if (path.startsWith("/")) return path;
    return this.directory === undefined ? undefined : `${this.directory}/${path}`;
  }
}

function common<T>(values: readonly T[]): T | undefined {
  const [first] = values;
  return values.every((value) => value === first) ? first : undefined;
}

/** The shell after one of several ways, it is not known which: what they leave different is unknown. */
export function mergeShells(before: Shell, ends: readonly Shell[]): Shell {
  const merged = before.copy();
  for (const name of new Set(ends.flatMap((end) => [...end.variables.keys()])))
    merged.variables.set(name, common(ends.map((end) => end.variable(name))));
  merged.directory = common(ends.map((end) => end.directory));
  merged.umask = common(ends.map((end) => end.umask)) ?? before.umask;
  return merged;
}
