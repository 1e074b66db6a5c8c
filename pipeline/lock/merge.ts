/** Merges two locks that come from one: each entry on its own, and what nobody decided is a conflict. */
import { canonicalJson } from "../store/canonical-json.ts";
import { comparePaths } from "../tree/entry.ts";
import { lockOf, sectionNames } from "./section.ts";
import type { Lock, LockedPackage, SectionName } from "./types.ts";

/** An entry that both sides changed, to different things. */
export interface LockConflict {
  readonly section: SectionName;
  readonly key: string;
}

export interface Sides {
  readonly base: Lock;
  readonly ours: Lock;
  readonly theirs: Lock;
}

export interface MergedLock {
  /** What both sides agree on: conflicting entries are those of neither side, and not in it. */
  readonly lock: Lock;
  /** By section and key. */
  readonly conflicts: readonly LockConflict[];
}

function same(a: unknown, b: unknown): boolean {
  return a === b || canonicalJson(a ?? null) === canonicalJson(b ?? null);
}

/** The one of three that is to be: what changed on one side only, or on both alike. `conflict` when there is none. */
export function threeWay<T>(base: T, ours: T, theirs: T): { readonly value: T } | "conflict" {
  if (same(ours, theirs) || same(theirs, base)) return { value: ours };
  return same(ours, base) ? { value: theirs } : "conflict";
}

/** Sections whose entries are there because others refer to them; they are not merged but follow. */
const referred: readonly SectionName[] = ["packages", "releases"];

function allKeys(...maps: readonly ReadonlyMap<string, unknown>[]): readonly string[] {
  return [...new Set(maps.flatMap((map) => [...map.keys()]))].toSorted(comparePaths);
}

/** Of two entries that differ only in the release that vouched first, the one of the earlier release. */
function earlier(lock: Lock, a: LockedPackage, b: LockedPackage): LockedPackage | undefined {
  if (!same({ ...a, release: "" }, { ...b, release: "" })) return undefined;
  const order = (item: LockedPackage): string => `${lock.releases.get(item.release)?.date ?? ""} ${item.release}`;
  return order(a) < order(b) ? a : b;
}

/** The packages that images of either side refer to: the key decides the content, up to what both sides say differently of it. */
function mergePackages(sides: Sides, all: Lock, conflicts: LockConflict[]): ReadonlyMap<string, LockedPackage> {
  const { base, ours, theirs } = sides;
  const merged = new Map<string, LockedPackage>();
  for (const key of allKeys(ours.packages, theirs.packages)) {
    const our = ours.packages.get(key);
    const their = theirs.packages.get(key);
    // A package that one side no longer has may be needed by what the other added.
    const found =
      our === undefined || their === undefined ? { value: our ?? their } : threeWay(base.packages.get(key), our, their);
    const value = found === "conflict" ? (our && their ? earlier(all, our, their) : undefined) : found.value;
    if (value === undefined) conflicts.push({ section: "packages", key });
    else merged.set(key, value);
  }
  return merged;
}

/** The lock without packages that no image has, and releases that vouch for none. */
export function withoutUnused(lock: Lock): Lock {
  const used = new Set([...lock.images.values()].flatMap(({ platforms }) => Object.values(platforms).flat()));
  const packages = new Map([...lock.packages].filter(([key]) => used.has(key)));
  const vouching = new Set([...packages.values()].map(({ release }) => release));
  return { ...lock, packages, releases: new Map([...lock.releases].filter(([key]) => vouching.has(key))) };
}

/**
 * Merges entry by entry. The answer does not depend on which side is whose. Packages and releases of both sides are all in it, used or
 * not: `withoutUnused` takes away what the images that come out do not need.
 */
export function mergeLocks(sides: Sides): MergedLock {
  const { base, ours, theirs } = sides;
  const conflicts: LockConflict[] = [];
  const sections = new Map<SectionName, ReadonlyMap<string, unknown>>();
  const three = (section: SectionName): ReadonlyMap<string, unknown> => {
    const merged = new Map<string, unknown>();
    for (const key of allKeys(ours[section], theirs[section])) {
      const found = threeWay<unknown>(base[section].get(key), ours[section].get(key), theirs[section].get(key));
      if (found === "conflict") conflicts.push({ section, key });
      else if (found.value !== undefined) merged.set(key, found.value);
    }
    return merged;
  };
  for (const section of sectionNames.filter((name) => !referred.includes(name))) sections.set(section, three(section));
  const releases = new Map([...ours.releases, ...theirs.releases]);
  for (const key of allKeys(ours.releases, theirs.releases)) {
    const [our, their] = [ours.releases.get(key), theirs.releases.get(key)];
    if (our !== undefined && their !== undefined && !same(our, their)) conflicts.push({ section: "releases", key });
  }
  sections.set("releases", releases);
  sections.set("packages", mergePackages(sides, { ...ours, releases }, conflicts));
  return {
    lock: lockOf((name) => sections.get(name) ?? new Map()),
    conflicts: conflicts.toSorted((a, b) => comparePaths(a.section, b.section) || comparePaths(a.key, b.key)),
  };
}

/** The merged lock with one side's answer wherever there is a conflict. */
export function resolvedTo(merged: MergedLock, side: Lock): Lock {
  const lock = lockOf((section) => {
    const entries = new Map<string, unknown>(merged.lock[section]);
    for (const conflict of merged.conflicts) {
      if (conflict.section !== section) continue;
      const value: unknown = side[section].get(conflict.key);
      if (value === undefined) entries.delete(conflict.key);
      else entries.set(conflict.key, value);
    }
    return entries;
  });
  return withoutUnused(lock);
}
