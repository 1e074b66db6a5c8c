/** The runs of one step after its first: which is to be made next, and what follows when all that it takes were made. */
import { attribute, type Attribution, type Outcome } from "./attribute.ts";
import type { StepPerturbation } from "./step-table.ts";

/** What a run gave, held against the layer of the first. */
export interface StepOutcome {
  readonly outcome: Outcome;
  /** Of its layer. */
  readonly digest?: string;
  /** Why it gave none. */
  readonly note?: string;
}

export interface StepRun extends StepOutcome {
  /** Names. */
  readonly perturbations: readonly string[];
}

export type StepFinding =
  /** The run with this number, from 0, is to be made next, and under these. */
  | { readonly kind: "open"; readonly run: number; readonly perturbations: readonly StepPerturbation[] }
  | { readonly kind: "same" }
  | {
      readonly kind: "differs";
      readonly attribution: Attribution<StepPerturbation>;
      /** In the order in which they were made. */
      readonly runs: readonly StepRun[];
    };

/** A run that nobody made yet. */
class Open extends Error {
  readonly perturbations: readonly StepPerturbation[];

  constructor(perturbations: readonly StepPerturbation[]) {
    super();
    this.perturbations = perturbations;
  }
}

/**
 * Goes through the runs of a step from the beginning. The first to compare is under all perturbations; when it differs, others follow as
 * `attribute` says. Which they are follows from what the ones before gave, so whoever makes one run at a time and asks again comes to an end.
 */
export async function followRuns(
  perturbations: readonly StepPerturbation[],
  outcomeOf: (run: number) => Promise<StepOutcome | undefined>,
): Promise<StepFinding> {
  const runs: StepRun[] = [];
  const take = async (set: readonly StepPerturbation[]): Promise<Outcome> => {
    const found = await outcomeOf(runs.length);
    if (found === undefined) throw new Open(set);
    runs.push({ perturbations: set.map(({ name }) => name), ...found });
    return found.outcome;
  };
  try {
    const first = await take(perturbations);
    if (first === "same") return { kind: "same" };
    if (first === "failed") return { kind: "differs", attribution: { kind: "failed" }, runs };
    // Nothing was changed, so nothing is to be found.
    const attribution: Attribution<StepPerturbation> =
      perturbations.length === 0 ? { kind: "always" } : await attribute(perturbations, take);
    return { kind: "differs", attribution, runs };
  } catch (error) {
    if (error instanceof Open) return { kind: "open", run: runs.length, perturbations: error.perturbations };
    throw error;
  }
}
