/** Reads the smallest parts of a script: blanks, comments, redirections with their here-documents, and simple commands (POSIX XCU 2.3, 2.7, 2.9.1). */
import type { Command, Redirect, Word } from "./script-syntax.ts";
import { type CommandReader, type Cursor, readHereDocument, readWord } from "./script-words.ts";

const redirectPattern = /(\d?)(<<-|<<|<>|<&|>&|>>|>\||<|>)/y;
const assignmentPattern = /[A-Za-z_]\w*(?==)/y;

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
    let body = "";
    for (;;) {
      if (cursor.done) cursor.fail(`here-document without "${delimiter}"`);
      let line = cursor.match(/[^\n]*/y) ?? "";
      cursor.take("\n");
      if (stripTabs) line = line.replace(/^\t+/, "");
      if (line === delimiter) break;
      body += `${line}\n`;
    }
    receive(
      literal ? [{ kind: "text", text: body, quoted: true }] : readHereDocument(body, cursor.depth + 1, this.#commands),
    );
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
    const found = this.#cursor.match(redirectPattern);
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
    const token = this.#cursor.match(redirectPattern);
    if (token === undefined) return false;
    const digit = /^\d/.test(token) ? Number(token.charAt(0)) : undefined;
    const operator = token.replace(/^\d/, "");
    const descriptor = digit ?? (operator.startsWith("<") ? 0 : 1);
    this.blank();
    const target = this.word();
    if (target.length === 0) this.#cursor.fail("redirection without a target");
    if (!operator.startsWith("<<")) {
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

  command(): Command {
    const cursor = this.#cursor;
    const start = cursor.at;
    const assignments: { name: string; value: Word }[] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    for (;;) {
      this.blank();
      if (this.#redirect(redirects)) continue;
      const name = words.length === 0 ? cursor.match(assignmentPattern) : undefined;
      if (name !== undefined) {
        cursor.at++;
        assignments.push({ name, value: this.word() });
        continue;
      }
      const word = this.word();
      if (word.length === 0) break;
      words.push(word);
    }
    if (assignments.length + words.length + redirects.length === 0)
      cursor.fail(cursor.done ? "command expected" : `unexpected "${cursor.peek()}"`);
    return { kind: "simple", assignments, words, redirects, source: this.source(start) };
  }
}
