/** From specs to plans with nothing but a capsule: no network, and no input that is not in it. */
import type { Host } from "../../host/host.ts";
import type { Report } from "../../report/report.ts";
import type { Store } from "../../store/store.ts";
import { withUses } from "../step/open.ts";
import type { PlannedImage } from "../plan.ts";
import { admitRepositoryBases, fetchLocked, planRepository, type Repository } from "../repository.ts";
import { capsuleBlobs, repositoryBaseBlobs } from "./blobs.ts";
import { Capsule } from "./use.ts";

/**
 * Plans the named images (all when none is named) and brings what they need from the capsule into the store. Throws LS2201 when the lock
 * is out of date, LS3350 to LS3352 when the capsule is none, lacks something or is damaged.
 */
export async function planFromCapsule(
  host: Host,
  store: Store,
  report: Report,
  repository: Repository,
  names: readonly string[],
  path: string,
  signal: AbortSignal,
): Promise<readonly PlannedImage[]> {
  const options = { signal, offline: true };
  const capsule = await Capsule.open(path);
  // Bases say things that plans depend on, so they come first.
  await capsule.take(store, report, repositoryBaseBlobs(repository, names), signal);
  const bases = await admitRepositoryBases(host, store, report, repository, names, options);
  const planned = planRepository(host, repository, names, bases);
  const all = withUses(planned);
  await capsule.take(store, report, capsuleBlobs(all), signal);
  await fetchLocked(host, store, report, repository, all, options);
  return planned;
}
