/** Unpacks the packages of images: from the records where their fragments are known, several at once where they are not. */
import { interrupted, LockstepError } from "../host/errors.ts";
import { inParallel } from "../host/parallel.ts";
import { findDecoders } from "../source/decompress.ts";
import type { Host } from "../host/host.ts";
import type { LockedPackage } from "../lock/types.ts";
import type { Report } from "../report/report.ts";
import type { Store } from "../store/store.ts";
import { comparePaths } from "../tree/entry.ts";
import { architectureOf } from "./architecture.ts";
import type { UnpackedPackage } from "./assemble.ts";
import { settleConflicts } from "./conflicts.ts";
import type { PackageFacts } from "../source/debian/facts.ts";
import {
  findPackageFragment,
  makePackageFragment,
  type PackageFragment,
  type PackageRecipe,
  readFacts,
  recipeKey,
  type Stores,
} from "./package-fragment.ts";
import { layerKey, type PlannedImage, type PlannedSystem } from "./plan.ts";
import { divertedEntries } from "./system/diversions.ts";
import { provePackage } from "./use.ts";
import { prepareSystem, systemFiles } from "./system/system.ts";
import type { SystemResult } from "./system/types.ts";

interface Wanted {
  readonly recipe: PackageRecipe;
  readonly name: string;
  readonly size: number;
}

/** Fragments by recipe key: those that are had already, and what else is wanted, found or made. What is made the reader knows then. */
async function ensure(
  host: Host,
  stores: Stores,
  report: Report,
  wanted: readonly Wanted[],
  had: ReadonlyMap<string, PackageFragment>,
  reader: FactsReader,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, PackageFragment>> {
  const found = new Map(had);
  const missing = new Map<string, Wanted>();
  const sought = new Map(wanted.map((item) => [recipeKey(item.recipe), item]));
  for (const key of had.keys()) sought.delete(key);
  await inParallel([...sought], 16, async ([key, item]) => {
    const known = await findPackageFragment(stores.results, item.recipe);
    if (known === undefined) missing.set(key, item);
    else found.set(key, known);
  });
  if (missing.size === 0) return found;
  // Largest first, so that the last to end is a small one.
  const jobs = [...missing.values()].toSorted((a, b) => b.size - a.size);
  const total = jobs.reduce((sum, { size }) => sum + size, 0);
  const task = report.task(`unpack ${jobs.length} ${jobs.length === 1 ? "package" : "packages"}`, "bytes");
  const decoders = findDecoders(host, signal);
  let done = 0;
  try {
    // Of small ones more, which mostly wait for the disk.
    await inParallel(
      jobs,
      ({ size }) => host.parallelism * (size < 1 << 18 ? 4 : size < 1 << 20 ? 2 : 1),
      async ({ recipe, name, size }) => {
        if (signal?.aborted === true) throw interrupted();
        const made = await makePackageFragment(stores, decoders, recipe, name);
        found.set(recipeKey(recipe), made);
        prepareSystem(await reader.read(made));
        task.progress((done += size), total);
      },
    );
  } finally {
    task.done();
  }
  return found;
}

const noChange = { drop: [], divert: [], override: [] } as const;

/** A run of layers of packages that ends with the one that carries the files of the system. */
interface Segment {
  /** Index of the layer that carries them. */
  readonly layer: number;
  readonly system: PlannedSystem;
  readonly epoch: number;
  /** Packages of these layers, sorted, and those of all layers up to here. */
  readonly own: readonly string[];
  readonly all: readonly string[];
}

/** The segments of a plan, from the bottom up. */
function segmentsOf({ plan }: PlannedImage): readonly Segment[] {
  // On a base from a registry there are no packages, and its own files are added to (base/accounts.ts).
  if (plan.base !== undefined) return [];
  const segments: Segment[] = [];
  let own: string[] = [];
  let all: string[] = [];
  for (const [layer, planned] of plan.layers.entries()) {
    if (planned.kind !== "packages") continue;
    const keys = planned.packages.map(({ key }) => key);
    own = [...own, ...keys];
    all = [...all, ...keys];
    if (planned.system === undefined) continue;
    segments.push({
      layer,
      system: planned.system,
      epoch: planned.epoch,
      own: own.toSorted(comparePaths),
      all: all.toSorted(comparePaths),
    });
    own = [];
  }
  return segments;
}

/** What one image needs of its packages. */
export interface UnpackedImage {
  package(key: string): UnpackedPackage;
  /** The files of the system that the layer carries. */
  system(layer: number): SystemResult;
}

export interface Unpacked {
  /**
   * Settles what the packages of an image do to each other, and makes what that changes: replaced files, diversions, owners and modes that
   * scripts change, times after the epoch. LS4201 for files that two packages have, and what `systemFiles` throws: layers of other images may
   * have been made by then, but no layout.
   */
  of(image: PlannedImage): Promise<UnpackedImage>;
}

function missing(what: string): LockstepError {
  return new LockstepError({ code: "LS1000", message: `${what} was not unpacked` });
}

/** For builds that need no package unpacked. */
export const nothingUnpacked: Unpacked = {
  of(image) {
    throw missing(image.image);
  },
};

/** The facts of fragments, read once each. */
class FactsReader {
  readonly #results: Store;
  readonly #known = new Map<string, PackageFacts>();

  constructor(results: Store) {
    this.#results = results;
  }

  async read(made: PackageFragment): Promise<PackageFacts> {
    const known = this.#known.get(made.facts) ?? (await readFacts(this.#results, made));
    this.#known.set(made.facts, known);
    return known;
  }
}

/** What the packages of one segment do to each other, settled: how each is to be unpacked, and the files of the system. */
interface Settled {
  readonly recipes: ReadonlyMap<string, PackageRecipe>;
  readonly system: SystemResult;
}

function settle(
  image: PlannedImage,
  segment: Segment,
  facts: ReadonlyMap<string, PackageFacts>,
  newest: ReadonlyMap<string, number>,
): Settled {
  const all = segment.all.map((key) => facts.get(key) ?? raise(missing(key)));
  const file = `images/${image.image}/image.yaml`;
  const system = systemFiles({
    packages: all,
    architecture: architectureOf(image.plan.platform),
    file,
    ...segment.system,
  });
  const divert = divertedEntries(all, system.diversions);
  const drop = settleConflicts(all, divert);
  const overrides = new Map(system.overrides.map((override) => [override.path, override]));
  const recipes = new Map<string, PackageRecipe>();
  for (const [index, key] of segment.all.entries()) {
    const item = image.packages.get(key);
    const known = facts.get(key);
    if (item === undefined || known === undefined || !segment.own.includes(key)) continue;
    recipes.set(key, {
      sha256: item.sha256,
      drop: [...(drop[index] ?? [])].toSorted(comparePaths),
      divert: divert[index] ?? [],
      override: known.entries.flatMap(({ path, type }) => (type === "directory" ? [] : (overrides.get(path) ?? []))),
      ...((newest.get(key) ?? 0) > segment.epoch ? { clamp: segment.epoch } : {}),
    });
  }
  return { recipes, system };
}

function raise(error: Error): never {
  throw error;
}

/**
 * Unpacks every package of the images; what they do to each other is settled when an image is built, while threads work on the one before.
 * Throws LS3002 for a package that was not fetched, and what hostile packages give.
 */
export async function unpackPackages(
  host: Host,
  stores: Stores,
  report: Report,
  images: readonly PlannedImage[],
  signal?: AbortSignal,
): Promise<Unpacked> {
  const plain = new Map<string, Wanted & { readonly locked: LockedPackage }>();
  for (const { packages } of images) {
    for (const [key, locked] of packages) {
      const { sha256, size } = locked;
      plain.set(key, { recipe: { sha256, ...noChange }, name: key, size, locked });
    }
  }
  const reader = new FactsReader(stores.results);
  const first = await ensure(host, stores, report, [...plain.values()], new Map(), reader, signal);
  const facts = new Map<string, PackageFacts>();
  const newest = new Map<string, number>();
  await inParallel([...plain], 16, async ([key, { recipe, locked }]) => {
    const made = first.get(recipeKey(recipe)) ?? raise(missing(key));
    const known = await reader.read(made);
    provePackage(key, locked, known);
    facts.set(key, known);
    newest.set(key, made.newest);
  });
  // Images with a common base share its segments: the key of a layer says everything that a segment depends on.
  const settled = new Map<string, Settled>();
  let fragments = first;
  let turn: Promise<unknown> = Promise.resolve();
  // One image after the other: most of them want the same.
  const make = (wanted: readonly Wanted[]): Promise<ReadonlyMap<string, PackageFragment>> => {
    const made = turn.then(async () => {
      fragments = await ensure(host, stores, report, wanted, fragments, reader, signal);
      return fragments;
    });
    turn = made.catch(() => {});
    return made;
  };
  return {
    async of(image) {
      const recipes = new Map<string, PackageRecipe>();
      const systems = new Map<number, SystemResult>();
      for (const segment of segmentsOf(image)) {
        const id = layerKey(image.plan, segment.layer);
        const result = settled.get(id) ?? settle(image, segment, facts, newest);
        settled.set(id, result);
        systems.set(segment.layer, result.system);
        for (const [key, recipe] of result.recipes) recipes.set(key, recipe);
      }
      const wanted = [...recipes].map(([name, recipe]) => ({
        recipe,
        name,
        size: image.packages.get(name)?.size ?? 0,
      }));
      const made = await make(wanted);
      const packages = new Map<string, UnpackedPackage>();
      for (const [key, recipe] of recipes) {
        const fragment = made.get(recipeKey(recipe)) ?? raise(missing(key));
        packages.set(key, { key, sha256: recipe.sha256, made: fragment, facts: await reader.read(fragment) });
      }
      return {
        package: (key) => packages.get(key) ?? raise(missing(key)),
        system: (layer) => systems.get(layer) ?? raise(missing("the system")),
      };
    },
  };
}
