/**
 * Sabotage: makes of a built layout another one that differs by one cause, to prove that verify and explain see it and name it
 * (docs/sabotage.md). It works on a finished layout alone: no plan, no store and no record ever knows of it, and the result is marked.
 */
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { LockstepError } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { didYouMean } from "../../host/suggest.ts";
import { injectedAnnotation } from "../../image/injected.ts";
import { layoutJson } from "../../image/layout.ts";
import { canonicalJson } from "../../store/canonical-json.ts";
import { digestOf } from "../../store/digest.ts";
import { writeFileAtomically } from "../../store/store.ts";
import { gzipAsLockstep } from "./compress.ts";
import { documentCauses, type DocumentCause, type Json } from "./document-causes.ts";
import { type LayerCause, layerCauses, type Spoiled } from "./layer-causes.ts";

/** Layers with more content than this are not spoiled: they are held in memory. */
const largestLayer = 1 << 30;

/** What can be injected, by row of the catalogue, with what it does. */
export const injectable: ReadonlyMap<string, string> = new Map(
  [...Object.entries(layerCauses), ...Object.entries(documentCauses)].map(([id, { does }]) => [id, does] as const),
);

/** Throws LS5401 for what is no cause that can be injected. */
export function checkCause(cause: string): void {
  if (injectable.has(cause)) return;
  throw new LockstepError({
    code: "LS5401",
    message: `${cause} cannot be injected`,
    hint: [didYouMean(cause, injectable.keys()), "docs/sabotage.md lists the causes"]
      .filter((part) => part !== undefined)
      .join("; "),
  });
}

interface Descriptor extends Json {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

class Injection {
  readonly #host: Host;
  readonly #from: string;
  readonly #to: string;
  readonly #layer: LayerCause | undefined;
  readonly #document: DocumentCause | undefined;
  /** Whether anything became another. */
  done = false;

  constructor(host: Host, from: string, to: string, cause: string) {
    this.#host = host;
    this.#from = from;
    this.#to = to;
    this.#layer = layerCauses[cause];
    this.#document = documentCauses[cause];
  }

  #path(directory: string, digest: string): string {
    return join(directory, "blobs/sha256", digest.slice("sha256:".length));
  }

  async #read(digest: string): Promise<Json> {
    return JSON.parse(await readFile(this.#path(this.#from, digest), "utf8")) as Json;
  }

  /** Writes a blob, and gives the descriptor with its digest and size. */
  async #put<D extends Json>(descriptor: D, bytes: Buffer): Promise<D> {
    const digest = digestOf(bytes);
    await writeFileAtomically(this.#host, this.#path(this.#to, digest), bytes);
    if (digest !== descriptor["digest"]) this.done = true;
    return { ...descriptor, digest, size: bytes.length };
  }

  #text(value: Json): Buffer {
    return Buffer.from((this.#document?.write ?? canonicalJson)(value));
  }

  async #copy(descriptor: Descriptor): Promise<Descriptor> {
    await copyFile(this.#path(this.#from, descriptor.digest), this.#path(this.#to, descriptor.digest));
    return descriptor;
  }

  /** The last layer that the cause changes something in, and what becomes of it. */
  async #spoil(layers: readonly Descriptor[]): Promise<readonly [index: number, spoiled: Spoiled] | undefined> {
    if (this.#layer === undefined) return undefined;
    for (const [index, { digest, mediaType }] of [...layers.entries()].toReversed()) {
      // Layers of a base may be compressed otherwise; they are not Lockstep's to spoil.
      if (!mediaType.endsWith("+gzip")) continue;
      const blob = await readFile(this.#path(this.#from, digest));
      const spoiled = this.#layer.spoil(gunzipSync(blob, { maxOutputLength: largestLayer }), blob);
      if (spoiled !== undefined) return [index, spoiled];
    }
    return undefined;
  }

  async manifest(descriptor: Descriptor): Promise<Descriptor> {
    const manifest = await this.#read(descriptor.digest);
    const config = await this.#read((manifest["config"] as Descriptor).digest);
    const layers = [...(manifest["layers"] as readonly Descriptor[])];
    const spoiled = await this.#spoil(layers);
    for (const [index, layer] of layers.entries()) {
      if (spoiled?.[0] !== index) {
        await this.#copy(layer);
        continue;
      }
      const { tar, blob, suffix = "gzip" } = spoiled[1];
      const mediaType = layer.mediaType.replace(/\+gzip$/, suffix === "" ? "" : `+${suffix}`);
      layers[index] = await this.#put({ ...layer, mediaType }, blob ?? (await gzipAsLockstep(tar)));
      const rootfs = config["rootfs"] as { readonly diff_ids: readonly string[] };
      config["rootfs"] = { ...rootfs, diff_ids: rootfs.diff_ids.with(index, digestOf(tar)) };
    }
    manifest["layers"] = layers;
    this.#document?.change.config?.(config);
    manifest["config"] = await this.#put(manifest["config"] as Descriptor, this.#text(config));
    this.#document?.change.manifest?.(manifest);
    return this.#put(withType(descriptor, manifest), this.#text(manifest));
  }

  async index(descriptor: Descriptor): Promise<readonly Descriptor[]> {
    const index = await this.#read(descriptor.digest);
    const manifests: Descriptor[] = [];
    for (const manifest of index["manifests"] as readonly Descriptor[]) manifests.push(await this.manifest(manifest));
    index["manifests"] = manifests;
    this.#document?.change.index?.(index);
    return [await this.#put(withType(descriptor, index), this.#text(index)), ...manifests];
  }
}

/** A descriptor says the type that its document says. */
const withType = (descriptor: Descriptor, { mediaType }: Json): Descriptor =>
  typeof mediaType === "string" ? { ...descriptor, mediaType } : descriptor;

/**
 * Writes to `to` what the layout of an image at `from` is with the cause in it. LS5401 for an unknown cause; LS5404 when there is nothing in the
 * image that it could change, and then nothing is written that has the form of a layout.
 */
export async function injectCause(host: Host, from: string, to: string, cause: string): Promise<string> {
  checkCause(cause);
  await mkdir(join(to, "blobs/sha256"), { recursive: true });
  const injection = new Injection(host, from, to, cause);
  const roots = (
    JSON.parse(await readFile(join(from, "index.json"), "utf8")) as { readonly manifests: readonly Descriptor[] }
  ).manifests;
  const [first, ...others] = roots;
  if (first === undefined) throw new LockstepError({ code: "LS1000", message: "a built layout has an index" });
  const [index, ...manifests] = await injection.index(first);
  if (!injection.done || index === undefined) {
    throw new LockstepError({
      code: "LS5404",
      message: `the image has nothing that ${cause} could change: it ${injectable.get(cause) ?? "changes something"}`,
      place: { file: from },
      hint: "name an image that has it",
    });
  }
  // The other names of a layout are those of its platforms, in the order of the index that was read.
  const named = others.map((root, position) => ({ ...manifests[position], annotations: root["annotations"] }));
  await writeFileAtomically(host, join(to, "oci-layout"), layoutJson);
  const document = {
    annotations: { [injectedAnnotation]: cause },
    manifests: [{ ...index, annotations: first["annotations"] }, ...named],
    mediaType: "application/vnd.oci.image.index.v1+json",
    schemaVersion: 2,
  };
  await writeFileAtomically(host, join(to, "index.json"), canonicalJson(document));
  return index.digest;
}
