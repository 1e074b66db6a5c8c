/** Makes the layer of a step from what it left. */
import { join } from "node:path";
import type { Host } from "../../host/host.ts";
import type { Layer } from "../../image/layer.ts";
import { type LayerFacts, readLayer } from "../../source/image/layer.ts";
import type { Store } from "../../store/store.ts";
import { whiteoutOf } from "../../tree/whiteout.ts";
import type { Assembly } from "../assemble.ts";
import type { StepLayer } from "../plan.ts";
import { type PlacedLayer, treeOf } from "./below.ts";
import { changeOf, outputsOf, type StepChange } from "./change.ts";
import { readResult } from "./result.ts";
import { checkChange, secretsOf } from "./secrets.ts";

/** What a step did, from the directory with its file system. Throws LS9008 to LS9010, LS9012 and LS40xx. */
async function readChange(
  host: Host,
  results: Store,
  layer: StepLayer,
  below: readonly PlacedLayer[],
  directory: string,
): Promise<StepChange> {
  const { command } = layer;
  const after = await readResult(host, directory, layer.title);
  if (command.kind === "run" && command.tools !== undefined) return outputsOf(after, command.tools.outputs, layer);
  const system = below.some(({ planned }) => planned.kind === "packages");
  return changeOf(await treeOf(results, below), after, layer, system);
}

/** What a layer was made of, for people: everything in it has the epoch as its time. */
export interface StepOutcome {
  readonly title: string;
  readonly directories: number;
  /** Files and links. */
  readonly entries: number;
  /** Paths of layers below that are gone, with all that was in them. */
  readonly removed: readonly string[];
  /** Paths that the step made or changed and that are not taken. */
  readonly leftOut: readonly string[];
}

function outcomeOf({ title }: StepLayer, { directories, items, leftOut }: StepChange): StepOutcome {
  const removed = items.filter(({ entry }) => whiteoutOf(entry.path) !== undefined);
  return {
    title,
    directories: directories.length,
    entries: items.length - removed.length,
    removed: removed.map(({ from }) => from),
    leftOut,
  };
}

/** The layer of a step that left its file system in `directory`, on the layers below, with what it was made of. */
export async function makeStepLayer(
  host: Host,
  results: Store,
  assembly: Assembly,
  layer: StepLayer,
  below: readonly PlacedLayer[],
  directory: string,
): Promise<{ readonly layer: Layer; readonly outcome: StepOutcome }> {
  const secrets = await secretsOf(host, layer);
  const change = await readChange(host, results, layer, below, directory);
  await checkChange(secrets, layer, change, directory);
  const sources = new Map(
    change.items.flatMap(({ sha256, from }) => (sha256 === undefined ? [] : [[sha256, join(directory, from)]])),
  );
  return { layer: await assembly.step(layer, change, sources), outcome: outcomeOf(layer, change) };
}

/** What a layer of a step has, for the layers above it. */
export function stepFacts(results: Store, { digest }: Layer, { title }: StepLayer): Promise<LayerFacts> {
  return readLayer(results.stream(digest, 1 << 18), "gzip", title);
}
