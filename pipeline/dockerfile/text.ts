/** Dockerfiles, and what is in them, read with the place of everything. This file has texts that know where they were taken from. */
import type { Origin } from "../shell/cursor.ts";
import type { Extent } from "../shell/syntax.ts";

/** A text that was taken out of a file, with the way back to it. */
export interface Slice {
  readonly text: string;
  /** From an offset into `text` to one into the file; offsets up to and including the length have one. */
  readonly origin: Origin;
}

/** A text that stands in the file as it is, from `at` on. */
export function verbatim(text: string, at: number): Slice {
  return { text, origin: (offset) => at + offset };
}

/** A text whose parts cannot be found again one by one: all of it is where it begins. */
export function blurred(text: string, at: number): Slice {
  return { text, origin: () => at };
}

/** Joins pieces of a file that do not follow each other there. */
export class SliceBuilder {
  #text = "";
  readonly #starts: number[] = [];
  readonly #origins: Origin[] = [];

  get length(): number {
    return this.#text.length;
  }

  /** Adds text that stands in the file at `at`. */
  add(text: string, at: number): void {
    this.#push(text, (offset) => at + offset);
  }

  addSlice({ text, origin }: Slice): void {
    this.#push(text, origin);
  }

  #push(text: string, origin: Origin): void {
    this.#starts.push(this.#text.length);
    this.#origins.push(origin);
    this.#text += text;
  }

  build(): Slice {
    const starts = this.#starts;
    const origins = this.#origins;
    if (starts.length === 1 && origins[0] !== undefined) return { text: this.#text, origin: origins[0] };
    const origin = (at: number): number => {
      let [low, high] = [0, starts.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((starts[middle] ?? 0) <= at) low = middle;
        else high = middle - 1;
      }
      return origins[low]?.(at - (starts[low] ?? 0)) ?? 0;
    };
    return { text: this.#text, origin };
  }
}

/** A part of a slice. */
export function part({ text, origin }: Slice, start: number, end = text.length): Slice {
  return { text: text.slice(start, end), origin: (at) => origin(start + at) };
}

/** Where a part of a slice is in the file. */
export function extentOf({ origin }: Slice, start: number, end: number): Extent {
  return { at: origin(start), end: end > start ? origin(end - 1) + 1 : origin(start) };
}

/** Line and column, both from 1, of offsets into one text. */
export class Lines {
  readonly #starts: readonly number[];
  readonly #length: number;

  constructor(text: string) {
    const starts = [0];
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    this.#starts = starts;
    this.#length = text.length;
  }

  place(at: number): { readonly line: number; readonly column: number } {
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - (this.#starts[low] ?? 0) + 1 };
  }

  /** Where a line begins; behind the last one, where the text ends. */
  start(line: number): number {
    return this.#starts[line - 1] ?? this.#length;
  }
}
