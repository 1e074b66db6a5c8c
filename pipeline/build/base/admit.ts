/** The one place where a base is accepted or refused before anything of it is used; checks of its signature belong here. */
import type { LockedBase } from "../../lock/types.ts";
import { type BaseConfig, readConfig } from "../../source/image/config.ts";
import { checkBytes, isIndex, manifestOf, parseDocument, problem, readManifest } from "../../source/image/manifest.ts";
import type { Platform } from "../../spec/types.ts";
import { canonicalJson } from "../../store/canonical-json.ts";
import type { Store } from "../../store/store.ts";
import { formatTime } from "../../image/oci.ts";

/**
 * Follows a base from the digest in the lock down to its config and layers, in the bytes that the store has, and gives its config. Each
 * step must say what the lock says: LS2805 otherwise, with LS3001 and LS3002 for blobs that are damaged or absent. Every command that
 * uses a base comes through here, once for each platform, before the base is planned with.
 */
export async function admitBase(
  store: Store,
  reference: string,
  base: LockedBase,
  platform: Platform,
): Promise<BaseConfig> {
  const locked = base.platforms[platform];
  if (locked === undefined) throw problem("LS2801", reference, `is not locked for ${platform}`, "run `lockstep pin`");
  const differs = (what: string): Error =>
    problem(
      "LS2805",
      reference,
      `${what} for ${platform} is not what the lock says`,
      "run `lockstep pin`, and look at the difference before you commit it",
    );
  const top = await store.read(base.digest);
  checkBytes(top, base, reference, "the base");
  const document = parseDocument(top, reference, "the base");
  const manifest = isIndex(document, base.mediaType, reference)
    ? manifestOf(document, platform, reference)
    : { mediaType: base.mediaType, digest: base.digest, size: base.size };
  if (canonicalJson(manifest) !== canonicalJson(locked.manifest)) throw differs("the manifest");
  const bytes = await store.read(manifest.digest);
  checkBytes(bytes, manifest, reference, `the manifest for ${platform}`);
  const found = readManifest(parseDocument(bytes, reference, `the manifest for ${platform}`), reference);
  if (canonicalJson(found.config) !== canonicalJson(locked.config)) throw differs("the config");
  const layers = locked.layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
  if (canonicalJson(found.layers) !== canonicalJson(layers)) throw differs("the list of layers");
  const text = await store.read(found.config.digest);
  checkBytes(text, found.config, reference, `the config for ${platform}`);
  const config = readConfig(text, platform, layers.length, reference);
  if (formatTime(config.created) !== locked.created) throw differs("the time of the config");
  if (locked.layers.some(({ diffId }, index) => diffId !== config.diffIds[index])) throw differs("the list of diffIDs");
  return config;
}
