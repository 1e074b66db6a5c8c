/** How much an archive may hold: what it says is a claim, what it is has to stay within this. */

/** Bytes of content of the largest archive that is unpacked. */
const largest = 64 * 2 ** 30;
/** What a small archive may become, and how often its size a larger one: a hundredth of that is usual, bombs have thousands. */
const small = 64 << 20;
const ratio = 200;

export const entryLimit = 2_000_000;

/** The bytes that an archive of `size` bytes may become. */
export function contentLimit(size: number): number {
  return Math.min(largest, small + ratio * size);
}
