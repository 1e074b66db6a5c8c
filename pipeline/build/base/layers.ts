/** What the layers of bases hold, read once each and known by their digest ever after. */
import { LockstepError } from "../../host/errors.ts";
import type { Layer } from "../../image/layer.ts";
import { type LayerFacts, readLayer } from "../../source/image/layer.ts";
import { type Compression, layerTypes } from "../../image/media-types.ts";
import { BaseTree } from "../../source/image/tree.ts";
import { canonicalJson } from "../../store/canonical-json.ts";
import { type Digest, digestOf, hexOf } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import type { Stores } from "../package-fragment.ts";
import type { BaseLayer } from "../plan.ts";

interface FactsRecord {
  /** Blob with the facts as JSON. */
  readonly facts: Digest;
}

/** Layers that are being read, or were, by their key: images of one build often share their base. */
const reading = new WeakMap<Store, Map<string, Promise<LayerFacts>>>();

function once(results: Store, key: string, read: () => Promise<LayerFacts>): Promise<LayerFacts> {
  const known = reading.get(results) ?? new Map<string, Promise<LayerFacts>>();
  reading.set(results, known);
  const there = known.get(key);
  if (there !== undefined) return there;
  const started = read();
  known.set(key, started);
  // What failed, such as a damaged blob, may succeed when it was fetched again.
  started.catch(() => known.delete(key));
  return started;
}

async function readFacts(
  { inputs, results }: Stores,
  layer: BaseLayer,
  key: string,
  compression: Compression,
): Promise<LayerFacts> {
  const record = (await results.getRecord("result", key)) as FactsRecord | undefined;
  if (record !== undefined && (await results.find(record.facts)) !== undefined)
    return JSON.parse((await results.read(record.facts)).toString("utf8")) as LayerFacts;
  const facts = await readLayer(inputs.stream(layer.digest, 1 << 18), compression, layer.title).catch(
    async (error: unknown) => {
      if (!(error instanceof LockstepError) || !error.code.startsWith("LS40")) throw error;
      // A damaged blob looks like a malformed archive; reading it to its end tells which it is, and removes it.
      // The decoder may have come to its end already, and have removed it.
      if ((await inputs.find(layer.digest)) === undefined) throw await inputs.corrupt(layer.digest);
      const buffer = Buffer.allocUnsafeSlow(1 << 20);
      for await (const _ of inputs.stream(layer.digest, buffer.length, buffer));
      throw error;
    },
  );
  const { digest } = await results.put(Buffer.from(JSON.stringify(facts)));
  await results.putRecord("result", key, { facts: digest } satisfies FactsRecord);
  return facts;
}

/** The facts of a layer whose bytes are in `inputs`. LS2805 when they decompress to something else than the config of the base says. */
async function layerFacts(stores: Stores, layer: BaseLayer): Promise<LayerFacts> {
  const compression = [...layerTypes.values()].find(({ oci }) => oci === layer.mediaType)?.compression ?? "gzip";
  const key = hexOf(digestOf(canonicalJson({ kind: "base-layer", digest: layer.digest, compression })));
  const facts = await once(stores.results, key, () => readFacts(stores, layer, key, compression));
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
