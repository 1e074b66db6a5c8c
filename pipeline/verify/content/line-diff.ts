/** Which lines of two texts differ: by lines that both have once (patience), in time that grows with the number of lines and little more. */

/** Lines from `a` up to before `endA` became those from `b` up to before `endB`; counted from 0. */
export interface Hunk {
  readonly a: number;
  readonly endA: number;
  readonly b: number;
  readonly endB: number;
}

/** How often a gap between anchors is searched for anchors of its own. */
const deepest = 12;
/** Gaps with no line that stands once are searched for the shortest way by this many steps at most. */
const steps = 100;

/** Pairs of positions of lines that both sides have once within the range, in an order that rises on both sides. */
function anchors(x: Int32Array, y: Int32Array, { a, endA, b, endB }: Hunk): readonly (readonly [number, number])[] {
  const seen = new Map<number, { countA: number; countB: number; a: number; b: number }>();
  for (let index = a; index < endA; index++) {
    const line = x[index] ?? 0;
    const entry = seen.get(line);
    if (entry === undefined) seen.set(line, { countA: 1, countB: 0, a: index, b: -1 });
    else entry.countA++;
  }
  const candidates: { readonly a: number; readonly b: number; before: number }[] = [];
  for (let index = b; index < endB; index++) {
    const entry = seen.get(y[index] ?? 0);
    if (entry === undefined) continue;
    entry.countB++;
    entry.b = index;
  }
  for (const entry of seen.values())
    if (entry.countA === 1 && entry.countB === 1) candidates.push({ a: entry.a, b: entry.b, before: -1 });
  // The longest run that rises on side B; candidates rise on side A as they were inserted.
  const tails: number[] = [];
  for (const [index, candidate] of candidates.entries()) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((candidates[tails[middle] ?? 0]?.b ?? 0) < candidate.b) low = middle + 1;
      else high = middle;
    }
    candidate.before = low === 0 ? -1 : (tails[low - 1] ?? -1);
    tails[low] = index;
  }
  const chain: (readonly [number, number])[] = [];
  for (let at = tails.at(-1) ?? -1; at >= 0;) {
    const candidate = candidates[at];
    if (candidate === undefined) break;
    chain.push([candidate.a, candidate.b]);
    at = candidate.before;
  }
  return chain.toReversed();
}

/** The shortest way from one range to the other (Myers, O(ND)), as matching pairs; undefined when it takes too many steps. */
function shortest(
  x: Int32Array,
  y: Int32Array,
  { a, endA, b, endB }: Hunk,
): readonly (readonly [number, number])[] | undefined {
  const [n, m] = [endA - a, endB - b];
  const most = Math.min(n + m, steps);
  const size = 2 * most + 1;
  const v = new Int32Array(size + 2);
  const trail: Int32Array[] = [];
  for (let d = 0; d <= most; d++) {
    trail.push(v.slice(most - d, most + d + 2));
    for (let k = -d; k <= d; k += 2) {
      const [down, right] = [v[most + k + 1] ?? 0, v[most + k - 1] ?? 0];
      let i = k === -d || (k !== d && right < down) ? down : right + 1;
      let j = i - k;
      while (i < n && j < m && x[a + i] === y[b + j]) {
        i++;
        j++;
      }
      v[most + k] = i;
      if (i >= n && j >= m) return walkedBack(trail, d, k, n, m, a, b);
    }
  }
  return undefined;
}

/** Follows the trail of furthest points back to the start. */
function walkedBack(
  trail: readonly Int32Array[],
  lastD: number,
  lastK: number,
  n: number,
  m: number,
  a: number,
  b: number,
): readonly (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = [];
  let [i, j, k] = [n, m, lastK];
  for (let d = lastD; d > 0; d--) {
    const v = trail[d] ?? new Int32Array(0);
    // `trail[d]` holds diagonals -d to d+1, before step d changed them.
    const at = (diagonal: number): number => v[diagonal + d] ?? 0;
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1));
    const from = down ? k + 1 : k - 1;
    const startI = at(from);
    const beginI = down ? startI : startI + 1;
    while (i > beginI) pairs.push([a + --i, b + --j]);
    i = startI;
    j = startI - from;
    k = from;
  }
  while (i > 0 && j > 0) pairs.push([a + --i, b + --j]);
  return pairs.toReversed();
}

/** Hunks in order; lines are numbers that are equal for equal lines. */
export function diffLines(x: Int32Array, y: Int32Array): readonly Hunk[] {
  const hunks: Hunk[] = [];
  const add = (hunk: Hunk): void => {
    const last = hunks.at(-1);
    if (last !== undefined && last.endA === hunk.a && last.endB === hunk.b)
      hunks[hunks.length - 1] = { ...last, endA: hunk.endA, endB: hunk.endB };
    else hunks.push(hunk);
  };
  const search = (range: Hunk, depth: number): void => {
    let { a, endA, b, endB } = range;
    while (a < endA && b < endB && x[a] === y[b]) {
      a++;
      b++;
    }
    while (a < endA && b < endB && x[endA - 1] === y[endB - 1]) {
      endA--;
      endB--;
    }
    if (a === endA && b === endB) return;
    const gap = { a, endA, b, endB };
    if (a === endA || b === endB || depth > deepest) {
      add(gap);
      return;
    }
    let pairs: readonly (readonly [number, number])[] = anchors(x, y, gap);
    let inner = depth + 1;
    if (pairs.length === 0) {
      pairs = shortest(x, y, gap) ?? [];
      inner = deepest + 1;
    }
    let [fromA, fromB] = [a, b];
    if (pairs.length === 0) {
      add(gap);
      return;
    }
    for (const [i, j] of pairs) {
      search({ a: fromA, endA: i, b: fromB, endB: j }, inner);
      [fromA, fromB] = [i + 1, j + 1];
    }
    search({ a: fromA, endA, b: fromB, endB }, inner);
  };
  search({ a: 0, endA: x.length, b: 0, endB: y.length }, 0);
  return hunks;
}
