/**
 * Compares text line by line.
 *
 * Fields: `line N` (in A; in B for lines that A does not have), `order` (lines that moved), `line ends`, `byte order mark`, `trailing lines`
 * (blank lines and the line end at the end), `wrapping` (the same words in another number of lines; fact `wrapped: true`), `lines` (what is too much to be told line by line).
 * Facts: `kinds` (kinds of tokens that differ, see tokens.ts), `column` of the first that differs in long lines; `script: true` where the
 * text starts with `#!`; `list: true` for files whose order of lines means nothing; of `order` `moved`, the number of lines; of `lines`
 * `count`; `only: "a"` or `"b"` for lines that the other side does not have.
 */
import type { Excerpt, Finding } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import type { Content, Format, Looker, Pair } from "./format.ts";
import { diffLines, type Hunk } from "./line-diff.ts";
import { areMoved, isWrapped } from "./line-moves.ts";
import { isSecretPath, withoutSecrets } from "./secrets.ts";
import { gradeOf, type Judged, judge, together } from "./tokens.ts";
import { commonEnd, firstDifference } from "./windows.ts";

/** Larger texts are not split into lines. */
const largest = 32 << 20;
/** Lines that are told one by one. */
const mostLines = 50;
/** Lines beyond those that are still judged. */
const mostJudged = 5000;
const long = 400;

/** Files that are lists: the order of their lines means nothing to what reads them. */
const lists =
  /(?:^|\/)(?:RECORD|SOURCES\.txt|installed-files\.txt|[^/]+\.(?:list|md5sums|shlibs|triggers|conffiles)|mimeinfo\.cache|modules\.(?:alias|dep|symbols|order)|SHA256SUMS|md5sums)$/;

/** Whether bytes look like text: no NUL, and few control characters. */
function isText(head: Buffer): boolean {
  let odd = 0;
  for (const byte of head) {
    if (byte === 0) return false;
    if (byte < 9 || (byte > 13 && byte < 32 && byte !== 27) || byte === 127) odd++;
  }
  return odd * 50 <= head.length;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text, and whether it is UTF-8; what is not is taken as Latin-1, which loses nothing. */
function decoded(bytes: Buffer): { readonly text: string; readonly utf8: boolean } {
  try {
    return { text: decoder.decode(bytes), utf8: true };
  } catch {
    return { text: bytes.toString("latin1"), utf8: false };
  }
}

/** The part of both sides that holds all that differs, from the start of a line to the end of one. */
function narrowed(
  a: Content,
  b: Content,
): { readonly a: Buffer; readonly b: Buffer; readonly line: number; readonly offset: number } {
  const first = firstDifference(a, b) ?? 0;
  const end = commonEnd(a, b, Math.min(a.size, b.size) - first);
  if (a.size - first - end > largest || b.size - first - end > largest)
    throw new RangeError(`more than ${largest} bytes of it differ`);
  // What is equal in front is read for the numbers of lines, and some of it is kept: a line, and what could have moved.
  let line = 0;
  let start = 0;
  for (let offset = 0; offset < first; offset += 1 << 18) {
    const piece = a.read(offset, Math.min(1 << 18, first - offset));
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) {
      line++;
      start = offset + at + 1;
    }
  }
  if (first - start > largest) throw new RangeError("its lines are too long");
  const tail = a.read(a.size - end, 1 << 16);
  const stop = tail.indexOf(10);
  const extra = end === 0 ? 0 : stop < 0 ? Math.min(end, tail.length) : stop + 1;
  return {
    a: a.read(start, a.size - end + extra - start),
    b: b.read(start, b.size - end + extra - start),
    line,
    offset: start,
  };
}

/** Lines with their ends. */
function linesOf(text: string): readonly string[] {
  const lines: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start);
    const next = end < 0 ? text.length : end + 1;
    lines.push(text.slice(start, next));
    start = next;
  }
  return lines;
}

function numbered(a: readonly string[], b: readonly string[]): readonly [Int32Array, Int32Array] {
  const numbers = new Map<string, number>();
  const number = (line: string): number => {
    const known = numbers.get(line);
    if (known !== undefined) return known;
    numbers.set(line, numbers.size);
    return numbers.size - 1;
  };
  return [Int32Array.from(a, number), Int32Array.from(b, number)];
}

interface LinePair {
  readonly a?: string;
  readonly b?: string;
  readonly number: number;
}

/** Lines of hunks side by side; lines that were moved are left out, and counted. */
function paired(
  a: readonly string[],
  b: readonly string[],
  hunks: readonly Hunk[],
  first: number,
): { readonly pairs: readonly LinePair[]; readonly moved: number } {
  const gone = new Map<string, number>();
  for (const { a: from, endA } of hunks)
    for (let index = from; index < endA; index++) gone.set(a[index] ?? "", (gone.get(a[index] ?? "") ?? 0) + 1);
  const movedTo = new Map<string, number>();
  for (const { b: from, endB } of hunks)
    for (let index = from; index < endB; index++) {
      const line = b[index] ?? "";
      const left = gone.get(line) ?? 0;
      // Brackets and blank lines are nobody's own.
      if (left === 0 || !/(?:[\p{L}\d][^\p{L}\d]*){3}/u.test(line)) continue;
      gone.set(line, left - 1);
      movedTo.set(line, (movedTo.get(line) ?? 0) + 1);
    }
  let moved = 0;
  for (const count of movedTo.values()) moved += count;
  const movedFrom = new Map(movedTo);
  const rest = (lines: readonly string[], from: number, to: number, left: Map<string, number>): readonly number[] => {
    const kept: number[] = [];
    for (let index = from; index < to; index++) {
      const line = lines[index] ?? "";
      const count = left.get(line) ?? 0;
      if (count === 0) kept.push(index);
      else left.set(line, count - 1);
    }
    return kept;
  };
  const pairs: LinePair[] = [];
  for (const { a: fromA, endA, b: fromB, endB } of hunks) {
    const [x, y] = [rest(a, fromA, endA, movedFrom), rest(b, fromB, endB, movedTo)];
    for (let index = 0; index < Math.max(x.length, y.length); index++) {
      const [i, j] = [x[index], y[index]];
      const [p, q] = [i === undefined ? undefined : a[i], j === undefined ? undefined : b[j]];
      pairs.push({
        number: first + (i ?? j ?? 0) + 1,
        ...(p === undefined ? {} : { a: p }),
        ...(q === undefined ? {} : { b: q }),
      });
    }
  }
  return { pairs, moved };
}

/** Where two lines begin to differ. */
function column(a: string, b: string): number {
  let index = 0;
  while (index < Math.min(a.length, b.length) && a[index] === b[index]) index++;
  return index;
}

/** A long line from shortly before the column on. */
function around(line: string, at: number): string {
  if (line.length <= long) return line;
  const from = Math.max(0, at - 60);
  return `${from > 0 ? "…" : ""}${line.slice(from, from + long)}`;
}

const bare = (line: string): string => line.replace(/[\r\n]+$/, "");

/** Where the grade depends on what the text is for. */
interface Kind {
  readonly secret: boolean;
  readonly script: boolean;
  readonly list: boolean;
}

function sayLine({ a, b, number }: LinePair, kind: Kind, looker: Looker): void {
  const [x, y] = [bare(a ?? ""), bare(b ?? "")];
  const both = a !== undefined && b !== undefined;
  const verdict: Judged = both ? judge(x, y) : judge(x === "" ? y : x, "");
  const at = both ? column(x, y) : 0;
  const say = (line: string): string => (kind.secret ? "(not shown)" : shown(withoutSecrets(around(line, at))));
  const spaces = both && verdict.natures.join() === "white space";
  // Blanks at the start of a line have a meaning in many languages; at its end in none that counts.
  const harmless = spaces && !kind.script && x.trimEnd() === y.trimEnd();
  const grade = both ? (harmless ? "cosmetic" : gradeOf(verdict)) : "content";
  const excerpt: Excerpt = { offset: Math.max(0, at - 60), text: true, a: say(x).slice(0, 80), b: say(y).slice(0, 80) };
  looker.found(`line ${number}`, {
    ...(a === undefined ? {} : { a: say(x) }),
    ...(b === undefined ? {} : { b: say(y) }),
    grade,
    natures: verdict.natures,
    facts: {
      kinds: verdict.kinds.join(" "),
      ...(both ? {} : { only: a === undefined ? "b" : "a" }),
      ...(kind.script ? { script: true } : {}),
      ...(Math.max(x.length, y.length) > long ? { column: at + 1 } : {}),
    },
    ...(both && !kind.secret ? { excerpt } : {}),
  });
}

/** The lines that are too many, as one finding for each grade and set of natures. */
function sayRest(rest: readonly LinePair[], kind: Kind, looker: Looker): void {
  const groups = new Map<
    string,
    { readonly verdicts: Judged[]; readonly grade: Finding["grade"]; count: number; first: LinePair }
  >();
  for (const [index, pair] of rest.entries()) {
    const both = pair.a !== undefined && pair.b !== undefined;
    const verdict: Judged =
      index < mostJudged && both ? judge(bare(pair.a ?? ""), bare(pair.b ?? "")) : { natures: [], kinds: [] };
    const grade = both ? gradeOf(verdict) : "content";
    const key = `${grade} ${verdict.natures.join()}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { verdicts: [verdict], grade, count: 1, first: pair });
    else group.count++;
  }
  for (const { verdicts, grade, count, first } of groups.values()) {
    const { natures, kinds } = together(verdicts);
    const say = (line: string | undefined): string =>
      kind.secret ? "(not shown)" : line === undefined ? "nothing" : shown(withoutSecrets(around(bare(line), 0)));
    looker.found("lines", {
      grade,
      natures,
      a: say(first.a),
      b: say(first.b),
      facts: { count, first: first.number, kinds: kinds.join(" ") },
    });
  }
}

/** Line ends, marks and blanks that are the only difference; whether it was one of these. */
function sayForm(a: string, b: string, kind: Kind, looker: Looker): boolean {
  const grade = kind.script ? "content" : "cosmetic";
  const natures = ["white space"] as const;
  const ends = (text: string): string => (text.includes("\r\n") ? (/[^\r]\n/.test(text) ? "mixed" : "CRLF") : "LF");
  const [x, y] = [a.replace(/^\u{feff}/u, ""), b.replace(/^\u{feff}/u, "")];
  const facts = kind.script ? { facts: { script: true } } : {};
  if (x === y) {
    const mark = (text: string): string => (text.startsWith("\u{feff}") ? "present" : "absent");
    looker.found("byte order mark", { grade, natures, a: mark(a), b: mark(b), ...facts });
    return true;
  }
  if (a.replaceAll("\r\n", "\n") === b.replaceAll("\r\n", "\n")) {
    looker.found("line ends", { grade, natures, a: ends(a), b: ends(b), ...facts });
    return true;
  }
  if (a.trimEnd() === b.trimEnd()) {
    const tail = (text: string): string => JSON.stringify(text.slice(text.trimEnd().length).slice(0, 20));
    looker.found("trailing lines", { grade, natures, a: tail(a), b: tail(b), ...facts });
    return true;
  }
  return false;
}

function compareText({ path, a, b }: Pair, looker: Looker): void {
  const part = narrowed(a, b);
  const [left, right] = [decoded(part.a), decoded(part.b)];
  const utf8 = left.utf8 && right.utf8;
  const [x, y] = utf8 ? [left.text, right.text] : [part.a.toString("latin1"), part.b.toString("latin1")];
  const script = a.read(0, 2).toString("latin1") === "#!" || b.read(0, 2).toString("latin1") === "#!";
  const keys = [a.read(0, 1 << 20), b.read(0, 1 << 20), part.a, part.b].some((bytes) =>
    bytes.includes("PRIVATE KEY-----"),
  );
  const kind: Kind = { secret: keys || isSecretPath(path), script, list: lists.test(path) };
  if (sayForm(x, y, kind, looker)) return;
  const [linesA, linesB] = [linesOf(x), linesOf(y)];
  const found = paired(linesA, linesB, diffLines(...numbered(linesA, linesB)), part.line);
  const all = found.moved > 0 && areMoved(found.pairs);
  const pairs = all ? [] : found.pairs;
  const moved = found.moved + (all ? found.pairs.length : 0);
  if (moved === 0 && isWrapped(pairs)) {
    const count = (side: "a" | "b"): string => `${pairs.filter((pair) => pair[side] !== undefined).length} lines`;
    const facts = { wrapped: true, ...(script ? { script: true } : {}) };
    looker.found("wrapping", { grade: "content", natures: ["white space"], a: count("a"), b: count("b"), facts });
    return;
  }
  if (moved > 0)
    looker.found("order", {
      grade: kind.list ? "cosmetic" : "content",
      natures: ["order"],
      a: `${moved} lines in one order`,
      b: `${moved} lines in another`,
      facts: { moved, ...(kind.list ? { list: true } : {}), ...(script ? { script: true } : {}) },
    });
  for (const pair of pairs.slice(0, mostLines)) sayLine(pair, kind, looker);
  sayRest(pairs.slice(mostLines), kind, looker);
}

export const text: Format = {
  name: "text",
  accepts: ({ a, b }) => [a, b].every((side) => isText(side.read(0, 1 << 15))),
  compare: compareText,
};
