/** What follows from the runs of steps that do not give the same again: for people, and as the first causes of a comparison. */
import { layerKey, type PlannedImage } from "../../build/plan.ts";
import type { Place } from "../../host/errors.ts";
import type { Comparison, RankedCause } from "../compare/comparison.ts";
import type { Attribution } from "./attribute.ts";
import { chance, type Conclusion, foundText, ranked, reruns, withFirst } from "./conclude.ts";
import type { ExaminedStep } from "./examine-steps.ts";
import type { StepRun } from "./step-runs.ts";
import type { StepPerturbation } from "./step-table.ts";

/** A step of an image that gives another layer when it is run again. */
export interface StepDrift {
  readonly platform: string;
  /** Number from 1 among the steps of the image, and of its layer among all layers. */
  readonly step: number;
  readonly layer: number;
  readonly title: string;
  readonly place?: Place;
  readonly attribution: Attribution<StepPerturbation>;
  /** The first is the one that is compared. */
  readonly runs: readonly StepRun[];
}

/** The steps of one image that give another layer, in the order of their platforms and layers. */
export function driftsOf(images: readonly PlannedImage[], examined: readonly ExaminedStep[]): readonly StepDrift[] {
  const findings = new Map(examined.map(({ step, finding }) => [layerKey(step.image.plan, step.index), finding]));
  return images.flatMap(({ plan, origins }) => {
    const steps = [...plan.layers.entries()].filter(([, { kind }]) => kind === "step");
    return steps.flatMap(([index, { title }], position): readonly StepDrift[] => {
      const finding = findings.get(layerKey(plan, index));
      if (finding?.kind !== "differs") return [];
      const { attribution, runs } = finding;
      const origin = origins.get(index);
      const place = origin === undefined ? {} : { place: origin.place };
      return [{ platform: plan.platform, step: position + 1, layer: index + 1, title, ...place, attribution, runs }];
    });
  });
}

const longest = 60;

/** `step 1 (images/app/image.yaml:5, run make)`. */
function nameOf({ step, title, place }: StepDrift): string {
  const characters = [...title.replace("lockstep: ", "")];
  const short = characters.length > longest ? `${characters.slice(0, longest).join("")}…` : characters.join("");
  const where = place === undefined ? [] : [[place.file, place.line].filter(Boolean).join(":")];
  return `step ${step} (${[...where, short].join(", ")})`;
}

/** A step that writes when it runs. */
const clock = {
  reads: "the time at which it runs shows",
  fix: "let it take the time from SOURCE_DATE_EPOCH, which it is given",
};

/** Causes of a layer's differences that are about time, the first of each; none when time has no part in it. */
function timesIn({ differences }: Comparison, explained: readonly number[]): readonly string[] {
  const ids = explained.flatMap((index) => {
    const difference = differences[index];
    const id = difference?.causes[0]?.id ?? "";
    return id.startsWith("T") ? [id] : difference?.natures?.includes("time") === true ? ["T10"] : [];
  });
  return [...new Set(ids)];
}

/** A step's part in what differs. */
export interface StepConclusion extends Omit<StepDrift, "attribution">, Conclusion {}

function concludeStep(comparison: Comparison, drift: StepDrift): readonly [StepConclusion, ...RankedCause[]] {
  const { attribution, ...about } = drift;
  const { kind } = attribution;
  const name = nameOf(drift);
  const count = reruns(drift.runs.length - 1);
  const explained = [...comparison.differences.keys()].filter((index) => {
    const { platform = drift.platform, layer } = comparison.differences[index]?.where ?? {};
    return platform === drift.platform && layer === drift.layer;
  });
  const times = timesIn(comparison, explained);
  const itself = times.length > 0 ? { ...clock, causes: times } : chance;
  const items = kind === "found" ? attribution.items : kind === "failed" ? [] : [itself];
  const texts = {
    always: `differs each time that it is run, with nothing changed (${count}): ${itself.reads}; ${itself.fix}`,
    unreproduced: `what differed did not come back (${count}): ${itself.reads}, or what else the machine does`,
    failed: `no cause was found, since what a run left cannot be a layer (${count}): ${drift.runs.at(-1)?.note ?? "it said nothing"}`,
  } as const;
  const said = kind === "found" ? foundText(attribution.items, count) : texts[kind];
  const text = `${name}: ${said}`;
  const perturbations = kind === "found" ? attribution.items.map((item) => item.name) : [];
  const shown = items.map((item) => {
    const cause = ranked(comparison, item, text, explained);
    return { ...cause, fix: `${name}: ${item.fix}` };
  });
  return [{ ...about, kind, perturbations, text }, ...shown];
}

/** A comparison with what steps are to blame for as its first causes, and what is said of each of them. */
export function withSteps(
  comparison: Comparison,
  drifts: readonly StepDrift[],
): { readonly comparison: Comparison; readonly steps: readonly StepConclusion[] } {
  const concluded = drifts.map((drift) => concludeStep(comparison, drift));
  const first = concluded.flatMap(([, ...causes]) => causes);
  return {
    comparison: { ...comparison, causes: withFirst(first, comparison.causes) },
    steps: concluded.map(([step]) => step),
  };
}
