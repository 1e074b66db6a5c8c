/**
 * Compares databases of SQLite page by page (file format, section 1.3).
 *
 * Fields: those of the header, as the format calls them (`file change counter`, `version-valid-for number`, `SQLite version`, `schema cookie`, …);
 * `page N`, numbered from 1, for pages that differ; `pages` for those that are too many to be told one by one.
 * Facts: of pages `kind` (`table leaf`, …), `runs` and `differing`, `kinds` where all that differs is text; of `pages` `count`.
 */
import type { Nature } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import type { Content, Format, Looker, Pair } from "./format.ts";
import { isSecretPath, withoutSecrets } from "./secrets.ts";
import { differingRuns } from "./strings.ts";
import { gradeOf, type Judged, judge, together } from "./tokens.ts";

const mostPages = 20;

/** Offset, size, name, and what it is; counters say how often it was written, and nothing of what is in it. */
const fields: readonly (readonly [number, number, string, Nature, "cosmetic" | "content"])[] = [
  [16, 2, "page size", "number", "content"],
  [18, 1, "write version", "number", "content"],
  [19, 1, "read version", "number", "content"],
  [20, 1, "reserved space", "number", "content"],
  [24, 4, "file change counter", "number", "cosmetic"],
  [28, 4, "size in pages", "number", "content"],
  [32, 4, "first freelist page", "number", "content"],
  [36, 4, "freelist pages", "number", "content"],
  [40, 4, "schema cookie", "number", "cosmetic"],
  [44, 4, "schema format", "number", "content"],
  [48, 4, "page cache size", "number", "content"],
  [52, 4, "largest root page", "number", "content"],
  [56, 4, "text encoding", "number", "content"],
  [60, 4, "user version", "number", "content"],
  [64, 4, "incremental vacuum", "number", "content"],
  [68, 4, "application id", "number", "content"],
  [92, 4, "version-valid-for number", "number", "cosmetic"],
  [96, 4, "SQLite version", "version", "cosmetic"],
];

const kinds: Readonly<Record<number, string>> = {
  2: "index interior",
  5: "table interior",
  10: "index leaf",
  13: "table leaf",
};

function pageSize(head: Buffer): number {
  const size = head.readUInt16BE(16);
  if (size === 1) return 65_536;
  if (size < 512 || (size & (size - 1)) !== 0) throw new RangeError("its page size is malformed");
  return size;
}

/** What differs in two texts; the byte before a text, which says its type, may look like a letter of it. */
function judgeText(a: string, b: string): Judged {
  const cut = judge(a.slice(1), b.slice(1));
  return a[0] === b[0] && gradeOf(cut) === "clock" ? cut : judge(a, b);
}

function comparePage(path: string, number: number, a: Buffer, b: Buffer, looker: Looker): void {
  const { runs, count, bytes } = differingRuns(a, b, 50);
  const verdicts = runs.flatMap((run) => (run.a === undefined || run.b === undefined ? [] : [judgeText(run.a, run.b)]));
  const verdict = together(verdicts);
  const text = verdicts.length === count && count > 0;
  const kind = kinds[a[number === 1 ? 100 : 0] ?? 0] ?? "other";
  const first = runs.find((run) => run.a !== undefined && run.b !== undefined);
  const say = (value: string | undefined): string =>
    value === undefined || isSecretPath(path) ? `${bytes} bytes differ` : shown(withoutSecrets(value));
  looker.found(`page ${number}`, {
    grade: text ? gradeOf(verdict) : "content",
    natures: text ? verdict.natures : ["number"],
    a: say(first?.a),
    b: say(first?.b),
    facts: { kind, runs: count, differing: bytes, ...(text ? { kinds: verdict.kinds.join(" ") } : {}) },
  });
}

function compareSqlite({ path, a, b }: Pair, looker: Looker): void {
  const [headA, headB] = [a.read(0, 100), b.read(0, 100)];
  for (const [at, size, name, nature, grade] of fields) {
    const [x, y] = [headA.readUIntBE(at, size), headB.readUIntBE(at, size)];
    if (x !== y) looker.found(name, { grade, natures: [nature], a: String(x), b: String(y) });
  }
  const size = pageSize(headA);
  if (size !== pageSize(headB)) return;
  // The rest of the header is reserved, and belongs to the first page.
  const page = (content: Content, index: number): Buffer => {
    const bytes = Buffer.from(content.read(index * size, size));
    if (index === 0) for (const [at, length] of fields) bytes.fill(0, at, at + length);
    return bytes;
  };
  let more = 0;
  let told = 0;
  for (let index = 0; index * size < Math.max(a.size, b.size); index++) {
    const [x, y] = [page(a, index), page(b, index)];
    if (x.equals(y)) continue;
    told++;
    if (told > mostPages) more++;
    else if (x.length === y.length) comparePage(path, index + 1, x, y, looker);
    else
      looker.found(`page ${index + 1}`, {
        grade: "content",
        ...(x.length > 0 ? { a: "present" } : {}),
        ...(y.length > 0 ? { b: "present" } : {}),
      });
  }
  if (more > 0)
    looker.found("pages", {
      grade: "content",
      a: `${more} more pages differ`,
      b: `${more} more pages differ`,
      facts: { count: more },
    });
}

export const sqlite: Format = {
  name: "sqlite",
  accepts: ({ a, b }) =>
    [a, b].every((side) => side.size >= 512 && side.read(0, 16).toString("latin1") === "SQLite format 3\0"),
  compare: compareSqlite,
};
