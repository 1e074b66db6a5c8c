/** Brings blobs into the store: in parallel, resumable, from any of several addresses, checked against their digests. */
import { LockstepError, type Problem } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { Report } from "../report/report.ts";
import type { Store } from "../store/store.ts";
import { shownAddress } from "./address.ts";
import { type Refusal, type Run, type Wanted, download } from "./download.ts";
import type { TransportOptions } from "./http.ts";

export type { Wanted } from "./download.ts";

export interface FetchOptions extends TransportOptions {
  /** Downloads at once; 8 unless given. */
  readonly parallel?: number;
  /** How often each address is tried; 4 unless given. */
  readonly tries?: number;
  /** Never touches the network: what is not in the store is missing. */
  readonly offline?: boolean;
  readonly signal?: AbortSignal;
  /** What to do when no address has a file any more; `run \`lockstep pin\`` unless given. */
  readonly whenGone?: string;
  /** Title of the progress. */
  readonly title?: string;
}

export interface Fetched {
  /** Blobs that had to be downloaded, and their bytes. */
  readonly files: number;
  readonly bytes: number;
}

interface Failure {
  readonly wanted: Wanted;
  readonly refusals: readonly Refusal[];
}

function said({ address, reason }: Refusal): string {
  return `${shownAddress(address)} ${reason}`;
}

function listNames(items: readonly Wanted[]): string {
  return items.map(({ name }) => name).join(", ");
}

/** The problems of files that are gone or other than pinned, one each, and one for all that could not be reached. */
function problemsOf(
  failures: readonly Failure[],
  present: readonly Wanted[],
  whenGone: string,
  offline: boolean,
): Problem[] {
  const problems: Problem[] = [];
  const unreached: Failure[] = [];
  for (const failure of failures) {
    const { wanted, refusals } = failure;
    const wrong = refusals.filter(({ kind }) => kind === "wrong");
    if (refusals.length === 0 || refusals.some(({ kind }) => kind === "broken" || kind === "refused")) {
      unreached.push(failure);
    }
    if (wrong.length > 0) {
      problems.push({
        code: "LS3104",
        message: `${wanted.name}: ${wrong.map(said).join("; ")} (expected ${wanted.digest}, ${wanted.size} bytes)`,
        hint: "use another mirror; if every mirror has these bytes, the archive has replaced the file: run `lockstep pin` and look at the difference",
      });
    } else if (refusals.length > 0 && refusals.every(({ kind }) => kind === "gone")) {
      problems.push({
        code: "LS3103",
        message: `${wanted.name}: no mirror has it any more (${refusals.map(said).join("; ")})`,
        hint: whenGone,
      });
    }
  }
  if (unreached.length > 0) {
    const reasons = [...new Set(unreached.flatMap(({ refusals }) => refusals.map(said)))].slice(0, 6);
    const lines = unreached.map(({ wanted }) => `\n  missing: ${wanted.name} (${wanted.size} bytes, ${wanted.digest})`);
    const there = present.length === 0 ? "nothing" : listNames(present);
    const why = offline ? "the network is not to be used" : reasons.join("; ");
    problems.push({
      code: "LS3102",
      message: `${unreached.length} of ${failures.length + present.length} files cannot be downloaded: ${why}${lines.join("")}\n  in the store: ${there}`,
      hint: offline
        ? "run the command once where the network may be used; what was downloaded is kept"
        : "run the command again when the network or a mirror is there; what was downloaded is kept",
    });
  }
  return problems;
}

/**
 * Makes sure that every wanted blob is in the store. `addressesOf` gives the complete addresses of one, in the order to try them; it is
 * asked only for what is missing, so nothing needs a network or a mirror when the store has everything.
 * Throws, for all files at once: LS3102 (cannot be reached; lists what is missing and what is there), LS3103 (gone everywhere),
 * LS3104 (other bytes, with both digests and the mirror); and LS1003 on an interrupt, LS1004 without space.
 */
export async function fetchBlobs<W extends Wanted>(
  host: Host,
  store: Store,
  report: Report,
  wanted: readonly W[],
  addressesOf: (item: W) => readonly string[] | Promise<readonly string[]>,
  options: FetchOptions = {},
): Promise<Fetched> {
  const unique = [...new Map(wanted.map((item) => [item.digest, item])).values()];
  const missing: W[] = [];
  const present: W[] = [];
  for (const item of unique) {
    const blob = await store.find(item.digest);
    if (blob !== undefined && blob.size !== item.size) await store.corrupt(item.digest);
    (blob?.size === item.size ? present : missing).push(item);
  }
  if (missing.length === 0) return { files: 0, bytes: 0 };
  const whenGone = options.whenGone ?? "run `lockstep pin`, which looks for what the archive has now";
  if (options.offline === true) {
    const failures = missing.map((item) => ({ wanted: item, refusals: [] }));
    throw new LockstepError(problemsOf(failures, present, whenGone, true));
  }

  // Loaded now: Node's HTTP client takes longer to load than everything else that a build with nothing to fetch needs.
  const { Transport } = await import("./http.ts");
  const { signal } = options;
  const stop = new AbortController();
  const run: Run = {
    host,
    store,
    transport: new Transport(host, options),
    tries: options.tries ?? 4,
    signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
    answered: false,
    unreachable: false,
  };
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  const task = report.task(options.title ?? `downloading ${missing.length} files`, "bytes");
  let done = 0;
  const onBytes = (count: number): void => {
    done += count;
    task.progress(done, total);
  };
  const failures: Failure[] = [];
  // The largest first: one that starts last would be waited for alone.
  const queue = missing.toSorted((a, b) => b.size - a.size);
  const work = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      const outcome = await download(run, item, await addressesOf(item), onBytes);
      if (outcome.kind === "failed") failures.push({ wanted: item, refusals: outcome.refusals });
      else present.push(item);
    }
  };
  try {
    const workers = Array.from({ length: Math.min(options.parallel ?? 8, missing.length) }, work);
    // The first that throws stops the others, which lay their files aside before this returns.
    const thrown: unknown[] = [];
    await Promise.all(
      workers.map((worker) =>
        worker.catch((error: unknown) => {
          thrown.push(error);
          queue.length = 0;
          stop.abort();
        }),
      ),
    );
    if (signal?.aborted === true)
      throw new LockstepError({ code: "LS1003", message: "interrupted; what was downloaded is kept" });
    if (thrown.length > 0) throw thrown[0];
  } finally {
    run.transport.close();
    task.done();
  }
  if (failures.length > 0) {
    const order = new Map(unique.map((item, position) => [item.digest, position]));
    const sorted = failures.toSorted((a, b) => (order.get(a.wanted.digest) ?? 0) - (order.get(b.wanted.digest) ?? 0));
    throw new LockstepError(problemsOf(sorted, present, whenGone, false));
  }
  return { files: missing.length, bytes: total };
}
