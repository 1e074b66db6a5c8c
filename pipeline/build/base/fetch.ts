/** Brings what bases are made of into the store: documents before planning, layers before building. Touches no network when all is there. */
import { LockstepError } from "../../host/errors.ts";
import { inParallel } from "../../host/parallel.ts";
import type { Lock, LockedBase, LockedBlob } from "../../lock/types.ts";
import type { Report } from "../../report/report.ts";
import type { BaseConfig } from "../../source/image/config.ts";
import { checkBytes } from "../../source/image/manifest.ts";
import { usesOf } from "../../spec/uses.ts";
import type { ImageSpec, Platform } from "../../spec/types.ts";
import type { Store } from "../../store/store.ts";
import { baseKey } from "./planned.ts";
import { admitBase } from "./admit.ts";
import type { ImageSource, OpenImage } from "./images.ts";

export interface BaseAccess {
  readonly open: OpenImage;
  /** Never touches the network. */
  readonly offline?: boolean;
  readonly signal?: AbortSignal;
}

interface WantedBlob extends LockedBlob {
  /** The reference whose repository has it. */
  readonly reference: string;
  /** Whether it is an index or a manifest, which registries serve apart from blobs. */
  readonly document: boolean;
}

/** Blobs fetched at once. */
const parallel = 4;

/** Bases that images need, with the platforms; also those of the images they are from, or use in steps. All images when none is named. */
export function basesOf(
  specs: readonly ImageSpec[],
  names: readonly string[],
): ReadonlyMap<string, ReadonlySet<Platform>> {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const found = new Map<string, Set<Platform>>();
  for (const wanted of specs) {
    if (names.length > 0 && !names.includes(wanted.name)) continue;
    const needed = new Set([wanted]);
    for (const spec of needed) {
      for (const name of [spec.from, ...usesOf(spec).map((use) => use.name)]) {
        const other = byName.get(name ?? "");
        if (other !== undefined) needed.add(other);
      }
      if (spec.base === undefined) continue;
      const platforms = found.get(spec.base.image) ?? new Set();
      for (const platform of wanted.platforms) platforms.add(platform);
      found.set(spec.base.image, platforms);
    }
  }
  return found;
}

async function fetchOne(store: Store, source: ImageSource, wanted: WantedBlob): Promise<void> {
  if (!wanted.document) return source.blob(store, wanted);
  const { bytes, mediaType } = await source.document(wanted.digest);
  checkBytes(bytes, wanted, wanted.reference, "what is served");
  if (mediaType !== wanted.mediaType) {
    throw new LockstepError({
      code: "LS2805",
      message: `${wanted.digest} is served as ${mediaType}, and the lock says ${wanted.mediaType}`,
      place: { file: wanted.reference },
    });
  }
  await store.put(bytes);
}

async function fetchMissing(
  store: Store,
  report: Report,
  wanted: readonly WantedBlob[],
  access: BaseAccess,
): Promise<void> {
  const missing: WantedBlob[] = [];
  for (const item of new Map(wanted.map((each) => [each.digest, each])).values()) {
    const there = await store.find(item.digest);
    if (there !== undefined && there.size !== item.size) await store.corrupt(item.digest);
    if (there?.size !== item.size) missing.push(item);
  }
  if (missing.length === 0) return;
  if (access.offline === true) {
    const lines = missing.map(
      ({ reference, digest, size }) => `\n  missing: ${digest} of ${reference} (${size} bytes)`,
    );
    throw new LockstepError({
      code: "LS3102",
      message: `${missing.length} blobs of base images are not in the store, and the network is not to be used${lines.join("")}`,
      hint: "run the command once where the network may be used; what was downloaded is kept",
    });
  }
  const sources = new Map<string, Promise<ImageSource>>();
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  const task = report.task("download base images", "bytes");
  let done = 0;
  try {
    await inParallel(missing, parallel, async (item) => {
      if (access.signal?.aborted === true)
        throw new LockstepError({ code: "LS1003", message: "interrupted; what was downloaded is kept" });
      const source = sources.get(item.reference) ?? access.open(item.reference);
      sources.set(item.reference, source);
      await fetchOne(store, await source, item);
      task.progress((done += item.size), total);
    });
  } finally {
    task.done();
    for (const source of await Promise.allSettled(sources.values())) {
      if (source.status === "fulfilled") source.value.close();
    }
  }
}

/**
 * What the bases of the named images (all when none is named) say of themselves, by `baseKey`, for the planner: each fetched where the
 * store lacks its documents, and admitted. The caller has checked that the lock answers the specs. LS3102 when the network is not to be
 * used, LS32xx when the registry fails, and what `admitBase` throws.
 */
export async function admitBases(
  store: Store,
  report: Report,
  { specs, lock }: { readonly specs: readonly ImageSpec[]; readonly lock: Lock },
  names: readonly string[],
  access: BaseAccess,
): Promise<ReadonlyMap<string, BaseConfig>> {
  const bases = basesOf(specs, names);
  const wanted = [...bases].flatMap(([reference, platforms]): readonly WantedBlob[] => {
    const base = lock.bases.get(reference);
    if (base === undefined) return [];
    const documents = [base, ...[...platforms].flatMap((platform) => base.platforms[platform]?.manifest ?? [])];
    const configs = [...platforms].flatMap((platform) => base.platforms[platform]?.config ?? []);
    return [
      ...documents.map(({ mediaType, digest, size }) => ({ mediaType, digest, size, reference, document: true })),
      ...configs.map((config) => ({ ...config, reference, document: false })),
    ];
  });
  await fetchMissing(store, report, wanted, access);
  const found = new Map<string, BaseConfig>();
  for (const [reference, platforms] of bases) {
    const base = lock.bases.get(reference);
    if (base === undefined) continue;
    for (const platform of platforms.values())
      found.set(baseKey(reference, platform), await admitBase(store, reference, base, platform));
  }
  return found;
}

/** Brings everything of one entry of the lock into the store. Throws like `admitBases`. */
export async function fetchLockedBase(
  store: Store,
  report: Report,
  reference: string,
  base: LockedBase,
  access: BaseAccess,
): Promise<void> {
  const platforms = Object.values(base.platforms);
  const documents = [base, ...platforms.map(({ manifest }) => manifest)];
  const blobs = platforms.flatMap(({ config, layers }) => [config, ...layers]);
  const wanted = [
    ...documents.map((blob) => ({ blob, document: true })),
    ...blobs.map((blob) => ({ blob, document: false })),
  ];
  await fetchMissing(
    store,
    report,
    wanted.map(({ blob: { mediaType, digest, size }, document }) => ({ mediaType, digest, size, reference, document })),
    access,
  );
}
