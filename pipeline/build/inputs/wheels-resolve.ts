/** `pin` for Python wheels: asks the index, takes the best file for each platform, and holds what the packages need against what is required. */
import { LockstepError, type Problem } from "../../host/errors.ts";
import { inParallel } from "../../host/parallel.ts";
import type { LockedWheel } from "../../lock/types.ts";
import type { Report } from "../../report/report.ts";
import { fetchBlobs } from "../../source/fetch.ts";
import { IndexClient } from "../../source/python/index-client.ts";
import { type RequiredWheel, readMetadata, unmetNeeds, type WheelMetadata } from "../../source/python/metadata.ts";
import type { Requirement } from "../../source/python/requirements.ts";
import { parseWheelName, rankingFor } from "../../source/python/select.ts";
import type { IndexFile } from "../../source/python/simple-index.ts";
import type { PythonTarget } from "../../source/python/target.ts";
import type { Digest } from "../../store/digest.ts";
import type { PinWork } from "./kind.ts";
import { inOneLine } from "./stated.ts";
import type { WheelRequest } from "./wheels.ts";

/** A request with the file that answers it. */
interface Chosen {
  readonly request: WheelRequest;
  readonly file: IndexFile & { readonly sha256: string };
}

function noWheel(
  { name, version, place }: Requirement,
  { python, platform, glibc }: PythonTarget,
  listed: readonly string[],
  allowed: readonly string[],
): Problem {
  const some = allowed.length === 0 ? listed : allowed;
  const shown = some.slice(0, 3).join(", ") + (some.length > 3 ? ` and ${some.length - 3} more` : "");
  const what =
    listed.length === 0
      ? "the index does not know it"
      : allowed.length === 0
        ? `the index has ${shown}, none of these hashes`
        : `the hashes are of ${shown}`;
  return {
    code: "LS2608",
    message: `${name} ${version} has no wheel for Python ${python} on ${platform} with glibc ${glibc}: ${what}`,
    place,
    hint: "generate the hashes anew, with those of all files of the version, or choose a version with a wheel for the platform",
  };
}

/** What is wrong with a file is wrong on every platform, and told once. */
function throwAll(problems: readonly Problem[]): void {
  if (problems.length > 0)
    throw new LockstepError([...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()]);
}

function chooseAll(
  requests: readonly WheelRequest[],
  found: ReadonlyMap<string, readonly IndexFile[]>,
): readonly Chosen[] {
  const problems: Problem[] = [];
  const hashes = new Map<string, string>();
  const chosen = requests.flatMap((request): readonly Chosen[] => {
    const { requirement, target } = request;
    const listed = found.get(requirement.name) ?? [];
    const allowed = listed.flatMap((file) =>
      file.sha256 !== undefined && requirement.hashes.includes(file.sha256) ? [{ ...file, sha256: file.sha256 }] : [],
    );
    const file = rankingFor(target).choose(requirement, allowed);
    const names = (files: readonly IndexFile[]): readonly string[] => files.map((it) => it.file);
    if (file === undefined) {
      problems.push(noWheel(requirement, target, names(listed), names(allowed)));
      return [];
    }
    const before = hashes.get(file.file) ?? file.sha256;
    hashes.set(file.file, before);
    if (before !== file.sha256) {
      const message = `${file.file} is two files, with the hashes ${before} and ${file.sha256}`;
      const hint = "leave the hash of one of them in the files of requirements";
      problems.push({ code: "LS2608", message, place: requirement.place, hint });
    }
    return [{ request, file }];
  });
  throwAll(problems);
  return chosen;
}

async function listedFiles(
  client: IndexClient,
  report: Report,
  requests: readonly WheelRequest[],
): Promise<ReadonlyMap<string, readonly IndexFile[]>> {
  const names = [...new Set(requests.map(({ requirement }) => requirement.name))].toSorted();
  const task = report.task(`ask for ${names.length} Python ${names.length === 1 ? "package" : "packages"}`, "items");
  try {
    return await client.files(names, (done) => task.progress(done, names.length));
  } finally {
    task.done();
  }
}

const needsAll = ({ request }: Chosen): boolean => request.dependencies === "all";

/** What wheels say of themselves, by SHA-256. Throws LS2609 for one that says nothing where what it needs is asked. */
async function metadataOf({ store }: PinWork, chosen: readonly Chosen[]): Promise<ReadonlyMap<string, WheelMetadata>> {
  const asked = new Set(chosen.filter(needsAll).map(({ file }) => file.sha256));
  const found = new Map<string, WheelMetadata>();
  await inParallel(
    [...new Map(chosen.map(({ file }) => [file.sha256, file])).values()],
    8,
    async ({ file, sha256 }) => {
      try {
        found.set(sha256, await readMetadata(store, `sha256:${sha256}`, file));
      } catch (error) {
        if (asked.has(sha256) || !(error instanceof LockstepError) || error.code !== "LS2609") throw error;
      }
    },
  );
  return found;
}

/** Holds the wheels of each layer and platform against all that the layer requires there. */
function checkNeeds(chosen: readonly Chosen[], metadata: ReadonlyMap<string, WheelMetadata>): void {
  const checked = chosen.filter(needsAll);
  const groups = Map.groupBy(checked, ({ request }) => request.all);
  throwAll(
    [...groups].flatMap(([all, group]) => {
      const wheels = group.flatMap(({ request, file }): readonly RequiredWheel[] => {
        const known = metadata.get(file.sha256);
        return known === undefined ? [] : [{ requirement: request.requirement, file: file.file, metadata: known }];
      });
      const [first] = group;
      return first === undefined ? [] : unmetNeeds(wheels, all, first.request.target);
    }),
  );
}

/**
 * The entries that answer requests; the wheels are in the store then. Throws LS2606, LS2608, LS2609, LS2611, LS2612, LS2613, and LS31xx when a
 * wheel cannot be downloaded.
 */
export async function resolveWheels(
  work: PinWork,
  requests: readonly WheelRequest[],
): Promise<ReadonlyMap<string, LockedWheel>> {
  const { host, store, report, signal } = work;
  const client = await IndexClient.open(host, signal);
  const answers = new Map<string, LockedWheel>();
  try {
    const chosen = chooseAll(requests, await listedFiles(client, report, requests));
    const files = [...new Map(chosen.map((it) => [it.file.file, it])).values()];
    const sizes = await inParallel(files, 8, ({ file }) => client.size(file));
    const wanted = files.map(({ file: { file, sha256, url } }, index) => {
      return { name: file, size: sizes[index] ?? 0, digest: `sha256:${sha256}` as Digest, url };
    });
    await fetchBlobs(host, store, report, wanted, ({ url }) => [url], {
      ...client.transport,
      title: "download wheels",
      whenGone: "pin again: the index names files that it does not have",
      ...(signal === undefined ? {} : { signal }),
    });
    const metadata = await metadataOf(work, chosen);
    checkNeeds(chosen, metadata);
    for (const [index, { request, file }] of files.entries()) {
      const { name, version } = request.requirement;
      const entry = { name, version: parseWheelName(file.file)?.version ?? version, size: sizes[index] ?? 0 };
      const license = inOneLine(metadata.get(file.sha256)?.license);
      answers.set(file.file, { ...entry, sha256: file.sha256, ...(license === undefined ? {} : { license }) });
    }
  } finally {
    client.close();
  }
  return answers;
}
