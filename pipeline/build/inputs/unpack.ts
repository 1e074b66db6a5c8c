/** Unpacks the inputs of images: from the records where their fragments are known, several at once where they are not. */
import { interrupted, LockstepError } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { inParallel } from "../../host/parallel.ts";
import { sizeOf } from "../../lock/types.ts";
import type { Report } from "../../report/report.ts";
import { findDecoders } from "../../source/decompress.ts";
import type { Entry } from "../../tree/entry.ts";
import type { Stores } from "../package-fragment.ts";
import type { InputsLayer, PlannedImage, PlannedInput } from "../plan.ts";
import {
  findInputFragment,
  type InputFragment,
  type InputRecipe,
  inputRecipe,
  inputRecipeKey,
  makeInputFragment,
  readInputEntries,
} from "./fragment.ts";

/** An input, unpacked where its layer has it. */
export interface UnpackedInput {
  readonly input: PlannedInput;
  readonly made: InputFragment;
  /** Sorted by path. */
  readonly entries: readonly Entry[];
}

interface Wanted {
  readonly recipe: InputRecipe;
  readonly name: string;
  readonly size: number;
}

/** What every layer of inputs of the images needs, in its order. */
function wantedOf(
  images: readonly PlannedImage[],
  newest: (recipe: InputRecipe) => number | undefined,
): ReadonlyMap<InputsLayer, readonly Wanted[]> {
  const wanted = new Map<InputsLayer, readonly Wanted[]>();
  for (const { plan, inputs } of images) {
    for (const layer of plan.layers) {
      if (layer.kind !== "inputs" || wanted.has(layer)) continue;
      const items = layer.inputs.map((input) => {
        const plain = inputRecipe(input, layer.epoch);
        const recipe = inputRecipe(input, layer.epoch, newest(plain));
        return { recipe, name: input.key, size: sizeOf(inputs[input.section].get(input.key)) };
      });
      wanted.set(layer, items);
    }
  }
  return wanted;
}

async function ensure(
  host: Host,
  stores: Stores,
  report: Report,
  wanted: readonly Wanted[],
  found: Map<string, InputFragment>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const unknown = new Map(
    wanted.map((item) => [inputRecipeKey(item.recipe), item] as const).filter(([key]) => !found.has(key)),
  );
  const missing: (readonly [string, Wanted])[] = [];
  await inParallel([...unknown], 16, async ([key, item]) => {
    const known = await findInputFragment(stores.results, item.recipe);
    if (known === undefined) missing.push([key, item]);
    else found.set(key, known);
  });
  if (missing.length === 0) return;
  // Largest first, so that the last to end is a small one.
  const jobs = missing.toSorted(([, a], [, b]) => b.size - a.size);
  const total = jobs.reduce((sum, [, { size }]) => sum + size, 0);
  const task = report.task(`unpack ${jobs.length} ${jobs.length === 1 ? "input" : "inputs"}`, "bytes");
  const decoders = findDecoders(host, signal);
  let done = 0;
  try {
    await inParallel(jobs, host.parallelism + 1, async ([key, { recipe, name, size }]) => {
      if (signal?.aborted === true) throw interrupted();
      found.set(key, await makeInputFragment(stores, decoders, recipe, name));
      task.progress((done += size), total);
    });
  } finally {
    task.done();
  }
}

/**
 * Unpacks every input of the images and gives those of a layer, in its order. Throws LS3002 for one that was not fetched, and LS40xx for
 * what is damaged or hostile.
 */
export async function unpackInputs(
  host: Host,
  stores: Stores,
  report: Report,
  images: readonly PlannedImage[],
  signal?: AbortSignal,
): Promise<(layer: InputsLayer) => readonly UnpackedInput[]> {
  const found = new Map<string, InputFragment>();
  const plain = wantedOf(images, () => undefined);
  await ensure(host, stores, report, [...plain.values()].flat(), found, signal);
  // Those with entries that are later than the epoch of their layer are made a second time.
  const final = wantedOf(images, (recipe) => found.get(inputRecipeKey(recipe))?.newest);
  await ensure(host, stores, report, [...final.values()].flat(), found, signal);
  const unpacked = new Map<InputsLayer, readonly UnpackedInput[]>();
  for (const [layer, wanted] of final) {
    const inputs = layer.inputs.map((input, index) => {
      const item = wanted[index];
      const made = item === undefined ? undefined : found.get(inputRecipeKey(item.recipe));
      if (made === undefined) throw new LockstepError({ code: "LS1000", message: `${input.key} was not unpacked` });
      return { input, made };
    });
    unpacked.set(
      layer,
      await inParallel(inputs, 16, async ({ input, made }) => ({
        input,
        made,
        entries: await readInputEntries(stores.results, made),
      })),
    );
  }
  return (layer) => unpacked.get(layer) ?? [];
}
