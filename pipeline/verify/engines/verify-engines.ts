/** Verify on engines: each image is built and rebuilt on as many of them as wanted, and all must come to one digest. */
import { join } from "node:path";
import type { Host } from "../../host/host.ts";
import { layoutRoots } from "../../image/read-layout.ts";
import { sizeOf, type Lock } from "../../lock/types.ts";
import type { Report } from "../../report/report.ts";
import { type EngineRunner, type FleetResult, type Rebuilt, rebuildOnEngines } from "./fleet.ts";
import type { Job } from "./schedule.ts";

/** Bytes of packages that an engine fetches, unpacks and compresses in a second, both times together. */
const bytesPerSecond = 8_000_000;
/** What an image takes that has nothing in it. */
const leastSeconds = 1;

/** What rebuilding an image is thought to take, by what the lock says goes into it. */
function costOf(lock: Lock, image: string): number {
  const platforms = Object.values(lock.images.get(image)?.platforms ?? {});
  const packages = platforms.flat().reduce((sum, key) => sum + (lock.packages.get(key)?.size ?? 0), 0);
  return leastSeconds + packages / bytesPerSecond;
}

/** What all inputs that are no packages come to, shared evenly: the lock does not say which image they are for. */
function sharedCost(lock: Lock, images: number): number {
  const sections = [lock.bases, lock.git, lock.http, lock.npm, lock.wheels] as const;
  const bytes = sections.flatMap((section) => [...section.values()]).reduce((sum, entry) => sum + sizeOf(entry), 0);
  return images === 0 ? 0 : bytes / bytesPerSecond / images;
}

export interface EnginesVerdict {
  readonly image: string;
  readonly verdict: "reproduced" | "differs" | "could not tell";
  /** Of the layout that lies here, where there is one. */
  readonly expected?: string;
  readonly rebuilds: readonly Rebuilt[];
  /** Why it could not be told, or what differs. */
  readonly reasons: readonly string[];
}

/** Judges one image: `reproduced` only when as many engines as wanted say so, all with one digest, and with that of the layout here. */
export function judgeEngines(
  image: string,
  rebuilds: readonly Rebuilt[],
  failures: readonly string[],
  wanted: number,
  expected: string | undefined,
): EnginesVerdict {
  const digests = new Set(rebuilds.flatMap(({ digest }) => digest ?? []));
  if (expected !== undefined) digests.add(expected);
  const here = { image, rebuilds, ...(expected === undefined ? {} : { expected }) };
  const differing = rebuilds.filter(({ verdict }) => verdict === "differs");
  if (digests.size > 1 || differing.length > 0) {
    const reasons = [
      ...differing.map(({ engine }) => `${engine} does not reproduce it itself`),
      ...(digests.size > 1 ? [`there are ${digests.size} digests`] : []),
    ];
    return { ...here, verdict: "differs", reasons };
  }
  const untold = rebuilds.filter(({ verdict }) => verdict === "could not tell");
  const engines = new Set(rebuilds.filter(({ verdict }) => verdict === "reproduced").map(({ engine }) => engine));
  if (engines.size >= wanted && digests.size === 1 && untold.length === 0)
    return { ...here, verdict: "reproduced", reasons: [] };
  const reasons = [...untold.map(({ engine, reason }) => `${engine}: ${reason ?? "it gives no reason"}`), ...failures];
  return {
    ...here,
    verdict: "could not tell",
    reasons: reasons.length > 0 ? reasons : [`${engines.size} of ${wanted} engines rebuilt it`],
  };
}

export interface EnginesOptions {
  readonly engines: readonly string[];
  /** How many engines rebuild each image. */
  readonly rebuilders: number;
  /** Directory of the layouts that lie here. */
  readonly layouts: string;
  readonly signal: AbortSignal;
}

/** The digest of the layout of an image, where one lies in the directory. */
async function digestHere(layouts: string, image: string): Promise<string | undefined> {
  const roots = await layoutRoots(join(layouts, image)).catch(() => []);
  return roots.find(({ name }) => name === image)?.digest;
}

/** What a call of the module takes on an engine whatever is in it, in seconds (docs/dagger.md, "Figures"). */
const callOverhead = 8;

/** Verifies images on engines. Gives a verdict for each image, and which engines were lost. */
export async function verifyOnEngines(
  host: Host,
  report: Report,
  runner: EngineRunner,
  lock: Lock,
  images: readonly string[],
  options: EnginesOptions,
): Promise<{ readonly verdicts: readonly EnginesVerdict[]; readonly lost: FleetResult["lost"] }> {
  const { engines, rebuilders, layouts, signal } = options;
  const shared = sharedCost(lock, images.length);
  const jobs = images.map((image): Job => ({ image, cost: costOf(lock, image) + shared }));
  const schedule = { rebuilders, overhead: callOverhead, largestBatch: 100 };
  const fleet = await rebuildOnEngines(host, report, runner, jobs, engines, schedule, signal);
  const verdicts = await Promise.all(
    images.map(async (image) =>
      judgeEngines(
        image,
        fleet.rebuilds.get(image) ?? [],
        fleet.failures.get(image) ?? [],
        rebuilders,
        await digestHere(layouts, image),
      ),
    ),
  );
  return { verdicts, lost: fleet.lost };
}

/** Verdicts for people: a line for each image with how many engines said so, and why where it is not reproduced. */
export function describeEngines({
  verdicts,
  lost,
}: {
  readonly verdicts: readonly EnginesVerdict[];
  readonly lost: FleetResult["lost"];
}): string {
  const lines = verdicts.flatMap(({ image, verdict, rebuilds, expected, reasons }): readonly string[] => {
    const by = `${rebuilds.length} ${rebuilds.length === 1 ? "engine" : "engines"}`;
    const [first] = rebuilds;
    if (verdict === "reproduced") return [`${image}: reproduced ${first?.digest ?? ""} on ${by}`];
    const head =
      verdict === "differs"
        ? `LS5001 ${image}: differs: ${reasons.join("; ")}`
        : `LS5002 ${image}: could not tell: ${reasons.join("; ")}`;
    const said = rebuilds.map(({ engine, digest }) => `  ${engine}: ${digest ?? "nothing"}`);
    return [head, ...(expected === undefined ? [] : [`  here: ${expected}`]), ...said];
  });
  const gone = [...lost].map(([engine, reason]) => `LS9030 ${engine} could not be used: ${reason}`);
  return [...gone, ...lines].map((line) => `${line}\n`).join("");
}
