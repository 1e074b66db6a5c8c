/** Writes images of few bytes in which every document can be set, as layouts and archives, for tests of what compares them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { digestOf, hexOf } from "../../pipeline/store/digest.ts";
import { type TarItem, tarOf } from "./tar-of.ts";

type Json = Readonly<Record<string, unknown>>;

export interface LayerOf {
  readonly items?: readonly TarItem[];
  /** Instead of items: the bytes of the archive. */
  readonly tar?: Buffer;
  /** What makes the blob of the archive; gzip unless given. */
  readonly pack?: (tar: Buffer) => Buffer;
  readonly mediaType?: string;
}

export interface ImageOf {
  readonly layers: readonly LayerOf[];
  readonly platform?: Json;
  /** Changes the documents before they get their digests. */
  readonly config?: (value: Record<string, unknown>) => unknown;
  readonly manifest?: (value: Record<string, unknown>) => unknown;
  /** How a document is written: JSON.stringify unless given. */
  readonly write?: (value: unknown) => string;
}

export interface IndexOf {
  readonly images: readonly ImageOf[];
  readonly index?: (value: Record<string, unknown>) => unknown;
  readonly write?: (value: unknown) => string;
}

const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
};

class Blobs {
  readonly all = new Map<string, Buffer>();

  add(bytes: Buffer, mediaType: string, more: Json = {}): Json {
    const digest = digestOf(bytes);
    this.all.set(hexOf(digest), bytes);
    return { mediaType, digest, size: bytes.length, ...more };
  }

  document(value: Record<string, unknown>, mediaType: string, write: ImageOf["write"], more: Json = {}): Json {
    return this.add(Buffer.from((write ?? JSON.stringify)(value)), mediaType, more);
  }
}

function addImage(blobs: Blobs, image: ImageOf): Json {
  const platform = image.platform ?? { architecture: "amd64", os: "linux" };
  const layers = image.layers.map(({ items, tar, pack, mediaType }) => {
    const archive = tar ?? tarOf(items ?? []);
    return { diffId: digestOf(archive), descriptor: blobs.add((pack ?? gzipSync)(archive), mediaType ?? types.layer) };
  });
  const config: Record<string, unknown> = {
    created: "2024-01-01T00:00:00Z",
    ...platform,
    config: { Env: ["PATH=/usr/bin", "LANG=C.UTF-8"], Cmd: ["/bin/true"] },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map((_, index) => ({ created: "2024-01-01T00:00:00Z", created_by: `layer ${index + 1}` })),
  };
  image.config?.(config);
  const manifest: Record<string, unknown> = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: blobs.document(config, types.config, image.write),
    layers: layers.map(({ descriptor }) => descriptor),
  };
  image.manifest?.(manifest);
  // A manifest may say that it is of another type.
  return blobs.document(manifest, String(manifest["mediaType"] ?? types.manifest), image.write, { platform });
}

export interface Made {
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** What index.json names. */
  readonly root: Json;
}

/** An image alone, or an index of some. */
export function made(image: ImageOf | IndexOf): Made {
  const blobs = new Blobs();
  if (!("images" in image)) return { blobs: blobs.all, root: addImage(blobs, image) };
  const index: Record<string, unknown> = {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: image.images.map((one) => addImage(blobs, one)),
  };
  image.index?.(index);
  return { blobs: blobs.all, root: blobs.document(index, types.index, image.write) };
}

function filesOf({ blobs, root }: Made): ReadonlyMap<string, Buffer> {
  return new Map([
    ["oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}')],
    ["index.json", Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: [root] }))],
    ...[...blobs].map(([hex, bytes]) => [`blobs/sha256/${hex}`, bytes] as const),
  ]);
}

/** Writes a layout into a directory, and gives it. */
export function writeLayout(directory: string, image: ImageOf | IndexOf): string {
  mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
  for (const [path, bytes] of filesOf(made(image))) writeFileSync(join(directory, path), bytes);
  return directory;
}

/** An OCI archive. */
export function archiveOf(image: ImageOf | IndexOf): Buffer {
  return tarOf([...filesOf(made(image))].map(([name, content]) => ({ name, content })));
}

/** An archive as `docker save` wrote it before it was an OCI archive too: plain layers, and links in place of repeated ones. */
export function savedArchiveOf(image: ImageOf, tags: readonly string[] = ["web:1"]): Buffer {
  const { blobs, root } = made({ ...image, layers: image.layers.map((layer) => ({ ...layer, pack: (tar) => tar })) });
  const blob = (digest: unknown): Buffer => blobs.get(String(digest).slice("sha256:".length)) ?? Buffer.alloc(0);
  const manifest = JSON.parse(blob(root["digest"]).toString("utf8")) as {
    readonly config: { readonly digest: string };
    readonly layers: readonly { readonly digest: string }[];
  };
  const config = `${manifest.config.digest.slice("sha256:".length)}.json`;
  const items: TarItem[] = [{ name: config, content: blob(manifest.config.digest) }];
  const seen = new Map<string, string>();
  const paths = manifest.layers.map(({ digest }, index) => {
    const path = `${digestOf(String(index)).slice("sha256:".length)}/layer.tar`;
    const earlier = seen.get(digest);
    if (earlier === undefined) items.push({ name: path, content: blob(digest) });
    else items.push({ name: path, flag: "2", target: `../${earlier}` });
    seen.set(digest, path);
    return path;
  });
  const list = [{ Config: config, RepoTags: tags, Layers: paths }];
  return tarOf([...items, { name: "manifest.json", content: JSON.stringify(list) }]);
}
