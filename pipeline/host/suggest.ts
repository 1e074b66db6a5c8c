/** "Did you mean": the known word that is nearest to one that is not known. */

/** How many slips are forgiven in a word of this length; more, and the suggestion would be a guess. */
function tolerance(length: number): number {
  if (length < 2) return 0;
  if (length < 6) return 1;
  return length < 9 ? 2 : 3;
}

/**
 * Edit distance with insertion, deletion, substitution and swap of neighbours, each once (optimal string alignment);
 * anything above `limit` is answered with `limit + 1`, so that a list of 60 000 package names costs milliseconds.
 */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let cost = Math.min(
        (previous[j] ?? limit) + 1,
        (row[j - 1] ?? limit) + 1,
        (previous[j - 1] ?? limit) + (same ? 0 : 1),
      );
      if (
        i > 1 &&
        j > 1 &&
        a.charCodeAt(i - 1) === b.charCodeAt(j - 2) &&
        a.charCodeAt(i - 2) === b.charCodeAt(j - 1)
      ) {
        cost = Math.min(cost, (beforePrevious[j - 2] ?? limit) + 1);
      }
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > limit) return limit + 1;
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length] ?? limit + 1;
}

/**
 * The candidate nearest to `word`, or undefined when none is near enough. Letter case does not count as a slip.
 * Of several equally near ones the first in code unit order wins, so the answer does not depend on the order of `candidates`.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let limit = tolerance(wanted.length);
  let best: string | undefined;
  for (const candidate of candidates) {
    if (candidate === word) continue;
    const slips = distance(wanted, candidate.toLowerCase(), limit);
    if (slips > limit || (best !== undefined && slips === limit && candidate > best)) continue;
    best = candidate;
    limit = slips;
  }
  return best;
}

/** The nearest candidate as a hint: `did you mean "nodejs"?`; undefined when none is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const found = suggest(word, candidates);
  return found === undefined ? undefined : `did you mean "${found}"?`;
}
