/** What lines that differ are together: the same words wrapped at another width, or the same items in another order. */

export interface Sides {
  readonly a?: string;
  readonly b?: string;
}

const sides = (pairs: readonly Sides[]): readonly [readonly string[], readonly string[]] => [
  pairs.flatMap(({ a }) => a ?? []),
  pairs.flatMap(({ b }) => b ?? []),
];

/** Whether the lines of both sides have the same text, in another number of lines. */
export function isWrapped(pairs: readonly Sides[]): boolean {
  const [a, b] = sides(pairs);
  if (a.length === b.length || a.length === 0 || b.length === 0) return false;
  const words = (lines: readonly string[]): string => lines.join("").replace(/\s+/g, "");
  return words(a) === words(b);
}

/** Whether lines are the same but for a comma at their ends, as where the last item of a list became another. */
export function areMoved(pairs: readonly Sides[]): boolean {
  const [a, b] = sides(pairs);
  const items = (lines: readonly string[]): string =>
    lines
      .map((line) => line.trimEnd().replace(/[,;]$/, ""))
      .toSorted()
      .join("\n");
  return a.length > 1 && a.length === b.length && items(a) === items(b);
}
