/** Has explain say why the sides of a pair differ, and holds that against what is known. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generation } from "../../pipeline/build/generation.ts";
import { createHost } from "../../pipeline/host/host.ts";
import { silent } from "../../pipeline/report/report.ts";
import { Store } from "../../pipeline/store/store.ts";
import type { Comparison } from "../../pipeline/verify/compare/comparison.ts";
import { explain } from "../../pipeline/verify/explain.ts";
import { savedArchiveOf, writeLayout } from "../verify/image-of.ts";
import type { Case, Side } from "./case.ts";

export interface Measured {
  readonly cause: string;
  readonly what: string;
  /** The ids that explain named, the likeliest first. */
  readonly named: readonly string[];
  /** Whether the first, or one of the first three, is right. */
  readonly first: boolean;
  readonly three: boolean;
  /** Said to be equal, though it is not; said to differ, though it does not. */
  readonly falseGreen: boolean;
  readonly falseRed: boolean;
  readonly seconds: number;
}

function written(directory: string, side: Side): string {
  mkdirSync(directory, { recursive: true });
  if (!(side instanceof Uint8Array) && !("saved" in side)) return writeLayout(directory, side);
  const path = join(directory, "subject");
  writeFileSync(path, side instanceof Uint8Array ? side : savedArchiveOf(side.saved));
  return path;
}

/** Writes both sides below a directory, and gives their names for explain. */
export function write(directory: string, { a, b }: Pick<Case, "a" | "b">): readonly [string, string] {
  return [written(join(directory, "a"), a), written(join(directory, "b"), b)];
}

/** Compares two subjects in this process, with a store of their own in the directory. */
export async function compare(directory: string, a: string, b: string): Promise<Comparison> {
  const host = { ...createHost(), cacheDirectory: join(directory, "cache"), temporaryDirectory: directory };
  const run = {
    host,
    store: new Store(host, host.cacheDirectory, generation),
    report: silent,
    signal: new AbortController().signal,
  };
  return explain(run, a, b);
}

/** Whether what was named of a pair is right; undefined where there was no answer. */
export function judged(
  known: Pick<Case, "cause" | "or" | "what">,
  named: readonly string[] | undefined,
  differs = (named ?? []).length > 0,
): Omit<Measured, "seconds"> {
  const right = new Set([known.cause, ...(known.or ?? [])]);
  const same = known.cause === "none";
  const answered = named !== undefined;
  return {
    cause: known.cause,
    what: known.what,
    named: named ?? [],
    first: answered && (same ? !differs : right.has(named[0] ?? "")),
    three: answered && (same ? !differs : named.slice(0, 3).some((id) => right.has(id))),
    falseGreen: answered && !same && !differs,
    falseRed: same && differs,
  };
}

/** What a comparison says of a pair whose cause is known. */
export function judge(known: Pick<Case, "cause" | "or" | "what">, comparison: Comparison, seconds: number): Measured {
  const named = comparison.causes.map(({ id }) => id);
  return { ...judged(known, named, comparison.verdict === "differs"), seconds };
}
