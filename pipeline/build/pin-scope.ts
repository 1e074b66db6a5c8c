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

/** What a person asks to be moved: one image or package, or packages to exact versions; everything when neither is given. */
export interface Wanted {
  readonly only: string | undefined;
  readonly exact: ReadonlyMap<string, string>;
  /** Whether `only` is about another kind of input, which moves no package. */
  readonly isInput: boolean;
}

export interface Scope {
  readonly actions: ReadonlyMap<string, Action>;
  /** The packages that may move although others stay. */
  readonly released: ReadonlySet<string>;
  /** Versions that packages must have, by name. */
  readonly exact: ReadonlyMap<string, string>;
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

/** Where the version of something else in the lock is decided; undefined for what is not there. */
function elsewhere(name: string, lock: Lock): string | undefined {
  if ([...lock.npm.keys()].some((key) => key.startsWith(`${name}@`)))
    return "it is an npm package, whose version is that of the project's lock file: change it with npm, then pin";
  return lock.http.has(name) || lock.bases.has(name) || lock.git.has(name)
    ? "what it is to be is written in the image spec; `lockstep pin --only` looks for what it is now"
    : undefined;
}

function unknownName(name: string, requests: readonly PackageRequest[], lock: Lock, images: boolean): LockstepError {
  const known = [
    ...requests.flatMap(({ image, names }) => (images ? [image, ...names] : names)),
    ...[...lock.packages.values()].map((item) => item.name),
  ];
  const hint = elsewhere(name, lock) ?? didYouMean(name, known);
  return new LockstepError({
    code: "LS2106",
    message: images
      ? `"${name}" is neither an image with locked inputs, nor a package or another input of one`
      : `"${name}" is not a package of any image`,
    ...(hint === undefined ? {} : { hint }),
  });
}

/**
 * Which images are resolved anew and how. `only` is the name of an image or, when there is none, of a package.
 * Throws LS2106 when it is nothing of that, and when a package that is to have an exact version is not one of any image.
 */
export function scopeOf(
  specs: readonly ImageSpec[],
  requests: readonly PackageRequest[],
  lock: Lock,
  { only, exact, isInput }: Wanted,
): Scope {
  if (only === undefined && exact.size === 0)
    return { actions: new Map(requests.map(({ image }) => [image, "newest"])), released: new Set(), exact };
  const isImage = requests.some(({ image }) => image === only);
  const isPackage = (name: string): boolean =>
    requests.some(({ image, names }) => names.includes(name) || holds(lock, image, name));
  const released = new Set([...(only === undefined || isImage ? [] : [only]), ...exact.keys()]);
  for (const name of released)
    if (!isPackage(name) && !(name === only && isInput)) throw unknownName(name, requests, lock, name === only);
  const stale = new Set(resolutionStale(specs, lock).map(({ image }) => image));
  const actions = new Map<string, Action>();
  for (const { image, base, names } of requests) {
    const follows = base !== undefined && actions.get(base) !== "keep";
    const concerned = [...released].some((name) => names.includes(name) || holds(lock, image, name));
    if (image === only) actions.set(image, "newest");
    else if (follows || stale.has(image) || concerned) actions.set(image, "prefer");
    else actions.set(image, "keep");
  }
  return { actions, released, exact };
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
  return (name) => (scope.released.has(name) ? undefined : found.get(name));
}
