/** What differs in bytes that hold text here and there: the printable runs around each place. */

function printable(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x20 && byte < 0x7f) || byte === 9);
}

/** A run of bytes that differ, widened to the printable text around it. */
export interface Run {
  /** Where it begins in A. */
  readonly offset: number;
  /** The text there, when every byte that differs is part of one on both sides. */
  readonly a?: string;
  readonly b?: string;
}

/** Texts around a place are cut beyond this. */
const widest = 256;

interface Text {
  readonly text: string;
  /** Where it ends in its side. */
  readonly end: number;
}

function textAround(bytes: Buffer, from: number, to: number): Text | undefined {
  for (let index = from; index < to; index++) if (!printable(bytes[index])) return undefined;
  let start = from;
  while (start > 0 && from - start < widest && printable(bytes[start - 1])) start--;
  let end = to;
  while (end < bytes.length && end - to < widest && printable(bytes[end])) end++;
  return end - start < 4 ? undefined : { text: bytes.toString("latin1", start, end), end };
}

/**
 * Runs of bytes that differ at the same positions of two buffers; those with fewer than `gap` equal bytes between them are one, and
 * so are those within one text. Runs beyond `most` are counted only.
 */
export function differingRuns(
  a: Buffer,
  b: Buffer,
  most: number,
  gap = 4,
): { readonly runs: readonly Run[]; readonly count: number; readonly bytes: number } {
  const runs: Run[] = [];
  let count = 0;
  let bytes = 0;
  const length = Math.min(a.length, b.length);
  let start = -1;
  let last = -1;
  let textEnd = 0;
  const end = (): void => {
    if (start < 0) return;
    if (runs.length >= most) {
      count++;
      return;
    }
    const [x, y] = [textAround(a, start, last + 1), textAround(b, start, last + 1)];
    const text = x !== undefined && y !== undefined;
    if (text && start < textEnd) return;
    count++;
    textEnd = text ? Math.min(x.end, y.end) : 0;
    runs.push({ offset: start, ...(text ? { a: x.text, b: y.text } : {}) });
  };
  for (let index = 0; index < length; index++) {
    if (a[index] === b[index]) continue;
    bytes++;
    if (start >= 0 && index - last <= gap) {
      last = index;
      continue;
    }
    end();
    start = index;
    last = index;
  }
  end();
  return { runs, count, bytes };
}
