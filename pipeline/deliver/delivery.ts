/** Delivery of a repository's apps: which images they need, and the rendered tree for the digests those have now. */
import type { BuiltImage } from "../build/build.ts";
import type { Repository } from "../build/repository.ts";
import type { Digest } from "../store/digest.ts";
import type { DeliveryModel, Release, RenderedFile } from "./model.ts";
import { readDelivery } from "./read.ts";
import { render } from "./render.ts";

/** The names of the images that apps run, sorted and each once. */
export function imagesOf(model: DeliveryModel | undefined): readonly string[] {
  return [...new Set(model?.apps.map(({ image }) => image) ?? [])].toSorted();
}

/** The digests that images have now. */
function releaseOf(images: readonly BuiltImage[]): Release {
  return Object.fromEntries(images.map(({ image, index }): [string, Digest] => [image, index.descriptor.digest]));
}

/** The rendered tree; empty when the repository delivers nothing. */
export function renderTree(model: DeliveryModel | undefined, images: readonly BuiltImage[]): readonly RenderedFile[] {
  return model === undefined ? [] : render(model, releaseOf(images));
}

export function readModel({ root, specs }: Repository): Promise<DeliveryModel | undefined> {
  return readDelivery(root, specs);
}
