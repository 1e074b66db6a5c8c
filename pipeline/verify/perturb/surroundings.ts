/** The surroundings of a rebuild: everything about a process that must not matter, and what a perturbation of it is. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Host } from "../../host/host.ts";

export interface Surroundings {
  /** Of the rebuild alone: its store, its output and whatever else it needs lie below it. */
  readonly work: string;
  /** The repository, or a copy of it. */
  readonly repository: string;
  readonly cwd: string;
  readonly node: string;
  /** A command that runs the command that follows it, the outermost first. */
  readonly before: readonly string[];
  /** The whole environment, in this order. */
  readonly env: Readonly<Record<string, string>>;
  /** What `host/perturb.ts` is told. */
  readonly preload: Readonly<Record<string, string>>;
  /** To be removed after the rebuild. */
  readonly temporary: readonly string[];
}

export interface Perturbation {
  /** As `--perturb` takes it. */
  readonly name: string;
  /** A clause: `the clock is a day ahead`. */
  readonly changes: string;
  /** Whether it is changed when nothing is said about it. */
  readonly usual: boolean;
  /** Perturbations of one subject exclude each other. */
  readonly subject: string;
  /** Rows of the catalogue that a build falls under whose bytes depend on it, the likeliest first. */
  readonly causes: readonly string[];
  /** What a build does that depends on it, and what to do: two clauses for people. */
  readonly reads: string;
  readonly fix: string;
  /** Why it cannot be done on this machine; undefined when it can. `directory` is one on the file system of rebuilds. */
  readonly lacking?: (host: Host, directory: string) => Promise<string | undefined>;
  /** Whether it treats the files of the repository, so that it needs a copy of them. */
  readonly copies?: boolean;
  readonly apply: (host: Host, at: Surroundings) => Surroundings | Promise<Surroundings>;
}

/** A new directory below the work of a rebuild. */
export async function directoryIn({ work }: Pick<Surroundings, "work">, ...names: readonly string[]): Promise<string> {
  const path = join(work, ...names);
  await mkdir(path, { recursive: true });
  return path;
}

/** The surroundings of this process, with nothing changed. */
export function usualSurroundings(host: Host, repository: string, work: string): Surroundings {
  return {
    work,
    repository,
    cwd: host.cwd,
    node: host.node,
    before: [],
    env: host.environment(),
    preload: {},
    temporary: [],
  };
}

/** The program that runs in them: a build from the inputs in `inputs` alone, with a store of results of its own. */
export function rebuildCommand(
  at: Surroundings,
  out: string,
  inputs: string,
  images: readonly string[],
): readonly [program: string, ...args: string[]] {
  const preload = new URL("../../host/perturb.ts", import.meta.url);
  for (const [name, value] of Object.entries(at.preload)) preload.searchParams.set(name, value);
  const [program = at.node, ...args] = [
    ...at.before,
    at.node,
    "--import",
    preload.href,
    fileURLToPath(new URL("../../cli/main.ts", import.meta.url)),
    "build",
    "--root",
    at.repository,
    "--inputs",
    inputs,
    "--out",
    out,
    "--json",
    "--quiet",
    ...images,
  ];
  return [program, ...args];
}
