/** Reruns a rebuild that differed under fewer and fewer changes, until it is known which of them it takes. */
import type { BuiltImage } from "../../build/build.ts";
import { LockstepError } from "../../host/errors.ts";
import type { Experiment } from "../compare/comparison.ts";
import type { RebuiltImage } from "../rebuild.ts";
import { attribute, type Attribution, type Outcome } from "./attribute.ts";
import { type Conclusion, conclude } from "./conclude.ts";
import type { Perturbation } from "./surroundings.ts";

export interface Experiments {
  readonly attribution: Attribution<Perturbation>;
  readonly conclusion: Conclusion;
  /** In the order in which they were made. */
  readonly experiments: readonly Experiment[];
}

/** Rebuilds one image under some perturbations; undefined when the process says nothing about it. */
export type Rerun = (perturbations: readonly Perturbation[]) => Promise<RebuiltImage | undefined>;

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

/** Finds the perturbations that make the difference of an image. `elapsed` is a monotonic clock in milliseconds. */
export async function experiment(
  elapsed: () => number,
  built: BuiltImage,
  perturbations: readonly Perturbation[],
  rerun: Rerun,
): Promise<Experiments> {
  const experiments: Experiment[] = [];
  const began = elapsed();
  const expected = built.index.descriptor.digest;
  let inputsChanged = false;
  const attribution = await attribute(perturbations, async (set): Promise<Outcome> => {
    const start = elapsed();
    const record = (result: Pick<Experiment, "outcome" | "digest" | "note">): Outcome => {
      const duration = Math.round(elapsed() - start);
      const names = set.map(({ name }) => name);
      experiments.push({ perturbations: names, start: Math.round(start - began), duration, ...result });
      return result.outcome;
    };
    try {
      const again = await rerun(set);
      if (again === undefined) return record({ outcome: "failed", note: "the rebuild said nothing about the image" });
      if (set.length === 0)
        inputsChanged = again.platforms.some(({ platform, plan }) =>
          built.platforms.every((other) => other.platform !== platform || other.plan !== plan),
        );
      return record({ outcome: again.digest === expected ? "same" : "differs", digest: again.digest });
    } catch (error) {
      if (!(error instanceof LockstepError) || error.code !== "LS5002") throw error;
      return record({ outcome: "failed", note: firstLine(error.problems[0]?.message ?? "") });
    }
  });
  return { attribution, conclusion: conclude(attribution, experiments, inputsChanged), experiments };
}
