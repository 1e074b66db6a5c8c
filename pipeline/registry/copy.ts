/** Copying an image between registries and layouts: what is missing, children before parents, names last. */
import { LockstepError } from "../host/errors.ts";
import { inParallel } from "../host/parallel.ts";
import type { Digest } from "../store/digest.ts";
import type { OnBytes } from "./blobs.ts";
import type { Expected, ImageSource, ImageTarget } from "./ends.ts";
import { descriptorFor, type Manifest, type RemoteDescriptor } from "./manifest.ts";
import type { Pushed } from "./upload.ts";

export interface CopyOptions {
  /** Names to give at the target; none: only the digest finds it. */
  readonly tags: readonly string[];
  /** What each of the names must be before. */
  readonly expected?: Expected;
  /** Only this platform of an index: `os/architecture`. */
  readonly platform?: string;
  /** Whether what refers to the image, and to each of its manifests, is copied as well. */
  readonly referrers?: boolean;
  /** Told the bytes of each blob that is there, besides those that are sent. */
  readonly onBytes?: OnBytes;
  /** Told the bytes of all blobs together, once they are known. */
  readonly onTotal?: (total: number) => void;
}

export interface Copied {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly manifests: number;
  /** How many blobs were sent, taken over and there already. */
  readonly blobs: Readonly<Record<Pushed, number>>;
  /** Bytes of the blobs that were sent. */
  readonly sent: number;
}

/** What is asked for or sent together. */
const atOnce = 5;
/** No image has so many manifests; an index that names more, in any depth, is not followed. */
const manifestLimit = 10_000;

/** Kinds of layers that must not be distributed (OCI image-spec, layer.md; Docker's "foreign" layers). */
const notDistributable = /nondistributable|foreign/;

class Walk {
  readonly #source: ImageSource;
  readonly #referrers: boolean;
  readonly #seen = new Set<Digest>();
  /** Children before parents. */
  readonly manifests: Manifest[] = [];
  readonly blobs = new Map<Digest, RemoteDescriptor>();

  constructor(source: ImageSource, referrers: boolean) {
    this.#source = source;
    this.#referrers = referrers;
  }

  async add(manifest: Manifest): Promise<void> {
    const { digest } = manifest.descriptor;
    if (this.#seen.has(digest)) return;
    this.#seen.add(digest);
    if (this.#seen.size > manifestLimit) {
      throw new LockstepError({
        code: "LS3210",
        message: `${digest} is one of more than ${manifestLimit} manifests of one image`,
        hint: "this is no image",
      });
    }
    for (const child of manifest.manifests)
      if (!this.#seen.has(child.digest)) await this.add(await this.#source.manifest(child));
    for (const blob of manifest.blobs) this.#addBlob(blob);
    this.manifests.push(manifest);
    if (!this.#referrers) return;
    for (const one of await this.#source.referrers(digest))
      if (!this.#seen.has(one.digest)) await this.add(await this.#source.manifest(one));
  }

  #addBlob(blob: RemoteDescriptor): void {
    const { digest, size, mediaType, urls } = blob;
    if (urls !== undefined || notDistributable.test(mediaType)) {
      throw new LockstepError({
        code: "LS3219",
        message: `layer ${digest} is not to be distributed and is fetched from elsewhere`,
        hint: "take an image all of whose layers are in the registry",
      });
    }
    const known = this.blobs.get(digest);
    if (known !== undefined && known.size !== size) {
      throw new LockstepError({
        code: "LS3210",
        message: `blob ${digest} has ${known.size} bytes in one place of the image and ${size} in another`,
        hint: "the image is broken where it is: make it again, or take another",
      });
    }
    this.blobs.set(digest, blob);
  }
}

/**
 * Copies one image. Throws what its ends throw, LS3211 without the platform, LS3217 when the source's name moved meanwhile (nothing is
 * named then), LS3219 for a layer that must not be passed on.
 */
export async function copyImage(source: ImageSource, target: ImageTarget, options: CopyOptions): Promise<Copied> {
  const whole = await source.root();
  const { platform } = options;
  const root =
    platform === undefined || whole.manifests.length === 0
      ? whole
      : await source.manifest(descriptorFor(whole, platform, "the index"));
  const walk = new Walk(source, options.referrers === true);
  await walk.add(root);
  const blobs = [...walk.blobs.values()].toSorted((a, b) => b.size - a.size);
  options.onTotal?.(blobs.reduce((sum, { size }) => sum + size, 0));
  const { origin } = source;
  const mountFrom =
    origin !== undefined && origin.host === target.origin?.host && origin.repository !== target.origin.repository
      ? { mountFrom: origin.repository }
      : {};
  const onBytes = options.onBytes ?? (() => {});
  const counts: Record<Pushed, number> = { pushed: 0, mounted: 0, present: 0 };
  let sent = 0;
  const there = new Set<Manifest>();
  // One with a subject is put again: whether it is listed cannot be seen from its being there.
  const asked = walk.manifests.filter(({ subject }) => subject === undefined);
  await inParallel([...asked, ...blobs], atOnce, async (item) => {
    if ("bytes" in item) {
      if (await target.has(item)) there.add(item);
      return;
    }
    // Blobs are asked for also where the manifest is: registries may have one without all that it names (distribution-spec, "Push").
    const outcome = await target.putBlob(source.blob(item), { ...mountFrom, onBytes });
    counts[outcome]++;
    if (outcome === "pushed") sent += item.size;
    else onBytes(item.size);
  });
  for (const manifest of walk.manifests) if (!there.has(manifest)) await target.putManifest(manifest);
  await source.confirm(whole.descriptor.digest);
  for (const tag of options.tags) await target.tag(root, tag, options.expected);
  const { digest, mediaType } = root.descriptor;
  return { digest, mediaType, manifests: walk.manifests.length, blobs: counts, sent };
}
