/** Which lines and bytes of two excerpts belong to each other. */

/**
 * @typedef {object} LinePair
 * @property {string | undefined} a
 * @property {string | undefined} b
 */

/**
 * The longest common subsequence of lines, side by side; lines that have no counterpart stand opposite of other such lines.
 * Excerpts are of at most 256 bytes, so that the table is small.
 * @param {string} a
 * @param {string} b
 * @returns {LinePair[]}
 */
export function pairLines(a, b) {
  const left = a.split("\n");
  const right = b.split("\n");
  const width = right.length + 1;
  const lengths = new Uint16Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--)
    for (let j = right.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        left[i] === right[j]
          ? (lengths[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0);
  /** @type {LinePair[]} */
  const pairs = [];
  /** @type {string[]} */
  let gone = [];
  /** @type {string[]} */
  let come = [];
  const flush = () => {
    for (let n = 0; n < Math.max(gone.length, come.length); n++) pairs.push({ a: gone[n], b: come[n] });
    gone = [];
    come = [];
  };
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const [one, other] = [left[i], right[j]];
    if (one !== undefined && one === other) {
      flush();
      pairs.push({ a: one, b: other });
      i++;
      j++;
    } else if (
      other === undefined ||
      (one !== undefined && (lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0))
    ) {
      gone.push(one ?? "");
      i++;
    } else {
      come.push(other);
      j++;
    }
  }
  flush();
  return pairs;
}

/**
 * Both lines in three parts: the same, different, the same; whole characters.
 * @param {string} a
 * @param {string} b
 * @returns {[a: [string, string, string], b: [string, string, string]]}
 */
export function innerDifference(a, b) {
  const left = [...a];
  const right = [...b];
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start++;
  let end = 0;
  while (end < left.length - start && end < right.length - start && left.at(-1 - end) === right.at(-1 - end)) end++;
  /**
   * @param {string[]} text
   * @returns {[string, string, string]}
   */
  const cut = (text) => [
    text.slice(0, start).join(""),
    text.slice(start, text.length - end).join(""),
    text.slice(text.length - end).join(""),
  ];
  return [cut(left), cut(right)];
}
