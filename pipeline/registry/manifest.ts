/** Manifests and indexes as registries have them: read strictly, so that nothing of another kind or shape passes for an image. */
import { LockstepError } from "../host/errors.ts";
import { readDescriptor } from "../image/descriptor.ts";
import { indexTypes, manifestTypes } from "../image/media-types.ts";
import type { Descriptor } from "../image/oci.ts";
import { type Digest, digestOf } from "../store/digest.ts";

/** A descriptor with what only foreign images have. */
export interface RemoteDescriptor extends Descriptor {
  readonly platform?: { readonly architecture: string; readonly os: string; readonly variant?: string };
  readonly artifactType?: string;
  /** Addresses of a layer that must not be distributed by others. */
  readonly urls?: readonly string[];
}

export interface Manifest {
  readonly bytes: Buffer;
  readonly descriptor: RemoteDescriptor;
  /** Members of an index; empty for an image's manifest. */
  readonly manifests: readonly RemoteDescriptor[];
  /** Config and layers of an image's manifest, in that order; empty for an index. */
  readonly blobs: readonly RemoteDescriptor[];
  readonly subject?: RemoteDescriptor;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What is asked for in `Accept`. */
export const acceptedTypes: readonly string[] = [...indexTypes, ...manifestTypes];

/** Bytes; what registries at least take (distribution-spec, "Pushing Manifests"). */
export const largestManifest = 4 << 20;

export function isIndexType(mediaType: string): boolean {
  return indexTypes.has(mediaType);
}

type Members = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isMap(value) && Object.values(value).every((text) => typeof text === "string");
}

class Reader {
  readonly #place: string;

  constructor(place: string) {
    this.#place = place;
  }

  fail(message: string): never {
    throw new LockstepError({
      code: "LS3210",
      message: `${this.#place}: ${message}`,
      hint: "the image is broken where it is: make it again, or take another",
    });
  }

  document(bytes: Buffer): Members {
    try {
      const value: unknown = JSON.parse(bytes.toString("utf8"));
      if (isMap(value)) return value;
    } catch {
      // Said below.
    }
    return this.fail("the manifest is not a JSON document of members");
  }

  descriptor(value: unknown, what: string): RemoteDescriptor {
    const read = readDescriptor(value);
    if (read.wrong !== undefined || !isMap(value)) return this.fail(`${what} ${read.wrong}`);
    if (read.mediaType === "") return this.fail(`${what} has no media type`);
    const { platform, annotations, artifactType, urls } = value;
    return {
      ...read,
      ...(platform === undefined ? {} : { platform: this.#platform(platform, what) }),
      ...(isTexts(annotations) ? { annotations } : {}),
      ...(typeof artifactType === "string" ? { artifactType } : {}),
      ...(Array.isArray(urls) && urls.length > 0 ? { urls: urls.map(String) } : {}),
    };
  }

  #platform(value: unknown, what: string): NonNullable<RemoteDescriptor["platform"]> {
    const { architecture, os, variant } = isMap(value) ? value : {};
    if (typeof architecture !== "string" || typeof os !== "string") return this.fail(`${what} has no usable platform`);
    return { architecture, os, ...(typeof variant === "string" ? { variant } : {}) };
  }

  list(value: unknown, what: string): readonly RemoteDescriptor[] {
    if (!Array.isArray(value)) return this.fail(`"${what}" is not a list`);
    return value.map((item: unknown, position) => this.descriptor(item, `${what}[${position}]`));
  }
}

/**
 * Reads a document. `given` is the media type it came with. Throws LS3209 when that is none of an image or another than the document's
 * own, LS3210 when the document is malformed. `place` is what it is called in messages.
 */
export function parseManifest(bytes: Buffer, given: string | undefined, place: string): Manifest {
  const reader = new Reader(place);
  const value = reader.document(bytes);
  const own = value["mediaType"];
  const sent = given?.split(";")[0]?.trim().toLowerCase();
  const mediaType = sent === undefined || sent === "" ? own : sent;
  if (typeof mediaType !== "string" || !acceptedTypes.includes(mediaType) || (own !== undefined && own !== mediaType)) {
    throw new LockstepError({
      code: "LS3209",
      message: `${place}: the media type is "${String(mediaType)}"${own === mediaType ? "" : `, and "${String(own)}" in the document`}`,
      hint: `only images are taken: ${acceptedTypes.join(", ")}`,
    });
  }
  if (value["schemaVersion"] !== 2) reader.fail("schemaVersion is not 2");
  const index = isIndexType(mediaType);
  // A document that is both could be read in two ways (CVE-2021-41190).
  if (index && (value["layers"] !== undefined || value["config"] !== undefined))
    reader.fail("an index has no layers and no config");
  if (!index && value["manifests"] !== undefined) reader.fail("a manifest has no manifests");
  const { annotations, artifactType, subject } = value;
  return {
    bytes,
    descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length },
    manifests: index ? reader.list(value["manifests"], "manifests") : [],
    blobs: index ? [] : [reader.descriptor(value["config"], "config"), ...reader.list(value["layers"], "layers")],
    ...(subject === undefined || subject === null ? {} : { subject: reader.descriptor(subject, "subject") }),
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...(isTexts(annotations) ? { annotations } : {}),
  };
}

/** `linux/arm64` or `linux/arm/v7`; undefined where nothing says so. */
export function platformOf({ platform }: RemoteDescriptor): string | undefined {
  if (platform === undefined) return undefined;
  return [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined).join("/");
}

function platformName(descriptor: RemoteDescriptor): string {
  return platformOf(descriptor) ?? "no platform";
}

/**
 * The manifest of one platform (`os/architecture` or `os/architecture/variant`). Without a variant the one without is preferred, and
 * otherwise there must be a single one. Throws LS3211.
 */
export function descriptorFor(index: Manifest, platform: string, place: string): RemoteDescriptor {
  const exact = index.manifests.filter((item) => platformName(item) === platform);
  const found =
    exact.length > 0 ? exact : index.manifests.filter((item) => platformName(item).startsWith(`${platform}/`));
  const digests = new Set<Digest>(found.map(({ digest }) => digest));
  const [first] = found;
  if (first !== undefined && digests.size === 1) return first;
  const there = index.manifests.map(platformName).join(", ");
  throw new LockstepError({
    code: "LS3211",
    message: `${place} has ${first === undefined ? "nothing" : "more than one image"} for ${platform}; it has ${there === "" ? "nothing at all" : there}`,
    hint: "take an image that is built for the platform, or name the variant",
  });
}
