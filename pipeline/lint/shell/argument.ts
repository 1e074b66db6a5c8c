/** A word of a command as far as it is known without running anything. */
import type { Extent, Word } from "../../shell/syntax.ts";
import { type Slice, SliceBuilder } from "../../dockerfile/text.ts";

/** Stands in a word for what only running tells: a variable, the output of a command. */
export const hole = "\uFFFC";

export interface Argument extends Extent {
  /** Quotes removed; `hole` for each part that is not known. */
  readonly value: string;
  /** The word as a script of its own, for `sh -c`. */
  readonly nested: () => Slice;
}

/** The text that a word or a here-document has when variables in it are left as they are written. */
export function nestedText(word: Word, file: string): Slice {
  const builder = new SliceBuilder();
  for (const part of word) {
    const { at, end } = part;
    if (part.kind !== "text") builder.add(file.slice(at, end), at);
    else if (part.text.length === end - at) builder.add(part.text, at);
    else if (part.text !== "") builder.addSlice({ text: part.text, origin: () => at });
  }
  return builder.build();
}

export function argumentOf(word: Word, file: string): Argument {
  let value = "";
  for (const part of word) value += part.kind === "text" ? part.text : hole;
  const first = word[0];
  const last = word.at(-1);
  return {
    value,
    at: first?.at ?? 0,
    end: last?.end ?? 0,
    nested: () => nestedText(word, file),
  };
}

/** A word that no shell has read. */
export function textWord(slice: Slice): Argument {
  const { text, origin } = slice;
  return { value: text, at: origin(0), end: origin(text.length), nested: () => slice };
}
