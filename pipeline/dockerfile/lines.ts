/** Reads a Dockerfile into logical lines: parser directives, comments, and lines that go on in the next one. */
import type { Extent } from "../shell/syntax.ts";
import { type Slice, SliceBuilder, verbatim } from "./text.ts";

/** A parser directive such as `# syntax=…` in the first lines; `value` is where its value stands. */
export interface Directive {
  readonly name: string;
  readonly value: Slice;
  readonly extent: Extent;
}

export interface LogicalLine {
  /** Without the marks of continuation, and without the comments and empty lines in between. */
  readonly slice: Slice;
  /** From its first character to the end of its last line. */
  readonly extent: Extent;
}

const directivePattern = /^#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(.*?)[ \t]*$/;
const known = new Set(["syntax", "escape", "check"]);

/** Reads line by line; here-documents are taken by whoever reads the line they belong to. */
export class LineReader {
  readonly #text: string;
  readonly directives: readonly Directive[];
  readonly #continuation: RegExp;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#at = text.startsWith("\uFEFF") ? 1 : 0;
    this.directives = this.#directives();
    const escape = this.directives.find(({ name }) => name === "escape")?.value.text === "`" ? "`" : "\\\\";
    this.#continuation = new RegExp(`(?:^|[^${escape}])(${escape}[ \\t]*)$`);
  }

  /** The next line of the file without its end, and where it begins; undefined behind the last one. */
  raw(): { readonly text: string; readonly at: number } | undefined {
    if (this.#at >= this.#text.length) return undefined;
    const at = this.#at;
    const newline = this.#text.indexOf("\n", at);
    const end = newline < 0 ? this.#text.length : newline;
    this.#at = newline < 0 ? end : end + 1;
    const text = this.#text.slice(at, end);
    return { text: text.endsWith("\r") ? text.slice(0, -1) : text, at };
  }

  #directives(): readonly Directive[] {
    const found: Directive[] = [];
    for (;;) {
      const before = this.#at;
      const line = this.raw();
      const match = line === undefined ? null : directivePattern.exec(line.text);
      const [, name = "", value = ""] = match ?? [];
      const wanted = name.toLowerCase();
      if (line === undefined || !known.has(wanted) || found.some((each) => each.name === wanted)) {
        this.#at = before;
        return found;
      }
      const at = line.at + line.text.indexOf(value, line.text.indexOf("=") + 1);
      found.push({
        name: wanted,
        value: verbatim(value, at),
        extent: { at: line.at, end: line.at + line.text.length },
      });
    }
  }

  /** The next instruction's line; undefined at the end. */
  logical(): LogicalLine | undefined {
    let line = this.raw();
    while (line !== undefined && /^\s*(?:#|$)/.test(line.text)) line = this.raw();
    if (line === undefined) return undefined;
    const indent = line.text.length - line.text.trimStart().length;
    const start = line.at + indent;
    const builder = new SliceBuilder();
    let end = start;
    let content = line.text.slice(indent);
    let at = start;
    for (;;) {
      end = at + content.length;
      const mark = this.#continuation.exec(content)?.[1];
      builder.add(mark === undefined ? content : content.slice(0, -mark.length), at);
      if (mark === undefined) break;
      let next = this.raw();
      // Comments and empty lines in between are left out, and do not end the instruction.
      while (next !== undefined && /^\s*(?:#|$)/.test(next.text)) next = this.raw();
      if (next === undefined) break;
      content = next.text;
      at = next.at;
    }
    return { slice: builder.build(), extent: { at: start, end } };
  }
}
