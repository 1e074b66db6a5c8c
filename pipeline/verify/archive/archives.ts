/** Two archives against each other, or two stacks of layers: entries, the archives as wholes, and the contents of files that differ. */
import type { Content } from "../content/format.ts";
import { type ArchiveFinding, compareListings, type Listing, listingOf } from "./compare.ts";
import { extract, type Scan, scan, type ScannedEntry } from "./scan.ts";
import { compareShapes } from "./shape.ts";
import type { Spool } from "./spool.ts";

/** A tar archive that can be read again. */
export interface Archive {
  /** What it is called in errors. */
  readonly name: string;
  /** Its bytes, decompressed. */
  open(): AsyncIterable<Uint8Array>;
}

/** Where the outcome goes. */
export interface ArchiveSink {
  found(finding: ArchiveFinding): void;
  /** Compares the contents of a path, known to differ. */
  content(path: string, a: Content, b: Content): Promise<void>;
}

interface Side {
  readonly archives: readonly Archive[];
  readonly listing: Listing;
  /** Which of the archives an entry is from. */
  readonly home: ReadonlyMap<ScannedEntry, number>;
}

const whiteout = ".wh.";

/** What a stack of layers comes to (OCI image-spec, layer.md, "Whiteouts"). */
function stacked(scans: readonly Scan[]): Listing {
  const merged = new Map<string, ScannedEntry>();
  const remove = (path: string, whole: boolean): void => {
    if (whole) merged.delete(path);
    for (const other of merged.keys()) if (other.startsWith(path === "" ? "" : `${path}/`)) merged.delete(other);
  };
  for (const { entries } of scans) {
    for (const { path } of entries) {
      const slash = path.lastIndexOf("/");
      const name = path.slice(slash + 1);
      const parent = path.slice(0, Math.max(0, slash));
      if (name === ".wh..wh..opq") remove(parent, false);
      else if (name.startsWith(whiteout)) remove(parent === "" ? name.slice(4) : `${parent}/${name.slice(4)}`, true);
    }
    for (const entry of entries)
      if (!entry.path.slice(entry.path.lastIndexOf("/") + 1).startsWith(whiteout)) merged.set(entry.path, entry);
  }
  return merged;
}

async function read(archives: readonly Archive[]): Promise<{ readonly side: Side; readonly scans: readonly Scan[] }> {
  const scans: Scan[] = [];
  const home = new Map<ScannedEntry, number>();
  for (const [index, archive] of archives.entries()) {
    const one = await scan(archive.open(), archive.name);
    scans.push(one);
    if (archives.length > 1) for (const entry of one.entries) home.set(entry, index);
  }
  const [only] = scans;
  const listing = scans.length === 1 && only !== undefined ? listingOf(only) : stacked(scans);
  return { side: { archives, listing, home }, scans };
}

/** The contents of entries, read in one pass over each archive that has some of them. */
async function contentsOf(
  side: Side,
  entries: readonly ScannedEntry[],
  spool: Spool,
): Promise<ReadonlyMap<ScannedEntry, Content>> {
  const found = new Map<ScannedEntry, Content>();
  const byHome = Map.groupBy(entries, (entry) => side.home.get(entry) ?? 0);
  for (const [home, wanted] of byHome) {
    const archive = side.archives[home];
    if (archive === undefined) continue;
    const byPosition = new Map(wanted.map((entry) => [entry.position, entry]));
    await extract(archive.open(), archive.name, new Set(byPosition.keys()), async (position, pieces) => {
      const entry = byPosition.get(position);
      if (entry !== undefined) found.set(entry, await spool.keep(pieces));
    });
  }
  return found;
}

/**
 * Compares two stacks of archives, usually of one each. Contents that differ go through `spool`. Throws what reading the archives throws
 * (LS4001, LS4002, LS4005).
 */
export async function compareArchives(
  archivesA: readonly Archive[],
  archivesB: readonly Archive[],
  spool: Spool,
  sink: ArchiveSink,
): Promise<void> {
  const [a, b] = await Promise.all([read(archivesA), read(archivesB)]);
  const [scanA, scanB] = [a.scans[0], b.scans[0]];
  if (a.scans.length === 1 && b.scans.length === 1 && scanA !== undefined && scanB !== undefined)
    for (const finding of compareShapes(scanA, scanB, a.side.listing, b.side.listing)) sink.found(finding);
  const { findings, contents } = compareListings(a.side.listing, b.side.listing);
  for (const finding of findings) sink.found(finding);
  if (contents.length === 0) return;
  const [left, right] = await Promise.all([
    contentsOf(
      a.side,
      contents.map((pair) => pair.a),
      spool,
    ),
    contentsOf(
      b.side,
      contents.map((pair) => pair.b),
      spool,
    ),
  ]);
  for (const pair of contents) {
    const [x, y] = [left.get(pair.a), right.get(pair.b)];
    if (x === undefined || y === undefined)
      sink.found({
        path: pair.path,
        field: "content",
        grade: "content",
        a: `${pair.a.size} bytes`,
        b: `${pair.b.size} bytes`,
      });
    else await sink.content(pair.path, x, y);
  }
}
