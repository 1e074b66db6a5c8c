/** How one lock differs from another, as data and as text for a person. */
import { sectionNames, sections } from "../lock/section.ts";
import { type InputEntry, type InputSection, type Lock, type LockedPackage, sizeOf } from "../lock/types.ts";
import { humanBytes } from "../report/format.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { comparePaths } from "../tree/entry.ts";
import { inputSections } from "./inputs/kinds.ts";

/** One package on one or several platforms that all changed alike; sizes are those of the first of them. */
interface PackageChange {
  readonly name: string;
  /** Architectures of the platforms it changed on, sorted; the others of the image did not change or changed otherwise. */
  readonly platforms: readonly string[];
  /** Whether those are all the platforms that have the package before or after. */
  readonly everywhere: boolean;
  readonly from?: { readonly version: string; readonly size: number };
  readonly to?: { readonly version: string; readonly size: number };
  /** Images it changed in, sorted. */
  readonly images: readonly string[];
}

/** One input that is no Debian package. */
interface InputChange {
  readonly section: InputSection;
  readonly key: string;
  readonly from?: InputEntry;
  readonly to?: InputEntry;
}

export interface PinDiff {
  readonly changes: readonly PackageChange[];
  /** By section and key. */
  readonly inputs: readonly InputChange[];
  /** Images that are new in the lock, and those no longer in it, sorted. */
  readonly addedImages: readonly string[];
  readonly removedImages: readonly string[];
  /** Whether the two locks hold the same. */
  readonly unchanged: boolean;
}

type Side = Pick<LockedPackage, "version" | "size" | "sha256">;

/** Packages of an image on a platform by name. */
function packagesOf(lock: Lock, image: string, platform: string): ReadonlyMap<string, LockedPackage> {
  const found = new Map<string, LockedPackage>();
  for (const key of lock.images.get(image)?.platforms[platform] ?? []) {
    const item = lock.packages.get(key);
    if (item !== undefined) found.set(item.name, item);
  }
  return found;
}

function platformsOf(lock: Lock, image: string): readonly string[] {
  return Object.keys(lock.images.get(image)?.platforms ?? {});
}

function union(a: Iterable<string>, b: Iterable<string>): readonly string[] {
  return [...new Set([...a, ...b])].toSorted(comparePaths);
}

interface Group {
  readonly name: string;
  readonly from: Side | undefined;
  readonly to: Side | undefined;
  readonly platforms: Set<string>;
  readonly images: Set<string>;
}

function shown(side: Side | undefined): { readonly version: string; readonly size: number } | undefined {
  return side === undefined ? undefined : { version: side.version, size: side.size };
}

export function diffLocks(before: Lock, after: Lock): PinDiff {
  const groups = new Map<string, Group>();
  const present = new Map<string, Set<string>>();
  const images = union(before.images.keys(), after.images.keys());
  // What went with an image that is no longer there is told by the image alone.
  for (const image of images.filter((name) => after.images.has(name))) {
    for (const platform of union(platformsOf(before, image), platformsOf(after, image))) {
      const old = packagesOf(before, image, platform);
      const now = packagesOf(after, image, platform);
      for (const name of union(old.keys(), now.keys())) {
        const from = old.get(name);
        const to = now.get(name);
        const everywhere = present.get(name) ?? new Set<string>();
        present.set(name, everywhere.add(platform));
        if (from?.version === to?.version && from?.sha256 === to?.sha256) continue;
        const key = [name, from?.version, to?.version].join(" ");
        const group = groups.get(key) ?? { name, from, to, platforms: new Set(), images: new Set() };
        group.platforms.add(platform);
        group.images.add(image);
        groups.set(key, group);
      }
    }
  }
  const changes = [...groups.values()]
    .map((group): PackageChange => {
      const from = shown(group.from);
      const to = shown(group.to);
      return {
        name: group.name,
        platforms: [...group.platforms].toSorted(comparePaths),
        everywhere: group.platforms.size === present.get(group.name)?.size,
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        images: [...group.images].toSorted(comparePaths),
      };
    })
    .toSorted((a, b) => comparePaths(a.name, b.name) || comparePaths(a.platforms.join(" "), b.platforms.join(" ")));
  const addedImages = images.filter((image) => !before.images.has(image));
  const removedImages = images.filter((image) => !after.images.has(image));
  return {
    changes,
    inputs: inputChanges(before, after),
    addedImages,
    removedImages,
    unchanged: canonical(before) === canonical(after),
  };
}

/** A lock as text that is the same for the same content, whatever the order it was made in. */
function canonical(lock: Lock): string {
  return canonicalJson(sectionNames.map((section) => Object.fromEntries<unknown>(lock[section])));
}

function inputChanges(before: Lock, after: Lock): readonly InputChange[] {
  return inputSections.flatMap((section) =>
    union(before[section].keys(), after[section].keys()).flatMap((key): InputChange[] => {
      const from = before[section].get(key);
      const to = after[section].get(key);
      if (canonicalJson(from ?? null) === canonicalJson(to ?? null)) return [];
      return [{ section, key, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
    }),
  );
}

/** `from` and `to` are bytes before and after; undefined for what is not there. */
function sizeChange(from: number | undefined, to: number | undefined): string {
  if (from === undefined) return humanBytes(to ?? 0);
  if (to === undefined) return `-${humanBytes(from)}`;
  const difference = to - from;
  if (difference === 0) return "same size";
  return `${difference < 0 ? "-" : "+"}${humanBytes(Math.abs(difference))}`;
}

/**
 * The difference as lines: one for each package with old → new version, the change of its size, and its images; platforms only where
 * not all of them changed alike. Ends with a summary line.
 */
export function formatDiff(diff: PinDiff): string {
  if (diff.unchanged) return "nothing changed\n";
  const rows = diff.changes.map((change) => {
    const sign = change.from === undefined ? "+" : change.to === undefined ? "-" : " ";
    const where = change.everywhere ? "" : ` (${change.platforms.join(", ")})`;
    const rebuilt = change.from !== undefined && change.from.version === change.to?.version ? " (other bytes)" : "";
    const versions = [change.from?.version, change.to?.version].filter((version) => version !== undefined);
    return [
      `${sign} ${change.name}${where}`,
      `${[...new Set(versions)].join(" → ")}${rebuilt}`,
      sizeChange(change.from?.size, change.to?.size),
      change.images.join(", "),
    ];
  });
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const count = (test: (change: PackageChange) => boolean): number =>
    new Set(diff.changes.filter(test).map(({ name }) => name)).size;
  const summary = [
    [count(({ from, to }) => from !== undefined && to !== undefined), "changed"],
    [count(({ from }) => from === undefined), "added"],
    [count(({ to }) => to === undefined), "removed"],
  ] as const;
  const told = summary.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  return [
    ...diff.addedImages.map((image) => `+ image ${image}`),
    ...diff.removedImages.map((image) => `- image ${image}`),
    ...diff.inputs.map((change) => {
      const sign = change.from === undefined ? "+" : change.to === undefined ? "-" : " ";
      const size = sizeChange(change.from && sizeOf(change.from), change.to && sizeOf(change.to));
      return `${sign} ${sections[change.section].entry} ${change.key}  ${size}`;
    }),
    ...lines,
    told.length === 0 ? "no package changed" : `packages: ${told.join(", ")}`,
    "",
  ].join("\n");
}
