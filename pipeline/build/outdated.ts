/** Which locked inputs there is something newer of: current and newest version, sizes, and the images that have them. */
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { didYouMean } from "../host/suggest.ts";
import type { Lock, LockedPackage } from "../lock/types.ts";
import type { Report } from "../report/report.ts";
import type { Universe } from "../source/debian/universe.ts";
import { compareVersions } from "../source/debian/version.ts";
import type { ImageSpec } from "../spec/types.ts";
import type { Store } from "../store/store.ts";
import { comparePaths } from "../tree/entry.ts";
import { inputRequests } from "./inputs/kinds.ts";
import { inputNames, outdatedInputs } from "./outdated-inputs.ts";
import { type ArchiveOptions, fetchOffers } from "./pin-archive.ts";
import { type PackageRequest, packageRequests } from "./requests.ts";

interface OfferedVersion {
  readonly version: string;
  /** Bytes to download. */
  readonly size: number;
  /** Of the file, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** A locked package or other input of which there is something newer; on platforms where that is the same on each, one entry. */
export interface OutdatedItem {
  /** `debian`, or the section of the lock. */
  readonly kind: string;
  readonly name: string;
  readonly current: OfferedVersion;
  /** Absent when no signed index lists the package any more, in any version. */
  readonly newest?: OfferedVersion;
  readonly platforms: readonly string[];
  readonly images: readonly string[];
}

export interface OutdatedOptions extends ArchiveOptions {
  /** The repository's root directory. */
  readonly root: string;
  readonly specs: readonly ImageSpec[];
  readonly lock: Lock;
  /** Images and packages to look at; all when there are none. */
  readonly names: readonly string[];
}

function itemsOf(lock: Lock, image: string, platform: string): readonly LockedPackage[] {
  return (lock.images.get(image)?.platforms[platform] ?? []).flatMap((key) => lock.packages.get(key) ?? []);
}

/** Throws LS1002 for a name that is neither an image with locked inputs nor one of them. */
function checkNames(names: readonly string[], known: ReadonlySet<string>): void {
  const problems = names
    .filter((name) => !known.has(name))
    .map((name) => {
      const hint = didYouMean(name, known);
      return {
        code: "LS1002" as const,
        message: `"${name}" is neither an image with locked inputs, nor a package or another input in the lock`,
        ...(hint === undefined ? {} : { hint }),
      };
    });
  if (problems.length > 0) throw new LockstepError(problems);
}

/** The newest that is offered, when it is another one than the locked; `gone` when nothing is offered. */
function newerThan(universe: Universe, item: LockedPackage): OfferedVersion | "gone" | undefined {
  const newest = universe.offered(item.name)[0];
  if (newest === undefined) return "gone";
  const order = compareVersions(newest.version, item.version);
  // Nothing newer, but what is locked is not on offer either: the archive took it back, or has other bytes under its version.
  const other = order === 0 ? newest.sha256 !== item.sha256 : order < 0;
  if (order <= 0 && !(other && universe.find(item.name, item) === undefined)) return undefined;
  const { version, size, sha256 } = newest;
  return { version, size, sha256 };
}

/**
 * Asks about everything locked whether there is something newer: Debian packages in the archive's signed indexes, other inputs where they
 * may move. Of the images and inputs that are named, or of all; Debian packages first, each kind sorted by name. Writes nothing but
 * blobs in the store. Throws LS1002, LS23xx, LS31xx, and what the other kinds throw.
 */
export async function findOutdated(
  host: Host,
  store: Store,
  report: Report,
  { root, specs, lock, names, ...options }: OutdatedOptions,
): Promise<readonly OutdatedItem[]> {
  const { signal } = options;
  // An image that is not in the lock yet has nothing that could be outdated; `check` tells of it.
  const requests = packageRequests(specs).filter(({ image }) => lock.images.has(image));
  const work = { root, specs, host, store, report, ...(signal === undefined ? {} : { signal }) };
  const known = [
    ...requests.map(({ image }) => image),
    ...[...lock.packages.values()].map(({ name }) => name),
    ...inputNames([...inputRequests(work, lock).values()].flat()),
  ];
  checkNames(names, new Set(known));
  const packages = await outdatedPackages(host, store, report, requests, { lock, names, ...options });
  return [...packages, ...(await outdatedInputs(work, lock, names))];
}

async function outdatedPackages(
  host: Host,
  store: Store,
  report: Report,
  all: readonly PackageRequest[],
  { lock, names, ...options }: Omit<OutdatedOptions, "root" | "specs">,
): Promise<readonly OutdatedItem[]> {
  // What is named may be about other inputs alone: then no archive is asked.
  const meant = ({ image, platforms }: PackageRequest): boolean =>
    names.length === 0 ||
    names.includes(image) ||
    platforms.some((platform) => itemsOf(lock, image, platform).some(({ name }) => names.includes(name)));
  const requests = all.filter(meant);
  if (requests.length === 0) return [];
  const offers = await fetchOffers(host, store, report, requests, lock, options);
  const found = new Map<string, { item: OutdatedItem; platforms: Set<string>; images: Set<string> }>();
  for (const platform of new Set(requests.flatMap((request) => request.platforms))) {
    for (const suite of new Set(requests.map((request) => request.suite))) {
      const concerned = requests.filter((request) => request.suite === suite && request.platforms.includes(platform));
      if (concerned.length === 0) continue;
      const universe = await offers.universe(suite, platform);
      for (const { image } of concerned) {
        for (const item of itemsOf(lock, image, platform)) {
          if (names.length > 0 && !names.includes(image) && !names.includes(item.name)) continue;
          const newest = newerThan(universe, item);
          if (newest === undefined) continue;
          const { name, version, size, sha256 } = item;
          const key = [name, version, newest === "gone" ? "" : newest.version].join(" ");
          const known = found.get(key) ?? {
            item: {
              kind: "debian",
              name,
              current: { version, size, sha256 },
              ...(newest === "gone" ? {} : { newest }),
              platforms: [],
              images: [],
            },
            platforms: new Set(),
            images: new Set(),
          };
          known.platforms.add(platform);
          known.images.add(image);
          found.set(key, known);
        }
      }
    }
  }
  return [...found.values()]
    .map(({ item, platforms, images }) => ({
      ...item,
      platforms: [...platforms].toSorted(comparePaths),
      images: [...images].toSorted(comparePaths),
    }))
    .toSorted((a, b) => comparePaths(a.name, b.name) || comparePaths(a.platforms.join(" "), b.platforms.join(" ")));
}
