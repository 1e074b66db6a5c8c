/** What the layers of bases hold, read once each and known by their digest ever after. */
import { LockstepError } from "../../host/errors.ts";
import type { Layer } from "../../image/layer.ts";
import { type LayerFacts, readLayer } from "../../source/image/layer.ts";
import { layerTypes } from "../../source/image/media-types.ts";
import { BaseTree } from "../../source/image/tree.ts";
import { canonicalJson } from "../../store/canonical-json.ts";
import { type Digest, digestOf, hexOf } from "../../store/digest.ts";
import type { Stores } from "../package-fragment.ts";
import type { BaseLayer } from "../plan.ts";

interface FactsRecord {
  /** Blob with the facts as JSON. */
  readonly facts: Digest;
}

/** The facts of a layer whose bytes are in `inputs`. LS2805 when they decompress to something else than the config of the base says. */
async function layerFacts({ inputs, results }: Stores, layer: BaseLayer): Promise<LayerFacts> {
  const compression = [...layerTypes.values()].find(({ oci }) => oci === layer.mediaType)?.compression ?? "gzip";
  const key = hexOf(digestOf(canonicalJson({ kind: "base-layer", digest: layer.digest, compression })));
  const record = (await results.getRecord("result", key)) as FactsRecord | undefined;
  let facts: LayerFacts | undefined;
  if (record !== undefined && (await results.find(record.facts)) !== undefined) {
    facts = JSON.parse((await results.read(record.facts)).toString("utf8")) as LayerFacts;
  } else {
    facts = await readLayer(inputs.stream(layer.digest, 1 << 18), compression, layer.title);
    const { digest } = await results.put(Buffer.from(JSON.stringify(facts)));
    await results.putRecord("result", key, { facts: digest } satisfies FactsRecord);
  }
  if (facts.diffId !== layer.diffId) {
    throw new LockstepError({
      code: "LS2805",
      message: `layer ${layer.digest} decompresses to ${facts.diffId}, and the config of the base says ${layer.diffId}`,
      place: { file: layer.title },
      hint: "use another base: this one is not what it says it is",
    });
  }
  return facts;
}

/** A base's layer as a layer of the image: the same bytes, put into the store of results as they are. */
export async function placeBaseLayer(stores: Stores, layer: BaseLayer): Promise<Layer> {
  const { inputs, results } = stores;
  const { digest, size, diffId } = layer;
  const { tarSize } = await layerFacts(stores, layer);
  if (inputs.directory !== results.directory) await inputs.place(digest, results.pathOf(digest));
  return { digest, size, diffId, tarSize };
}

/** The tree of a base, from the layers of a plan. */
export async function baseTree(stores: Stores, layers: readonly BaseLayer[]): Promise<BaseTree> {
  const tree = new BaseTree();
  for (const layer of layers) tree.apply(await layerFacts(stores, layer), layer.title);
  return tree;
}
