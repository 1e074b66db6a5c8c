/** Whether a lock answers the image specs: pure, without a network. */
import type { Problem } from "../host/errors.ts";
import type { Lock, LockedResolution } from "../lock/types.ts";
import type { ImageSpec } from "../spec/types.ts";
import { comparePaths } from "../tree/entry.ts";
import { type PackageRequest, impliedPackages, packageRequests } from "./requests.ts";

export interface StaleImage {
  readonly image: string;
  readonly problem: Problem;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function difference(a: readonly string[], b: readonly string[]): readonly string[] {
  return a.filter((name) => !b.includes(name));
}

/** What of a resolution is not the answer to a request; undefined when it is. */
function mismatch(request: PackageRequest, entry: LockedResolution | undefined, lock: Lock): string | undefined {
  if (entry === undefined) return "is not in the lock";
  if (entry.suite !== request.suite) return `is locked to ${entry.suite}, and the spec says ${request.suite}`;
  if (entry.dependencies !== request.dependencies) {
    return `is locked with dependencies: ${entry.dependencies}, and the spec says ${request.dependencies}`;
  }
  const added = difference(request.names, entry.request);
  if (added.length > 0) return `asks for ${quoted(added)}, which the lock does not answer`;
  const removed = difference(entry.request, request.names);
  if (removed.length > 0) return `no longer asks for ${quoted(removed)}, which the lock answers`;
  const platforms = Object.keys(entry.platforms);
  const absent = difference(request.platforms, platforms);
  if (absent.length > 0) return `is built for ${absent.join(", ")}, which the lock does not answer`;
  const left = difference(platforms, request.platforms);
  if (left.length > 0) return `is no longer built for ${left.join(", ")}, which the lock answers`;
  for (const [platform, keys] of Object.entries(entry.platforms)) {
    const names = new Set(keys.map((key) => lock.packages.get(key)?.name));
    const missing = [...request.names, ...impliedPackages].find((name) => !names.has(name));
    if (missing !== undefined) return `has no package "${missing}" in the lock for ${platform}`;
    const base = request.base === undefined ? undefined : lock.images.get(request.base)?.platforms[platform];
    const other = base?.find((key) => !keys.includes(key));
    if (other !== undefined) return `lacks ${other} of the image "${request.base}" in the lock for ${platform}`;
  }
  return undefined;
}

/**
 * Images whose entry in the lock is not the answer to their spec (LS2201), in the order of `specs`.
 * `specs` must hold every image that one of them is `from`.
 */
export function resolutionStale(specs: readonly ImageSpec[], lock: Lock): readonly StaleImage[] {
  return packageRequests(specs).flatMap((request) => {
    const what = mismatch(request, lock.images.get(request.image), lock);
    if (what === undefined) return [];
    const message = `the lock is out of date: image "${request.image}" ${what}`;
    return [
      { image: request.image, problem: { code: "LS2201", message, place: request.place, hint: "run `lockstep pin`" } },
    ];
  });
}

/** Images in the lock that no spec asks for packages any more (LS2201). `specs` must be all images of the repository. */
export function resolutionsUnused(specs: readonly ImageSpec[], lock: Lock): readonly StaleImage[] {
  const asked = new Set(packageRequests(specs).map(({ image }) => image));
  return [...lock.images.keys()]
    .filter((image) => !asked.has(image))
    .toSorted(comparePaths)
    .map((image) => ({
      image,
      problem: {
        code: "LS2201",
        message: `the lock is out of date: it has packages for "${image}", for which no spec asks`,
        place: { file: "lockstep.lock" },
        hint: "run `lockstep pin`",
      },
    }));
}
