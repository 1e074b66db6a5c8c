/** What the archive offers the images that are to be pinned: its signed releases now, and the packages of their indexes. */
import type { Key } from "openpgp";
import { LockstepError, formatProblem } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { Lock } from "../lock/types.ts";
import type { Report } from "../report/report.ts";
import { type ArchiveAccess, type VerifiedRelease, fetchRelease, partsOf } from "../source/debian/archive.ts";
import { type WantedIndex, indexAddresses, indexesOf, readIndex } from "../source/debian/indexes.ts";
import { readKeyring } from "../source/debian/keys.ts";
import { type Mirrors, findMirrors } from "../source/debian/mirrors.ts";
import { Universe } from "../source/debian/universe.ts";
import { fetchBlobs } from "../source/fetch.ts";
import { Transport } from "../source/http.ts";
import type { Platform } from "../spec/types.ts";
import type { Store } from "../store/store.ts";
import { architectureOf } from "./architecture.ts";
import type { PackageRequest } from "./requests.ts";

export interface ArchiveOptions {
  readonly signal?: AbortSignal;
  /** Instead of the mirrors that the machine or its user has configured. */
  readonly mirrors?: Mirrors;
  /** Instead of Debian's archive keys. */
  readonly keys?: readonly Key[];
}

export interface Offers {
  /** Every release that was fetched. */
  readonly releases: readonly VerifiedRelease[];
  /** What a suite offers for a platform; reads the indexes anew each time, so that the caller decides what stays in memory. */
  universe(suite: string, platform: Platform): Promise<Universe>;
}

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

/**
 * Fetches the current releases and indexes of the suites and platforms that the requests are for. `lock`: releases older than those it
 * knows are refused. Throws LS23xx (releases) and LS31xx (mirrors and downloads).
 */
export async function fetchOffers(
  host: Host,
  store: Store,
  report: Report,
  requests: readonly PackageRequest[],
  lock: Lock,
  options: ArchiveOptions,
): Promise<Offers> {
  const { signal } = options;
  const mirrors = options.mirrors ?? (await findMirrors(host));
  const keys = options.keys ?? (await readKeyring());
  const transport = new Transport(host);
  const interrupt = signal === undefined ? {} : { signal };
  let releases: ReadonlyMap<string, readonly VerifiedRelease[]>;
  try {
    releases = await fetchReleases({ host, store, report, transport, mirrors, keys, ...interrupt }, requests, lock);
  } finally {
    transport.close();
  }

  const indexes = new Map<string, readonly WantedIndex[]>();
  for (const { suite, platforms } of requests) {
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

  return {
    releases: [...releases.values()].flat(),
    universe: async (suite, platform) => {
      const sources = [];
      for (const index of indexes.get(`${suite} ${platform}`) ?? []) sources.push(await readIndex(store, index));
      return new Universe(suite, architectureOf(platform), sources);
    },
  };
}
