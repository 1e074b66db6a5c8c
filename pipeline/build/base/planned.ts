/** The layers of a base as a plan has them. */
import type { LockedBasePlatform } from "../../lock/types.ts";
import type { BaseConfig } from "../../source/image/config.ts";
import { layerTypes } from "../../image/media-types.ts";
import type { Platform } from "../../spec/types.ts";
import type { BaseLayer } from "../plan.ts";

/** What a base on a platform is looked up by. */
export function baseKey(reference: string, platform: Platform): string {
  return `${reference} ${platform}`;
}

/** Lowest first. Layers that are called by Docker's names get OCI's; their bytes are the same. */
export function plannedBaseLayers(
  reference: string,
  locked: LockedBasePlatform,
  config: BaseConfig,
): readonly BaseLayer[] {
  return locked.layers.map(({ digest, size, diffId, mediaType }, index) => ({
    kind: "base",
    title: `${reference}: layer ${index + 1}`,
    epoch: config.created,
    mediaType: layerTypes.get(mediaType)?.oci ?? mediaType,
    digest,
    size,
    diffId,
    history: config.history[index] ?? [],
  }));
}
