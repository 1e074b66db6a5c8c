/**
 * Compares compiled Python (PEP 552): the header, and the code.
 *
 * Fields: `magic` (the version of Python), `flags`, `source mtime`, `source size`, `source hash`, `code`; `string N` (text in the code, at N).
 * Facts: of `source mtime` `valueA`, `valueB` (seconds since 1970); of `code` `references: true` when nothing differs but the marks of objects that
 * are referred to again, which follow from what the compiler had in memory.
 */
import { shown } from "../compare/shown.ts";
import type { Content, Format, Looker, Pair } from "./format.ts";
import { differingRuns } from "./strings.ts";
import { judge } from "./tokens.ts";
import { wholeOf } from "./windows.ts";

const largest = 32 << 20;

function isPyc(content: Content): boolean {
  const head = content.read(0, 16);
  return head.length === 16 && head[2] === 13 && head[3] === 10 && head.readUInt32LE(4) < 4;
}

/** Whether two codes are the same but for the bit that marks an object as one that is referred to again. */
function onlyMarks(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && a.every((byte, index) => ((byte ^ (b[index] ?? 0)) & 0x7f) === 0);
}

/** Whether two codes are of the same bytes in another order, as those with a set are. */
function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && Buffer.compare(a.toSorted(), b.toSorted()) === 0;
}

function compareCode(a: Buffer, b: Buffer, looker: Looker): void {
  if (a.equals(b)) return;
  const references = onlyMarks(a, b);
  const { runs, count } = a.length === b.length ? differingRuns(a, b, 20) : { runs: [], count: 0 };
  const texts = runs.filter((run) => run.a !== undefined && run.b !== undefined);
  if (!references && count > 0 && texts.length === count) {
    for (const { offset, a: runA = "", b: runB = "" } of texts) {
      // Before a path is its length, which may be a character as well.
      const bare = (run: string): string => (/^.\//.test(run) ? run.slice(1) : run);
      const [x, y] = [bare(runA), bare(runB)];
      const verdict = judge(x, y);
      looker.found(`string ${16 + offset}`, {
        grade: "content",
        a: shown(x),
        b: shown(y),
        natures: verdict.natures,
        facts: { kinds: verdict.kinds.join(" ") },
      });
    }
    return;
  }
  const paths = (code: Buffer): readonly string[] => code.toString("latin1").match(/\/[\x21-\x7e]{3,500}\.py/g) ?? [];
  const [x, y] = [paths(a)[0], paths(b)[0]];
  const path = x !== undefined && y !== undefined && x !== y;
  const order = !path && sameBytes(a, b);
  looker.found("code", {
    grade: references ? "cosmetic" : "content",
    natures: references ? ["form"] : path ? ["path"] : order ? ["order"] : ["machine code"],
    a: path ? shown(x) : `${a.length} bytes`,
    b: path ? shown(y) : `${b.length} bytes`,
    facts: { sizeA: a.length, sizeB: b.length, ...(references ? { references } : {}) },
  });
}

function comparePyc({ a, b }: Pair, looker: Looker): void {
  const [x, y] = [wholeOf(a, largest), wholeOf(b, largest)];
  const [magicA, magicB] = [x.readUInt16LE(0), y.readUInt16LE(0)];
  if (magicA !== magicB)
    looker.found("magic", { grade: "content", a: String(magicA), b: String(magicB), natures: ["version"] });
  const [flagsA, flagsB] = [x.readUInt32LE(4), y.readUInt32LE(4)];
  const kind = (flags: number): string =>
    ["by the time of the source", "by its hash, unchecked", "flags 2", "by its hash, checked"][flags] ?? "";
  if (flagsA !== flagsB)
    looker.found("flags", { grade: "content", a: kind(flagsA), b: kind(flagsB), natures: ["form"] });
  else if ((flagsA & 1) === 0) {
    const [timeA, timeB] = [x.readUInt32LE(8), y.readUInt32LE(8)];
    if (timeA !== timeB)
      looker.found("source mtime", {
        grade: "clock",
        a: String(timeA),
        b: String(timeB),
        natures: ["time"],
        facts: { valueA: timeA, valueB: timeB },
      });
    const [sizeA, sizeB] = [x.readUInt32LE(12), y.readUInt32LE(12)];
    if (sizeA !== sizeB)
      looker.found("source size", { grade: "content", a: String(sizeA), b: String(sizeB), natures: ["number"] });
  } else if (!x.subarray(8, 16).equals(y.subarray(8, 16)))
    looker.found("source hash", { grade: "content", a: x.toString("hex", 8, 16), b: y.toString("hex", 8, 16) });
  compareCode(x.subarray(16), y.subarray(16), looker);
}

export const pyc: Format = {
  name: "pyc",
  accepts: ({ path, a, b }) => /\.py[co]$/.test(path) && isPyc(a) && isPyc(b),
  compare: comparePyc,
};
