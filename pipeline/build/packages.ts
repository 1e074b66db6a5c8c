/** Unpacks the packages of images: from the records where their fragments are known, by worker threads where they are not. */
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { Report } from "../report/report.ts";
import type { Store } from "../store/store.ts";
import { comparePaths } from "../tree/entry.ts";
import type { UnpackedPackage } from "./assemble.ts";
import type { Stores } from "./build.ts";
import { settleConflicts } from "./conflicts.ts";
import {
  findPackageFragment,
  type PackageFragment,
  type PackageRecipe,
  readFacts,
  recipeKey,
} from "./package-fragment.ts";
import type { PlannedImage } from "./plan.ts";
import { runJobs } from "./pool.ts";
import { diversionsOf } from "./system/diversions.ts";

interface Wanted {
  readonly recipe: PackageRecipe;
  readonly name: string;
  readonly size: number;
}

/** Fragments by recipe key, found or made. */
async function ensure(
  host: Host,
  stores: Stores,
  report: Report,
  wanted: readonly Wanted[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, PackageFragment>> {
  const found = new Map<string, PackageFragment>();
  const missing = new Map<string, Wanted>();
  for (const item of wanted) {
    const key = recipeKey(item.recipe);
    if (found.has(key) || missing.has(key)) continue;
    const known = await findPackageFragment(stores.results, item.recipe);
    if (known === undefined) missing.set(key, item);
    else found.set(key, known);
  }
  if (missing.size === 0) return found;
  const jobs = [...missing.values()];
  const total = jobs.reduce((sum, { size }) => sum + size, 0);
  const task = report.task(`unpack ${jobs.length} ${jobs.length === 1 ? "package" : "packages"}`, "bytes");
  let done = 0;
  const made = await runJobs(jobs, {
    data: { inputs: stores.inputs.directory, results: stores.results.directory },
    threads: host.parallelism,
    onDone: ({ size }) => task.progress((done += size), total),
    ...(signal === undefined ? {} : { signal }),
  }).finally(() => task.done());
  for (const [index, item] of jobs.entries()) {
    const fragment = made[index];
    if (fragment !== undefined) found.set(recipeKey(item.recipe), fragment);
  }
  return found;
}

const noChange = { drop: [], divert: [] } as const;

/** The latest time that each package's entries may have: the epoch of the layer it is in. */
function epochs(image: PlannedImage): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const layer of image.plan.layers) {
    if (layer.kind === "packages") for (const { key } of layer.packages) found.set(key, layer.epoch);
  }
  return found;
}

export interface Unpacked {
  get(image: PlannedImage, key: string): UnpackedPackage;
}

/** For builds that need no package unpacked. */
export const nothingUnpacked: Unpacked = {
  get(_image, key) {
    throw new LockstepError({ code: "LS1000", message: `package ${key} was not unpacked` });
  },
};

/** The facts of fragments, read once each. */
class FactsReader {
  readonly #results: Store;
  readonly #known = new Map<string, UnpackedPackage["facts"]>();

  constructor(results: Store) {
    this.#results = results;
  }

  async read(made: PackageFragment): Promise<UnpackedPackage["facts"]> {
    const known = this.#known.get(made.facts) ?? (await readFacts(this.#results, made));
    this.#known.set(made.facts, known);
    return known;
  }
}

/**
 * Unpacks every package of the images and settles what they do to each other: replaced files, diversions, times after the epoch.
 * Throws LS3002 for a package that was not fetched, LS4201 for files that two packages have, and what hostile packages give.
 */
export async function unpackPackages(
  host: Host,
  stores: Stores,
  report: Report,
  images: readonly PlannedImage[],
  signal?: AbortSignal,
): Promise<Unpacked> {
  const plainly: Wanted[] = images.flatMap(({ packages }) =>
    [...packages].map(([key, { sha256, size }]) => ({ recipe: { sha256, ...noChange }, name: key, size })),
  );
  const first = await ensure(host, stores, report, plainly, signal);
  const reader = new FactsReader(stores.results);
  const second: Wanted[] = [];
  const recipes = new Map<PlannedImage, Map<string, PackageRecipe>>();
  for (const image of images) {
    const keys = [...image.packages.keys()].toSorted(comparePaths);
    const made = keys.map((key) => {
      const item = image.packages.get(key);
      const fragment = item === undefined ? undefined : first.get(recipeKey({ sha256: item.sha256, ...noChange }));
      if (item === undefined || fragment === undefined)
        throw new LockstepError({ code: "LS1000", message: `package ${key} was not unpacked` });
      return { key, item, fragment };
    });
    const facts = await Promise.all(made.map(({ fragment }) => reader.read(fragment)));
    const divert = diversionsOf(facts);
    const drop = settleConflicts(facts, divert);
    const limits = epochs(image);
    const own = new Map<string, PackageRecipe>();
    for (const [index, { key, item, fragment }] of made.entries()) {
      const limit = limits.get(key) ?? Number.POSITIVE_INFINITY;
      const recipe: PackageRecipe = {
        sha256: item.sha256,
        drop: [...(drop[index] ?? [])].toSorted(comparePaths),
        divert: divert[index] ?? [],
        ...(fragment.newest > limit ? { clamp: limit } : {}),
      };
      own.set(key, recipe);
      second.push({ recipe, name: key, size: item.size });
    }
    recipes.set(image, own);
  }
  const final = await ensure(host, stores, report, second, signal);
  const unpacked = new Map<string, UnpackedPackage>();
  for (const own of recipes.values()) {
    for (const [key, recipe] of own) {
      const id = recipeKey(recipe);
      const made = final.get(id);
      if (made !== undefined && !unpacked.has(id)) unpacked.set(id, { key, made, facts: await reader.read(made) });
    }
  }
  return {
    get(image, key) {
      const recipe = recipes.get(image)?.get(key);
      const found = recipe === undefined ? undefined : unpacked.get(recipeKey(recipe));
      if (found === undefined) throw new LockstepError({ code: "LS1000", message: `package ${key} was not unpacked` });
      return found;
    },
  };
}
