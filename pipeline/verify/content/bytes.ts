/**
 * Compares contents of which nothing is known: where they begin to differ, how much of them does, and what kind of text stands there.
 *
 * Field `bytes N` (N: offset of the first that differs). Facts: `sizeA`, `sizeB`; `common` and `commonEnd`, equal bytes at start and end;
 * for equal sizes `runs` (stretches that differ) and `differing` (bytes that do), as far as was counted, and `kinds` where all of them lie
 * in text: the kinds of its tokens, see tokens.ts.
 */
import type { Excerpt, Finding } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import type { Content, Looker, Pair } from "./format.ts";
import { isSecretPath, withoutSecrets } from "./secrets.ts";
import { differingRuns, type Run } from "./strings.ts";
import { gradeOf, type Judged, judge, together } from "./tokens.ts";
import { commonEnd, firstDifference, window } from "./windows.ts";

/** Bytes of differing windows that are counted through; beyond that the counts are of those. */
const counted = 64 << 20;
/** Runs whose text is looked at. */
const mostRuns = 200;
const before = 16;
const excerptLength = 64;

interface Counts {
  readonly runs: readonly Run[];
  readonly count: number;
  readonly bytes: number;
}

function count(a: Content, b: Content, from: number): Counts {
  const runs: Run[] = [];
  let total = 0;
  let bytes = 0;
  let left = counted;
  for (let offset = from; offset < a.size && left > 0; offset += window) {
    const [x, y] = [a.read(offset, window), b.read(offset, window)];
    if (x.equals(y)) continue;
    left -= x.length;
    const found = differingRuns(x, y, mostRuns - runs.length);
    runs.push(...found.runs.map((run) => ({ ...run, offset: offset + run.offset })));
    total += found.count;
    bytes += found.bytes;
  }
  return { runs, count: total, bytes };
}

/** What the text of all runs says together; undefined when some of them are no text. */
function judged({ runs, count: total }: Counts): Judged | undefined {
  if (total !== runs.length) return undefined;
  const all: Judged[] = [];
  for (const { a, b } of runs) {
    if (a === undefined || b === undefined) return undefined;
    all.push(judge(a, b));
  }
  return together(all);
}

function excerptOf(a: Content, b: Content, first: number): Excerpt {
  const offset = Math.max(0, first - before);
  const [x, y] = [a.read(offset, excerptLength), b.read(offset, excerptLength)];
  return { offset, text: false, a: x.toString("base64"), b: y.toString("base64") };
}

/** Whether bytes around a place may be shown. */
function mayShow(path: string, a: Content, b: Content, first: number): boolean {
  if (isSecretPath(path)) return false;
  const from = Math.max(0, first - 4096);
  return [a, b].every((side) => {
    const around = side.read(from, 8192).toString("latin1");
    return withoutSecrets(around) === around;
  });
}

/** Says where two contents begin to differ. */
export function compareBytes({ path, a, b }: Pair, looker: Pick<Looker, "found">): void {
  const first = firstDifference(a, b);
  if (first === undefined) return;
  const facts: Record<string, string | number> = { sizeA: a.size, sizeB: b.size, common: first };
  let kinds: Judged | undefined;
  let run: Run | undefined;
  if (a.size === b.size) {
    const counts = count(a, b, first - (first % window));
    kinds = judged(counts);
    [run] = counts.runs;
    Object.assign(facts, { runs: counts.count, differing: counts.bytes });
    if (kinds !== undefined) facts["kinds"] = kinds.kinds.join(" ");
  } else facts["commonEnd"] = commonEnd(a, b, Math.min(a.size, b.size) - first);
  const show = mayShow(path, a, b, first);
  const say = (side: Content, text: string | undefined): string => {
    if (!show) return `${side.size} bytes that are not shown`;
    if (kinds !== undefined && text !== undefined) return shown(text);
    return first >= side.size
      ? `ends after ${side.size} bytes`
      : `${side.read(first, 16).toString("hex")} of ${side.size} bytes`;
  };
  const finding: Omit<Finding, "where" | "format"> = {
    grade: kinds === undefined ? "content" : gradeOf(kinds),
    a: say(a, run?.a),
    b: say(b, run?.b),
    facts,
    ...(kinds === undefined || kinds.natures.length === 0 ? {} : { natures: kinds.natures }),
    ...(show ? { excerpt: excerptOf(a, b, first) } : {}),
  };
  looker.found(`bytes ${first}`, finding);
}
