/** Looks up what a reference to a base image names now, and writes down all of it by digest. */
import type { LockedBase, LockedBasePlatform } from "../../lock/types.ts";
import { readConfig } from "../../source/image/config.ts";
import {
  checkBytes,
  type ImageDescriptor,
  isIndex,
  largestDocument,
  manifestOf,
  parseDocument,
  problem,
  readManifest,
} from "../../source/image/manifest.ts";
import type { Platform } from "../../spec/types.ts";
import { digestOf } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import { formatTime } from "../../image/oci.ts";
import type { ImageSource } from "./images.ts";

function descriptor(bytes: Uint8Array, mediaType: string): ImageDescriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** What one platform's manifest says, with the config that it names brought into the store. */
async function pinPlatform(
  store: Store,
  source: ImageSource,
  reference: string,
  platform: Platform,
  manifest: ImageDescriptor,
  bytes: Uint8Array,
): Promise<LockedBasePlatform> {
  const document = parseDocument(bytes, reference, `the manifest for ${platform}`);
  if (isIndex(document, manifest.mediaType, reference))
    throw problem("LS2802", reference, `has for ${platform} an index within an index`);
  const { config, layers } = readManifest(document, reference);
  await store.put(bytes);
  await source.blob(store, config);
  const { created, diffIds } = readConfig(await store.read(config.digest), platform, layers.length, reference);
  return {
    config,
    created: formatTime(created),
    layers: layers.map((layer, index) => ({ ...layer, diffId: diffIds[index] ?? layer.digest })),
    manifest,
  };
}

async function read(source: ImageSource, reference: string, digest?: string): ReturnType<ImageSource["document"]> {
  const document = await source.document(digest);
  if (document.bytes.length > largestDocument)
    throw problem(
      "LS2802",
      reference,
      `has a document of ${document.bytes.length} bytes, at most ${largestDocument} are read`,
    );
  return document;
}

/**
 * The lock's entry for a base: by digest for each of the platforms. Documents and configs come into the store, layers do not. Throws
 * LS2801 (no such platform), LS2802 and LS2803 (not an image that can be used), LS2804 (the tag moved meanwhile), LS2805 (other bytes
 * than a digest says), LS2806 (asks for what cannot be kept).
 */
export async function pinBase(
  store: Store,
  source: ImageSource,
  reference: string,
  platforms: readonly Platform[],
): Promise<LockedBase> {
  const { bytes, mediaType } = await read(source, reference);
  const top = descriptor(bytes, mediaType);
  const wanted = /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1];
  if (wanted !== undefined && wanted !== top.digest)
    throw problem(
      "LS2805",
      reference,
      `what is served has ${top.digest}`,
      "do not use this registry until you know why; nothing of it was kept",
    );
  const document = parseDocument(bytes, reference, "what is served");
  const index = isIndex(document, mediaType, reference);
  const found: Record<string, LockedBasePlatform> = {};
  for (const platform of platforms) {
    if (!index) {
      found[platform] = await pinPlatform(store, source, reference, platform, top, bytes);
      continue;
    }
    const manifest = manifestOf(document, platform, reference);
    const served = await read(source, reference, manifest.digest);
    checkBytes(served.bytes, manifest, reference, `the manifest for ${platform}`);
    if (served.mediaType !== manifest.mediaType) {
      throw problem(
        "LS2805",
        reference,
        `the manifest for ${platform} is served as ${served.mediaType}, not ${manifest.mediaType}`,
      );
    }
    found[platform] = await pinPlatform(store, source, reference, platform, manifest, served.bytes);
  }
  await store.put(bytes);
  // Between the first read and this one it may have become another image, of which half would be in the lock.
  const again = digestOf((await source.document()).bytes);
  if (again !== top.digest)
    throw problem("LS2804", reference, `was ${top.digest} and is ${again} now`, "run the command again");
  return { ...top, platforms: found };
}
