/** Holds what steps left when they were run again against the layers of their first runs. */
import { Assembly } from "../../build/assemble.ts";
import type { PreparedStep } from "../../build/build.ts";
import type { StepLayer } from "../../build/plan.ts";
import { tarOf } from "../../build/step/below.ts";
import { makeStepLayer } from "../../build/step/make.ts";
import { resultOf } from "../../build/step/open.ts";
import { LockstepError } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { readLayer } from "../../source/image/layer.ts";
import { BaseTree } from "../../source/image/tree.ts";
import type { Store } from "../../store/store.ts";
import { followRuns, type StepFinding, type StepOutcome } from "./step-runs.ts";
import type { StepPerturbation } from "./step-table.ts";

export interface ExaminedStep {
  readonly step: PreparedStep;
  readonly finding: StepFinding;
}

/** The layer that a run of a step gives on the layers below it. */
async function outcomeOf(
  host: Host,
  results: Store,
  { image, below, made }: PreparedStep,
  layer: StepLayer,
  directory: string,
): Promise<StepOutcome> {
  const assembly = new Assembly(results, image.sources);
  const tree = new BaseTree();
  for (const placed of below)
    tree.apply(await readLayer(tarOf(results, placed), "none", placed.planned.title), placed.planned.title);
  assembly.base(tree);
  try {
    const { digest } = (await makeStepLayer(host, results, assembly, layer, below, directory)).layer;
    return { outcome: digest === made ? "same" : "differs", digest };
  } catch (error) {
    // What a run leaves may be refused, which the first was not.
    if (!(error instanceof LockstepError)) throw error;
    return { outcome: "failed", note: error.problems[0]?.message ?? error.message };
  }
}

/** What is known of steps from their runs to compare, and which runs are to be made next. Steps that were never run are left out. */
export async function examineSteps(
  host: Host,
  results: Store,
  steps: readonly PreparedStep[],
  perturbations: readonly StepPerturbation[],
): Promise<readonly ExaminedStep[]> {
  const examined: ExaminedStep[] = [];
  for (const step of steps) {
    const { image, index, made } = step;
    const layer = image.plan.layers[index];
    if (layer?.kind !== "step" || made === undefined) continue;
    const finding = await followRuns(perturbations, async (run) => {
      const directory = await resultOf(host, image, index, run);
      return directory === undefined ? undefined : outcomeOf(host, results, step, layer, directory);
    });
    examined.push({ step, finding });
  }
  return examined;
}
