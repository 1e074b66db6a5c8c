/** Attribution by experiment: which of the things that were changed make a rebuild differ, found by rebuilding under some of them. */

/** What a rerun gave: the bytes that were expected, others, or nothing. */
export type Outcome = "same" | "differs" | "failed";

export type Attribution<Item> =
  /** The rerun without any change differs too: it is none of them. */
  | { readonly kind: "always" }
  /**
   * A rerun with these alone differs, and one with any of them left out does not, as long as a change never takes back what another does.
   * In the order of the items.
   */
  | { readonly kind: "found"; readonly items: readonly Item[] }
  /** Not even a rerun with all of them differs: what was seen before does not come back. */
  | { readonly kind: "unreproduced" }
  /** A rerun gave nothing, so that nothing follows from it. */
  | { readonly kind: "failed" };

/**
 * How many reruns `attribute` makes at most among `count` items to find `size` of them: ⌈log2 n⌉ + 2 for a single one, and for more of them
 * ⌈log2 n⌉ + 1 each, and two. It says after ⌈log2 n⌉ + 3 that nothing comes back.
 */
export function mostReruns(count: number, size: number): number {
  return (size > 1 ? 2 : 1) + size * (Math.ceil(Math.log2(Math.max(count, 1))) + 1);
}

class Failed extends Error {}

/**
 * Finds the smallest set of items that makes the difference. `rerun` rebuilds under a set and says what came of it; that a build under all
 * of `items` differed is taken as known, and is not relied on for the answer: whatever is found was seen in a rerun of exactly that set.
 *
 * The shortest beginning of the list that differs ends with an item that is needed; it is found by bisection. Then the same among those
 * before it, with that item always present, until what is needed is enough by itself. Each item that is found costs a bisection and a rerun.
 * Before more than one is looked for without a difference having been seen, all are tried once more.
 */
export async function attribute<Item>(
  items: readonly Item[],
  rerun: (set: readonly Item[]) => Promise<Outcome>,
): Promise<Attribution<Item>> {
  const differs = async (set: readonly Item[]): Promise<boolean> => {
    const outcome = await rerun(set);
    if (outcome === "failed") throw new Failed();
    return outcome === "differs";
  };
  const inOrder = (needed: readonly Item[]): readonly Item[] => items.filter((item) => needed.includes(item));
  try {
    if (await differs([])) return { kind: "always" };
    let [needed, candidates]: [readonly Item[], readonly Item[]] = [[], items];
    let back = false;
    while (candidates.length > 0) {
      // `needed` alone does not differ; with all candidates it does.
      let [same, different] = [0, candidates.length];
      let known = false;
      while (different - same > 1) {
        const middle = (same + different) >> 1;
        if (await differs(inOrder([...needed, ...candidates.slice(0, middle)]))) {
          different = middle;
          // When nothing is left before the last item, this is the very set that is found.
          known = middle === 1;
          back = true;
        } else same = middle;
      }
      const last = candidates.slice(different - 1, different);
      needed = [...needed, ...last];
      candidates = candidates.slice(0, different - 1);
      if (known || (await differs(inOrder(needed)))) return { kind: "found", items: inOrder(needed) };
      if (candidates.length > 0 && !back && !(await differs(items))) break;
      back = true;
    }
    return { kind: "unreproduced" };
  } catch (error) {
    if (error instanceof Failed) return { kind: "failed" };
    throw error;
  }
}
