/** Builds images: plans in, OCI layouts out. A layer is made only when no record says what its plan gives. */
import { join } from "node:path";
import { interrupted, LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { growHeapFreely } from "../host/heap.ts";
import { startThreads } from "../host/threads.ts";
import type { Layer } from "../image/layer.ts";
import { layoutIsCurrent, type LayoutContent, writeLayout } from "../image/layout.ts";
import { type Document, imageDocuments, indexDocument } from "../image/oci.ts";
import type { Report } from "../report/report.ts";
import type { Platform } from "../spec/types.ts";
import { type Digest, hexOf } from "../store/digest.ts";
import type { Store } from "../store/store.ts";
import { inParallel } from "../host/parallel.ts";
import { Assembly } from "./assemble.ts";
import {
  accountStates,
  baseAnnotations,
  baseLayersOf,
  baseLayerTexts,
  type BaseNeeds,
  foundationOf,
  systemOnBase,
} from "./base/foundation.ts";
import { placeBaseLayer } from "./base/layers.ts";
import { nothingUnpacked, type Unpacked, unpackPackages } from "./packages.ts";
import type { Stores } from "./package-fragment.ts";
import type { UnpackedInput } from "./inputs/unpack.ts";
import {
  format,
  type InputsLayer,
  layerKey,
  type Plan,
  type PlannedImage,
  type PlannedLayer,
  type StepLayer,
} from "./plan.ts";
import type { PlacedLayer } from "./step/below.ts";
import type { StepOutcome } from "./step/make.ts";
import { hasSteps, openSteps, type OpenStep, resultOf, stepsOpen, withUses } from "./step/open.ts";
import { layerUse, LockedStore, plannedUse, proveUse, provenEntries, type Used } from "./use.ts";
import type { ScriptNote, SystemResult } from "./system/types.ts";

/** What building one image for one platform gave. */
export interface BuiltPlatform {
  readonly platform: Platform;
  readonly plan: Digest;
  readonly manifest: Document;
  readonly config: Document;
  readonly layers: readonly Layer[];
  /** Of Debian, npm and Python. */
  readonly packages: number;
  /** Bytes of all blobs: layers, config, manifest. */
  readonly size: number;
  /** Whether every layer was known already. */
  readonly cached: boolean;
  /** Milliseconds. */
  readonly duration: number;
  /** What maintainer scripts would have done and nobody did. */
  readonly notDone: readonly ScriptNote[];
  /** What was made of each step. */
  readonly steps: readonly StepOutcome[];
  /** Scripts of npm packages that npm would have run: `esbuild@0.25.0 postinstall: node install.js`. */
  readonly installScripts: readonly string[];
}

export interface BuiltImage {
  readonly image: string;
  readonly index: Document;
  readonly platforms: readonly BuiltPlatform[];
  /** Directory of the layout. */
  readonly layout: string;
  /** Whether the layout was as it should be already. */
  readonly unchanged: boolean;
}

export interface BuildOptions {
  /** Directory that gets one layout an image. */
  readonly out: string;
  readonly signal?: AbortSignal;
}

/** A layer that was made, and what its maintainer scripts left undone. */
interface LayerRecord {
  readonly layer: Layer;
  readonly notDone: readonly ScriptNote[];
  /** Of own layers on a base from a registry. */
  readonly needs?: BaseNeeds;
  /** Of layers of steps. */
  readonly step?: StepOutcome;
  /** Of layers of packages: for which entries of the lock it is believed. */
  readonly proven?: Digest;
}

async function knownLayer(results: Store, key: string, proven: Digest | undefined): Promise<LayerRecord | undefined> {
  const record = (await results.getRecord("result", key)) as LayerRecord | undefined;
  if (record === undefined || record.proven !== proven) return undefined;
  const blob = await results.find(record.layer.digest);
  return blob?.size === record.layer.size ? record : undefined;
}

/** Steps that are not known and that nobody ran for this build. */
async function stepsWithout(
  host: Host,
  images: readonly PlannedImage[],
  known: readonly (readonly (LayerRecord | undefined)[])[],
): Promise<readonly OpenStep[]> {
  const open = openSteps(images, (image, index) => known[image]?.[index] !== undefined);
  const results = await Promise.all(open.map(({ image, index }) => resultOf(host, image, index)));
  return open.filter((_, position) => results[position] === undefined);
}

/** The layers of a plan that are there, from the bottom up. */
function placedLayers(plan: Plan, records: readonly LayerRecord[]): readonly PlacedLayer[] {
  return records.flatMap(({ layer: { digest } }, index) => {
    const planned = plan.layers[index];
    return planned === undefined ? [] : [{ digest, planned }];
  });
}

/** Layers that are being made, by key: images with a common base reach its layers at the same time. */
type UnderWay = Map<string, Promise<LayerRecord>>;

async function makeRecord(
  results: Store,
  key: string,
  making: Promise<Layer | undefined>,
  notDone: readonly ScriptNote[],
  needs: () => Pick<LayerRecord, "needs" | "step">,
  proven: Digest | undefined,
): Promise<LayerRecord> {
  const layer = await making;
  if (layer === undefined) throw new LockstepError({ code: "LS1000", message: "a layer was not written" });
  const record = { layer, notDone, ...needs(), ...(proven === undefined ? {} : { proven }) };
  await results.putRecord("result", key, record);
  return record;
}

/** What is known of the layers of one plan, from the bottom up. */
function knownLayers(results: Store, image: PlannedImage): Promise<readonly (LayerRecord | undefined)[]> {
  const { plan } = image;
  return Promise.all(
    plan.layers.map((layer, index) => knownLayer(results, layerKey(plan, index), provenEntries(image, layer))),
  );
}

/** Whether the records have every layer of every image already, so that a build has nothing to make. */
export async function allLayersKnown(results: Store, images: readonly PlannedImage[]): Promise<boolean> {
  const known = await Promise.all(images.map((image) => knownLayers(results, image)));
  return known.flat().every((record) => record !== undefined);
}

/** What all images of one build share. */
interface Work {
  readonly host: Host;
  readonly stores: Stores;
  readonly report: Report;
  readonly unpacked: Unpacked;
  readonly inputs: (layer: InputsLayer) => readonly UnpackedInput[];
  readonly underWay: UnderWay;
  readonly signal: AbortSignal | undefined;
}

/** The layers of one plan before `until`, from the bottom up: known, from another image that is making them, or made. */
async function buildLayers(
  { host, stores, report, unpacked, inputs, underWay, signal }: Work,
  image: PlannedImage,
  known: readonly (LayerRecord | undefined)[],
  until = image.plan.layers.length,
): Promise<{ readonly records: readonly LayerRecord[]; readonly cached: boolean }> {
  const { plan } = image;
  // Records are found by what their layers take from the lock, which was held against the lock before.
  const wanted = known.slice(0, until);
  if (wanted.every((record) => record !== undefined)) return { records: wanted, cached: true };
  const used: Used[] =
    plan.base === undefined ? [] : [{ section: "bases", key: plan.base.name, sha256: hexOf(plan.base.digest) }];
  const own = await unpacked.of(image);
  const assembly = new Assembly(stores.results, image.sources);
  const tree = await foundationOf(stores, plan);
  if (tree !== undefined) assembly.base(tree);
  const records: LayerRecord[] = [];
  const outcomes = new Map<number, StepOutcome>();
  const step = async (planned: StepLayer, index: number): Promise<Layer> => {
    const directory = await resultOf(host, image, index);
    if (directory === undefined) throw stepsOpen([{ image, index }]);
    const { makeStepLayer } = await import("./step/make.ts");
    const below = placedLayers(plan, records);
    const made = await makeStepLayer(host, stores.results, assembly, planned, below, directory);
    for (const path of made.outcome.leftOut)
      report.detail(`${image.image} ${plan.platform}: not taken of a step: /${path}`);
    outcomes.set(index, made.outcome);
    used.push(...layerUse(plan, planned));
    return made.layer;
  };
  const layerOf = (planned: PlannedLayer, index: number, system: SystemResult | undefined, write: boolean) => {
    switch (planned.kind) {
      case "base":
        used.push({ section: "bases", key: plan.base?.name ?? "", sha256: hexOf(planned.digest) });
        return placeBaseLayer(stores, planned);
      case "entries":
        return assembly.entries(planned, write);
      case "inputs": {
        const unpackedInputs = inputs(planned);
        used.push(...unpackedInputs.map(({ input: { section, key }, made: { sha256 } }) => ({ section, key, sha256 })));
        return assembly.inputs(planned, unpackedInputs, write);
      }
      case "step":
        return step(planned, index);
      case "packages": {
        const packages = planned.packages.map((item) => own.package(item.key));
        used.push(...packages.map(({ key, sha256 }): Used => ({ section: "packages", key, sha256 })));
        return assembly.packages(planned, packages, system, write);
      }
    }
  };
  const noteStep = async (planned: StepLayer, layer: Layer): Promise<void> => {
    const { stepFacts } = await import("./step/make.ts");
    assembly.onStep(await stepFacts(stores.results, layer, planned), planned.title);
  };
  for (const [index, planned] of plan.layers.slice(0, until).entries()) {
    if (signal?.aborted === true) throw interrupted();
    const key = layerKey(plan, index);
    const started = underWay.get(key);
    const there = known[index] ?? (started === undefined ? undefined : await started);
    // A layer that is there still says what the ones above it find below.
    const write = there === undefined;
    const system =
      planned.kind === "packages" && planned.system !== undefined
        ? tree === undefined
          ? own.system(index)
          : systemOnBase(tree, planned.system, `images/${image.image}/image.yaml`)
        : undefined;
    // Read only when the layer is made, and before the next one is.
    const needs = (): Pick<LayerRecord, "needs" | "step"> => {
      const outcome = outcomes.get(index);
      const ofStep = outcome === undefined ? {} : { step: outcome };
      if (tree === undefined || planned.kind === "base") return ofStep;
      const found = assembly.takeNeeds();
      return { ...ofStep, needs: system === undefined ? found : { ...found, files: accountStates(tree) } };
    };
    if (planned.kind === "step" && there !== undefined) {
      await noteStep(planned, there.layer);
      used.push(...layerUse(plan, planned));
      records.push(there);
      continue;
    }
    const making = layerOf(planned, index, system, write);
    if (there !== undefined) {
      await making;
      needs();
      records.push(there);
      continue;
    }
    const record = makeRecord(stores.results, key, making, system?.notDone ?? [], needs, provenEntries(image, planned));
    underWay.set(key, record);
    const made = await record;
    if (planned.kind === "step") await noteStep(planned, made.layer);
    records.push(made);
  }
  if (until === plan.layers.length) proveUse(image, used);
  for (const path of assembly.replaced) report.detail(`${image.image} ${plan.platform}: a file set replaces ${path}`);
  return { records, cached: false };
}

async function buildPlatform(
  work: Work,
  image: PlannedImage,
  known: readonly (LayerRecord | undefined)[],
): Promise<BuiltPlatform> {
  const begin = work.host.elapsed();
  const { plan } = image;
  const { records, cached } = await buildLayers(work, image, known);
  const layers = records.map(({ layer }) => layer);
  const { config, manifest } = imageDocuments({
    format,
    platform: plan.platform,
    epoch: plan.epoch,
    config: plan.config,
    layers: layers.map((layer, index) => ({
      layer,
      title: plan.layers[index]?.title ?? "",
      epoch: plan.layers[index]?.epoch ?? 0,
      ...baseLayerTexts(plan.layers[index]),
    })),
    annotations: baseAnnotations(
      plan.base,
      plan.layers.length - baseLayersOf(plan).length,
      records.map(({ needs }) => needs),
      hasSteps(image),
    ),
  });
  const blobs = new Map(layers.map(({ digest, size }) => [digest, size]));
  return {
    platform: plan.platform,
    plan: image.hash,
    manifest,
    config,
    layers,
    packages: image.packages.size + image.inputs.npm.size + image.inputs.wheels.size,
    size: manifest.bytes.length + config.bytes.length + [...blobs.values()].reduce((sum, size) => sum + size, 0),
    cached,
    duration: work.host.elapsed() - begin,
    notDone: records.flatMap(({ notDone }) => notDone),
    steps: records.flatMap((record) => record.step ?? []),
    installScripts: [...image.inputs.git, ...image.inputs.npm].flatMap(([key, { scripts = [] }]) =>
      scripts.map((each) => `${key} ${each}`),
    ),
  };
}

/** Puts the platforms of one image together and writes its layout, whose layers are in `results`. */
export async function writeImage<Part extends Pick<BuiltPlatform, "platform" | "manifest" | "config" | "layers">>(
  host: Host,
  results: Store,
  image: string,
  platforms: readonly Part[],
  out: string,
): Promise<Omit<BuiltImage, "platforms"> & { readonly platforms: readonly Part[] }> {
  const index = indexDocument(
    format,
    platforms.map(({ manifest }) => manifest.descriptor),
  );
  const documents = [index, ...platforms.flatMap(({ manifest, config }) => [manifest, config])];
  const layers = [
    ...new Map(platforms.flatMap((built) => built.layers.map((layer) => [layer.digest, layer] as const))).values(),
  ];
  const content: LayoutContent = {
    roots: [
      { name: image, descriptor: index.descriptor },
      // Tools that cannot choose within an index are given a name for each platform.
      ...platforms.map(({ platform, manifest }) => ({
        name: `${image}-${platform.replace("/", "-")}`,
        descriptor: manifest.descriptor,
      })),
    ],
    documents,
    layers: layers.map(({ digest }) => digest),
  };
  const layout = join(out, image);
  const unchanged = await layoutIsCurrent(results, layout, content);
  if (!unchanged) await writeLayout(host, results, layout, content);
  return { image, index, platforms, layout, unchanged };
}

/** What builds of several images need before the first layer is made: locked inputs alone, unpacked where a layer is not known. */
async function prepare(
  host: Host,
  stores: Stores,
  report: Report,
  images: readonly PlannedImage[],
  known: readonly (readonly (LayerRecord | undefined)[])[],
  signal: AbortSignal | undefined,
): Promise<Work> {
  for (const image of images) proveUse(image, plannedUse(image.plan));
  const locked: Stores = { inputs: new LockedStore(host, stores.inputs, images), results: stores.results };
  const needed = images.filter((_, index) => known[index]?.includes(undefined));
  // The heap after the threads: they would start twice as slowly with an option of V8 that Node was not built with.
  if (needed.length > 0) void startThreads().then(growHeapFreely);
  // All packages of all images first: shared ones are unpacked once, and the threads do not wait for a layer to be joined.
  const unpacked = needed.length > 0 ? await unpackPackages(host, locked, report, needed, signal) : nothingUnpacked;
  const inputs = needed.some(({ plan }) => plan.layers.some(({ kind }) => kind === "inputs"))
    ? await (await import("./inputs/unpack.ts")).unpackInputs(host, locked, report, needed, signal)
    : () => [];
  return { host, stores: locked, report, unpacked, inputs, underWay: new Map(), signal };
}

/** A step with the layers that its image has below it, and those of the images that it uses. */
export interface PreparedStep extends OpenStep {
  readonly below: readonly PlacedLayer[];
  /** By what names the image in the plan. */
  readonly used: ReadonlyMap<Digest, readonly PlacedLayer[]>;
  /** The layer of its first run; undefined when it is still to be run. */
  readonly made?: Digest;
}

/** The images that steps of a plan's layer use. */
function usedBy({ plan, uses }: PlannedImage, index: number): readonly (readonly [Digest, PlannedImage])[] {
  const layer = plan.layers[index];
  if (layer?.kind !== "step") return [];
  const { command } = layer;
  const digests = command.kind === "run" ? [command.tools?.tree] : Object.values(command.images);
  return digests.flatMap((digest) => {
    const image = digest === undefined ? undefined : uses.get(digest);
    return digest === undefined || image === undefined ? [] : [[digest, image] as const];
  });
}

/**
 * Makes what the next steps of images run on: their open steps whose layers below are known or can be made; with `every`, all of their steps
 * again. Needs every locked input of the images and of those that their steps use in the inputs store. Throws what building throws.
 */
export async function prepareSteps(
  host: Host,
  stores: Stores,
  report: Report,
  images: readonly PlannedImage[],
  { every, signal }: { readonly every: boolean; readonly signal?: AbortSignal },
): Promise<readonly PreparedStep[]> {
  const all = withUses(images);
  const known = await Promise.all(all.map((image) => knownLayers(stores.results, image)));
  const open = await stepsWithout(host, all, known);
  const firstOf = (image: PlannedImage): number | undefined => open.find((step) => step.image === image)?.index;
  // A step on an image that has one itself has to wait for that one.
  const ready = open.filter(
    ({ image, index }) =>
      firstOf(image) === index && usedBy(image, index).every(([, used]) => firstOf(used) === undefined),
  );
  const wanted =
    every && open.length === 0
      ? images.flatMap((image) =>
          image.plan.layers.flatMap(({ kind }, index) => (kind === "step" ? [{ image, index }] : [])),
        )
      : ready;
  const steps = [...new Map(wanted.map((step) => [layerKey(step.image.plan, step.index), step])).values()];
  if (steps.length === 0) return [];
  const work = await prepare(host, stores, report, all, known, signal);
  const made = new Map<PlannedImage, Promise<readonly PlacedLayer[]>>();
  const layersOf = (image: PlannedImage, until: number): Promise<readonly PlacedLayer[]> => {
    const building =
      made.get(image) ??
      buildLayers(work, image, known[all.indexOf(image)] ?? [], firstOf(image)).then(({ records }) =>
        placedLayers(image.plan, records),
      );
    made.set(image, building);
    return building.then((layers) => layers.slice(0, until));
  };
  return inParallel(steps, host.parallelism, async ({ image, index }) => {
    const used = usedBy(image, index).map(
      async ([digest, each]) => [digest, await layersOf(each, each.plan.layers.length)] as const,
    );
    const layers = await layersOf(image, index + 1);
    const made = layers[index]?.digest;
    return {
      image,
      index,
      below: layers.slice(0, index),
      used: new Map(await Promise.all(used)),
      ...(made === undefined ? {} : { made }),
    };
  });
}

/**
 * Builds planned images and writes one layout for each under `options.out`. Needs every locked input in the inputs store (fetch them
 * first). Throws what hostile or conflicting packages give (LS40xx, LS42xx), LS1003 when interrupted, LS1004 when the disk is full, LS9006
 * for steps that nobody ran, and LS9008 to LS9012 for what they left.
 */
export async function buildImages(
  host: Host,
  stores: Stores,
  report: Report,
  images: readonly PlannedImage[],
  options: BuildOptions,
): Promise<readonly BuiltImage[]> {
  const known = await Promise.all(images.map((image) => knownLayers(stores.results, image)));
  const open = await stepsWithout(host, images, known);
  if (open.length > 0) throw stepsOpen(open);
  const work = await prepare(host, stores, report, images, known, options.signal);
  // One more than there are processors, so that none waits while an image is settled or its blobs are put in place.
  const built = await inParallel(images, host.parallelism + 1, (image, index) =>
    buildPlatform(work, image, known[index] ?? []),
  );
  const byImage = new Map<string, BuiltPlatform[]>();
  for (const [index, platform] of built.entries()) {
    const name = images[index]?.image ?? "";
    byImage.set(name, [...(byImage.get(name) ?? []), platform]);
  }
  const done: BuiltImage[] = [];
  for (const [image, platforms] of byImage)
    done.push(await writeImage(host, stores.results, image, platforms, options.out));
  return done;
}
