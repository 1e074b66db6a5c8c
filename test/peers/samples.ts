/** The sample images, built once for all tests that hold them against other tools. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createHost } from "../../pipeline/host/host.ts";
import type { RuntimeConfig } from "../../pipeline/image/oci.ts";
import { type Digest, digestOf, hexOf } from "../../pipeline/store/digest.ts";
import { run } from "../support.ts";
import { build, type BuiltImage, type BuiltLayer, type BuiltPlatform, fetchInputs } from "./builds.ts";
import { type RawArchive, readRaw } from "./raw-tar.ts";

/** The members of an image configuration that are written (OCI image-spec, config.md). */
export interface ConfigDocument {
  readonly architecture: string;
  readonly config: RuntimeConfig;
  readonly created: string;
  readonly history: readonly { readonly created: string; readonly created_by: string }[];
  readonly os: string;
  readonly rootfs: { readonly diff_ids: readonly Digest[]; readonly type: string };
}

export interface SampleLayer extends BuiltLayer {
  /** Where its blob is. */
  readonly path: string;
  /** Whose it is, for messages: `web linux/amd64 layer 1`. */
  readonly name: string;
  readonly image: string;
  readonly platform: string;
  readonly index: number;
  /** Seconds since 1970, from the history of the configuration. */
  readonly epoch: number;
}

/** A layer with its tar headers; its content is not kept. */
export interface SampleArchive extends RawArchive {
  readonly layer: SampleLayer;
  /** SHA-256 and length of the tar as gunzip gives it. */
  readonly diffId: Digest;
  readonly length: number;
}

async function readArchive(layer: SampleLayer): Promise<SampleArchive> {
  const tar = gunzipSync(await readFile(layer.path));
  return { layer, ...readRaw(tar), diffId: digestOf(tar), length: tar.length };
}

export class Samples {
  readonly images: readonly BuiltImage[];
  /** Directory of a store with every package of the samples. */
  readonly inputs: string;
  readonly #directory: string;
  readonly #bundles = new Map<string, string>();
  #archives: Promise<readonly SampleArchive[]> | undefined;

  private constructor(directory: string, inputs: string, images: readonly BuiltImage[]) {
    this.#directory = directory;
    this.inputs = inputs;
    this.images = images;
  }

  static async build(): Promise<Samples> {
    const directory = await mkdtemp(join(tmpdir(), "lockstep-samples-"));
    try {
      const { store } = await fetchInputs([]);
      const images = await build({ inputs: store.directory, work: directory });
      return new Samples(directory, store.directory, images);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** A new path for something that lives as long as the samples. */
  path(name: string): string {
    return join(this.#directory, `${createHost().token(4)}-${name}`);
  }

  blobPath(image: BuiltImage, digest: Digest): string {
    return join(image.layout, "blobs", "sha256", hexOf(digest));
  }

  readBlob(image: BuiltImage, digest: Digest): Promise<Buffer> {
    return readFile(this.blobPath(image, digest));
  }

  async config(image: BuiltImage, platform: BuiltPlatform): Promise<ConfigDocument> {
    return JSON.parse((await this.readBlob(image, platform.config)).toString()) as ConfigDocument;
  }

  /** One image on one platform. */
  find(name: string, platform: string): { readonly image: BuiltImage; readonly platform: BuiltPlatform } {
    const image = this.images.find((each) => each.image === name);
    const built = image?.platforms.find((each) => each.platform === platform);
    if (image === undefined || built === undefined) throw new Error(`no sample ${name} for ${platform}`);
    return { image, platform: built };
  }

  /** Every layer of an image and platform, from the bottom up. */
  async layersOf(image: BuiltImage, built: BuiltPlatform): Promise<readonly SampleLayer[]> {
    const { history } = await this.config(image, built);
    return built.layers.map((layer, index) => ({
      ...layer,
      path: this.blobPath(image, layer.digest),
      name: `${image.image} ${built.platform} layer ${index}`,
      image: image.image,
      platform: built.platform,
      index,
      epoch: Date.parse(history[index]?.created ?? "") / 1000,
    }));
  }

  /** Every layer of every sample once, whatever number of images share it. */
  async layers(): Promise<readonly SampleLayer[]> {
    const found = new Map<Digest, SampleLayer>();
    for (const image of this.images)
      for (const built of image.platforms)
        for (const layer of await this.layersOf(image, built))
          if (!found.has(layer.digest)) found.set(layer.digest, layer);
    return [...found.values()];
  }

  /** The same with their tar headers, read once. */
  archives(): Promise<readonly SampleArchive[]> {
    this.#archives ??= this.layers().then(async (layers) => {
      const archives: SampleArchive[] = [];
      for (const layer of layers) archives.push(await readArchive(layer));
      return archives;
    });
    return this.#archives;
  }

  /** Directory of a runtime bundle (`config.json`, `rootfs`) that umoci unpacked, with owners as they are; needs umoci and root. */
  bundle(name: string, platform: string): string {
    const key = `${name}-${platform.replace("/", "-")}`;
    const known = this.#bundles.get(key);
    if (known !== undefined) return known;
    const { image } = this.find(name, platform);
    const bundle = this.path(`bundle-${key}`);
    const { status, stderr } = run("umoci", ["unpack", "--image", `${image.layout}:${key}`, bundle]);
    if (status !== 0) throw new Error(`umoci cannot unpack ${key}: ${stderr.toString()}`);
    this.#bundles.set(key, bundle);
    return bundle;
  }

  /** The root directory of such a bundle. */
  root(name: string, platform: string): string {
    return join(this.bundle(name, platform), "rootfs");
  }
}
