/** Reads a script into its syntax tree (POSIX XCU 2.9, 2.10, and the compound commands of bash). What is read is never run. */
import { readBalanced } from "./bash-words.ts";
import { type CommandReader, Cursor, type Dialect, type Origin } from "./cursor.ts";
import { SimpleReader } from "./simple.ts";
import type { Command, Word } from "./syntax.ts";

const commandReader: CommandReader = {
  until: (cursor, close) => {
    const body = new Parser(cursor).list();
    if (!cursor.take(close)) cursor.fail(`"${close}" expected`);
    return body;
  },
  whole: (cursor) => cursor.nested(() => new Parser(cursor).whole()),
};

const closing = new Set(["then", "else", "elif", "fi", "do", "done", "esac", "}"]);
const reservedPattern = /[A-Za-z]+(?=[\s;&|()<>]|$)|[!{}](?=[\s;&|()<>]|$)/y;
const functionPattern = /[A-Za-z_][\w.+-]*(?=[ \t]*\([ \t]*\))/y;
const bashFunctionPattern = /[A-Za-z_.:@%+-][\w.:@%+-]*(?=[ \t]*\([ \t]*\))/y;

class Parser {
  readonly #cursor: Cursor;
  readonly #simple: SimpleReader;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
    this.#simple = new SimpleReader(cursor, commandReader);
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
      this.#simple.lines();
      if (this.#atEnd()) break;
      commands.push(this.#andOr());
      this.#simple.blank();
      if (this.#atItemEnd()) break;
      if (!this.#cursor.take(";") && !this.#cursor.take("&") && this.#cursor.peek() !== "\n" && !this.#atEnd())
        this.#cursor.fail(`unexpected "${this.#cursor.peek()}"`);
    }
    const [first] = commands;
    return commands.length === 1 && first !== undefined ? first : { kind: "sequence", commands };
  }

  #atEnd(): boolean {
    const cursor = this.#cursor;
    if (cursor.done || cursor.peek() === ")" || this.#atItemEnd()) return true;
    const word = this.#reserved();
    return word !== undefined && closing.has(word);
  }

  #atItemEnd(): boolean {
    return this.#cursor.startsWith(";;") || (this.#cursor.bash && this.#cursor.startsWith(";&"));
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
    this.#simple.lines();
    if (!this.#takeReserved(word)) this.#cursor.fail(`"${word}" expected`);
  }

  #andOr(): Command {
    let left = this.#pipeline();
    for (;;) {
      this.#simple.blank();
      const kind = this.#cursor.take("&&") ? "and" : this.#cursor.take("||") ? "or" : undefined;
      if (kind === undefined) return left;
      this.#simple.lines();
      left = { kind, left, right: this.#pipeline() };
    }
  }

  #pipeline(): Command {
    this.#simple.blank();
    // `time` before a compound command; before a simple one it is read as a word of it.
    if (this.#cursor.bash) this.#cursor.match(/time[ \t]+(?:-p[ \t]+)?(?=[({]|(?:for|while|until|if|case)\s)/y);
    const negated = this.#takeReserved("!");
    this.#simple.blank();
    const start = this.#cursor.at;
    const commands = [this.#command()];
    this.#simple.blank();
    while (this.#cursor.peek() === "|" && this.#cursor.peek(1) !== "|") {
      this.#cursor.at++;
      if (this.#cursor.bash) this.#cursor.take("&");
      this.#simple.lines();
      commands.push(this.#command());
      this.#simple.blank();
    }
    const [first] = commands;
    const command: Command =
      commands.length === 1 && first !== undefined
        ? first
        : { kind: "pipeline", commands, source: this.#simple.source(start) };
    return negated ? { kind: "not", command } : command;
  }

  #command(): Command {
    return this.#cursor.nested(() => this.#compound() ?? this.#simple.command());
  }

  #compound(): Command | undefined {
    const start = this.#cursor.at;
    const own = this.#cursor.bash ? this.#bashCompound() : undefined;
    if (own !== undefined) return own;
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
        : this.#takeReserved("for") || (this.#cursor.bash && this.#takeReserved("select"))
          ? this.#for()
          : this.#takeReserved("while")
            ? this.#loop(false)
            : this.#takeReserved("until")
              ? this.#loop(true)
              : this.#function();
    if (command === undefined || command.kind === "function") return command;
    this.#simple.blank();
    return this.#simple.atRedirect() ? this.#group(start, command, false) : command;
  }

  /** `[[ … ]]` and `(( … ))`, which are read as simple commands, `function name`, and `coproc`. */
  #bashCompound(): Command | undefined {
    const cursor = this.#cursor;
    const start = cursor.at;
    if (cursor.match(/\[\[(?=\s)/y) !== undefined) {
      cursor.at = start;
      return this.#simple.condition();
    }
    if (cursor.startsWith("((")) {
      cursor.at++;
      const text = readBalanced(cursor, "(", ")");
      if (cursor.take(")")) {
        const extent = cursor.since(start);
        const word: Word = [{ kind: "arithmetic", text, quoted: true, ...extent }];
        const source = this.#simple.source(start);
        return { kind: "simple", assignments: [], words: [word], redirects: [], source, ...extent };
      }
      cursor.at = start;
      return undefined;
    }
    if (cursor.match(/function[ \t]+(?=[^\s(])/y) !== undefined) {
      const name = cursor.match(/[^\s(){};&|<>]+/y) ?? cursor.fail("name expected");
      cursor.match(/[ \t]*\([ \t]*\)/y);
      this.#simple.lines();
      return { kind: "function", name, body: this.#command() };
    }
    cursor.match(/coproc[ \t]+(?:[A-Za-z_]\w*[ \t]+(?=[({]))?/y);
    return undefined;
  }

  #group(start: number, body: Command, subshell: boolean): Command {
    const redirects = this.#simple.redirects();
    return { kind: "group", subshell, body, redirects, source: this.#simple.source(start) };
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
    this.#simple.blank();
    const subject = this.#simple.word();
    this.#expect("in");
    const items: { patterns: Word[]; body: Command }[] = [];
    for (;;) {
      this.#simple.lines();
      if (this.#takeReserved("esac")) return { kind: "case", subject, items };
      this.#cursor.take("(");
      const patterns: Word[] = [];
      do {
        this.#simple.blank();
        patterns.push(this.#simple.word());
        this.#simple.blank();
      } while (this.#cursor.take("|"));
      if (!this.#cursor.take(")")) this.#cursor.fail('")" expected');
      items.push({ patterns, body: this.list() });
      this.#simple.lines();
      const closed = this.#cursor.bash ? this.#cursor.match(/;;&?|;&/y) !== undefined : this.#cursor.take(";;");
      if (!closed && this.#reserved() !== "esac") this.#cursor.fail('";;" expected');
    }
  }

  #for(): Command {
    this.#simple.blank();
    if (this.#cursor.bash && this.#cursor.startsWith("((")) {
      readBalanced(this.#cursor, "(", ")");
      return { kind: "for", name: "", words: [], body: this.#forBody() };
    }
    const name = this.#cursor.match(/[A-Za-z_]\w*/y) ?? this.#cursor.fail("name expected");
    this.#simple.lines();
    let words: Word[] | undefined;
    if (this.#takeReserved("in")) {
      words = [];
      for (;;) {
        this.#simple.blank();
        const word = this.#simple.word();
        if (word.length === 0) break;
        words.push(word);
      }
    }
    return { kind: "for", name, ...(words === undefined ? {} : { words }), body: this.#forBody() };
  }

  #forBody(): Command {
    this.#simple.blank();
    this.#cursor.take(";");
    this.#simple.lines();
    const braces = this.#cursor.bash && this.#takeReserved("{");
    if (!braces) this.#expect("do");
    const body = this.list();
    this.#expect(braces ? "}" : "done");
    return body;
  }

  #loop(until: boolean): Command {
    const condition = this.list();
    this.#expect("do");
    const body = this.list();
    this.#expect("done");
    return { kind: "loop", until, condition, body };
  }

  #function(): Command | undefined {
    const name = this.#cursor.match(this.#cursor.bash ? bashFunctionPattern : functionPattern);
    if (name === undefined) return undefined;
    this.#cursor.match(/[ \t]*\([ \t]*\)/y);
    this.#simple.lines();
    return { kind: "function", name, body: this.#command() };
  }
}

/** The largest script that is read, in characters. */
const sizeLimit = 1024 * 1024;

/**
 * The syntax tree of a whole script. Throws ScriptSyntaxError, which the caller turns into something to read. With `origin`, places in the
 * tree are those in the file that the text was taken from.
 */
export function parseScript(text: string, dialect: Dialect = "posix", origin?: Origin): Command {
  const cursor = new Cursor(text, dialect, origin);
  if (text.length > sizeLimit) cursor.fail("too large");
  return new Parser(cursor).whole();
}
