/** An image as something to compare: its documents and layers, from a registry, a layout, or an archive of one. */
import { LockstepError } from "../../host/errors.ts";
import type { BlobSource } from "../../registry/blobs.ts";
import { isIndexType, type Manifest, platformOf, type RemoteDescriptor } from "../../registry/manifest.ts";
import { digestOf } from "../../store/digest.ts";
import type { Subject, SubjectBlob, SubjectDocument, SubjectImage } from "./subject.ts";

/** Where an image's documents and blobs are. */
export interface Shelf {
  root(): Promise<Manifest>;
  manifest(descriptor: RemoteDescriptor): Promise<Manifest>;
  blob(descriptor: RemoteDescriptor): BlobSource;
}

/** The largest configuration that is read. */
const largestConfig = 16 << 20;
/** Images and indexes within an index that are looked at. */
const largestIndex = 1000;

async function bytesOf(source: BlobSource, name: string): Promise<Buffer> {
  if (source.size > largestConfig)
    throw new LockstepError({
      code: "LS5102",
      message: `the configuration has ${source.size} bytes`,
      place: { file: name },
    });
  const pieces: Uint8Array[] = [];
  for await (const piece of source.open(0, source.size)) pieces.push(Uint8Array.from(piece));
  const bytes = Buffer.concat(pieces);
  if (digestOf(bytes) !== source.digest)
    throw new LockstepError({
      code: "LS5102",
      message: `blob ${source.digest} has other content`,
      place: { file: name },
    });
  return bytes;
}

function documentOf({ bytes, descriptor }: Manifest): SubjectDocument {
  return { bytes, digest: descriptor.digest, mediaType: descriptor.mediaType };
}

function platformOfConfig(config: Buffer): string | undefined {
  try {
    const { os, architecture, variant } = JSON.parse(config.toString("utf8")) as Readonly<Record<string, unknown>>;
    if (typeof os !== "string" || typeof architecture !== "string") return undefined;
    return [os, architecture, ...(typeof variant === "string" && variant !== "" ? [variant] : [])].join("/");
  } catch {
    return undefined;
  }
}

async function imageOf(
  shelf: Shelf,
  manifest: Manifest,
  name: string,
  descriptor?: RemoteDescriptor,
): Promise<SubjectImage> {
  const [configDescriptor, ...layers] = manifest.blobs;
  const config = configDescriptor === undefined ? undefined : await bytesOf(shelf.blob(configDescriptor), name);
  const named = descriptor === undefined ? undefined : platformOf(descriptor);
  const said = named ?? (config === undefined ? undefined : platformOfConfig(config));
  return {
    ...(said === undefined ? {} : { platform: said }),
    manifest: documentOf(manifest),
    ...(config === undefined || configDescriptor === undefined
      ? {}
      : { config: { bytes: config, digest: configDescriptor.digest, mediaType: configDescriptor.mediaType } }),
    layers: layers.map((layer, index): SubjectBlob => {
      const source = shelf.blob(layer);
      return {
        name: `${name}: layer ${index + 1}`,
        digest: layer.digest,
        mediaType: layer.mediaType,
        size: layer.size,
        open: () => source.open(0, layer.size),
      };
    }),
  };
}

/**
 * Reads the documents of an image or index; layers are opened later. `platform` narrows an index to one of its images. Throws LS5102 for
 * documents that are not what names them, LS5103 when there is no image of the platform, and what the shelf throws.
 */
export async function imageSubject(
  shelf: Shelf,
  name: string,
  platform: string | undefined,
  close: () => Promise<void> | void,
): Promise<Subject> {
  const root = await shelf.root();
  const base = { name, digest: root.descriptor.digest, close: async () => close() };
  if (!isIndexType(root.descriptor.mediaType))
    return { ...base, kind: "image", images: [await imageOf(shelf, root, name)] };
  const images: SubjectImage[] = [];
  const visit = async (index: Manifest, depth: number): Promise<void> => {
    for (const descriptor of index.manifests) {
      if (images.length >= largestIndex || depth > 4)
        throw new LockstepError({
          code: "LS5102",
          message: "the index has more in it than any image",
          place: { file: name },
        });
      const manifest = await shelf.manifest(descriptor);
      if (isIndexType(manifest.descriptor.mediaType)) await visit(manifest, depth + 1);
      else images.push(await imageOf(shelf, manifest, name, descriptor));
    }
  };
  await visit(root, 0);
  if (platform === undefined) return { ...base, kind: "index", index: documentOf(root), images };
  const [image] = images.filter(
    (one) => one.platform === platform || one.platform?.startsWith(`${platform}/`) === true,
  );
  if (image === undefined)
    throw new LockstepError({
      code: "LS5103",
      message: `${name} has no image for ${platform}; it has ${images.map((one) => one.platform ?? "one without a platform").join(", ")}`,
      hint: "name a platform that both have",
    });
  return { ...base, digest: image.manifest?.digest ?? base.digest, kind: "image", images: [image] };
}
