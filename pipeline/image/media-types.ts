/** Media types of images in registries: those of OCI, Docker's older names for the same, and what is refused. */

export const indexTypes: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
]);

export const manifestTypes: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
]);

export const configTypes: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
]);

export type Compression = "none" | "gzip" | "zstd";

/** The type that an image built here gives the layer, and how it is compressed; the bytes are the same under either name. */
interface LayerType {
  readonly oci: string;
  readonly compression: Compression;
}

const tar: LayerType = { oci: "application/vnd.oci.image.layer.v1.tar", compression: "none" };
const gzip: LayerType = { oci: "application/vnd.oci.image.layer.v1.tar+gzip", compression: "gzip" };
const zstd: LayerType = { oci: "application/vnd.oci.image.layer.v1.tar+zstd", compression: "zstd" };

/** Layers of any other type are refused: those that lie elsewhere (foreign, non-distributable), and encrypted ones. */
export const layerTypes: ReadonlyMap<string, LayerType> = new Map([
  [tar.oci, tar],
  [gzip.oci, gzip],
  [zstd.oci, zstd],
  ["application/vnd.docker.image.rootfs.diff.tar", tar],
  ["application/vnd.docker.image.rootfs.diff.tar.gzip", gzip],
  ["application/vnd.docker.image.rootfs.diff.tar.zstd", zstd],
]);
