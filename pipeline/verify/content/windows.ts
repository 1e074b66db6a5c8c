/** Reading contents that may be larger than memory: window by window, and parts of them as contents of their own. */
import type { Content } from "./format.ts";

/** Bytes that are held of each side at a time. */
export const window = 1 << 18;

/** Position of the first byte that differs in two buffers of which it is known that one does. */
function firstIn(a: Buffer, b: Buffer): number {
  let low = 0;
  let high = Math.min(a.length, b.length);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (a.subarray(low, middle + 1).equals(b.subarray(low, middle + 1))) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Offset of the first byte from `from` on that differs; undefined when there is none. */
export function firstDifference(a: Content, b: Content, from = 0): number | undefined {
  const common = Math.min(a.size, b.size);
  for (let offset = from; offset < common; offset += window) {
    const length = Math.min(window, common - offset);
    const [x, y] = [a.read(offset, length), b.read(offset, length)];
    if (!x.equals(y)) return offset + firstIn(x, y);
  }
  return a.size === b.size ? undefined : Math.max(from, common);
}

/** How many bytes at the ends are the same, at most `limit`. */
export function commonEnd(a: Content, b: Content, limit: number): number {
  let same = 0;
  while (same < limit) {
    const length = Math.min(window, limit - same);
    const [x, y] = [a.read(a.size - same - length, length), b.read(b.size - same - length, length)];
    if (x.equals(y)) same += length;
    else {
      let index = length;
      while (index > 0 && x[index - 1] === y[index - 1]) index--;
      return same + length - index;
    }
  }
  return same;
}

export function sameContent(a: Content, b: Content): boolean {
  return a.size === b.size && firstDifference(a, b) === undefined;
}

/** A part of a content; what is beyond its end is not there. */
export function partOf(content: Content, from: number, length: number): Content {
  const start = Math.max(0, Math.min(from, content.size));
  const size = Math.max(0, Math.min(length, content.size - start));
  return {
    size,
    read: (offset, wanted) => {
      const at = Math.max(0, Math.min(offset, size));
      return content.read(start + at, Math.max(0, Math.min(wanted, size - at)));
    },
  };
}

/** All of a content. Throws when it is larger than `limit`. */
export function wholeOf(content: Content, limit: number): Buffer {
  if (content.size > limit) throw new RangeError(`it has more than ${limit} bytes`);
  return content.read(0, content.size);
}

/** A content piece by piece. */
export async function* piecesOf(content: Content, from = 0): AsyncGenerator<Uint8Array, void> {
  for (let offset = from; offset < content.size; offset += window) yield content.read(offset, window);
}

/** Ranges of a content that were looked at, so that what lies between them is not forgotten. */
export class Claims {
  readonly #content: Content;
  readonly #ranges: (readonly [number, number])[] = [];

  constructor(content: Content) {
    this.#content = content;
  }

  add(from: number, length: number): void {
    if (length > 0) this.#ranges.push([from, from + length]);
  }

  /** Where no claim was made: offset and length of each gap. */
  gaps(): readonly (readonly [number, number])[] {
    const gaps: (readonly [number, number])[] = [];
    let end = 0;
    for (const [from, to] of this.#ranges.toSorted(([x], [y]) => x - y)) {
      if (from > end) gaps.push([end, from - end]);
      end = Math.max(end, to);
    }
    if (end < this.#content.size) gaps.push([end, this.#content.size - end]);
    return gaps;
  }

  /** What lies in the gaps, without the zero bytes that align things. */
  rest(limit: number): Buffer {
    const gaps = this.gaps();
    const total = gaps.reduce((sum, [, length]) => sum + length, 0);
    if (total > limit) throw new RangeError(`more than ${limit} bytes of it belong to nothing`);
    return Buffer.concat(gaps.map(([from, length]) => this.#content.read(from, length)));
  }
}
