/** The verdict on an image: pure, from what was built and what the rebuilding process says. */
import type { BuiltImage } from "../build/build.ts";
import type { Digest } from "../store/digest.ts";
import type { Comparison } from "./compare/comparison.ts";
import type { Conclusion } from "./perturb/conclude.ts";
import type { StepConclusion } from "./perturb/conclude-steps.ts";
import type { RebuiltImage, RebuiltPlatform } from "./rebuild.ts";

/** One thing that came out otherwise: the smallest part that is known to differ. */
export interface Difference {
  readonly platform: string;
  /** `layer 2 of 3`, `config or manifest`, `platform is missing`, `index`. */
  readonly what: string;
  readonly expected: string;
  readonly rebuilt: string;
}

export interface Verdict {
  readonly image: string;
  /** Never `reproduced` by default: what could not be found out is `could not tell`. */
  readonly verdict: "reproduced" | "differs" | "could not tell";
  /** Of the index that was built, and of the one that was rebuilt; of the latter nothing when it could not be told. */
  readonly expected: Digest;
  readonly rebuilt?: Digest;
  readonly differences: readonly Difference[];
  /** What differs in the bytes, and why. */
  readonly comparison?: Comparison;
  /** What reruns say about why the rebuild differs. */
  readonly conclusion?: Conclusion;
  /** Its steps that give another layer when they are run again, with why: what reruns of the whole image would not show. */
  readonly steps?: readonly StepConclusion[];
  /** What the rebuilt image was compared with besides; the verdict is `reproduced` only when they are the same too. */
  readonly against?: Comparison;
  /** Why it could not be told. */
  readonly reason?: string;
  /** Whether an earlier verdict on the same plans and digest was kept. */
  readonly known: boolean;
}

function comparePlatform(
  built: BuiltImage["platforms"][number],
  again: RebuiltPlatform | undefined,
): readonly Difference[] {
  const { platform } = built;
  const expected = built.manifest.descriptor.digest;
  if (again === undefined) return [{ platform, what: "platform is missing", expected, rebuilt: "nothing" }];
  if (again.digest === expected) return [];
  if (again.plan !== built.plan)
    return [
      {
        platform,
        what: "plan (an input changed between build and rebuild)",
        expected: built.plan,
        rebuilt: again.plan,
      },
    ];
  const layers = built.layers.flatMap((layer, index): readonly Difference[] => {
    const other = again.layers[index];
    if (other?.digest === layer.digest) return [];
    const sameTar = other?.diffId === layer.diffId ? " (same content, other compression)" : "";
    return [
      {
        platform,
        what: `layer ${index + 1} of ${built.layers.length}${sameTar}`,
        expected: layer.digest,
        rebuilt: other?.digest ?? "nothing",
      },
    ];
  });
  return layers.length > 0 ? layers : [{ platform, what: "config or manifest", expected, rebuilt: again.digest }];
}

/** Compares what was built with what was rebuilt; never says `reproduced` unless the index digests are equal. */
export function judge(built: BuiltImage, again: RebuiltImage | undefined): Omit<Verdict, "known"> {
  const expected = built.index.descriptor.digest;
  const rebuilt = again?.digest;
  if (rebuilt === expected) return { image: built.image, verdict: "reproduced", expected, rebuilt, differences: [] };
  const differences: Difference[] = built.platforms.flatMap((platform) =>
    comparePlatform(
      platform,
      again?.platforms.find((other) => other.platform === platform.platform),
    ),
  );
  const known = new Set<string>(built.platforms.map(({ platform }) => platform));
  for (const { platform, digest } of again?.platforms ?? []) {
    if (!known.has(platform))
      differences.push({ platform, what: "platform was not built", expected: "nothing", rebuilt: digest });
  }
  if (differences.length === 0)
    differences.push({ platform: "all platforms", what: "index", expected, rebuilt: rebuilt ?? "nothing" });
  return {
    image: built.image,
    verdict: "differs",
    expected,
    ...(rebuilt === undefined ? {} : { rebuilt }),
    differences,
  };
}
