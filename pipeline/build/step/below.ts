/** The tree that layers make together, read from the layers themselves. */
import { tarOfLayer } from "../../source/image/layer.ts";
import { layerTypes } from "../../image/media-types.ts";
import type { Digest } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import type { PlannedLayer } from "../plan.ts";
import { FileTree, readEntries } from "./tree.ts";

/** A layer in the store of results, with what planned it. */
export interface PlacedLayer {
  readonly digest: Digest;
  readonly planned: PlannedLayer;
}

/** The tar of a layer. */
export function tarOf(results: Store, { digest, planned }: PlacedLayer): AsyncIterable<Uint8Array> {
  const type = planned.kind === "base" ? planned.mediaType : "application/vnd.oci.image.layer.v1.tar+gzip";
  const { compression } = layerTypes.get(type) ?? { compression: "gzip" };
  return tarOfLayer(results.stream(digest, 1 << 18), compression, { file: planned.title });
}

/** The tree of layers, lowest first. Throws LS40xx for a base whose layers cannot be read so. */
export async function treeOf(results: Store, layers: readonly PlacedLayer[]): Promise<FileTree> {
  const tree = new FileTree();
  for (const [position, layer] of layers.entries()) {
    const place = { file: layer.planned.title };
    tree.apply(await readEntries(tarOf(results, layer), place, position, true), place);
  }
  return tree;
}
