/** Resolves images anew that both sides of a merge pinned: both sides' changes together, with dependencies satisfied. */
import { LockstepError } from "../host/errors.ts";
import { type LockConflict, type Sides, threeWay } from "../lock/merge.ts";
import { type Lock, type LockedPackage, type LockedResolution, packageKey } from "../lock/types.ts";
import type { Candidate } from "../source/debian/candidate.ts";
import { resolve } from "../source/debian/resolve.ts";
import { differingVersions } from "../source/debian/same-versions.ts";
import type { Exact, Universe } from "../source/debian/universe.ts";
import { compareVersions } from "../source/debian/version.ts";
import type { Platform } from "../spec/types.ts";
import { comparePaths } from "../tree/entry.ts";
import { NotRecalled, type Recall } from "./merge-recall.ts";
import { type PackageRequest, impliedPackages } from "./requests.ts";

/** Members of both, of one side that the base does not have, and none that a side took away. */
function mergeSet(base: readonly string[], ours: readonly string[], theirs: readonly string[]): readonly string[] {
  const all = new Set([...ours, ...theirs]);
  const kept = [...all].filter((name) => (base.includes(name) ? ours.includes(name) && theirs.includes(name) : true));
  return kept.toSorted(comparePaths);
}

function packagesOf(lock: Lock, image: string, platform: string): ReadonlyMap<string, LockedPackage> {
  const keys = lock.images.get(image)?.platforms[platform] ?? [];
  return new Map(keys.flatMap((key) => lock.packages.get(key) ?? []).map((item) => [item.name, item]));
}

/** The package of a name that both sides together want: the one of the side that changed it; the newer where both did. */
function wanted(
  base: LockedPackage | undefined,
  our: LockedPackage | undefined,
  their: LockedPackage | undefined,
): LockedPackage | undefined {
  if (our === undefined || their === undefined) return our ?? their;
  const exact = (item: LockedPackage | undefined): Exact | undefined =>
    item === undefined ? undefined : { version: item.version, sha256: item.sha256 };
  const found = threeWay(exact(base), exact(our), exact(their));
  if (found !== "conflict") return found.value?.sha256 === our.sha256 ? our : their;
  const order = compareVersions(our.version, their.version);
  if (order === 0) throw new NotRecalled(`${our.name} ${our.version} is two different files on the two sides`);
  return order > 0 ? our : their;
}

/** What a merged image is asked for. Throws NotRecalled when the sides do not agree on the question. */
function question(
  sides: Sides,
  image: string,
): Omit<LockedResolution, "platforms"> & { readonly platforms: readonly Platform[] } {
  const entries = [sides.base, sides.ours, sides.theirs].map((lock) => lock.images.get(image));
  const [base, our, their] = entries;
  // What one side alone has, and the base does not, is new: its question is the only one.
  const ours = our ?? (base === undefined ? their : undefined);
  const theirs = their ?? (base === undefined ? our : undefined);
  if (ours === undefined || theirs === undefined) throw new NotRecalled("one side removed the image");
  const suite = threeWay(base?.suite, ours.suite, theirs.suite);
  const dependencies = threeWay(base?.dependencies, ours.dependencies, theirs.dependencies);
  if (suite === "conflict" || suite.value === undefined) throw new NotRecalled("the sides have it in two suites");
  if (dependencies === "conflict" || dependencies.value === undefined)
    throw new NotRecalled("the sides follow dependencies differently");
  const platforms = [base, ours, theirs].map((entry) => Object.keys(entry?.platforms ?? {}));
  return {
    suite: suite.value,
    dependencies: dependencies.value,
    request: mergeSet(base?.request ?? [], ours.request, theirs.request),
    platforms: mergeSet(platforms[0] ?? [], platforms[1] ?? [], platforms[2] ?? []) as readonly Platform[],
  };
}

function candidateOf(universe: Universe, item: LockedPackage): Candidate {
  const found = universe.find(item.name, item);
  if (found === undefined) throw new NotRecalled(`no index in the store has ${item.name} ${item.version}`);
  return found;
}

export interface RecomputedImage {
  readonly image: string;
  /** `<name> <version>` of packages that are as neither side pinned them, because dependencies demand it; sorted. */
  readonly others: readonly string[];
}

export interface RecomputedImages {
  /** The merged lock with the images that could be resolved. */
  readonly lock: Lock;
  readonly recomputed: readonly RecomputedImage[];
  /** Why an image could not be resolved anew, by name. */
  readonly reasons: ReadonlyMap<string, string>;
}

/** An image with the images that it is from before it, as far as the specs say. */
function inOrder(images: readonly string[], requests: ReadonlyMap<string, PackageRequest>): readonly string[] {
  const depth = (image: string): number => {
    const base = requests.get(image)?.base;
    return base === undefined ? 0 : 1 + depth(base);
  };
  return images.toSorted((a, b) => depth(a) - depth(b) || comparePaths(a, b));
}

/** Whether an image has all packages of another; undefined where one of the two is not in the lock. */
function includes(lock: Lock, image: string, base: string): boolean | undefined {
  const [entry, below] = [lock.images.get(image), lock.images.get(base)];
  if (entry === undefined || below === undefined) return undefined;
  return Object.entries(entry.platforms).every(([platform, keys]) =>
    (below.platforms[platform] ?? []).every((key) => keys.includes(key)),
  );
}

/**
 * Whether an image lacks packages of the image it is from, because that moved on the other side. The specs are those of one side: only
 * what both locks bear out is believed.
 */
function follows(sides: Sides, lock: Lock, image: string, base: string | undefined): boolean {
  if (base === undefined || includes(lock, image, base) !== false) return false;
  return [sides.ours, sides.theirs].every((side) => includes(side, image, base) !== false);
}

async function recompute(
  sides: Sides,
  merged: Lock,
  recall: Recall,
  image: string,
  request: PackageRequest | undefined,
): Promise<{ readonly lock: Lock; readonly others: readonly string[] }> {
  const { suite, dependencies, request: names, platforms } = question(sides, image);
  const below = request?.base === undefined ? undefined : merged.images.get(request.base);
  if (request?.base !== undefined && below === undefined)
    throw new NotRecalled(`image "${request.base}", which it is from, is not settled`);
  const place = request?.place ?? { file: `images/${image}/image.yaml` };
  const results = new Map<Platform, readonly Candidate[]>();
  const others = new Set<string>();
  for (const platform of platforms) {
    const universe = await recall.universe(suite, platform);
    const [base, ours, theirs] = [sides.base, sides.ours, sides.theirs].map((lock) =>
      packagesOf(lock, image, platform),
    );
    const wishes = new Map<string, LockedPackage>();
    for (const name of new Set([...(ours?.keys() ?? []), ...(theirs?.keys() ?? [])])) {
      const wish = wanted(base?.get(name), ours?.get(name), theirs?.get(name));
      if (wish !== undefined) wishes.set(name, wish);
    }
    for (const wish of wishes.values()) candidateOf(universe, wish);
    const inherited = request?.base === undefined ? [] : [...packagesOf(merged, request.base, platform).values()];
    const candidates = resolve({
      universe,
      image,
      place,
      base: inherited.map((item) => candidateOf(universe, item)),
      request: names.filter((name) => !(below?.request.includes(name) ?? false)).map((name) => ({ name })),
      dependencies,
      implied: impliedPackages,
      prefer: (name) => wishes.get(name),
    });
    results.set(platform, candidates);
    for (const { name, version, sha256 } of candidates) {
      const wish = wishes.get(name);
      if (wish?.sha256 !== sha256 && !inherited.some((item) => item.sha256 === sha256))
        others.add(`${name} ${version}`);
    }
  }
  const differing = differingVersions([{ image, place, platforms: results }]);
  if (differing.length > 0) throw new LockstepError(differing);
  const packages = new Map(merged.packages);
  const keys: Record<string, readonly string[]> = {};
  for (const [platform, candidates] of results) {
    for (const candidate of candidates) {
      const { name, version, architecture, archive, path, size, sha256, source, sourceVersion, release } = candidate;
      const key = packageKey(candidate);
      if (packages.get(key)?.sha256 === sha256) continue;
      if (packages.has(key)) throw new NotRecalled(`${key} is two different files`);
      packages.set(key, { name, version, architecture, archive, path, size, sha256, source, sourceVersion, release });
    }
    keys[platform] = candidates.map(packageKey).toSorted(comparePaths);
  }
  const images = new Map([...merged.images, [image, { suite, dependencies, request: names, platforms: keys }]]);
  return { lock: { ...merged, packages, images }, others: [...others].toSorted(comparePaths) };
}

/**
 * Resolves conflicting images, and those that are from a moved one, from what the store has of the releases of both locks. Every package
 * keeps the version of the side that moved it, the newer where both did, unless dependencies demand another. `requests`: of the
 * specs, which say what is from what. The answer does not depend on which side is whose.
 */
export async function recomputeImages(
  sides: Sides,
  merged: Lock,
  conflicts: readonly LockConflict[],
  requests: readonly PackageRequest[],
  recall: Recall,
): Promise<RecomputedImages> {
  const byImage = new Map(requests.map((request) => [request.image, request]));
  const pending = new Set(conflicts.filter(({ section }) => section === "images").map(({ key }) => key));
  const reasons = new Map<string, string>();
  const recomputed: RecomputedImage[] = [];
  let lock = merged;
  for (const image of inOrder([...new Set([...pending, ...byImage.keys()])], byImage)) {
    if (!pending.has(image) && !follows(sides, lock, image, byImage.get(image)?.base)) continue;
    try {
      const found = await recompute(sides, lock, recall, image, byImage.get(image));
      lock = found.lock;
      recomputed.push({ image, others: found.others });
    } catch (error) {
      if (!(error instanceof NotRecalled) && !(error instanceof LockstepError)) throw error;
      const [problem] = error instanceof LockstepError ? error.problems : [];
      reasons.set(image, problem === undefined ? error.message : `${problem.code} ${problem.message}`);
    }
  }
  return { lock, recomputed: recomputed.toSorted((a, b) => comparePaths(a.image, b.image)), reasons };
}
