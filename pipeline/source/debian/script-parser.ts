/** Reads a maintainer script into its syntax tree (POSIX XCU 2.9, 2.10). What is read is never run. */
import type { Command, Redirect, Word } from "./script-syntax.ts";
import { type CommandReader, Cursor, readHereDocument, readWord } from "./script-words.ts";

const commandReader: CommandReader = {
  until: (cursor, close) => {
    const body = new Parser(cursor).list();
    if (!cursor.take(close)) cursor.fail(`"${close}" expected`);
    return body;
  },
  whole: (text, depth) => {
    const cursor = new Cursor(text);
    cursor.depth = depth;
    return cursor.nested(() => new Parser(cursor).whole());
  },
};

const closing = new Set(["then", "else", "elif", "fi", "do", "done", "esac", "}"]);
const reservedPattern = /[A-Za-z]+(?=[\s;&|()<>]|$)|[!{}](?=[\s;&|()<>]|$)/y;
const redirectPattern = /(\d?)(<<-|<<|<>|<&|>&|>>|>\||<|>)/y;
const assignmentPattern = /[A-Za-z_]\w*(?==)/y;
const functionPattern = /[A-Za-z_][\w.+-]*(?=[ \t]*\([ \t]*\))/y;

interface PendingDocument {
  readonly delimiter: string;
  readonly literal: boolean;
  readonly stripTabs: boolean;
  readonly receive: (body: Word) => void;
}

/** The literal text of a word that is a name: a here-document's delimiter, a function. */
function plain(word: Word): string {
  return word.map((part) => (part.kind === "text" ? part.text : "")).join("");
}

class Parser {
  readonly #cursor: Cursor;
  readonly #pending: PendingDocument[] = [];

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** Everything up to the end of the text. */
  whole(): Command {
    const body = this.list();
    if (!this.#cursor.done) this.#cursor.fail(`unexpected "${this.#cursor.peek()}"`);
    return body;
  }

  /** Commands up to a closing word, a closing parenthesis, `;;` or the end. */
  list(): Command {
    const commands: Command[] = [];
    for (;;) {
      this.#lines();
      if (this.#atEnd()) break;
      commands.push(this.#andOr());
      this.#blank();
      if (this.#cursor.startsWith(";;")) break;
      if (!this.#cursor.take(";") && !this.#cursor.take("&") && this.#cursor.peek() !== "\n" && !this.#atEnd())
        this.#cursor.fail(`unexpected "${this.#cursor.peek()}"`);
    }
    const [first] = commands;
    return commands.length === 1 && first !== undefined ? first : { kind: "sequence", commands };
  }

  #atEnd(): boolean {
    const cursor = this.#cursor;
    if (cursor.done || cursor.peek() === ")" || cursor.startsWith(";;")) return true;
    const word = this.#reserved();
    return word !== undefined && closing.has(word);
  }

  /** The reserved word at the cursor, which stays where it is. */
  #reserved(): string | undefined {
    const start = this.#cursor.at;
    const word = this.#cursor.match(reservedPattern);
    this.#cursor.at = start;
    return word;
  }

  #takeReserved(word: string): boolean {
    if (this.#reserved() !== word) return false;
    this.#cursor.at += word.length;
    return true;
  }

  #expect(word: string): void {
    this.#lines();
    if (!this.#takeReserved(word)) this.#cursor.fail(`"${word}" expected`);
  }

  /** Skips blanks, comments and line continuations. */
  #blank(): void {
    const cursor = this.#cursor;
    for (;;) {
      if (cursor.match(/[ \t]+/y) !== undefined || cursor.take("\\\n")) continue;
      if (cursor.peek() !== "#" || cursor.match(/#[^\n]*/y) === undefined) return;
    }
  }

  /** Skips blanks and line ends, and reads the here-documents that begin behind a line end. */
  #lines(): void {
    for (;;) {
      this.#blank();
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
      literal ? [{ kind: "text", text: body, quoted: true }] : readHereDocument(body, cursor.depth + 1, commandReader),
    );
  }

  #andOr(): Command {
    let left = this.#pipeline();
    for (;;) {
      this.#blank();
      const kind = this.#cursor.take("&&") ? "and" : this.#cursor.take("||") ? "or" : undefined;
      if (kind === undefined) return left;
      this.#lines();
      left = { kind, left, right: this.#pipeline() };
    }
  }

  #pipeline(): Command {
    this.#blank();
    const negated = this.#takeReserved("!");
    this.#blank();
    const start = this.#cursor.at;
    const commands = [this.#command()];
    this.#blank();
    while (this.#cursor.peek() === "|" && this.#cursor.peek(1) !== "|") {
      this.#cursor.at++;
      this.#lines();
      commands.push(this.#command());
      this.#blank();
    }
    const [first] = commands;
    const command: Command =
      commands.length === 1 && first !== undefined
        ? first
        : { kind: "pipeline", commands, source: this.#source(start) };
    return negated ? { kind: "not", command } : command;
  }

  /** The script from `start` on, on one line. */
  #source(start: number): string {
    return this.#cursor.text.slice(start, this.#cursor.at).replaceAll("\\\n", " ").replace(/\s+/g, " ").trim();
  }

  #command(): Command {
    return this.#cursor.nested(() => this.#compound() ?? this.#simple());
  }

  #compound(): Command | undefined {
    const start = this.#cursor.at;
    if (this.#cursor.take("(")) {
      const body = this.list();
      if (!this.#cursor.take(")")) this.#cursor.fail('")" expected');
      return this.#group(start, body, true);
    }
    if (this.#takeReserved("{")) {
      const body = this.list();
      this.#expect("}");
      return this.#group(start, body, false);
    }
    const command = this.#takeReserved("if")
      ? this.#if()
      : this.#takeReserved("case")
        ? this.#case()
        : this.#takeReserved("for")
          ? this.#for()
          : this.#takeReserved("while")
            ? this.#loop(false)
            : this.#takeReserved("until")
              ? this.#loop(true)
              : this.#function();
    if (command === undefined || command.kind === "function") return command;
    this.#blank();
    return this.#atRedirect() ? this.#group(start, command, false) : command;
  }

  #group(start: number, body: Command, subshell: boolean): Command {
    const redirects = this.#redirects();
    return { kind: "group", subshell, body, redirects, source: this.#source(start) };
  }

  #if(): Command {
    const branches: { condition: Command; body: Command }[] = [];
    do {
      const condition = this.list();
      this.#expect("then");
      branches.push({ condition, body: this.list() });
    } while (this.#takeReserved("elif"));
    if (!this.#takeReserved("else")) {
      this.#expect("fi");
      return { kind: "if", branches };
    }
    const otherwise = this.list();
    this.#expect("fi");
    return { kind: "if", branches, otherwise };
  }

  #case(): Command {
    this.#blank();
    const subject = readWord(this.#cursor, commandReader);
    this.#expect("in");
    const items: { patterns: Word[]; body: Command }[] = [];
    for (;;) {
      this.#lines();
      if (this.#takeReserved("esac")) return { kind: "case", subject, items };
      this.#cursor.take("(");
      const patterns: Word[] = [];
      do {
        this.#blank();
        patterns.push(readWord(this.#cursor, commandReader));
        this.#blank();
      } while (this.#cursor.take("|"));
      if (!this.#cursor.take(")")) this.#cursor.fail('")" expected');
      items.push({ patterns, body: this.list() });
      this.#lines();
      if (!this.#cursor.take(";;") && this.#reserved() !== "esac") this.#cursor.fail('";;" expected');
    }
  }

  #for(): Command {
    this.#blank();
    const name = this.#cursor.match(/[A-Za-z_]\w*/y) ?? this.#cursor.fail("name expected");
    this.#lines();
    let words: Word[] | undefined;
    if (this.#takeReserved("in")) {
      words = [];
      for (;;) {
        this.#blank();
        const word = readWord(this.#cursor, commandReader);
        if (word.length === 0) break;
        words.push(word);
      }
    }
    this.#cursor.take(";");
    this.#expect("do");
    const body = this.list();
    this.#expect("done");
    return { kind: "for", name, ...(words === undefined ? {} : { words }), body };
  }

  #loop(until: boolean): Command {
    const condition = this.list();
    this.#expect("do");
    const body = this.list();
    this.#expect("done");
    return { kind: "loop", until, condition, body };
  }

  #function(): Command | undefined {
    const name = this.#cursor.match(functionPattern);
    if (name === undefined) return undefined;
    this.#cursor.match(/[ \t]*\([ \t]*\)/y);
    this.#lines();
    return { kind: "function", name, body: this.#command() };
  }

  #atRedirect(): boolean {
    const start = this.#cursor.at;
    const found = this.#cursor.match(redirectPattern);
    this.#cursor.at = start;
    return found !== undefined;
  }

  #redirects(): readonly Redirect[] {
    const redirects: Redirect[] = [];
    this.#blank();
    while (this.#redirect(redirects)) this.#blank();
    return redirects;
  }

  #redirect(redirects: Redirect[]): boolean {
    const token = this.#cursor.match(redirectPattern);
    if (token === undefined) return false;
    const digit = /^\d/.test(token) ? Number(token.charAt(0)) : undefined;
    const operator = token.replace(/^\d/, "");
    const descriptor = digit ?? (operator.startsWith("<") ? 0 : 1);
    this.#blank();
    const target = readWord(this.#cursor, commandReader);
    if (target.length === 0) this.#cursor.fail("redirection without a target");
    if (!operator.startsWith("<<")) {
      redirects.push({ descriptor, operator, target });
      return true;
    }
    const index = redirects.push({ descriptor, operator: "<<", target: [] }) - 1;
    this.#pending.push({
      delimiter: plain(target),
      literal: target.some((part) => part.kind === "text" && part.quoted),
      stripTabs: operator === "<<-",
      receive: (body) => {
        redirects[index] = { descriptor, operator: "<<", target: body };
      },
    });
    return true;
  }

  #simple(): Command {
    const cursor = this.#cursor;
    const start = cursor.at;
    const assignments: { name: string; value: Word }[] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    for (;;) {
      this.#blank();
      if (this.#redirect(redirects)) continue;
      const name = words.length === 0 ? cursor.match(assignmentPattern) : undefined;
      if (name !== undefined) {
        cursor.at++;
        assignments.push({ name, value: readWord(cursor, commandReader) });
        continue;
      }
      const word = readWord(cursor, commandReader);
      if (word.length === 0) break;
      words.push(word);
    }
    if (assignments.length + words.length + redirects.length === 0)
      cursor.fail(cursor.done ? "command expected" : `unexpected "${cursor.peek()}"`);
    return { kind: "simple", assignments, words, redirects, source: this.#source(start) };
  }
}

/** The largest script that is read, in characters. */
const sizeLimit = 1024 * 1024;

/** The syntax tree of a whole script. Throws ScriptSyntaxError, which the caller turns into a line of the report. */
export function parseScript(text: string): Command {
  const cursor = new Cursor(text);
  if (text.length > sizeLimit) cursor.fail("too large");
  return new Parser(cursor).whole();
}
