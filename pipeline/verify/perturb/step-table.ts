/** What can be changed about a step that is run again: what no plan fixes. docs/verify.md has the same table. */
import type { StepSurrounding } from "../../build/step/surroundings.ts";
import type { Perturbation } from "./surroundings.ts";

export interface StepPerturbation extends Pick<Perturbation, "changes" | "causes" | "reads" | "fix"> {
  readonly name: StepSurrounding;
}

/** The likeliest first: where several make a difference each by itself, the search finds the first of them, and soonest. */
export const stepPerturbations: readonly StepPerturbation[] = [
  {
    name: "step-processors",
    changes: "one processor may be used, and no other",
    causes: ["E5", "Z6"],
    reads: "the number of processors shows",
    fix: "fix the number of jobs, and let nothing depend on it or on which of them is first",
  },
  {
    name: "step-listings",
    changes:
      "what the step finds is in two layers, every other file in each, so that directories list it in another order",
    causes: ["O1"],
    reads: "the order in which directories list their files shows",
    fix: "sort what directories list, by bytes",
  },
  {
    name: "step-pids",
    changes: "400 processes have run before, so that processes have other numbers",
    causes: ["O9", "E10"],
    reads: "numbers of processes show",
    fix: "name nothing by $$, but by what is in it",
  },
  {
    name: "step-limits",
    changes: "no more than 512 files can be open at once",
    causes: ["E13"],
    reads: "limits of processes show",
    fix: "set the limits that it needs where it begins",
  },
];
