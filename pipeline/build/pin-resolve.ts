/** Resolves the packages of every image on every platform, one architecture at a time so that only one set of indexes is in memory. */
import { LockstepError, type Problem, formatProblem } from "../host/errors.ts";
import type { Lock, LockedPackage } from "../lock/types.ts";
import type { Report } from "../report/report.ts";
import type { Candidate } from "../source/debian/candidate.ts";
import { resolve } from "../source/debian/resolve.ts";
import type { ResolvedImage } from "../source/debian/same-versions.ts";
import { type Universe, type Wish, exactly } from "../source/debian/universe.ts";
import type { Platform } from "../spec/types.ts";
import { type Scope, preferenceFor } from "./pin-scope.ts";
import { type PackageRequest, impliedPackages } from "./requests.ts";

export interface PinInput {
  readonly requests: readonly PackageRequest[];
  readonly lock: Lock;
  readonly scope: Scope;
  readonly report: Report;
  /** The packages on offer; `locked` are those whose exact versions may be wanted. */
  readonly universeOf: (suite: string, platform: Platform, locked: readonly LockedPackage[]) => Promise<Universe>;
}

function lockedOf(lock: Lock, image: string, platform: Platform): readonly LockedPackage[] {
  return (lock.images.get(image)?.platforms[platform] ?? [])
    .map((key) => lock.packages.get(key))
    .filter((item) => item !== undefined);
}

/** The packages of an image that keeps its entry, for those that are `from` it. */
function keptCandidates(input: PinInput, universe: Universe, image: string, platform: Platform): readonly Candidate[] {
  const problems: Problem[] = [];
  const found: Candidate[] = [];
  for (const item of lockedOf(input.lock, image, platform)) {
    const { name, version } = item;
    const candidate = universe.find(name, item);
    if (candidate !== undefined) found.push(candidate);
    else {
      problems.push({
        code: "LS2106",
        message: `image "${image}" keeps ${name} ${version}, which the archive no longer offers, so what is built on it cannot be resolved`,
        hint: `run \`lockstep pin --only ${image}\`, or \`lockstep pin\``,
      });
    }
  }
  if (problems.length > 0) throw new LockstepError(problems);
  return found;
}

interface Found {
  readonly problem: Problem;
  readonly request: PackageRequest;
  readonly platform: Platform;
}

/** Problems that an image has on all its platforms are told once, others with their platforms. */
function mergeProblems(found: readonly Found[]): readonly Problem[] {
  const merged = new Map<string, Found & { readonly platforms: Platform[] }>();
  for (const item of found) {
    // A suggestion may be there on one platform and not on another.
    const { hint: _, ...told } = item.problem;
    const key = formatProblem(told);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { ...item, platforms: [item.platform] });
    else if (!known.platforms.includes(item.platform)) known.platforms.push(item.platform);
  }
  return [...merged.values()].map(({ problem, request, platforms }) =>
    platforms.length === request.platforms.length
      ? problem
      : { ...problem, message: `${problem.message} (${platforms.join(", ")})` },
  );
}

/** The packages of every image that is not kept. Throws the problems of all images and platforms at once. */
export async function resolveAll(input: PinInput): Promise<readonly ResolvedImage[]> {
  const { requests, scope, lock } = input;
  const results = new Map<string, Map<Platform, readonly Candidate[]>>();
  const problems: Found[] = [];
  const moving = requests.filter(({ image }) => scope.actions.get(image) !== "keep");
  const platforms = [...new Set(moving.flatMap((request) => request.platforms))].toSorted();
  for (const platform of platforms) {
    for (const suite of new Set(moving.map((request) => request.suite))) {
      const concerned = moving.filter((request) => request.suite === suite && request.platforms.includes(platform));
      if (concerned.length === 0) continue;
      const partial = [...scope.actions.values()].some((action) => action !== "newest");
      const wanted = partial
        ? requests.filter((request) => request.suite === suite).flatMap(({ image }) => lockedOf(lock, image, platform))
        : [];
      const universe = await input.universeOf(suite, platform, wanted);
      const failed = new Set<string>();
      for (const request of concerned) {
        const { image, base } = request;
        try {
          // Without its base an image has no problems of its own to tell.
          if (base !== undefined && failed.has(base)) {
            failed.add(image);
            continue;
          }
          const refused = versionsNotOffered(input, universe, request, platform);
          if (refused.length > 0) throw new LockstepError(refused);
          warnOfVanished(input, universe, image, platform);
          const candidates = resolve({
            universe,
            image,
            place: request.place,
            base:
              base === undefined
                ? []
                : (results.get(base)?.get(platform) ?? keptCandidates(input, universe, base, platform)),
            request: request.own,
            dependencies: request.dependencies,
            implied: impliedPackages,
            ...wishFor(input, image, platform),
          });
          const perPlatform = results.get(image) ?? new Map<Platform, readonly Candidate[]>();
          results.set(image, perPlatform.set(platform, candidates));
        } catch (error) {
          if (!(error instanceof LockstepError)) throw error;
          failed.add(image);
          problems.push(...error.problems.map((problem) => ({ problem, request, platform })));
        }
      }
    }
  }
  const merged = mergeProblems(problems);
  if (merged.length > 0) throw new LockstepError(merged);
  const resolved = moving.map(({ image, place }) => ({ image, place, platforms: results.get(image) ?? new Map() }));
  for (const [name, version] of scope.exact) {
    const candidates = resolved.flatMap((image) => [...image.platforms.values()].flat());
    if (!candidates.some((candidate) => candidate.name === name)) {
      throw new LockstepError({
        code: "LS2108",
        message: `${name} ${version} is offered, but what the images ask for resolves without it`,
        hint: `name ${name} in the list of packages of the image that is to have it`,
      });
    }
  }
  return resolved;
}

function wishFor({ lock, scope }: PinInput, image: string, platform: Platform): Wish {
  const prefer = preferenceFor(lock, scope, image, platform);
  return { ...(prefer === undefined ? {} : { prefer }), ...(scope.exact.size === 0 ? {} : { exact: scope.exact }) };
}

/** The most versions that a message lists. */
const mostVersions = 8;

/** Packages of an image that are to have a version which no signed index has (LS2108), with what there is. */
function versionsNotOffered(
  { lock, scope }: PinInput,
  universe: Universe,
  request: PackageRequest,
  platform: Platform,
): readonly Problem[] {
  const locked = new Set(lockedOf(lock, request.image, platform).map(({ name }) => name));
  return [...scope.exact].flatMap(([name, version]): readonly Problem[] => {
    if (!locked.has(name) && !request.names.includes(name)) return [];
    const known = universe.known(name);
    if (exactly(known, version).length > 0) return [];
    const versions = [...new Set(known.map((candidate) => candidate.version))];
    const told = versions.length > mostVersions ? [...versions.slice(0, mostVersions), "…"] : versions;
    const place = request.own.find((item) => item.name === name)?.place ?? request.place;
    return [
      {
        code: "LS2108",
        message: `no signed index of ${universe.suite} offers ${name} ${version} for image "${request.image}"; there is ${told.join(", ") || "none of that name"}`,
        place,
        hint: "take one of these; an older version can be had only while the archive lists it, or the lock and the store still have the release that did",
      },
    ];
  });
}

/** Tells of locked packages that should stay, but are nowhere to be had. */
function warnOfVanished(input: PinInput, universe: Universe, image: string, platform: Platform): void {
  const { lock, scope, report } = input;
  if (scope.actions.get(image) !== "prefer") return;
  for (const item of lockedOf(lock, image, platform)) {
    const { name, version } = item;
    if (scope.released.has(name) || universe.find(name, item) !== undefined) continue;
    report.warn(`${name} ${version} of image "${image}" (${platform}) is no longer in the archive and cannot be kept`);
  }
}
