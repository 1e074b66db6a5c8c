/** From specs and lock to plans: every name resolved, every file hashed, every default written out. */
import { LockstepError, type Problem } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { didYouMean } from "../host/suggest.ts";
import type { RuntimeConfig } from "../image/oci.ts";
import type { BaseConfig } from "../source/image/config.ts";
import {
  type InputEntry,
  type Lock,
  type LockedInputs,
  type LockedPackage,
  newestDate,
  noInputs,
} from "../lock/types.ts";
import type {
  DebianLayer,
  GitLayer,
  GroupSpec,
  HttpLayer,
  ImageSpec,
  LayerSpec,
  NpmLayer,
  Platform,
  PythonLayer,
  StepLayerSpec,
  UserSpec,
} from "../spec/types.ts";
import type { Digest } from "../store/digest.ts";
import { usesOf } from "../spec/uses.ts";
import { comparePaths } from "../tree/entry.ts";
import { resolveConfig } from "./config.ts";
import { baseKey, plannedBaseLayers } from "./base/planned.ts";
import { type FileSet, readFileSet } from "./file-set.ts";
import { planGit } from "./inputs/git.ts";
import { planHttp } from "./inputs/http.ts";
import { planWheels } from "./inputs/wheels.ts";
import { inputRequests, inputSections, inputsOf } from "./inputs/kinds.ts";
import { planNpm } from "./inputs/npm.ts";
import {
  format,
  type InputsLayer,
  type PackagesLayer,
  type Plan,
  type PlannedBase,
  type PlannedEntry,
  type PlannedImage,
  type PlannedInput,
  type PlannedLayer,
  planHash,
} from "./plan.ts";
import { planStep } from "./step/plan-step.ts";

/** SOURCE_DATE_EPOCH in whole seconds when it is set; LS1005 when it is not a number. */
export function sourceDateEpoch(host: Host): number | undefined {
  const text = host.env("SOURCE_DATE_EPOCH");
  if (text === undefined) return undefined;
  const seconds = Number(text);
  // 253402300799 is the last second of the year 9999, where RFC 3339 ends.
  if (!/^[0-9]+$/.test(text) || seconds > 253402300799) {
    throw new LockstepError({
      code: "LS1005",
      message: `SOURCE_DATE_EPOCH is ${JSON.stringify(text)}, which is not a number of seconds since 1970`,
      hint: "set it to a whole number such as the output of `git log -1 --format=%ct`, or unset it",
    });
  }
  return seconds;
}

/** An image resolved for one platform, before it becomes a plan: what images that are `from` it build on. */
interface Resolved {
  /** Time of what the image's own layers have, in seconds; nothing of a base from a registry is in it. */
  readonly epoch: number;
  /** That of the base from a registry. */
  readonly created: number;
  readonly base?: Pick<PlannedBase, "name" | "digest" | "config">;
  readonly layers: readonly PlannedLayer[];
  readonly config: RuntimeConfig;
  readonly packages: ReadonlyMap<string, LockedPackage>;
  readonly inputs: LockedInputs;
  readonly sources: ReadonlyMap<string, string>;
  readonly uses: ReadonlyMap<Digest, PlannedImage>;
  readonly origins: PlannedImage["origins"];
  readonly users: readonly UserSpec[];
  readonly groups: readonly GroupSpec[];
}

const scratch: Resolved = {
  epoch: 0,
  created: 0,
  layers: [],
  config: {},
  packages: new Map(),
  inputs: noInputs,
  sources: new Map(),
  uses: new Map(),
  origins: new Map(),
  users: [],
  groups: [],
};

/** What an image on one of a registry begins with; the caller has checked that the lock answers the spec, and has admitted the base. */
function onBase({ lock, bases }: PlanInput, reference: string, platform: Platform): Resolved {
  const locked = lock.bases.get(reference)?.platforms[platform];
  const config = bases?.get(baseKey(reference, platform));
  if (locked === undefined || config === undefined)
    throw new LockstepError({ code: "LS1000", message: `${reference} was not admitted for ${platform}` });
  const layers = plannedBaseLayers(reference, locked, config);
  return {
    ...scratch,
    created: config.created,
    base: { name: reference, digest: locked.manifest.digest, config: [] },
    layers,
    config: config.runtime,
  };
}

/** The packages that the lock gives an image on a platform, by key; the caller has checked that the lock answers the spec. */
function lockedPackages(lock: Lock, image: ImageSpec, platform: Platform): ReadonlyMap<string, LockedPackage> {
  const found = new Map<string, LockedPackage>();
  for (const key of lock.images.get(image.name)?.platforms[platform] ?? []) {
    const item = lock.packages.get(key);
    if (item !== undefined) found.set(key, item);
  }
  return found;
}

/** The newest release that vouches for any of the packages, in seconds: the newest input with a date. */
function newestRelease(lock: Lock, packages: Iterable<LockedPackage>): number {
  let newest = 0;
  for (const item of packages) {
    const release = lock.releases.get(item.release);
    if (release !== undefined) newest = Math.max(newest, Date.parse(release.date) / 1000);
  }
  return newest;
}

function packagesLayer(
  title: string,
  epoch: number,
  packages: readonly (readonly [string, LockedPackage])[],
): PackagesLayer {
  return {
    kind: "packages",
    title,
    epoch,
    packages: packages.map(([key, { sha256 }]) => ({ key, sha256 })).toSorted((a, b) => comparePaths(a.key, b.key)),
  };
}

/**
 * Splits packages into at most `layer.split` layers (docs/format.md, "Layers of packages"): the source packages whose files are the
 * largest get one each, largest first and by name among equals; all others share the last.
 */
function splitPackages(
  layer: DebianLayer,
  epoch: number,
  packages: ReadonlyMap<string, LockedPackage>,
): readonly PackagesLayer[] {
  const base = `lockstep: debian ${layer.suite}`;
  const bySource = new Map<string, { size: number; readonly items: (readonly [string, LockedPackage])[] }>();
  for (const [key, item] of packages) {
    const group = bySource.get(item.source) ?? { size: 0, items: [] };
    group.size += item.size;
    group.items.push([key, item]);
    bySource.set(item.source, group);
  }
  const ordered = [...bySource].toSorted(([a, x], [b, y]) => y.size - x.size || comparePaths(a, b));
  const own = ordered.slice(0, Math.max(0, Math.min(layer.split, ordered.length) - 1));
  const rest = ordered.slice(own.length).flatMap(([, group]) => group.items);
  const layers = own.map(([source, group]) => packagesLayer(`${base}: ${source}`, epoch, group.items));
  const requested = layer.packages.map(({ name }) => name).join(" ");
  return [...layers, packagesLayer(`${base}: ${requested}`, epoch, rest)];
}

function inputsLayer(
  title: string,
  epoch: number,
  inputs: readonly PlannedInput[],
  entries: readonly PlannedEntry[] = [],
): InputsLayer {
  return {
    kind: "inputs",
    title,
    epoch,
    inputs: inputs.toSorted(
      (a, b) => comparePaths(a.into, b.into) || comparePaths(a.section, b.section) || comparePaths(a.key, b.key),
    ),
    entries: entries.toSorted((a, b) => comparePaths(a.path, b.path)),
  };
}

function merge<Item extends { readonly name: string }>(base: readonly Item[], own: readonly Item[]): readonly Item[] {
  const names = new Set(own.map(({ name }) => name));
  return [...base.filter(({ name }) => !names.has(name)), ...own];
}

/** Layers that become entries of the plan, each by itself. */
type EntriesLayerSpec = Exclude<LayerSpec, DebianLayer | GitLayer | HttpLayer | NpmLayer | PythonLayer | StepLayerSpec>;

/** A path without the slashes at its ends. */
function inside(path: string): string {
  return path.replace(/^\/+|\/+$/g, "");
}

function entriesOf(
  layer: EntriesLayerSpec,
  files: (layer: LayerSpec & { kind: "files" }) => FileSet,
): readonly PlannedEntry[] {
  switch (layer.kind) {
    case "files":
      return files(layer).entries;
    case "directories":
      return layer.directories.map(({ path, mode, owner }) => ({
        path: inside(path),
        type: "directory",
        mode,
        uid: owner.uid,
        gid: owner.gid,
      }));
    case "symlinks":
      return layer.symlinks.map(({ path, target }) => ({
        path: inside(path),
        type: "symlink",
        mode: 0o777,
        uid: 0,
        gid: 0,
        target,
      }));
  }
}

/** What the history says of a layer: the same for the same content, however its spec writes a path. */
function titleOf(layer: EntriesLayerSpec, files: (layer: LayerSpec & { kind: "files" }) => FileSet): string {
  switch (layer.kind) {
    case "files":
      return `lockstep: files ${layer.from} ${files(layer).into}`;
    case "directories":
      return `lockstep: directories ${layer.directories.map(({ path }) => path).join(" ")}`;
    case "symlinks":
      return `lockstep: symlinks ${layer.symlinks.map(({ path }) => path).join(" ")}`;
  }
}

export interface PlanInput {
  /** The repository's root directory. */
  readonly root: string;
  /** Every image of the repository, bases before those that are `from` them. */
  readonly specs: readonly ImageSpec[];
  readonly lock: Lock;
  /** SOURCE_DATE_EPOCH, when it is set. */
  readonly epoch?: number;
  /** What bases from registries say of themselves, by `baseKey`: of every one that the images need. */
  readonly bases?: ReadonlyMap<string, BaseConfig>;
}

/** The specs that are named, in their own order; all when none is named. Throws LS1002 for an unknown name. */
export function chosenSpecs(specs: readonly ImageSpec[], names: readonly string[]): readonly ImageSpec[] {
  const unknown = names.filter((name) => !specs.some((spec) => spec.name === name));
  if (unknown.length > 0) {
    const all = specs.map((spec) => spec.name);
    const problems: readonly Problem[] = unknown.map((name) => ({
      code: "LS1002",
      message: `there is no image ${JSON.stringify(name)} in images/`,
      hint: didYouMean(name, all) ?? `the images are ${all.join(", ")}`,
    }));
    throw new LockstepError(problems);
  }
  return names.length === 0 ? specs : specs.filter(({ name }) => names.includes(name));
}

/**
 * Plans every platform of the named images (all when none is named), in the order of the specs.
 * The caller has checked that the lock answers the specs. Throws LS1002 for an unknown name, and what reading the file sets gives.
 */
export function planImages(input: PlanInput, names: readonly string[] = []): readonly PlannedImage[] {
  const { root, specs, lock } = input;
  const wanted = chosenSpecs(specs, names);
  const bySpec = new Map(specs.map((spec) => [spec.name, spec]));
  const fileSets = new Map<LayerSpec, FileSet>();
  const fileSet = (layer: LayerSpec & { kind: "files" }): FileSet => {
    const known = fileSets.get(layer) ?? readFileSet(root, layer);
    fileSets.set(layer, known);
    return known;
  };
  const requests = inputRequests({ root, specs }, lock);
  const done = new Map<string, Resolved>();

  const resolve = (spec: ImageSpec, platform: Platform): Resolved => {
    const key = `${spec.name} ${platform}`;
    const known = done.get(key);
    if (known !== undefined) return known;
    const baseSpec = spec.from === undefined ? undefined : bySpec.get(spec.from);
    const base =
      baseSpec !== undefined
        ? resolve(baseSpec, platform)
        : spec.base !== undefined
          ? onBase(input, spec.base.image, platform)
          : scratch;
    const packages = lockedPackages(lock, spec, platform);
    const added = new Map([...packages].filter(([item]) => !base.packages.has(item)));
    const own = inputsOf(
      (section) =>
        new Map(
          (requests.get(section) ?? []).flatMap(({ image, key, platforms }) => {
            const entry = lock[section].get(key);
            return image === spec.name && platforms.includes(platform) && entry !== undefined
              ? [[key, entry] as const]
              : [];
          }),
        ),
    );
    const newest = Math.max(
      newestRelease(lock, added.values()),
      ...inputSections.map((it) => newestDate(own[it].values())),
    );
    const used = usesOf(spec).map(({ name }) => resolve(bySpec.get(name) ?? spec, platform).epoch);
    const epoch = input.epoch ?? Math.max(base.epoch, newest, ...used);
    const users = merge(base.users, spec.users);
    const groups = merge(base.groups, spec.groups);
    const system = { users, groups };
    const sources = new Map(base.sources);
    const uses = new Map(base.uses);
    const origins = new Map(base.origins);
    const layers: PlannedLayer[] = [...base.layers];
    const hasPackages = spec.layers.some((layer) => layer.kind === "debian");
    if (!hasPackages && spec.users.length + spec.groups.length > 0) {
      layers.push({ ...packagesLayer("lockstep: users and groups", epoch, []), system });
    }
    for (const layer of spec.layers) {
      if (layer.kind === "debian") {
        const split = splitPackages(layer, epoch, added);
        layers.push(...split.map((item, i) => (i === split.length - 1 ? { ...item, system } : item)));
        continue;
      }
      if (layer.kind === "http") {
        const { title, inputs } = planHttp(layer, platform, lock.http);
        layers.push(inputsLayer(title, epoch, inputs));
        continue;
      }
      if (layer.kind === "npm") {
        const { title, inputs, entries } = planNpm(root, layer, platform, lock);
        layers.push(inputsLayer(title, epoch, inputs, entries));
        continue;
      }
      if (layer.kind === "python") {
        const { title, inputs } = planWheels({ root, specs }, spec, layer, platform, lock.wheels);
        layers.push(inputsLayer(title, epoch, inputs));
        continue;
      }
      if (layer.kind === "git") {
        const { title, inputs } = planGit(layer, lock.git);
        layers.push(inputsLayer(title, epoch, inputs));
        continue;
      }
      if (layer.kind === "run" || layer.kind === "dockerfile") {
        const step = planStep({ root, platform, http: lock.http }, layer, epoch, (name) =>
          plannedOf(bySpec.get(name) ?? spec, platform),
        );
        origins.set(layers.length, { timeout: layer.timeout, place: layer.place });
        layers.push(step.layer);
        for (const [digest, image] of step.uses) uses.set(digest, image);
        for (const [sha256, path] of step.sources) sources.set(sha256, path);
        continue;
      }
      const entries = entriesOf(layer, fileSet).toSorted((a, b) => comparePaths(a.path, b.path));
      layers.push({ kind: "entries", title: titleOf(layer, fileSet), epoch, entries });
      if (layer.kind === "files") for (const [sha256, path] of fileSet(layer).sources) sources.set(sha256, path);
    }
    const resolved: Resolved = {
      epoch,
      created: base.created,
      ...(base.base === undefined ? {} : { base: { ...base.base, config: [...base.base.config, spec.config] } }),
      layers,
      config: resolveConfig(spec.config, base.config),
      packages,
      inputs: inputsOf((section) => new Map<string, InputEntry>([...base.inputs[section], ...own[section]])),
      sources,
      uses,
      origins,
      users,
      groups,
    };
    done.set(key, resolved);
    return resolved;
  };

  const plannedImages = new Map<string, PlannedImage>();
  const plannedOf = (spec: ImageSpec, platform: Platform): PlannedImage => {
    const key = `${spec.name} ${platform}`;
    const known = plannedImages.get(key);
    if (known !== undefined) return known;
    const {
      epoch: own,
      created,
      base,
      layers,
      config,
      packages,
      inputs,
      sources,
      uses,
      origins,
    } = resolve(spec, platform);
    const fixed = input.epoch !== undefined;
    const epoch = fixed ? own : Math.max(own, created);
    const plan: Plan = {
      format,
      platform,
      epoch,
      layers,
      config,
      ...(base === undefined ? {} : { base: { ...base, epoch: own, fixed } }),
    };
    const made = { image: spec.name, plan, hash: planHash(plan), packages, inputs, sources, uses, origins };
    plannedImages.set(key, made);
    return made;
  };

  return wanted.flatMap((spec) => spec.platforms.map((platform) => plannedOf(spec, platform)));
}
