/** How one lock differs from another, as data. */
import type { Lock } from "../lock/types.ts";
import { sectionNames } from "../lock/section.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { comparePaths } from "../tree/entry.ts";
import { type InputImages, type LockedItem, type PinKind, pinKinds } from "./pin-items.ts";

/** `rebuilt`: the same version with other bytes. `changed`: two versions that have no order. */
export type ChangeOf = "added" | "removed" | "upgraded" | "downgraded" | "rebuilt" | "changed";

/** One item on one or several platforms that all changed alike; sizes are those of the first of them. */
export interface ItemChange {
  readonly kind: string;
  readonly name: string;
  readonly change: ChangeOf;
  /** Platforms it changed on, sorted; on others of its images it did not change, or otherwise. */
  readonly platforms: readonly string[];
  /** Whether those are all the platforms that have the item before or after. */
  readonly everywhere: boolean;
  readonly from?: LockedItem;
  readonly to?: LockedItem;
  /** Images it changed in, sorted. */
  readonly images: readonly string[];
}

export interface PinDiff {
  /** By kind, then by name. */
  readonly changes: readonly ItemChange[];
  /** Images that are new in the lock, and those no longer in it, sorted. */
  readonly addedImages: readonly string[];
  readonly removedImages: readonly string[];
  /** Bytes of all that is locked, each file once. */
  readonly size: { readonly before: number; readonly after: number };
  /** Whether the two locks hold the same. */
  readonly unchanged: boolean;
}

/** Items of one kind by image and platform (joined by a space), then by name; a name may be there in several versions. */
type Held = ReadonlyMap<string, ReadonlyMap<string, readonly LockedItem[]>>;

function held(kind: PinKind, lock: Lock): Held {
  const found = new Map<string, Map<string, LockedItem[]>>();
  for (const { image = "", platform = "", item } of kind.current(lock)) {
    const place = `${image} ${platform}`;
    const items = found.get(place) ?? new Map<string, LockedItem[]>();
    const same = items.get(item.name);
    if (same === undefined) items.set(item.name, [item]);
    else same.push(item);
    found.set(place, items);
  }
  return found;
}

function union(a: Iterable<string>, b: Iterable<string>): readonly string[] {
  return [...new Set([...a, ...b])].toSorted(comparePaths);
}

interface Pair {
  readonly from: LockedItem | undefined;
  readonly to: LockedItem | undefined;
}

function isSame(a: LockedItem, b: LockedItem): boolean {
  return a.version === b.version && a.sha256 === b.sha256 && String(a.notes ?? []) === String(b.notes ?? []);
}

/** The first item of each version. */
function firstOfEach(items: readonly LockedItem[]): readonly LockedItem[] {
  return items.filter((item, i) => items.findIndex(({ version }) => version === item.version) === i);
}

/**
 * What of a name changed: one version for another, or, where there are several, those that went and those that came. A version may be
 * several files, one a platform; then the first of them stands for all.
 */
function pairs(was: readonly LockedItem[], is: readonly LockedItem[]): readonly Pair[] {
  const gone = was.filter((item) => !is.some((other) => isSame(item, other)));
  const come = is.filter((item) => !was.some((other) => isSame(item, other)));
  const [from, to] = [firstOfEach(gone), firstOfEach(come)];
  if (from.length === 1 && to.length === 1) return [{ from: from[0], to: to[0] }];
  return [...from.map((item) => ({ from: item, to: undefined })), ...to.map((item) => ({ from: undefined, to: item }))];
}

interface Group extends Pair {
  readonly name: string;
  readonly platforms: Set<string>;
  readonly images: Set<string>;
}

function changeOf(kind: PinKind, from: LockedItem | undefined, to: LockedItem | undefined): ChangeOf {
  if (from === undefined) return "added";
  if (to === undefined) return "removed";
  if (from.version === to.version || kind.fixed) return "rebuilt";
  const order = kind.compare(from.version, to.version);
  if (order === undefined || order === 0) return "changed";
  return order < 0 ? "upgraded" : "downgraded";
}

/** Changes of one kind in images that are still there: what went with an image is told by the image alone. */
function changesOf(kind: PinKind, before: Lock, after: Lock, inputs: InputImages): readonly ItemChange[] {
  const old = held(kind, before);
  const now = held(kind, after);
  const groups = new Map<string, Group>();
  const present = new Map<string, Set<string>>();
  for (const place of union(old.keys(), now.keys())) {
    const [image = "", platform = ""] = place.split(" ");
    if (before.images.has(image) && !after.images.has(image)) continue;
    const was = old.get(place);
    const is = now.get(place);
    for (const name of union(was?.keys() ?? [], is?.keys() ?? [])) {
      present.set(name, (present.get(name) ?? new Set()).add(platform));
      for (const { from, to } of pairs(was?.get(name) ?? [], is?.get(name) ?? [])) {
        const key = [name, from?.version, to?.version].join(" ");
        const group = groups.get(key) ?? { name, from, to, platforms: new Set(), images: new Set() };
        group.platforms.add(platform);
        for (const each of image === "" ? (inputs.get(`${kind.kind} ${(to ?? from)?.key}`) ?? []) : [image])
          group.images.add(each);
        groups.set(key, group);
      }
    }
  }
  return [...groups.values()]
    .map(({ name, from, to, platforms, images }): ItemChange => ({
      kind: kind.kind,
      name,
      change: changeOf(kind, from, to),
      platforms: [...platforms].filter((platform) => platform !== "").toSorted(comparePaths),
      everywhere: platforms.size === present.get(name)?.size,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      images: [...images].toSorted(comparePaths),
    }))
    .toSorted(
      (a, b) =>
        comparePaths(a.name, b.name) ||
        comparePaths(a.platforms.join(" "), b.platforms.join(" ")) ||
        comparePaths(versions(a), versions(b)),
    );
}

function versions({ from, to }: ItemChange): string {
  return `${from?.version ?? ""} ${to?.version ?? ""}`;
}

function sizeOf(lock: Lock): number {
  const files = pinKinds.flatMap((kind) => kind.current(lock)).map(({ item }) => [item.sha256, item.size] as const);
  return [...new Map(files).values()].reduce((sum, size) => sum + size, 0);
}

/** A lock as text that is the same for the same content, whatever the order it was made in. */
function canonical(lock: Lock): string {
  return canonicalJson(sectionNames.map((name) => Object.fromEntries<unknown>(lock[name])));
}

/** `inputs`: the images that ask for inputs of the newer lock, which itself does not say it. */
export function diffLocks(before: Lock, after: Lock, inputs: InputImages = new Map()): PinDiff {
  const images = union(before.images.keys(), after.images.keys());
  return {
    changes: pinKinds.flatMap((kind) => changesOf(kind, before, after, inputs)),
    addedImages: images.filter((image) => !before.images.has(image)),
    removedImages: images.filter((image) => !after.images.has(image)),
    size: { before: sizeOf(before), after: sizeOf(after) },
    unchanged: canonical(before) === canonical(after),
  };
}
