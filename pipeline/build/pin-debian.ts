/** `pin` for Debian packages: resolves what the images ask for against the archive's signed releases. */
import { LockstepError, formatProblem } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { type Lock, type LockedPackage, type LockedRelease, type LockedResolution, packageKey } from "../lock/types.ts";
import type { Report } from "../report/report.ts";
import { type ArchiveAccess, type VerifiedRelease, fetchRelease, partsOf } from "../source/debian/archive.ts";
import type { Candidate } from "../source/debian/candidate.ts";
import { type WantedIndex, indexAddresses, indexesOf, readIndex } from "../source/debian/indexes.ts";
import { readKeyring } from "../source/debian/keys.ts";
import { findMirrors } from "../source/debian/mirrors.ts";
import { withRecalled } from "../source/debian/recall.ts";
import { type ResolvedImage, differingVersions } from "../source/debian/same-versions.ts";
import { Universe } from "../source/debian/universe.ts";
import { fetchBlobs } from "../source/fetch.ts";
import { Transport } from "../source/http.ts";
import type { Platform } from "../spec/types.ts";
import type { Store } from "../store/store.ts";
import { comparePaths } from "../tree/entry.ts";
import { architectureOf } from "./architecture.ts";
import { resolveAll } from "./pin-resolve.ts";
import type { PinOptions } from "./pin.ts";
import type { Scope } from "./pin-scope.ts";
import type { PackageRequest } from "./requests.ts";

/** The sections of the lock that are about Debian packages. */
type Resolutions = Pick<Lock, "images" | "packages" | "releases">;

/** Date of the newest release of a suite that the lock knows: an older one is a mirror that lags, or worse. */
function newestDate(lock: Lock, suite: string): string | undefined {
  const dates = [...lock.releases.values()].filter((release) => release.suite === suite).map(({ date }) => date);
  return dates.toSorted().at(-1);
}

async function fetchReleases(
  access: ArchiveAccess,
  requests: readonly PackageRequest[],
  lock: Lock,
): Promise<ReadonlyMap<string, readonly VerifiedRelease[]>> {
  const suites = new Map(requests.toReversed().map((request) => [request.suite, request.place]));
  const found = new Map<string, readonly VerifiedRelease[]>();
  for (const [suite, place] of suites) {
    const results = await Promise.allSettled(
      partsOf(suite).map((part) => fetchRelease(access, part, newestDate(lock, part.suite), place)),
    );
    const problems = results.flatMap((result) => {
      if (result.status === "fulfilled") return [];
      if (result.reason instanceof LockstepError) return result.reason.problems;
      throw result.reason;
    });
    // The parts can fail for one and the same reason, such as an interrupt.
    if (problems.length > 0)
      throw new LockstepError([...new Map(problems.map((it) => [formatProblem(it), it])).values()]);
    found.set(
      suite,
      results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
    );
  }
  return found;
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
  options: Pick<PinOptions, "lock" | "signal" | "mirrors" | "keys">,
): Promise<Resolutions> {
  const { lock, signal } = options;
  const moving = requests.filter(({ image }) => scope.actions.get(image) !== "keep");
  if (moving.length === 0) return compose(lock, requests, scope, [], []);

  const mirrors = options.mirrors ?? (await findMirrors(host));
  const keys = options.keys ?? (await readKeyring());
  const transport = new Transport(host);
  const interrupt = signal === undefined ? {} : { signal };
  let releases: ReadonlyMap<string, readonly VerifiedRelease[]>;
  try {
    releases = await fetchReleases({ host, store, report, transport, mirrors, keys, ...interrupt }, moving, lock);
  } finally {
    transport.close();
  }

  const indexes = new Map<string, readonly WantedIndex[]>();
  for (const { suite, platforms } of moving) {
    for (const platform of platforms) {
      const wanted = (releases.get(suite) ?? []).flatMap((release) => indexesOf(release, architectureOf(platform)));
      indexes.set(`${suite} ${platform}`, wanted);
    }
  }
  await fetchBlobs(host, store, report, [...indexes.values()].flat(), (index) => indexAddresses(index, mirrors), {
    title: "downloading package indexes",
    whenGone: "the mirror is being updated or incomplete; pin again in some minutes, or use another mirror",
    ...interrupt,
  });

  const universeOf = async (suite: string, platform: Platform, locked: readonly LockedPackage[]): Promise<Universe> => {
    const architecture = architectureOf(platform);
    const sources = [];
    for (const index of indexes.get(`${suite} ${platform}`) ?? []) sources.push(await readIndex(store, index));
    const universe = new Universe(suite, architecture, sources);
    return locked.length === 0 ? universe : await withRecalled(store, lock, universe, architecture, locked);
  };
  const resolved = await resolveAll({ requests, lock, scope, report, universeOf });
  const differing = differingVersions(resolved);
  if (differing.length > 0) throw new LockstepError(differing);
  return compose(lock, requests, scope, resolved, [...releases.values()].flat());
}
