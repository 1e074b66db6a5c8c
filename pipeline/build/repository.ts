/** A repository as the verbs need it: specs and lock, read and checked against each other. */
import { LockstepError, type Problem } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { readLock } from "../lock/lockfile.ts";
import type { InputEntry, Lock, LockedPackage } from "../lock/types.ts";
import type { Report } from "../report/report.ts";
import { addressBelow } from "../source/address.ts";
import { findMirrors, type Mirrors } from "../source/debian/mirrors.ts";
import type { BaseConfig } from "../source/image/config.ts";
import { type FetchOptions, fetchBlobs } from "../source/fetch.ts";
import { loadImages } from "../spec/load.ts";
import type { ImageSpec } from "../spec/types.ts";
import type { Store } from "../store/store.ts";
import { admitBases } from "./base/fetch.ts";
import { registryImages } from "./base/registry-image.ts";
import { inputSections, kindOf } from "./inputs/kinds.ts";
import { inputProblems } from "./inputs/stale.ts";
import { resolutionStale, resolutionsUnused } from "./pin-stale.ts";
import type { PlannedImage } from "./plan.ts";
import { planImages, sourceDateEpoch } from "./planner.ts";

export interface Repository {
  readonly root: string;
  /** Bases before those that are `from` them. */
  readonly specs: readonly ImageSpec[];
  readonly lock: Lock;
}

/**
 * The specs below `root`; those that were read before come from the store, and `onNew` is called before one that was not is read. Throws
 * LS1006 and LS20xx with all problems at once.
 */
export function readSpecs(store: Store, root: string, onNew?: () => void): Promise<readonly ImageSpec[]> {
  return loadImages(root, {
    get: async (key) => {
      const known = await store.getRecord("spec", key);
      if (known === undefined) onNew?.();
      return known;
    },
    put: (key, value) => store.putRecord("spec", key, value),
  });
}

/** Reads specs and lock; throws LS1006, LS20xx and LS22xx. `onNew` is called before a spec is read that was not read before. */
export async function openRepository(store: Store, root: string, onNew?: () => void): Promise<Repository> {
  const [specs, lock] = await Promise.all([readSpecs(store, root, onNew), readLock(root)]);
  return { root, specs, lock };
}

/** Where the lock is not the answer to the specs (LS2201, LS2208). */
export function lockProblems({ root, specs, lock }: Repository): readonly Problem[] {
  const images = [...resolutionStale(specs, lock), ...resolutionsUnused(specs, lock)].map(({ problem }) => problem);
  return [...images, ...inputProblems({ root, specs }, lock)];
}

/** LS2201 and LS2208 when the lock is out of date. */
function checkLock(repository: Repository): void {
  const problems = lockProblems(repository);
  if (problems.length > 0) throw new LockstepError(problems);
}

/** Admits the base images of the named images, or of all, for `planRepository`; what they are made of comes into the store. */
export async function admitRepositoryBases(
  host: Host,
  store: Store,
  report: Report,
  repository: Repository,
  names: readonly string[],
  options: Pick<FetchOptions, "offline" | "signal"> = {},
): Promise<ReadonlyMap<string, BaseConfig>> {
  if (repository.specs.every(({ base }) => base === undefined)) return new Map();
  checkLock(repository);
  return admitBases(store, report, repository, names, {
    ...options,
    open: registryImages(host, report, options.signal),
  });
}

/** Plans the named images, or all; LS2201 when the lock is out of date. `bases` are what `admitRepositoryBases` gave for them. */
export function planRepository(
  host: Host,
  repository: Repository,
  names: readonly string[],
  bases: ReadonlyMap<string, BaseConfig> = new Map(),
): readonly PlannedImage[] {
  checkLock(repository);
  const epoch = sourceDateEpoch(host);
  return planImages({ ...repository, bases, ...(epoch === undefined ? {} : { epoch }) }, names);
}

/** Brings everything of the lock that the plans need into the store; touches no network when all is there. LS31xx otherwise. */
export async function fetchLocked(
  host: Host,
  store: Store,
  report: Report,
  source: Pick<Repository, "root" | "specs">,
  images: readonly PlannedImage[],
  options: FetchOptions = {},
): Promise<void> {
  await fetchPackages(host, store, report, images, options);
  for (const section of inputSections) {
    const entries = new Map<string, InputEntry>(images.flatMap(({ inputs }) => [...inputs[section]]));
    if (entries.size > 0) await kindOf(section).fetch(host, store, report, source, entries, options);
  }
}

async function fetchPackages(
  host: Host,
  store: Store,
  report: Report,
  images: readonly PlannedImage[],
  options: FetchOptions,
): Promise<void> {
  const packages = new Map<string, LockedPackage>();
  for (const image of images) for (const item of image.packages.values()) packages.set(item.sha256, item);
  await fetchDebs(host, store, report, packages.values(), options);
}

/** Brings packages of the lock into the store; touches no network when all are there. LS31xx otherwise. */
export async function fetchDebs(
  host: Host,
  store: Store,
  report: Report,
  packages: Iterable<LockedPackage>,
  options: FetchOptions,
): Promise<void> {
  const wanted = [...packages].map((item) => ({
    ...item,
    name: item.path,
    digest: `sha256:${item.sha256}` as const,
  }));
  // Mirrors are looked up only when something is missing.
  let mirrors: Promise<Mirrors> | undefined;
  const addresses = async ({ archive, path }: LockedPackage): Promise<readonly string[]> => {
    mirrors ??= findMirrors(host);
    return (await mirrors)[archive].map((base) => addressBelow(base, path));
  };
  await fetchBlobs(host, store, report, wanted, addresses, { title: "download packages", ...options });
}
