/** What follows from reruns: the cause that they show, for the document and for people. */
import { causes } from "../cause/table.ts";
import type { Comparison, Experiment, RankedCause } from "../compare/comparison.ts";
import type { Attribution } from "./attribute.ts";
import type { Perturbation } from "./surroundings.ts";

export interface Conclusion {
  /**
   * `found`: the perturbations that make the difference together. `always`: it is there without any. `input`: what is built has changed.
   * `unreproduced`: it did not come back. `failed`: a rerun came to no end.
   */
  readonly kind: Attribution<never>["kind"] | "input";
  /** Names, of `found` only. */
  readonly perturbations: readonly string[];
  /** Sentences for people. */
  readonly text: string;
}

/** Causes that are no doubt of those who saw the build change with one thing. */
const sure = 0.99;

function joined(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

export const reruns = (count: number): string => `${count} ${count === 1 ? "rerun" : "reruns"}`;

/** What a set of perturbations that was found says. */
export function foundText(items: readonly Pick<Perturbation, "name" | "reads" | "fix">[], count: string): string {
  const [only] = items.length === 1 ? items : [];
  return only === undefined
    ? `${joined(items.map(({ name }) => name))} make the difference together, and none of them does without the others (${count}): ${items.map(({ reads }) => reads).join("; ")}`
    : `${only.name} alone makes the difference (${count}): ${only.reads}; ${only.fix}`;
}

/** Sentences for an attribution. `inputsChanged`: whether the plan of a rerun without changes is another than that of the build. */
export function conclude(
  attribution: Attribution<Perturbation>,
  experiments: readonly Experiment[],
  inputsChanged: boolean,
): Conclusion {
  const count = reruns(experiments.length);
  const { kind } = attribution;
  if (kind === "found") {
    const { items } = attribution;
    return { kind, perturbations: items.map(({ name }) => name), text: foundText(items, count) };
  }
  if (kind === "always" && inputsChanged)
    return {
      kind: "input",
      perturbations: [],
      text: `an input is another than when the image was built (${count}): build it again, then verify`,
    };
  const texts = {
    always: `the rebuild differs without any change of its surroundings too (${count}): something is made by chance, or depends on what cannot be changed here`,
    unreproduced: `what differed did not come back (${count}): something is made by chance, or depends on what else the machine does`,
    failed: `no cause was found, since a rerun failed (${count}): ${experiments.at(-1)?.note ?? "it said nothing"}`,
  } as const;
  return { kind, perturbations: [], text: texts[kind] };
}

/** By chance: the row of the catalogue for what no change of surroundings explains. */
export const chance: Pick<Perturbation, "causes" | "reads" | "fix"> = {
  causes: ["E10"],
  reads: "the build gives other bytes each time",
  fix: "find what makes identifiers, keys or temporary names, and derive them from the content",
};

/** A cause that experiments show. `explained` are the indexes of the differences that are known to come from it, where they are known. */
export function ranked(
  comparison: Comparison,
  { causes: ids, reads, fix }: Pick<Perturbation, "causes" | "reads" | "fix">,
  evidence: string,
  explained: readonly number[],
): RankedCause {
  // What the bytes speak for as well is the better name of several.
  const known = comparison.causes.find(({ id }) => ids.includes(id));
  const id = known?.id ?? ids[0] ?? "unknown";
  return {
    id,
    confidence: sure,
    title: known?.title ?? causes.find((cause) => cause.id === id)?.title ?? reads,
    grade: known?.grade ?? comparison.grade ?? "content",
    count: explained.length > 0 ? explained.length : (known?.count ?? 0),
    evidence: [evidence, ...(known?.evidence ?? [])],
    fix: known?.fix ?? fix,
    examples: known?.examples ?? explained.slice(0, 3),
  };
}

/** Causes that are known come first, each once. */
export function withFirst(first: readonly RankedCause[], others: readonly RankedCause[]): readonly RankedCause[] {
  const unique = first.filter(({ id }, index) => first.findIndex((other) => other.id === id) === index);
  return [...unique, ...others.filter(({ id }) => unique.every((other) => other.id !== id))];
}

/**
 * A comparison with its reruns, and with what they show as its first cause. `rebuilt` is the digest of the rebuild that is compared: when a
 * rerun under the found set gave the same, that set explains all that differs.
 */
export function withExperiments(
  comparison: Comparison,
  attribution: Attribution<Perturbation>,
  { kind, perturbations, text }: Conclusion,
  experiments: readonly Experiment[],
  rebuilt: string,
): Comparison {
  const shown =
    kind === "found" && attribution.kind === "found"
      ? attribution.items
      : kind === "always" || kind === "unreproduced"
        ? [chance]
        : [];
  const last = experiments.findLast((each) => each.perturbations.join() === perturbations.join());
  const whole = kind === "found" && shown.length === 1 && last?.digest === rebuilt;
  const explained = whole ? [...comparison.differences.keys()] : [];
  const first = shown.map((perturbation) => ranked(comparison, perturbation, text, explained));
  return { ...comparison, causes: withFirst(first, comparison.causes), experiments };
}
