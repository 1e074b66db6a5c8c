/** `pin` for Debian packages: resolves what the images ask for against the archive's signed releases. */
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { type Lock, type LockedPackage, type LockedRelease, type LockedResolution, packageKey } from "../lock/types.ts";
import type { Report } from "../report/report.ts";
import { type VerifiedRelease, partsOf } from "../source/debian/archive.ts";
import type { Candidate } from "../source/debian/candidate.ts";
import { withRecalled } from "../source/debian/recall.ts";
import { type ResolvedImage, differingVersions } from "../source/debian/same-versions.ts";
import type { Universe } from "../source/debian/universe.ts";
import type { Platform } from "../spec/types.ts";
import type { Store } from "../store/store.ts";
import { comparePaths } from "../tree/entry.ts";
import { architectureOf } from "./architecture.ts";
import { type ArchiveOptions, fetchOffers } from "./pin-archive.ts";
import { resolveAll } from "./pin-resolve.ts";
import type { Scope } from "./pin-scope.ts";
import type { PackageRequest } from "./requests.ts";

/** The sections of the lock that are about Debian packages. */
type Resolutions = Pick<Lock, "images" | "packages" | "releases">;

export interface PinnedPackages extends Resolutions {
  /** Bytes once installed, as the indexes state them, by SHA-256 of what was resolved. */
  readonly installed: ReadonlyMap<string, number>;
}

/** Keys of the lock's releases of a suite, with those of its updates and security fixes. */
function releasesOf(lock: Lock, suite: string): readonly string[] {
  const parts = new Set(partsOf(suite).map((part) => part.suite));
  return [...lock.releases].filter(([, release]) => parts.has(release.suite)).map(([key]) => key);
}

/** A candidate as the lock keeps it; an entry that says the same stays as it is, with the release that first vouched for it. */
function lockPackage(candidate: Candidate, old: LockedPackage | undefined): LockedPackage {
  if (old !== undefined && old.sha256 === candidate.sha256) return old;
  const { name, version, architecture, archive, path, size, sha256, source, sourceVersion, release } = candidate;
  return { name, version, architecture, archive, path, size, sha256, source, sourceVersion, release };
}

function sorted<V>(map: ReadonlyMap<string, V>): ReadonlyMap<string, V> {
  return new Map([...map].toSorted(([a], [b]) => comparePaths(a, b)));
}

function compose(
  old: Lock,
  requests: readonly PackageRequest[],
  scope: Scope,
  resolved: readonly ResolvedImage[],
  fetched: readonly VerifiedRelease[],
): Resolutions {
  const packages = new Map<string, LockedPackage>();
  const images = new Map<string, LockedResolution>();
  const results = new Map(resolved.map((image) => [image.image, image.platforms]));
  for (const { image, suite, dependencies, names } of requests) {
    const entry = old.images.get(image);
    if (scope.actions.get(image) === "keep" && entry !== undefined) {
      images.set(image, entry);
      for (const key of Object.values(entry.platforms).flat()) {
        const item = old.packages.get(key);
        if (item !== undefined) packages.set(key, item);
      }
      continue;
    }
    const platforms: Record<string, readonly string[]> = {};
    for (const [platform, candidates] of results.get(image) ?? []) {
      for (const candidate of candidates) {
        const key = packageKey(candidate);
        packages.set(key, lockPackage(candidate, old.packages.get(key)));
      }
      platforms[platform] = candidates.map(packageKey).toSorted(comparePaths);
    }
    images.set(image, { suite, dependencies, request: names, platforms });
  }
  const known = new Map<string, LockedRelease>([
    ...old.releases,
    ...fetched.map(({ key, locked }) => [key, locked] as const),
  ]);
  const used = new Set([...packages.values()].map(({ release }) => release));
  const releases = new Map([...known].filter(([key]) => used.has(key)));
  return { releases: sorted(releases), packages: sorted(packages), images: sorted(images) };
}

/**
 * The packages that answer the specs with what the archive offers now. Nothing is written but blobs in the store. Packages that did not
 * change keep their entries. Throws LS21xx (resolving), LS23xx (releases), LS31xx (mirrors and downloads).
 */
export async function pinPackages(
  host: Host,
  store: Store,
  report: Report,
  requests: readonly PackageRequest[],
  scope: Scope,
  options: ArchiveOptions & { readonly lock: Lock },
): Promise<PinnedPackages> {
  const { lock } = options;
  const moving = requests.filter(({ image }) => scope.actions.get(image) !== "keep");
  if (moving.length === 0) return { ...compose(lock, requests, scope, [], []), installed: new Map() };

  const offers = await fetchOffers(host, store, report, moving, lock, options);
  const universeOf = async (suite: string, platform: Platform, locked: readonly LockedPackage[]): Promise<Universe> => {
    const universe = await offers.universe(suite, platform);
    // An earlier version may be asked for that no entry holds any more: every release of the lock is looked through.
    const releases = scope.exact.size === 0 ? [] : releasesOf(lock, suite);
    return await withRecalled(store, lock, universe, architectureOf(platform), locked, releases);
  };
  const resolved = await resolveAll({ requests, lock, scope, report, universeOf });
  const differing = differingVersions(resolved);
  if (differing.length > 0) throw new LockstepError(differing);
  const candidates = resolved.flatMap(({ platforms }) => [...platforms.values()].flat());
  const installed = new Map(
    candidates.flatMap(({ sha256, installedSize }) => (installedSize === undefined ? [] : [[sha256, installedSize]])),
  );
  return { ...compose(lock, requests, scope, resolved, offers.releases), installed };
}
