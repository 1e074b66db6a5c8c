/** Sharing a store through a registry: what a team or a fleet of builders has done once is done for all of them. */
import { LockstepError, type Problem } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { inParallel } from "../host/parallel.ts";
import { inputRecipe, inputRecipeKey } from "../build/inputs/fragment.ts";
import { recipeKey } from "../build/package-fragment.ts";
import { layerKey, type PlannedImage } from "../build/plan.ts";
import { localSigningKey } from "../evidence/keys.ts";
import { sizeOf } from "../lock/types.ts";
import { parseReference } from "../registry/reference.ts";
import { openRepository, type Repository } from "../registry/repository.ts";
import { readRegistrySettings } from "../registry/settings.ts";
import type { Report } from "../report/report.ts";
import { type Digest, hexOf } from "../store/digest.ts";
import type { Blob, Store } from "../store/store.ts";
import { blobsOf, type RecordName } from "./record.ts";
import { isAboutContent, pullRecord, pushInputs, pushRecord } from "./remote.ts";
import { readShareSettings, readTrustFile, type ShareSettings } from "./settings.ts";

export interface ShareOptions {
  /** Reference of the repository, and trust file: in place of those of the user's settings. */
  readonly remote?: string;
  readonly trust?: string;
  readonly signal?: AbortSignal;
  /** How often a request is tried; 5 unless given. */
  readonly tries?: number;
}

const atOnce = 8;

/** Inputs of images by digest: the .deb files, layers of bases, and all other entries of the lock. */
function inputsOf(images: readonly PlannedImage[]): readonly Blob[] {
  const found = new Map<Digest, Blob>();
  const add = (sha256: string, size: number): void => {
    found.set(`sha256:${sha256}`, { digest: `sha256:${sha256}`, size });
  };
  for (const { packages, inputs, plan } of images) {
    for (const { sha256, size } of packages.values()) add(sha256, size);
    for (const layer of plan.layers) {
      if (layer.kind === "base") add(hexOf(layer.digest), layer.size);
      if (layer.kind !== "inputs") continue;
      for (const { section, key, sha256 } of layer.inputs) add(sha256, sizeOf(inputs[section].get(key)));
    }
  }
  return [...found.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
}

function unique(names: readonly RecordName[]): readonly RecordName[] {
  return [...new Map(names.map((name) => [`${name.kind} ${name.key}`, name])).values()];
}

function layersOf(generation: string, { plan }: PlannedImage): readonly RecordName[] {
  return plan.layers.map((_, index) => ({ generation, kind: "result", key: layerKey(plan, index) }));
}

/** Fragments as most images need them; those that other packages of an image change are made from these facts where they are needed. */
function fragmentsOf(generation: string, { packages, plan }: PlannedImage): readonly RecordName[] {
  const debs = [...packages.values()].map(({ sha256 }) => recipeKey({ sha256, drop: [], divert: [], override: [] }));
  const others = plan.layers.flatMap((layer) =>
    layer.kind === "inputs" ? layer.inputs.map((input) => inputRecipeKey(inputRecipe(input, layer.epoch))) : [],
  );
  return [...debs, ...others].map((key) => ({ generation, kind: "fragment", key }));
}

async function isHere(store: Store, { kind, key }: RecordName): Promise<boolean> {
  const blobs = blobsOf(kind, await store.getRecord(kind, key));
  if (blobs === undefined) return false;
  return (await Promise.all(blobs.map((digest) => store.find(digest)))).every((blob) => blob !== undefined);
}

async function openRemote(
  host: Host,
  report: Report,
  remote: string,
  { signal, tries }: ShareOptions,
): Promise<Repository> {
  const settings = await readRegistrySettings(host);
  const reference = parseReference(remote, settings);
  if (reference.tag !== undefined || reference.digest !== undefined) {
    throw new LockstepError({
      code: "LS3302",
      message: `${remote} is an image, and a shared store is a repository`,
      hint: "leave the tag and the digest out",
    });
  }
  return openRepository(host, reference, {
    report,
    settings,
    ...(signal === undefined ? {} : { signal }),
    ...(tries === undefined ? {} : { tries }),
  });
}

async function settingsOf(host: Host, options: ShareOptions): Promise<ShareSettings & { readonly remote: string }> {
  const own =
    options.remote !== undefined && options.trust !== undefined ? { trusted: [] } : await readShareSettings(host);
  const remote = options.remote ?? own.remote;
  if (remote === undefined) {
    throw new LockstepError({
      code: "LS3301",
      message: "no shared store is configured",
      hint: "name its repository with --remote, or as store.remote in config.yaml",
    });
  }
  return { remote, trusted: options.trust === undefined ? own.trusted : await readTrustFile(options.trust) };
}

export interface PushedStore {
  readonly remote: string;
  readonly inputs: number;
  readonly layers: number;
  readonly fragments: number;
  /** Bytes of blobs that were sent. */
  readonly sent: number;
}

/** Shares what the store has of images: inputs, fragments and layers. Throws LS3301, LS3302, LS60xx and what the registry's client throws. */
export async function pushStore(
  host: Host,
  store: Store,
  report: Report,
  root: string,
  images: readonly PlannedImage[],
  options: ShareOptions = {},
): Promise<PushedStore> {
  const { remote } = await settingsOf(host, options);
  const key = await localSigningKey(host, root);
  const repository = await openRemote(host, report, remote, options);
  const counts = { inputs: 0, result: 0, fragment: 0 };
  let sent = 0;
  const records = unique(
    images.flatMap((image) => [...layersOf(store.generation, image), ...fragmentsOf(store.generation, image)]),
  );
  const task = report.task(`sharing with ${repository.name}`, "items");
  let done = 0;
  try {
    for (const image of images) {
      const inputs: Blob[] = [];
      for (const { digest, size } of inputsOf([image]))
        if ((await store.find(digest))?.size === size) inputs.push({ digest, size });
      if (inputs.length === 0) continue;
      sent += await pushInputs(repository, store, inputs, `inputs-${hexOf(image.hash).slice(0, 40)}`);
      counts.inputs += inputs.length;
    }
    await inParallel(records, atOnce, async (name) => {
      if (await isHere(store, name)) {
        const value = await store.getRecord(name.kind, name.key);
        const bytes = await pushRecord(repository, store, key, { ...name, value });
        if (bytes !== undefined) {
          counts[name.kind]++;
          sent += bytes;
        }
      }
      task.progress(++done, records.length);
    });
  } finally {
    repository.close();
    task.done();
  }
  return { remote: repository.name, inputs: counts.inputs, layers: counts.result, fragments: counts.fragment, sent };
}

export interface PulledStore {
  readonly remote: string;
  readonly inputs: number;
  readonly layers: number;
  readonly fragments: number;
  /** What the shared store has and is not right, with the reason. None of it was used. */
  readonly refused: readonly Problem[];
}

/**
 * Brings what is missing of images from the shared store: layers that a trusted key vouches for, else fragments, and inputs. Content that
 * is not right is refused and listed, never used. Throws LS3301, LS3302 and what the registry's client throws when it cannot be reached.
 */
export async function pullStore(
  host: Host,
  store: Store,
  report: Report,
  images: readonly PlannedImage[],
  options: ShareOptions = {},
): Promise<PulledStore> {
  const { remote, trusted } = await settingsOf(host, options);
  const repository = await openRemote(host, report, remote, options);
  const refused: Problem[] = [];
  const counts = { inputs: 0, result: 0, fragment: 0 };
  const missing = async (names: readonly RecordName[]): Promise<readonly RecordName[]> => {
    const here = await Promise.all(unique(names).map((name) => isHere(store, name)));
    return unique(names).filter((_, index) => here[index] === false);
  };
  const pull = async (names: readonly RecordName[]): Promise<void> => {
    await inParallel(await missing(names), atOnce, async (name) => {
      const pulled = await pullRecord(repository, store, trusted, name);
      if (pulled.found) counts[name.kind]++;
      refused.push(...pulled.refused.flatMap(({ problems }) => problems));
    });
  };
  const task = report.task(`looking at ${repository.name}`, "items");
  try {
    await pull(images.flatMap((image) => layersOf(store.generation, image)));
    const unmade: PlannedImage[] = [];
    for (const image of images) if ((await missing(layersOf(store.generation, image))).length > 0) unmade.push(image);
    await pull(unmade.flatMap((image) => fragmentsOf(store.generation, image)));
    await inParallel(inputsOf(images), atOnce, async (blob) => {
      try {
        if (await repository.blob(store, blob)) counts.inputs++;
      } catch (error) {
        if (!(error instanceof LockstepError) || !isAboutContent(error)) throw error;
        // What is not there is fetched from where the lock says; so is what is wrong, and that is told.
        if (error.code !== "LS3207") refused.push(...error.problems);
      }
    });
  } finally {
    repository.close();
    task.done();
  }
  return { remote: repository.name, inputs: counts.inputs, layers: counts.result, fragments: counts.fragment, refused };
}
