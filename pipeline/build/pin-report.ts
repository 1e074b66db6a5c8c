/** The difference of two locks with what is known about it: sizes, licences, advisories. The document that `--json` prints. */
import type { Licence } from "../source/debian/copyright.ts";
import type { Advisory } from "../advisory/osv.ts";
import { comparePaths } from "../tree/entry.ts";
import type { ItemChange, PinDiff } from "./pin-diff.ts";
import type { LockedItem } from "./pin-items.ts";

/** What is known of a locked item beyond the lock. */
export interface ItemFacts {
  /** Bytes once installed, as the package states them. */
  readonly installedSize?: number;
  /** Absent when the item is not in the store. */
  readonly licence?: Licence;
}

/** An advisory with the items it is about. */
export interface AdvisoryMatch {
  readonly advisory: Advisory;
  /** `<name> <version>` where the database has it, sorted: of Debian the source package. */
  readonly subjects: readonly string[];
}

export interface AdvisoryReport {
  /** How many advisories were read, and the newest time that one of them was changed. */
  readonly read: number;
  readonly modified: string;
  readonly fixed: readonly AdvisoryMatch[];
  readonly introduced: readonly AdvisoryMatch[];
  readonly remaining: readonly AdvisoryMatch[];
  /** Locked items whose version has no order in their ecosystem, sorted: only advisories that list versions were looked at. */
  readonly undecided: readonly string[];
}

export interface PinReport {
  readonly diff: PinDiff;
  /** By SHA-256 of items that changed. */
  readonly facts: ReadonlyMap<string, ItemFacts>;
  /** Absent when no advisories were given. */
  readonly advisories?: AdvisoryReport;
}

function factsOf(report: PinReport, item: LockedItem | undefined): ItemFacts | undefined {
  return item === undefined ? undefined : report.facts.get(item.sha256);
}

/** Bytes once installed, from before to after, and the whole of what is added; undefined where one of the two is not known. */
export function installedChange(report: PinReport, change: ItemChange): number | undefined {
  const side = (item: LockedItem | undefined): number | undefined =>
    item === undefined ? 0 : factsOf(report, item)?.installedSize;
  const from = side(change.from);
  const to = side(change.to);
  return from === undefined || to === undefined ? undefined : to - from;
}

/** What a reviewer should know that is new of an item, and what is no longer so. */
export function noteChanges({ from, to }: ItemChange): {
  readonly added: readonly string[];
  readonly removed: readonly string[];
} {
  const [was, is] = [from?.notes ?? [], to?.notes ?? []];
  const removed = to === undefined ? [] : was.filter((note) => !is.includes(note));
  return { added: is.filter((note) => !was.includes(note)), removed };
}

export type LicenceChange =
  | { readonly kind: "same" }
  | { readonly kind: "unknown" }
  /** Of what was added. */
  | { readonly kind: "new"; readonly names: readonly string[] }
  /** Names that are new and names that are gone, sorted. */
  | { readonly kind: "names"; readonly added: readonly string[]; readonly removed: readonly string[] }
  /** A text without names that machines can read, which is another one now. */
  | { readonly kind: "text" };

/** Kinds whose packages say what their licence is. */
const licensed: readonly string[] = ["debian", "npm", "wheels"];

/** How the licence of an item changed; undefined for items that were removed, and where nothing is known of one that was added. */
export function licenceChange(report: PinReport, { kind, from, to }: ItemChange): LicenceChange | undefined {
  if (to === undefined || !licensed.includes(kind)) return undefined;
  if (from === undefined) {
    const licence = factsOf(report, to)?.licence;
    return licence?.kind === "names" ? { kind: "new", names: licence.names } : undefined;
  }
  const was = factsOf(report, from)?.licence;
  const is = factsOf(report, to)?.licence;
  if (was === undefined || is === undefined || was.kind === "unknown" || is.kind === "unknown")
    return { kind: "unknown" };
  if (was.kind === "text" && is.kind === "text") return was.sha256 === is.sha256 ? { kind: "same" } : { kind: "text" };
  if (was.kind === "text" || is.kind === "text") return { kind: "text" };
  const added = is.names.filter((name) => !was.names.includes(name));
  const removed = was.names.filter((name) => !is.names.includes(name));
  return added.length + removed.length === 0 ? { kind: "same" } : { kind: "names", added, removed };
}

/** How many names changed in each way, in the order in which a summary tells them. */
export function countChanges(changes: readonly ItemChange[]): readonly (readonly [number, ItemChange["change"]])[] {
  const ways = ["upgraded", "downgraded", "rebuilt", "changed", "added", "removed"] as const;
  return ways
    .map((way) => [new Set(changes.filter(({ change }) => change === way).map(({ name }) => name)).size, way] as const)
    .filter(([count]) => count > 0);
}

/** Other names of an advisory, sorted: its aliases, and those it was made from. */
export function otherNames({ id, aliases, upstream }: Advisory): readonly string[] {
  return [...new Set([...aliases, ...upstream])].filter((name) => name !== id).toSorted(comparePaths);
}

function sideDocument(report: PinReport, item: LockedItem) {
  const { key, version, size, sha256, notes } = item;
  const more = {
    ...(key === undefined ? {} : { key }),
    ...(notes === undefined || notes.length === 0 ? {} : { notes }),
  };
  return { version, size, sha256, ...more, ...factsOf(report, item) };
}

function matchDocument({ advisory, subjects }: AdvisoryMatch) {
  const { id, summary, severity } = advisory;
  return { id, names: otherNames(advisory), summary, ...(severity === undefined ? {} : { severity }), subjects };
}

/** The `diff` of the JSON document. */
export function reportDocument(report: PinReport) {
  const { diff, advisories } = report;
  return {
    unchanged: diff.unchanged,
    addedImages: diff.addedImages,
    removedImages: diff.removedImages,
    size: diff.size,
    changes: diff.changes.map(({ from, to, ...change }) => {
      const licence = licenceChange(report, { ...change, ...(from && { from }), ...(to && { to }) });
      return {
        ...change,
        ...(from === undefined ? {} : { from: sideDocument(report, from) }),
        ...(to === undefined ? {} : { to: sideDocument(report, to) }),
        ...(licence === undefined ? {} : { licence }),
      };
    }),
    ...(advisories === undefined
      ? {}
      : {
          advisories: {
            read: advisories.read,
            modified: advisories.modified,
            fixed: advisories.fixed.map(matchDocument),
            introduced: advisories.introduced.map(matchDocument),
            remaining: advisories.remaining.map(matchDocument),
            undecided: advisories.undecided,
          },
        }),
  };
}
