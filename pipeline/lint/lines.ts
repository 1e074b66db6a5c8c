/** Reads files that have an entry a line: requirements of pip, and .npmrc. */
import type { EntryLine } from "./rule.ts";
import { extentOf, part, SliceBuilder } from "../dockerfile/text.ts";

/** The entries of a file; with `continued`, a backslash at the end of a line goes on in the next one. Extents have whole lines. */
export function readEntries(text: string, continued: boolean): readonly EntryLine[] {
  const found: EntryLine[] = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    const builder = new SliceBuilder();
    for (;;) {
      const newline = text.indexOf("\n", at);
      const end = newline < 0 ? text.length : newline;
      const line = text.slice(at, end).replace(/\r$/, "");
      const next = newline < 0 ? end : end + 1;
      const goesOn = continued && line.endsWith("\\") && next < text.length;
      builder.add(goesOn ? `${line.slice(0, -1)} ` : line, at);
      at = next;
      if (!goesOn) break;
    }
    const slice = builder.build();
    // A comment of pip begins at the start or behind a blank; .npmrc has them at the start only, and with a semicolon too.
    const plain = slice.text.replace(continued ? /(?:^|\s)#[^]*$/ : /^\s*[#;][^]*$/, "");
    const begin = plain.length - plain.trimStart().length;
    const trimmed = plain.trim();
    if (trimmed === "") continue;
    const whole = continued ? extentOf(slice, begin, begin + trimmed.length) : { at: start, end: at };
    found.push({ text: trimmed, slice: part(slice, begin, begin + trimmed.length), ...whole });
  }
  return found;
}
