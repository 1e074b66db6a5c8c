/** Builds images: plans in, OCI layouts out. A layer is made only when no record says what its plan gives. */
import { join } from "node:path";
import { interrupted, LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { Layer } from "../image/layer.ts";
import { startTarDigest } from "../image/tar-digest.ts";
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
import { format, type InputsLayer, layerKey, type PlannedImage, type PlannedLayer } from "./plan.ts";
import { LockedStore, plannedUse, proveUse, provenEntries, type Used } from "./use.ts";
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
  /** Of layers of packages: for which entries of the lock it is believed. */
  readonly proven?: Digest;
}

async function knownLayer(results: Store, key: string, proven: Digest | undefined): Promise<LayerRecord | undefined> {
  const record = (await results.getRecord("result", key)) as LayerRecord | undefined;
  if (record === undefined || record.proven !== proven) return undefined;
  const blob = await results.find(record.layer.digest);
  return blob?.size === record.layer.size ? record : undefined;
}

/** Layers that are being made, by key: images with a common base reach its layers at the same time. */
type UnderWay = Map<string, Promise<LayerRecord>>;

async function makeRecord(
  results: Store,
  key: string,
  making: Promise<Layer | undefined>,
  notDone: readonly ScriptNote[],
  needs: () => { readonly needs?: BaseNeeds },
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

/** The layers of one plan, from the bottom up: known, from another image that is making them, or made. */
async function buildLayers(
  { stores, report, unpacked, inputs, underWay, signal }: Work,
  image: PlannedImage,
  known: readonly (LayerRecord | undefined)[],
): Promise<{ readonly records: readonly LayerRecord[]; readonly cached: boolean }> {
  const { plan } = image;
  // Records are found by what their layers take from the lock, which was held against the lock before.
  if (known.every((record) => record !== undefined)) return { records: known, cached: true };
  const used: Used[] =
    plan.base === undefined ? [] : [{ section: "bases", key: plan.base.name, sha256: hexOf(plan.base.digest) }];
  const assembly = new Assembly(stores.results, image.sources);
  const tree = await foundationOf(stores, plan);
  if (tree !== undefined) assembly.base(tree);
  const records: LayerRecord[] = [];
  const layerOf = (planned: PlannedLayer, system: SystemResult | undefined, write: boolean) => {
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
      case "packages": {
        const packages = planned.packages.map((item) => unpacked.package(image, item.key));
        used.push(...packages.map(({ key, sha256 }): Used => ({ section: "packages", key, sha256 })));
        return assembly.packages(planned, packages, system, write);
      }
    }
  };
  for (const [index, planned] of plan.layers.entries()) {
    if (signal?.aborted === true) throw interrupted();
    const key = layerKey(plan, index);
    const started = underWay.get(key);
    const there = known[index] ?? (started === undefined ? undefined : await started);
    // A layer that is there still says what the ones above it find below.
    const write = there === undefined;
    const system =
      planned.kind === "packages" && planned.system !== undefined
        ? tree === undefined
          ? unpacked.system(image, index)
          : systemOnBase(tree, planned.system, `images/${image.image}/image.yaml`)
        : undefined;
    // Read only when the layer is made, and before the next one is.
    const needs = (): { readonly needs?: BaseNeeds } => {
      if (tree === undefined || planned.kind === "base") return {};
      const found = assembly.takeNeeds();
      return { needs: system === undefined ? found : { ...found, files: accountStates(tree) } };
    };
    const making = layerOf(planned, system, write);
    if (there !== undefined) {
      await making;
      needs();
      records.push(there);
      continue;
    }
    const record = makeRecord(stores.results, key, making, system?.notDone ?? [], needs, provenEntries(image, planned));
    underWay.set(key, record);
    records.push(await record);
  }
  proveUse(image, used);
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
    installScripts: [...image.inputs.npm].flatMap(([key, { scripts = [] }]) => scripts.map((each) => `${key} ${each}`)),
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

/**
 * Builds planned images and writes one layout for each under `options.out`. Needs every locked input in the inputs store (fetch them
 * first). Throws what hostile or conflicting packages give (LS40xx, LS42xx), LS1003 when interrupted, LS1004 when the disk is full.
 */
export async function buildImages(
  host: Host,
  stores: Stores,
  report: Report,
  images: readonly PlannedImage[],
  options: BuildOptions,
): Promise<readonly BuiltImage[]> {
  for (const image of images) proveUse(image, plannedUse(image.plan));
  const locked: Stores = { inputs: new LockedStore(host, stores.inputs, images), results: stores.results };
  const known = await Promise.all(images.map((image) => knownLayers(stores.results, image)));
  const needed = images.filter((_, index) => known[index]?.includes(undefined));
  // All packages of all images first: shared ones are unpacked once, and the threads never wait for a layer to be joined.
  if (needed.length > 0) startTarDigest();
  const unpacked =
    needed.length > 0 ? await unpackPackages(host, locked, report, needed, options.signal) : nothingUnpacked;
  const inputs = needed.some(({ plan }) => plan.layers.some(({ kind }) => kind === "inputs"))
    ? await (await import("./inputs/unpack.ts")).unpackInputs(host, locked, report, needed, options.signal)
    : () => [];
  const work: Work = { host, stores: locked, report, unpacked, inputs, underWay: new Map(), signal: options.signal };
  const built = await inParallel(images, host.parallelism, (image, index) =>
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
