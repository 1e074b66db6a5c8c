/** Compares two archives as wholes: what no single entry shows, such as their order, their dialect and their end. */
import { comparePaths, parentOf } from "../../tree/entry.ts";
import type { ArchiveFinding, Listing } from "./compare.ts";
import { shown } from "../compare/shown.ts";
import type { Scan, ScannedEntry } from "./scan.ts";

/** The order of punctuation in the root collation of Unicode (CLDR), as far as names of files have it. */
const punctuation = new Map(
  [..."_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"].map((mark, index) => [mark, String.fromCharCode(index + 1)]),
);

/** Keys by which languages sort: letters without regard to case, and punctuation not at all (glibc), before them (CLDR) or as it is. */
const collations: readonly ((path: string) => string)[] = [
  (path) => path.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, ""),
  (path) => path.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, (mark) => punctuation.get(mark) ?? mark),
  (path) => path.toLowerCase(),
  (path) => path.toUpperCase(),
];

function nondecreasing(items: readonly string[], compare: (a: string, b: string) => number): boolean {
  return items.every((item, index) => index === 0 || compare(items[index - 1] ?? "", item) <= 0);
}

const plainly = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What order the names are in: `bytes`, `tree` (directory by directory, by bytes), `language`, `no`. */
function orderOf(paths: readonly string[]): string {
  if (nondecreasing(paths, comparePaths)) return "bytes";
  const tree = paths.map((path) => path.replaceAll("/", "\0"));
  if (nondecreasing(tree, comparePaths)) return "tree";
  const byLanguage = collations.some((key) => {
    const parts = (path: string): string => path.split("/").map(key).join("\0");
    return nondecreasing(paths.map(key), plainly) || nondecreasing(paths.map(parts), plainly);
  });
  return byLanguage ? "language" : "no";
}

function compareOrder(a: Scan, b: Scan, listingA: Listing, listingB: Listing, findings: ArchiveFinding[]): void {
  const common = (entries: readonly ScannedEntry[], own: Listing, other: Listing): readonly string[] =>
    entries.filter((entry) => own.get(entry.path) === entry && other.has(entry.path)).map(({ path }) => path);
  const [left, right] = [common(a.entries, listingA, listingB), common(b.entries, listingB, listingA)];
  const first = left.findIndex((path, index) => path !== right[index]);
  if (first < 0) return;
  findings.push({
    field: "order",
    grade: "encoding",
    natures: ["order"],
    a: shown(`${left[first]} is number ${first + 1}`),
    b: shown(`${right[first]} is number ${first + 1}`),
    facts: {
      sortedA: orderOf(left),
      sortedB: orderOf(right),
      moved: left.filter((path, index) => path !== right[index]).length,
      first: left[first] ?? "",
      firstB: right[first] ?? "",
    },
  });
}

/** How often each value occurs, the most frequent first: `ustar (12), gnu (1)`. */
function tally(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .toSorted(([x, i], [y, j]) => j - i || plainly(x, y))
    .map(([value, count]) => `${value} (${count})`)
    .join(", ");
}

/**
 * One finding for a property of many entries. `exempt` are entries of which it differs for another reason, such as a name that got longer.
 */
function compareProperty(
  field: string,
  pairs: readonly (readonly [ScannedEntry, ScannedEntry])[],
  property: (entry: ScannedEntry) => string,
  findings: ArchiveFinding[],
): boolean {
  const differing = pairs.filter(([a, b]) => property(a) !== property(b));
  const [first] = differing;
  if (first === undefined) return false;
  const [a, b] = [tally(differing.map(([x]) => property(x))), tally(differing.map(([, y]) => property(y)))];
  findings.push({
    field,
    grade: "encoding",
    a: shown(a),
    b: shown(b),
    facts: {
      valueA: property(first[0]),
      valueB: property(first[1]),
      entries: differing.length,
      of: pairs.length,
      example: first[0].path,
    },
  });
  return true;
}

/** Directories that entries are in and that the archive does not name, or names late or more than once. */
function parentsOf({ entries }: Scan): { missing: ReadonlySet<string>; late: readonly string[] } {
  const named = new Map<string, number>();
  for (const { path, type, position } of entries)
    if (type === "directory" && !named.has(path)) named.set(path, position);
  const missing = new Set<string>();
  const late = new Set<string>();
  for (const { path, position } of entries) {
    for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent)) {
      const at = named.get(parent);
      if (at === undefined) missing.add(parent);
      else if (at > position) late.add(parent);
    }
  }
  return { missing, late: [...late] };
}

/** Entries whose path an earlier one has. */
function repeated({ entries }: Scan): readonly ScannedEntry[] {
  const seen = new Set<string>();
  return entries.filter(({ path }) => seen.size === seen.add(path).size);
}

/** Which paths an archive names more than once, and in which order their contents come: the last counts when it is unpacked. */
function compareRepeated(a: Scan, b: Scan, findings: ArchiveFinding[]): void {
  const [left, right] = [repeated(a), repeated(b)];
  if (left.length === 0 && right.length === 0) return;
  const contents = ({ entries }: Scan, again: readonly ScannedEntry[]): string => {
    const paths = new Set(again.map(({ path }) => path));
    return entries.flatMap(({ path, content }) => (paths.has(path) ? [`${path}\0${content}`] : [])).join("\n");
  };
  const names = (again: readonly ScannedEntry[]): ReadonlySet<string> => new Set(again.map(({ path }) => path));
  const [inA, inB] = [names(left), names(right)];
  const example = left.find(({ path }) => !inB.has(path)) ?? right.find(({ path }) => !inA.has(path));
  if (example === undefined && left.length === right.length && contents(a, left) === contents(b, right)) return;
  findings.push({
    field: "repeated",
    grade: "content",
    a: `${left.length} entries`,
    b: `${right.length} entries`,
    facts: {
      countA: left.length,
      countB: right.length,
      example: (example ?? left[0])?.path ?? "",
      directories: [...left, ...right].every(({ type }) => type === "directory"),
    },
  });
}

function compareLists(field: string, a: readonly string[], b: readonly string[], findings: ArchiveFinding[]): void {
  const [inA, inB] = [new Set(a), new Set(b)];
  const differ = [...a.filter((path) => !inB.has(path)), ...b.filter((path) => !inA.has(path))];
  const [example] = differ;
  if (example === undefined && a.length === b.length) return;
  findings.push({
    field,
    grade: "encoding",
    a: `${a.length} entries`,
    b: `${b.length} entries`,
    facts: { countA: a.length, countB: b.length, example: example ?? a[0] ?? "" },
  });
}

/** Compares the archives as wholes. */
export function compareShapes(a: Scan, b: Scan, listingA: Listing, listingB: Listing): readonly ArchiveFinding[] {
  const findings: ArchiveFinding[] = [];
  compareOrder(a, b, listingA, listingB, findings);
  const pairs = [...listingA.values()].flatMap((entry): readonly (readonly [ScannedEntry, ScannedEntry])[] => {
    const other = listingB.get(entry.path);
    return other === undefined ? [] : [[entry, other]];
  });
  const like = pairs.filter(alike);
  const dialect =
    compareProperty("dialect", pairs, ({ dialect: whole }) => whole.split("+")[0] ?? "", findings) ||
    compareProperty("dialect", like, ({ dialect: whole }) => whole, findings);
  compareProperty(
    "prefix",
    pairs.filter(([x, y]) => x.type === y.type),
    ({ form, path }) => (path === "" ? "" : form),
    findings,
  );
  // The bits of the file's type, which some writers put above the mode.
  compareProperty("header", pairs, ({ mode }) => (mode > 0o7777 ? "mode with file type" : "mode"), findings);
  if (!dialect) compareProperty("header", like, ({ notation }) => notation, findings);
  const [parentsA, parentsB] = [parentsOf(a), parentsOf(b)];
  compareLists("parents", [...parentsA.missing], [...parentsB.missing], findings);
  compareLists("late parents", parentsA.late, parentsB.late, findings);
  compareRepeated(a, b, findings);
  if (a.end.zeros !== b.end.zeros)
    findings.push({ field: "padding", grade: "encoding", a: `${a.end.zeros} blocks`, b: `${b.end.zeros} blocks` });
  if (a.end.trailing !== b.end.trailing)
    findings.push({
      field: "trailing",
      grade: "content",
      a: a.end.trailing ? "something" : "nothing",
      b: b.end.trailing ? "something" : "nothing",
    });
  return findings;
}

/** Whether two entries have everything that the notation depends on, so that only the writer can make it differ. */
function alike([a, b]: readonly [ScannedEntry, ScannedEntry]): boolean {
  return (
    a.type === b.type &&
    a.form === b.form &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.size === b.size &&
    a.mtime === b.mtime &&
    a.target === b.target &&
    a.device === b.device &&
    a.records.size === b.records.size &&
    [...a.records.keys()].every((key) => b.records.has(key))
  );
}
