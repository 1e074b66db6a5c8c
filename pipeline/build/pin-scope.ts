/** What a pin may move: everything, one package and what must move with it, or one image. */
import { LockstepError } from "../host/errors.ts";
import { didYouMean } from "../host/suggest.ts";
import type { Lock, LockedPackage } from "../lock/types.ts";
import type { Preference } from "../source/debian/universe.ts";
import { compareVersions } from "../source/debian/version.ts";
import { resolutionStale } from "./pin-stale.ts";
import type { PackageRequest } from "./requests.ts";
import type { ImageSpec } from "../spec/types.ts";

/** `newest`: resolved anew. `prefer`: resolved anew, but locked versions are kept where they fit. `keep`: the entry stays as it is. */
type Action = "newest" | "prefer" | "keep";

export interface Scope {
  readonly actions: ReadonlyMap<string, Action>;
  /** The package that may move although others stay. */
  readonly released?: string;
}

function lockedPackages(lock: Lock, image: string, platform: string): readonly LockedPackage[] {
  return (lock.images.get(image)?.platforms[platform] ?? [])
    .map((key) => lock.packages.get(key))
    .filter((item) => item !== undefined);
}

function holds(lock: Lock, image: string, name: string): boolean {
  const platforms = Object.keys(lock.images.get(image)?.platforms ?? {});
  return platforms.some((platform) => lockedPackages(lock, image, platform).some((item) => item.name === name));
}

/**
 * Which images are resolved anew and how. `only` is the name of an image or, when there is none, of a package; `isInput` tells that it
 * is about another kind of input, which moves no package. Throws LS2106 when it is nothing of that.
 */
export function scopeOf(
  specs: readonly ImageSpec[],
  requests: readonly PackageRequest[],
  lock: Lock,
  only: string | undefined,
  isInput = false,
): Scope {
  if (only === undefined) return { actions: new Map(requests.map(({ image }) => [image, "newest"])) };
  const isImage = requests.some(({ image }) => image === only);
  const isPackage = !isImage && requests.some(({ image, names }) => names.includes(only) || holds(lock, image, only));
  if (!isImage && !isPackage && !isInput) {
    const known = [
      ...requests.flatMap(({ image, names }) => [image, ...names]),
      ...[...lock.packages.values()].map(({ name }) => name),
    ];
    const hint = didYouMean(only, known);
    throw new LockstepError({
      code: "LS2106",
      message: `"${only}" is neither an image with locked inputs, nor a package or another input of one`,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  const stale = new Set(resolutionStale(specs, lock).map(({ image }) => image));
  const actions = new Map<string, Action>();
  for (const { image, base } of requests) {
    const follows = base !== undefined && actions.get(base) !== "keep";
    if (image === only) actions.set(image, "newest");
    else if (follows || stale.has(image) || (isPackage && holds(lock, image, only))) actions.set(image, "prefer");
    else actions.set(image, "keep");
  }
  return { actions, ...(isPackage ? { released: only } : {}) };
}

/** The locked versions that an image prefers on a platform: its own, and for packages new to it those of other images. */
export function preferenceFor(lock: Lock, scope: Scope, image: string, platform: string): Preference | undefined {
  if (scope.actions.get(image) !== "prefer") return undefined;
  const found = new Map<string, LockedPackage>();
  for (const other of lock.images.keys()) {
    for (const item of lockedPackages(lock, other, platform)) {
      const known = found.get(item.name);
      if (known === undefined || compareVersions(item.version, known.version) > 0) found.set(item.name, item);
    }
  }
  for (const item of lockedPackages(lock, image, platform)) found.set(item.name, item);
  return (name) => (name === scope.released ? undefined : found.get(name));
}
