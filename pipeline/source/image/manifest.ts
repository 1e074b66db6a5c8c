/** Reads indexes and manifests of base images, which may be hostile (OCI image-spec 1.1, image-index.md and manifest.md). */
import type { Code } from "../../host/codes.ts";
import { LockstepError } from "../../host/errors.ts";
import { readDescriptor } from "../../image/descriptor.ts";
import { configTypes, indexTypes, layerTypes, manifestTypes } from "../../image/media-types.ts";
import type { Platform } from "../../spec/types.ts";
import { type Digest, digestOf } from "../../store/digest.ts";

/** What names a blob (descriptor.md). */
export interface ImageDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

export interface ImageManifest {
  readonly config: ImageDescriptor;
  /** Lowest first. */
  readonly layers: readonly ImageDescriptor[];
}

type Content = Readonly<Record<string, unknown>>;

/** The largest document of an image that is read; registries are asked to take 4 MiB at the least (distribution-spec, "Pushing Manifests"). */
export const largestDocument = 8 << 20;
/** More layers than any runtime mounts. */
const mostLayers = 1000;

export function isContent(value: unknown): value is Content {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function problem(code: Code, reference: string, message: string, hint?: string): LockstepError {
  return new LockstepError({ code, message, place: { file: reference }, ...(hint === undefined ? {} : { hint }) });
}

/** The JSON object that the bytes are; LS2802 otherwise. */
export function parseDocument(bytes: Uint8Array, reference: string, what: string): Content {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isContent(value)) return value;
  } catch {
    // Told below, in the same words whatever is wrong with it.
  }
  throw problem("LS2802", reference, `${what} is not a JSON object`);
}

function descriptorOf(value: unknown, reference: string, what: string): ImageDescriptor {
  const read = readDescriptor(value);
  if (read.wrong !== undefined || !isContent(value)) throw problem("LS2802", reference, `${what} ${read.wrong}`);
  if (Array.isArray(value["urls"]) && value["urls"].length > 0)
    throw problem("LS2803", reference, `${what} lies elsewhere, below addresses of its own`, notOurs);
  return read;
}

const notOurs = "use a base whose layers are all in its registry";

/** Whether the document is an index, by its own word and by its members; LS2802 when it could be taken for both or is neither. */
export function isIndex(document: Content, mediaType: string, reference: string): boolean {
  const own = document["mediaType"];
  if (document["schemaVersion"] === 1 || /distribution\.manifest\.v1\+/.test(mediaType)) {
    throw problem(
      "LS2802",
      reference,
      "is a manifest of schema 1, which has no digests of what its layers hold",
      "publish the base anew with a current tool",
    );
  }
  if (own !== undefined && own !== mediaType) {
    throw problem("LS2802", reference, `is served as ${mediaType} and calls itself ${JSON.stringify(own)}`);
  }
  if (!indexTypes.has(mediaType) && !manifestTypes.has(mediaType)) {
    throw problem("LS2802", reference, `is of the media type ${JSON.stringify(mediaType)}, which is no image`);
  }
  // One document that readers of either kind would take (CVE-2021-41190).
  const index = indexTypes.has(mediaType);
  const foreign = index ? ["layers", "config"] : ["manifests"];
  const both = foreign.find((member) => document[member] !== undefined);
  if (both !== undefined)
    throw problem(
      "LS2802",
      reference,
      `is an ${index ? "index" : "image"} and has the member "${both}" of the other kind`,
    );
  if (document["schemaVersion"] !== 2) throw problem("LS2802", reference, "has no schemaVersion 2");
  return index;
}

/** The variants of a platform that every machine of its architecture has (image-index.md, "platform"). */
const plainVariants: Readonly<Record<Platform, readonly unknown[]>> = {
  "linux/amd64": [undefined, "", "v1"],
  "linux/arm64": [undefined, "", "v8"],
};

/** The manifest of a platform in an index: the first that matches, as image-index.md has it. LS2801 when there is none. */
export function manifestOf(index: Content, platform: Platform, reference: string): ImageDescriptor {
  const list = index["manifests"];
  if (!Array.isArray(list)) throw problem("LS2802", reference, "is an index without manifests");
  const found: string[] = [];
  for (const [position, item] of (list as readonly unknown[]).entries()) {
    const named = isContent(item) && isContent(item["platform"]) ? item["platform"] : {};
    const { os, architecture, variant, "os.version": version, "os.features": features } = named;
    const name = `${String(os)}/${String(architecture)}`;
    if (name !== "unknown/unknown") found.push(typeof variant === "string" ? `${name}/${variant}` : name);
    if (name !== platform || !plainVariants[platform].includes(variant)) continue;
    if (version !== undefined || (Array.isArray(features) && features.length > 0)) continue;
    const descriptor = descriptorOf(item, reference, `manifest ${position + 1}`);
    if (!manifestTypes.has(descriptor.mediaType))
      throw problem(
        "LS2802",
        reference,
        `has for ${platform} the media type ${descriptor.mediaType}, which is no image manifest`,
      );
    return descriptor;
  }
  const there = [...new Set(found)].slice(0, 20).join(", ");
  throw problem(
    "LS2801",
    reference,
    `has no ${platform}; it has ${there === "" ? "no platform" : there}`,
    "write the platforms of the base, or use another base",
  );
}

/** Config and layers of a manifest. LS2802 when it is malformed, LS2803 for layers that cannot be used. */
export function readManifest(manifest: Content, reference: string): ImageManifest {
  const config = descriptorOf(manifest["config"], reference, "the config");
  if (!configTypes.has(config.mediaType))
    throw problem(
      "LS2802",
      reference,
      `has a config of the media type ${JSON.stringify(config.mediaType)}: it is an artefact, not an image`,
    );
  if (config.size > largestDocument) throw problem("LS2802", reference, `has a config of ${config.size} bytes`);
  const list = manifest["layers"];
  if (!Array.isArray(list)) throw problem("LS2802", reference, "has no list of layers");
  if (list.length === 0 || list.length > mostLayers) throw problem("LS2802", reference, `has ${list.length} layers`);
  const layers = (list as readonly unknown[]).map((item, position) => {
    const what = `layer ${position + 1}`;
    const layer = descriptorOf(item, reference, what);
    if (!layerTypes.has(layer.mediaType))
      throw problem("LS2803", reference, `${what} is of the media type ${JSON.stringify(layer.mediaType)}`, notOurs);
    return layer;
  });
  return { config, layers };
}

/** LS2805 when the bytes are not those that the descriptor names. */
export function checkBytes(
  bytes: Uint8Array,
  { digest, size }: Omit<ImageDescriptor, "mediaType">,
  reference: string,
  what: string,
): void {
  const found = digestOf(bytes);
  if (found === digest && bytes.length === size) return;
  throw problem(
    "LS2805",
    reference,
    `${what} has ${bytes.length} bytes and ${found}, not ${size} bytes and ${digest}`,
    "do not use this registry until you know why; nothing of it was kept",
  );
}
