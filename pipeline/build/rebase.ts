/** `rebase`: the own layers of an image that is built, on another base, without making them again. */
import { LockstepError, type Problem } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { Layer } from "../image/layer.ts";
import { formatAnnotation, imageDocuments, type RuntimeConfig } from "../image/oci.ts";
import { copyBlob, layoutDocument, layoutRoots } from "../image/read-layout.ts";
import type { Report } from "../report/report.ts";
import { readLayer, type LayerFacts } from "../source/image/layer.ts";
import { type HistoryEntry, readConfig } from "../source/image/config.ts";
import { isIndex, manifestOf, parseDocument, readManifest } from "../source/image/manifest.ts";
import { indexTypes } from "../image/media-types.ts";
import { type Platform, platforms } from "../spec/types.ts";
import type { Store } from "../store/store.ts";
import { admitBase } from "./base/admit.ts";
import { fetchLockedBase } from "./base/fetch.ts";
import { baseAnnotations, baseLayerTexts, rebaseAnnotation } from "./base/foundation.ts";
import type { BaseAccess } from "./base/fetch.ts";
import { baseTree, placeBaseLayer } from "./base/layers.ts";
import { pinBase } from "./base/pin-base.ts";
import { plannedBaseLayers } from "./base/planned.ts";
import { rebaseProblems } from "./base/rebase-check.ts";
import { readRebaseNote, type RebaseNote } from "./base/rebase-note.ts";
import { type BuiltImage, type BuiltPlatform, writeImage } from "./build.ts";
import { resolveConfig } from "./config.ts";
import { format } from "./plan.ts";

type RebasedPlatform = Pick<BuiltPlatform, "platform" | "manifest" | "config" | "layers">;

export type RebasedImage = Omit<BuiltImage, "platforms"> & { readonly platforms: readonly RebasedPlatform[] };

export interface RebaseOptions extends BaseAccess {
  /** The layout of the image. */
  readonly layout: string;
  /** The new base, as a spec would write it. */
  readonly onto: string;
  /** Directory that gets the new layout, in a directory of the image's name. */
  readonly out: string;
  /** SOURCE_DATE_EPOCH, when it is set. */
  readonly epoch?: number;
}

/** One platform of the image as it is: what it notes, and its own layers. */
interface Own {
  readonly platform: Platform;
  readonly note: RebaseNote;
  readonly layers: readonly (Layer & { readonly facts: LayerFacts; readonly history: readonly HistoryEntry[] })[];
}

function cannot(layout: string, message: string, hint = "build the image on the new base"): LockstepError {
  return new LockstepError({ code: "LS2809", message, place: { file: layout }, hint });
}

/** The image's name and index. LS2809 when the layout has not exactly one image for several platforms. */
async function findImage(layout: string): Promise<{ readonly name: string; readonly index: Buffer }> {
  const roots = (await layoutRoots(layout)).filter(({ mediaType }) => indexTypes.has(mediaType));
  const [root] = roots;
  if (root === undefined || roots.length > 1 || !/^[a-z0-9]+([._-][a-z0-9]+)*$/.test(root.name))
    throw cannot(layout, `has ${roots.length} indexes with a name of ours, and must have one`);
  return { name: root.name, index: await layoutDocument(layout, root.digest) };
}

async function readOwn(store: Store, layout: string, index: Buffer, platform: Platform): Promise<Own | undefined> {
  const document = parseDocument(index, layout, "the index");
  isIndex(document, "application/vnd.oci.image.index.v1+json", layout);
  let descriptor;
  try {
    descriptor = manifestOf(document, platform, layout);
  } catch (error) {
    if (error instanceof LockstepError && error.code === "LS2801") return undefined;
    throw error;
  }
  const manifest = parseDocument(await layoutDocument(layout, descriptor.digest), layout, "the manifest");
  isIndex(manifest, descriptor.mediaType, layout);
  const { config, layers } = readManifest(manifest, layout);
  const annotations = (manifest["annotations"] ?? {}) as Readonly<Record<string, unknown>>;
  if (annotations[formatAnnotation] !== String(format))
    throw cannot(layout, `${platform}: was not written by the rules of format ${format}`);
  const note = readRebaseNote(annotations[rebaseAnnotation]);
  if (note === undefined)
    throw cannot(
      layout,
      `${platform}: does not note what it needs of its base: it was not built on an image of a registry`,
    );
  const { diffIds, history } = readConfig(await layoutDocument(layout, config.digest), platform, layers.length, layout);
  if (note.layers > layers.length) throw cannot(layout, `${platform}: notes more layers than it has`);
  const first = layers.length - note.layers;
  const own: Own["layers"][number][] = [];
  for (const [position, { digest, size }] of layers.entries()) {
    if (position < first) continue;
    await copyBlob(store, layout, digest);
    const facts = await readLayer(store.stream(digest, 1 << 18), "gzip", `${layout} ${digest}`);
    const diffId = diffIds[position];
    if (facts.diffId !== diffId) throw cannot(layout, `${platform}: layer ${digest} is not what the config says`);
    own.push({ digest, size, diffId, tarSize: facts.tarSize, facts, history: history[position] ?? [] });
  }
  return { platform, note, layers: own };
}

/** Throws LS2809 when the time that is set is not the one the image was built with. */
function checkEpoch(layout: string, { note, platform }: Own, epoch: number | undefined): void {
  if (epoch === undefined ? !note.fixed : note.fixed && note.epoch === epoch) return;
  const was = note.fixed ? `SOURCE_DATE_EPOCH=${note.epoch}` : "without SOURCE_DATE_EPOCH";
  throw cannot(
    layout,
    `${platform}: was built ${was}, and own layers have that time`,
    "set it as it was, or build the image on the new base",
  );
}

/**
 * Puts an image's own layers onto another base and writes the layout that a full build on that base gives. LS2809 wherever it would not,
 * or that cannot be known; LS5003 for damaged layouts; and what pinning and admitting a base throw.
 */
export async function rebaseImage(
  host: Host,
  store: Store,
  report: Report,
  options: RebaseOptions,
): Promise<RebasedImage> {
  const { layout, onto } = options;
  const { name, index } = await findImage(layout);
  const found: Own[] = [];
  for (const platform of platforms) {
    const own = await readOwn(store, layout, index, platform);
    if (own === undefined) continue;
    checkEpoch(layout, own, options.epoch);
    found.push(own);
  }
  if (found.length === 0) throw cannot(layout, "has no platform that can be built");
  const platformsOf = found.map(({ platform }) => platform);
  const source = await options.open(onto);
  const base = await pinBase(store, source, onto, platformsOf).finally(() => source.close());
  const stores = { inputs: store, results: store };
  const configs = [];
  for (const { platform } of found) configs.push(await admitBase(store, onto, base, platform));
  await fetchLockedBase(store, report, onto, base, options);
  const problems: Problem[] = [];
  const rebased: RebasedPlatform[] = [];
  for (const [position, { platform, note, layers: own }] of found.entries()) {
    const config = configs[position];
    const locked = base.platforms[platform];
    if (config === undefined || locked === undefined) continue;
    const planned = plannedBaseLayers(onto, locked, config);
    const tree = await baseTree(stores, planned);
    problems.push(
      ...rebaseProblems(
        note,
        own.map(({ facts }) => facts),
        tree,
        `${name} ${platform}`,
      ),
    );
    const { config: specs, epoch, fixed, directories, files } = note;
    const layers = [];
    for (const layer of planned) {
      layers.push({ layer: await placeBaseLayer(stores, layer), title: layer.title, epoch, ...baseLayerTexts(layer) });
    }
    for (const { digest, size, diffId, tarSize, history } of own)
      layers.push({ layer: { digest, size, diffId, tarSize }, title: "", epoch, history });
    const documents = imageDocuments({
      format,
      platform,
      epoch: fixed ? epoch : Math.max(epoch, config.created),
      config: specs.reduce<RuntimeConfig>((below, spec) => resolveConfig(spec, below), config.runtime),
      layers,
      annotations: baseAnnotations(
        { name: onto, digest: locked.manifest.digest, config: specs, epoch, fixed },
        own.length,
        [{ directories, ...(files === undefined ? {} : { files }) }],
      ),
    });
    rebased.push({ platform, ...documents, layers: layers.map(({ layer }) => layer) });
  }
  if (problems.length > 0) throw new LockstepError(problems);
  return writeImage(host, store, name, rebased, options.out);
}
