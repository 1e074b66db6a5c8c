/** The JSON documents of an image (OCI image-spec 1.1), in canonical form (RFC 8785), with nothing in them that a rebuild could change. */
import { canonicalJson } from "../store/canonical-json.ts";
import { type Digest, digestOf } from "../store/digest.ts";
import type { Layer } from "./layer.ts";

const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

/** The annotation that says by which byte rules an image was written. */
export const formatAnnotation = "dev.lockstep.format";

/** The `config` object of an image configuration (config.md, "Properties"); members are absent when the plan has none. */
export interface RuntimeConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, Readonly<Record<string, never>>>>;
  /** `NAME=value`, in the order of the plan. */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, Readonly<Record<string, never>>>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: string };
  /** Of artefacts that are no images. */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A document as it is stored: its bytes and the descriptor that names them. */
export interface Document {
  readonly bytes: Buffer;
  readonly descriptor: Descriptor;
}

function document(mediaType: string, value: unknown): Document {
  const bytes = Buffer.from(canonicalJson(value));
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
}

/** Seconds since 1970 as RFC 3339 in UTC without a fraction: `2026-11-21T09:15:44Z`. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

export interface ImageLayer {
  readonly layer: Layer;
  readonly title: string;
  readonly epoch: number;
  /** Layers of a base: their own type, and their entries of the history in place of one made of title and epoch. */
  readonly mediaType?: string;
  readonly history?: readonly object[];
}

export interface ImageInput {
  readonly format: number;
  readonly platform: string;
  /** Seconds since 1970. */
  readonly epoch: number;
  readonly config: RuntimeConfig;
  /** In order, each with what its history entry says. */
  readonly layers: readonly ImageLayer[];
  /** Of the manifest, besides the format. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageDocuments {
  readonly config: Document;
  readonly manifest: Document;
}

function platformOf(text: string): { readonly os: string; readonly architecture: string } {
  const slash = text.indexOf("/");
  return { os: text.slice(0, slash), architecture: text.slice(slash + 1) };
}

/** The config and manifest of one platform. No variant is written: the architectures built for have one each (catalogue I4). */
export function imageDocuments(input: ImageInput): ImageDocuments {
  const { os, architecture } = platformOf(input.platform);
  const config = document(mediaTypes.config, {
    architecture,
    config: input.config,
    created: formatTime(input.epoch),
    history: input.layers.flatMap(
      ({ title, epoch, history }) => history ?? [{ created: formatTime(epoch), created_by: title }],
    ),
    os,
    rootfs: { diff_ids: input.layers.map(({ layer }) => layer.diffId), type: "layers" },
  });
  const manifest = document(mediaTypes.manifest, {
    annotations: { ...input.annotations, [formatAnnotation]: String(input.format) },
    config: config.descriptor,
    layers: input.layers.map(({ layer: { digest, size }, mediaType = mediaTypes.layer }) => ({
      digest,
      mediaType,
      size,
    })),
    mediaType: mediaTypes.manifest,
    schemaVersion: 2,
  });
  return { config, manifest: { ...manifest, descriptor: { ...manifest.descriptor, platform: { architecture, os } } } };
}

/** The index over the manifests of all platforms, sorted by platform. */
export function indexDocument(format: number, manifests: readonly Descriptor[]): Document {
  const name = ({ platform }: Descriptor): string => `${platform?.os ?? ""}/${platform?.architecture ?? ""}`;
  return document(mediaTypes.index, {
    annotations: { [formatAnnotation]: String(format) },
    manifests: manifests.toSorted((a, b) => (name(a) < name(b) ? -1 : 1)),
    mediaType: mediaTypes.index,
    schemaVersion: 2,
  });
}
