/** Compares the entries of two archives: field by field, and what only the whole shows (order, dialect, forms of names, missing parents). */
import type { Finding, Grade } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import type { Scan, ScannedEntry } from "./scan.ts";

/** A finding of an archive: of an entry by its path, or of the archive as a whole where there is none. */
export type ArchiveFinding = Omit<Finding, "where"> & { readonly path?: string; readonly field: string };

/** Two entries of one path that are files with other contents. */
export interface ContentPair {
  readonly path: string;
  readonly a: ScannedEntry;
  readonly b: ScannedEntry;
}

export interface ArchiveComparison {
  readonly findings: readonly ArchiveFinding[];
  /** Whose contents are still to be compared. */
  readonly contents: readonly ContentPair[];
}

/** By path; of several entries of one path the last counts, as it does when they are unpacked. */
export type Listing = ReadonlyMap<string, ScannedEntry>;

export function listingOf({ entries }: Scan): Listing {
  return new Map(entries.map((entry) => [entry.path, entry]));
}

const octal = (value: number): string => (value & 0o7777).toString(8).padStart(4, "0");

/** Grades of extended attributes and of records that are none of the known fields. */
function recordGrade(key: string): Grade {
  if (/^(SCHILY\.xattr|LIBARCHIVE\.xattr)\.(security|trusted|system)\.|^SCHILY\.acl\.|^RHT\.security\./.test(key))
    return "privilege";
  if (/xattr\./.test(key)) return "content";
  return key.endsWith("time") ? "clock" : "encoding";
}

function recordField(key: string): string {
  const name = /^(?:SCHILY|LIBARCHIVE)\.xattr\.(.+)$/s.exec(key)?.[1];
  return name === undefined ? `pax.${key}` : `xattr.${name}`;
}

function privileged(entry: ScannedEntry): boolean {
  return (
    (entry.mode & 0o6000) !== 0 ||
    entry.type.endsWith("device") ||
    [...entry.records.keys()].some((key) => recordGrade(key) === "privilege")
  );
}

function compareRecords(path: string, a: ScannedEntry, b: ScannedEntry, findings: ArchiveFinding[]): void {
  if (a.records.size === 0 && b.records.size === 0) return;
  for (const key of new Set([...a.records.keys(), ...b.records.keys()])) {
    const [x, y] = [a.records.get(key), b.records.get(key)];
    if (x === y) continue;
    findings.push({
      path,
      field: recordField(key),
      grade: recordGrade(key),
      ...(x === undefined ? {} : { a: shown(x) }),
      ...(y === undefined ? {} : { b: shown(y) }),
    });
  }
}

/** The content that a hard link stands for. */
function resolved(entry: ScannedEntry, listing: Listing): ScannedEntry {
  return entry.type === "hard link" ? (listing.get(entry.target.replace(/^(?:\.\/|\/)+/, "")) ?? entry) : entry;
}

class EntryComparer {
  readonly #a: Listing;
  readonly #b: Listing;
  readonly findings: ArchiveFinding[] = [];
  readonly contents: ContentPair[] = [];

  constructor(a: Listing, b: Listing) {
    this.#a = a;
    this.#b = b;
  }

  #field(path: string, field: string, grade: Grade, a: string, b: string, facts?: Finding["facts"]): void {
    if (a !== b)
      this.findings.push({ path, field, grade, a: shown(a), b: shown(b), ...(facts === undefined ? {} : { facts }) });
  }

  only(entry: ScannedEntry, side: "a" | "b", renamed: string | undefined): void {
    const facts = {
      mode: octal(entry.mode),
      size: entry.size,
      ...(renamed === undefined ? {} : { sameContentAs: renamed }),
    };
    this.findings.push({
      path: entry.path,
      field: "presence",
      grade: privileged(entry) ? "privilege" : "content",
      [side]: entry.type === "symbolic link" ? shown(`symbolic link to ${entry.target}`) : entry.type,
      facts,
    });
  }

  both(path: string, a: ScannedEntry, b: ScannedEntry): void {
    if (a.type !== b.type) {
      const same = a.type !== "other" && sameContent(resolved(a, this.#a), resolved(b, this.#b));
      const device = a.type.endsWith("device") || b.type.endsWith("device");
      this.#field(path, "type", device ? "privilege" : "content", a.type, b.type, { sameContent: same });
    }
    this.#field(path, "mode", "privilege", octal(a.mode), octal(b.mode), { type: a.type });
    this.#field(path, "uid", "privilege", String(a.uid), String(b.uid));
    this.#field(path, "gid", "privilege", String(a.gid), String(b.gid));
    this.#field(path, "mtime", "clock", a.mtime, b.mtime, { type: a.type });
    this.#field(path, "user", "cosmetic", a.user, b.user);
    this.#field(path, "group", "cosmetic", a.group, b.group);
    const device = a.type === b.type && a.type.endsWith("device");
    this.#field(path, "device", device ? "privilege" : "encoding", a.device, b.device);
    compareRecords(path, a, b, this.findings);
    if (a.type !== b.type) return;
    this.#field(path, "target", "content", a.target, b.target, { type: a.type });
    if (a.type !== "file" && a.type !== "other") return;
    this.#field(path, "sparse", "encoding", a.sparse ? "sparse" : "dense", b.sparse ? "sparse" : "dense");
    // The bytes of a sparse file are another selection of its content.
    if (a.sparse !== b.sparse) this.#field(path, "content", "content", `${a.size} bytes`, `${b.size} bytes`);
    else if (a.content !== b.content || a.size !== b.size) this.contents.push({ path, a, b });
  }
}

function sameContent(a: ScannedEntry, b: ScannedEntry): boolean {
  return a.type === b.type && a.content === b.content && a.size === b.size && a.target === b.target;
}

/** Compares what two archives hold, by path. */
export function compareListings(a: Listing, b: Listing): ArchiveComparison {
  const comparer = new EntryComparer(a, b);
  const [onlyA, onlyB] = [
    [...a.values()].filter(({ path }) => !b.has(path)),
    [...b.values()].filter(({ path }) => !a.has(path)),
  ];
  const renamed = (others: readonly ScannedEntry[]): ReadonlyMap<string, string> =>
    new Map(others.filter(({ content }) => content !== "").map(({ content, path }) => [content, path]));
  const [namesA, namesB] = [renamed(onlyA), renamed(onlyB)];
  for (const entry of onlyA) comparer.only(entry, "a", namesB.get(entry.content));
  for (const entry of onlyB) comparer.only(entry, "b", namesA.get(entry.content));
  for (const [path, entry] of a) {
    const other = b.get(path);
    if (other !== undefined) comparer.both(path, entry, other);
  }
  return comparer;
}
