/** Small images for tests of registries: an index of two platforms, whose layers are gzip members of bytes that are no archive. */
import { gzipSync } from "node:zlib";
import { canonicalJson } from "../../pipeline/store/canonical-json.ts";
import { type Digest, digestOf } from "../../pipeline/store/digest.ts";
import type { TestRegistry } from "./registry.ts";

export const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

export interface Piece {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

export function piece(mediaType: string, content: unknown): Piece {
  const bytes = content instanceof Buffer ? content : Buffer.from(canonicalJson(content));
  return { bytes, mediaType, digest: digestOf(bytes), size: bytes.length };
}

export function named({ mediaType, digest, size }: Piece): { mediaType: string; digest: Digest; size: number } {
  return { mediaType, digest, size };
}

export interface TestImage {
  readonly index: Piece;
  readonly manifests: readonly Piece[];
  readonly blobs: readonly Piece[];
}

/** Bytes that no compression makes smaller and that depend on the seed alone. */
export function noise(seed: string, size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let count = 0; count * 32 < size; count++)
    pieces.push(Buffer.from(digestOf(`${seed} ${count}`).slice(7), "hex"));
  return Buffer.concat(pieces).subarray(0, size);
}

/** An image for linux/amd64 and linux/arm64 that share their first layer. */
export function testImage(seed = "image", layerSize = 5000): TestImage {
  const shared = piece(types.layer, gzipSync(noise(`${seed} shared`, layerSize)));
  const built = ["amd64", "arm64"].map((architecture) => {
    const own = piece(types.layer, gzipSync(noise(`${seed} ${architecture}`, layerSize)));
    const config = piece(types.config, {
      architecture,
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: [shared.digest, own.digest] },
    });
    const manifest = piece(types.manifest, {
      schemaVersion: 2,
      mediaType: types.manifest,
      config: named(config),
      layers: [named(shared), named(own)],
    });
    return { manifest, blobs: [config, own], platform: { os: "linux", architecture } };
  });
  const index = piece(types.index, {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: built.map(({ manifest, platform }) => ({ ...named(manifest), platform })),
  });
  return {
    index,
    manifests: built.map(({ manifest }) => manifest),
    blobs: [shared, ...built.flatMap(({ blobs }) => blobs)],
  };
}

/** Puts an image into a registry, past its protocol. */
export function plant(
  registry: TestRegistry,
  repository: string,
  tag: string,
  { index, manifests, blobs }: TestImage,
): void {
  const content = registry.content.repository(repository);
  for (const { digest, bytes } of blobs) content.blobs.set(digest, bytes);
  for (const { digest, mediaType, bytes } of [...manifests, index])
    content.manifests.set(digest, { digest, mediaType, bytes });
  content.tags.set(tag, index.digest);
}
