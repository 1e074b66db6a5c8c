/** What commands that compare share about waivers: reading them once, and telling what they do not cover. */
import { formatProblem } from "../host/errors.ts";
import type { Comparison } from "../verify/compare/comparison.ts";
import type { WaivedComparison } from "../verify/waivers/apply.ts";
import type { Context } from "./command.ts";

/** Reads the waivers of the repository, and gives what holds the comparison of an image against them: its problems become warnings. */
export async function waiverHolder(
  { host, report, root }: Context,
  strict: boolean,
): Promise<(found: Comparison, image: string) => WaivedComparison> {
  // Loaded only when something was compared.
  const [{ applyWaivers }, { readWaivers }] = await Promise.all([
    import("../verify/waivers/apply.ts"),
    import("../verify/waivers/read.ts"),
  ]);
  const waivers = await readWaivers(root);
  return (found, image) => {
    const held = applyWaivers(host, found, image, waivers, { strict });
    for (const problem of held.problems) report.warn(formatProblem(problem));
    return held;
  };
}
