/** Two archives against each other, or two stacks of layers: entries, the archives as wholes, and the contents of files that differ. */
import { parentOf } from "../../tree/entry.ts";
import { whiteoutOf } from "../../tree/whiteout.ts";
import { type Content, contentOf } from "../content/format.ts";
import { type ArchiveFinding, compareListings, type Listing, listingOf } from "./compare.ts";
import { extract, type Scan, scan, type ScannedEntry, type ScannedPair, scanPair } from "./scan.ts";
import { compareShapes } from "./shape.ts";

/** A tar archive that can be read again. */
export interface Archive {
  /** What it is called in errors. */
  readonly name: string;
  /** Its bytes, decompressed. */
  open(): AsyncIterable<Uint8Array>;
}

/** What keeps contents until they are compared. */
export interface Keeper {
  keep(pieces: AsyncIterable<Uint8Array>): Promise<Content>;
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

/** What a stack of layers comes to (OCI image-spec, layer.md, "Whiteouts"). */
function stacked(scans: readonly Scan[]): Listing {
  const merged = new Map<string, ScannedEntry>();
  for (const { entries } of scans) {
    const removed = new Set<string>();
    const emptied = new Set<string>();
    const added: ScannedEntry[] = [];
    for (const entry of entries) {
      const gone = whiteoutOf(entry.path);
      if (gone === undefined) {
        added.push(entry);
        // What is no directory takes the place of one, with all that was in it.
        if (entry.type !== "directory" && merged.get(entry.path)?.type === "directory") emptied.add(entry.path);
      } else if (gone !== "nothing") {
        if (gone.removed !== undefined) removed.add(gone.removed);
        if (gone.opaque !== undefined) emptied.add(gone.opaque);
      }
    }
    if (removed.size > 0 || emptied.size > 0)
      for (const path of merged.keys()) if (isGone(path, removed, emptied)) merged.delete(path);
    for (const entry of added) merged.set(entry.path, entry);
  }
  return merged;
}

/** Whether a path, or a directory that it is in, is taken away. */
function isGone(path: string, removed: ReadonlySet<string>, emptied: ReadonlySet<string>): boolean {
  if (removed.has(path)) return true;
  for (let here = path; ;) {
    const parent = parentOf(here);
    if (emptied.has(parent) || removed.has(parent)) return true;
    if (parent === "") return false;
    here = parent;
  }
}

/** Bytes of contents that are taken along while two archives are read in step. */
const takenInStep = 32 << 20;

interface Sides {
  readonly a: Side;
  readonly b: Side;
  /** Of archives that were read in step. */
  readonly pair?: ScannedPair;
}

async function readStack(archives: readonly Archive[]): Promise<Side> {
  const scans: Scan[] = [];
  const home = new Map<ScannedEntry, number>();
  for (const [index, archive] of archives.entries()) {
    const one = await scan(archive.open(), archive.name);
    scans.push(one);
    for (const entry of one.entries) home.set(entry, index);
  }
  return { archives, listing: stacked(scans), home };
}

async function readSides(archivesA: readonly Archive[], archivesB: readonly Archive[]): Promise<Sides> {
  const [first, second] = [archivesA[0], archivesB[0]];
  if (archivesA.length !== 1 || archivesB.length !== 1 || first === undefined || second === undefined) {
    const [a, b] = await Promise.all([readStack(archivesA), readStack(archivesB)]);
    return { a, b };
  }
  const source = (archive: Archive) => ({ source: archive.open(), name: archive.name });
  const pair = await scanPair(source(first), source(second), takenInStep);
  return {
    a: { archives: archivesA, listing: listingOf(pair.a), home: new Map() },
    b: { archives: archivesB, listing: listingOf(pair.b), home: new Map() },
    pair,
  };
}

/** The contents of entries, read in one pass over each archive that has some of them. */
async function contentsOf(
  side: Side,
  entries: readonly ScannedEntry[],
  keeper: Keeper,
): Promise<ReadonlyMap<ScannedEntry, Content>> {
  const found = new Map<ScannedEntry, Content>();
  const byHome = Map.groupBy(entries, (entry) => side.home.get(entry) ?? 0);
  for (const [home, wanted] of byHome) {
    const archive = side.archives[home];
    if (archive === undefined) continue;
    const byPosition = new Map(wanted.map((entry) => [entry.position, entry]));
    await extract(archive.open(), archive.name, new Set(byPosition.keys()), async (position, pieces) => {
      const entry = byPosition.get(position);
      if (entry !== undefined) found.set(entry, await keeper.keep(pieces));
    });
  }
  return found;
}

/**
 * Compares two stacks of archives, usually of one each. Contents that differ are kept by `keeper`. Throws what reading the archives throws
 * (LS4001, LS4002, LS4005).
 */
export async function compareArchives(
  archivesA: readonly Archive[],
  archivesB: readonly Archive[],
  keeper: Keeper,
  sink: ArchiveSink,
): Promise<void> {
  const { a, b, pair } = await readSides(archivesA, archivesB);
  if (pair !== undefined)
    for (const finding of compareShapes(pair.a, pair.b, a.listing, b.listing)) sink.found(finding);
  const { findings, contents } = compareListings(a.listing, b.listing);
  for (const finding of findings) sink.found(finding);
  const open = contents.filter((one) => pair?.taken.has(one.a) !== true);
  const [left, right] =
    open.length === 0
      ? [new Map<ScannedEntry, Content>(), new Map<ScannedEntry, Content>()]
      : await Promise.all([
          contentsOf(
            a,
            open.map((one) => one.a),
            keeper,
          ),
          contentsOf(
            b,
            open.map((one) => one.b),
            keeper,
          ),
        ]);
  for (const { path, a: x, b: y } of contents) {
    const taken = pair?.taken.get(x);
    const [contentA, contentB] = taken === undefined ? [left.get(x), right.get(y)] : taken.map(contentOf);
    if (contentA !== undefined && contentB !== undefined) await sink.content(path, contentA, contentB);
    else sink.found({ path, field: "content", grade: "content", a: `${x.size} bytes`, b: `${y.size} bytes` });
  }
}
