/** Reads the smallest parts of a script: blanks, comments, redirections with their here-documents, and simple commands (POSIX XCU 2.3, 2.7, 2.9.1). */
import type { CommandReader, Cursor } from "./cursor.ts";
import type { Assignment, Redirect, SimpleCommand, Word } from "./syntax.ts";
import { readHereDocument, readRegularExpression, readWord } from "./words.ts";

const redirectPattern = /(\d?)(<<-|<<|<>|<&|>&|>>|>\||<|>)/y;
const bashRedirectPattern = /(\d*|\{[A-Za-z_]\w*\})(<<<|<<-|<<|<>|<&|>&|>>|>\||<(?!\()|>(?!\())|&>>|&>/y;
const assignmentPattern = /[A-Za-z_]\w*(?==)/y;
const bashAssignmentPattern = /[A-Za-z_]\w*(?:\[[^\]\n]*\])?\+?(?==)/y;
const arrayPattern = /[A-Za-z_]\w*\+?(?==\()/y;

/** A here-document whose text begins behind the next line end. */
interface PendingDocument {
  readonly delimiter: string;
  readonly literal: boolean;
  readonly stripTabs: boolean;
  readonly receive: (body: Word) => void;
}

/** Reads simple commands from a cursor and keeps the here-documents that are still to come. */
export class SimpleReader {
  readonly #cursor: Cursor;
  readonly #commands: CommandReader;
  readonly #pending: PendingDocument[] = [];

  constructor(cursor: Cursor, commands: CommandReader) {
    this.#cursor = cursor;
    this.#commands = commands;
  }

  /** Skips blanks, comments and line continuations. */
  blank(): void {
    const cursor = this.#cursor;
    for (;;) {
      if (cursor.match(/[ \t]+/y) !== undefined || cursor.take("\\\n")) continue;
      if (cursor.peek() !== "#" || cursor.match(/#[^\n]*/y) === undefined) return;
    }
  }

  /** Skips blanks and line ends, and reads the here-documents that begin behind a line end. */
  lines(): void {
    for (;;) {
      this.blank();
      if (!this.#cursor.take("\n")) return;
      for (const pending of this.#pending.splice(0)) this.#document(pending);
    }
  }

  #document({ delimiter, literal, stripTabs, receive }: PendingDocument): void {
    const cursor = this.#cursor;
    const begin = cursor.at;
    let body = "";
    /** For each line of the body, where it is in the body and where in the script. */
    const starts: { readonly inBody: number; readonly inText: number }[] = [];
    for (;;) {
      if (cursor.done) {
        // Bash takes what there is, and says so.
        if (cursor.bash) break;
        cursor.fail(`here-document without "${delimiter}"`);
      }
      const from = cursor.at;
      let line = cursor.match(/[^\n]*/y) ?? "";
      const newline = cursor.take("\n") ? "\n" : "";
      if (stripTabs) line = line.replace(/^\t+/, "");
      if (line === delimiter) break;
      starts.push({ inBody: body.length, inText: cursor.text.indexOf(line, from) });
      body += line + newline;
    }
    if (literal) {
      receive([{ kind: "text", text: body, quoted: true, ...cursor.extent(begin, begin + body.length) }]);
      return;
    }
    const origin = (at: number): number => {
      let [low, high] = [0, starts.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((starts[middle]?.inBody ?? 0) <= at) low = middle;
        else high = middle - 1;
      }
      const { inBody, inText } = starts[low] ?? { inBody: 0, inText: begin };
      return inText + at - inBody;
    };
    receive(readHereDocument(cursor.inner(body, origin), this.#commands));
  }

  word(): Word {
    return readWord(this.#cursor, this.#commands);
  }

  /** The script from `start` to the cursor, on one line. */
  source(start: number): string {
    return this.#cursor.text.slice(start, this.#cursor.at).replaceAll("\\\n", " ").replace(/\s+/g, " ").trim();
  }

  /** Whether a redirection follows. */
  atRedirect(): boolean {
    const start = this.#cursor.at;
    const found = this.#cursor.match(this.#cursor.bash ? bashRedirectPattern : redirectPattern);
    this.#cursor.at = start;
    return found !== undefined;
  }

  redirects(): readonly Redirect[] {
    const redirects: Redirect[] = [];
    this.blank();
    while (this.#redirect(redirects)) this.blank();
    return redirects;
  }

  #redirect(redirects: Redirect[]): boolean {
    const cursor = this.#cursor;
    const token = cursor.match(cursor.bash ? bashRedirectPattern : redirectPattern);
    if (token === undefined) return false;
    const written = /^(?:\d+|\{\w+\})/.exec(token)?.[0] ?? "";
    const operator = token.slice(written.length);
    const descriptor = /^\d/.test(written) ? Number(written) : operator.startsWith("<") ? 0 : 1;
    this.blank();
    const target = this.word();
    if (target.length === 0) cursor.fail("redirection without a target");
    if (!operator.startsWith("<<") || operator === "<<<") {
      redirects.push({ descriptor, operator, target });
      return true;
    }
    const index = redirects.push({ descriptor, operator: "<<", target: [] }) - 1;
    this.#pending.push({
      delimiter: target.map((part) => (part.kind === "text" ? part.text : "")).join(""),
      literal: target.some((part) => part.kind === "text" && part.quoted),
      stripTabs: operator === "<<-",
      receive: (body) => {
        redirects[index] = { descriptor, operator: "<<", target: body };
      },
    });
    return true;
  }

  /** `(a b c)` behind the equals sign of an array. */
  #elements(): readonly Word[] {
    const elements: Word[] = [];
    this.#cursor.at++;
    for (;;) {
      this.lines();
      if (this.#cursor.take(")")) return elements;
      const word = this.word();
      if (word.length === 0) this.#cursor.fail('")" expected');
      elements.push(word);
    }
  }

  /** An assignment at the cursor, when there is one; `declare x=(…)` has one behind its first word. */
  #assignment(first: boolean): Assignment | undefined {
    const cursor = this.#cursor;
    const pattern = first ? (cursor.bash ? bashAssignmentPattern : assignmentPattern) : arrayPattern;
    if (!first && !cursor.bash) return undefined;
    const name = cursor.match(pattern)?.replace(/(?:\[.*)?\+?$/, "");
    if (name === undefined) return undefined;
    cursor.at++;
    if (cursor.bash && cursor.peek() === "(") return { name, value: [], elements: this.#elements() };
    return { name, value: this.word() };
  }

  command(): SimpleCommand {
    const cursor = this.#cursor;
    const start = cursor.at;
    const assignments: Assignment[] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    let end = start;
    for (;;) {
      this.blank();
      if (!this.#redirect(redirects)) {
        const assignment = this.#assignment(words.length === 0);
        if (assignment === undefined) {
          const word = this.word();
          if (word.length === 0) break;
          words.push(word);
        } else assignments.push(assignment);
      }
      end = cursor.at;
    }
    if (assignments.length + words.length + redirects.length === 0)
      cursor.fail(cursor.done ? "command expected" : `unexpected "${cursor.peek()}"`);
    return { kind: "simple", assignments, words, redirects, source: this.source(start), ...cursor.extent(start, end) };
  }

  /** `[[ … ]]` of bash, the cursor on its beginning: its words, without the operators that a shell would take for its own. */
  condition(): SimpleCommand {
    const cursor: Cursor = this.#cursor;
    const start = cursor.at;
    const words: Word[] = [];
    let pattern = false;
    for (;;) {
      this.lines();
      if (!pattern && cursor.match(/&&|\|\||[()<>]/y) !== undefined) continue;
      const word: Word = pattern ? readRegularExpression(cursor, this.#commands) : this.word();
      const [part] = word;
      if (part === undefined) cursor.fail('"]]" expected');
      words.push(word);
      const text: string = word.length === 1 && part.kind === "text" && !part.quoted ? part.text : "";
      if (text === "]]") break;
      pattern = text === "=~";
    }
    return {
      kind: "simple",
      assignments: [],
      words,
      redirects: [],
      source: this.source(start),
      ...cursor.since(start),
    };
  }
}
