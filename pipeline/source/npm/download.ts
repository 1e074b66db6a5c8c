/** Downloads tarballs of which their integrity is known, to find out their size and SHA-256. */
import { LockstepError, messageOf, type Problem, systemCode } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { inParallel } from "../../host/parallel.ts";
import type { Report } from "../../report/report.ts";
import { hexOf } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import { shownAddress } from "../address.ts";
import { backOff } from "../../host/back-off.ts";
import { Transport, type TransportOptions } from "../http.ts";
import { IntegrityCheck } from "./integrity.ts";

/** A tarball that is wanted, with what problems call it. */
export interface WantedTarball {
  readonly name: string;
  readonly integrity: string;
  /** In the order to try them. */
  readonly addresses: readonly string[];
}

export interface FoundTarball {
  readonly size: number;
  readonly sha256: string;
}

/** Bytes of the largest tarball that is taken. */
const largest = 2 ** 30;
const tries = 4;
const atOnce = 12;

interface Refusal {
  readonly address: string;
  readonly reason: string;
  /** Whether it has other bytes. */
  readonly wrong: boolean;
  /** Whether another try may help. */
  readonly passing: boolean;
}

async function attempt(
  transport: Transport,
  store: Store,
  { integrity }: WantedTarball,
  address: string,
  signal: AbortSignal | undefined,
): Promise<FoundTarball | Refusal> {
  const refusal = (reason: string, passing: boolean, wrong = false): Refusal => ({ address, reason, passing, wrong });
  const opened = await transport.open(address, 0, signal);
  if (opened.kind === "status") {
    const { status } = opened;
    return refusal(`answers ${status}`, status === 408 || status === 425 || status === 429 || status >= 500);
  }
  if (opened.kind === "misled") return refusal(opened.reason, false);
  const check = new IntegrityCheck(integrity);
  const writer = await store.writer();
  try {
    let size = 0;
    for await (const piece of opened.body) {
      size += piece.length;
      if (size > largest) return refusal(`has more than ${largest} bytes`, false);
      check.update(piece);
      await writer.write(piece);
    }
    if (opened.size !== undefined && size !== opened.size)
      return refusal(`ended after ${size} of ${opened.size} bytes`, true);
    if (!check.finish()) return refusal("has other bytes", false, true);
    const blob = await writer.commit();
    return { size: blob.size, sha256: hexOf(blob.digest) };
  } finally {
    await writer.abort();
  }
}

/** One tarball from the first address that has it; what every address said when none has. */
async function find(
  host: Host,
  store: Store,
  transport: Transport,
  wanted: WantedTarball,
  signal: AbortSignal | undefined,
): Promise<FoundTarball | readonly Refusal[]> {
  const refusals = new Map<string, Refusal>();
  for (let round = 1; round <= tries; round++) {
    for (const address of wanted.addresses) {
      if (refusals.get(address)?.passing === false) continue;
      if (signal?.aborted === true) throw new LockstepError({ code: "LS1003", message: "interrupted" });
      try {
        const found = await attempt(transport, store, wanted, address, signal);
        if ("sha256" in found) return found;
        refusals.set(address, found);
      } catch (error) {
        if (error instanceof LockstepError) throw error;
        refusals.set(address, { address, reason: systemCode(error) ?? messageOf(error), wrong: false, passing: true });
      }
    }
    if (![...refusals.values()].some(({ passing }) => passing)) break;
    if (round < tries) await host.sleep(backOff(host, round), signal);
  }
  return [...refusals.values()];
}

function problemOf({ name, integrity }: WantedTarball, refusals: readonly Refusal[]): Problem {
  const said = refusals.map(({ address, reason }) => `${shownAddress(address)} ${reason}`).join("; ");
  if (refusals.some(({ wrong }) => wrong)) {
    const hint =
      "find out from who publishes it what the package is; the lock file of the project was made from other bytes";
    return { code: "LS2508", message: `${name} is not of its integrity ${integrity}: ${said}`, hint };
  }
  const hint =
    "look at `npm config list` in the project: it says which registry is asked, and whether npm knows you there";
  return { code: "LS3102", message: `${name} cannot be downloaded: ${said}`, hint };
}

/**
 * Downloads tarballs into the store, and gives them in the order they were asked for. Throws, for all at once, LS2508 (other bytes than the
 * integrity says) and LS3102 (cannot be had); LS1003 on an interrupt, LS1004 without space.
 */
export async function downloadTarballs(
  host: Host,
  store: Store,
  report: Report,
  wanted: readonly WantedTarball[],
  options: TransportOptions,
  signal?: AbortSignal,
): Promise<readonly FoundTarball[]> {
  const transport = new Transport(host, { ...options, connections: atOnce });
  const task = report.task(`download ${wanted.length} npm ${wanted.length === 1 ? "tarball" : "tarballs"}`, "items");
  const problems: Problem[] = [];
  const found: FoundTarball[] = [];
  let done = 0;
  try {
    await inParallel(wanted, atOnce, async (item, index) => {
      const result = await find(host, store, transport, item, signal);
      if ("sha256" in result) found[index] = result;
      else problems.push(problemOf(item, result));
      task.progress(++done, wanted.length);
    });
  } finally {
    transport.close();
    task.done();
  }
  if (problems.length > 0)
    throw new LockstepError(problems.toSorted((a, b) => (a.message < b.message ? -1 : 1)).slice(0, 50));
  return found;
}
