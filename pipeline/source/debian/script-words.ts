/** Reads the words of a shell script: quoting, parameter expansion and command substitution (POSIX XCU 2.2, 2.6). */
import { type Command, type Part, ScriptSyntaxError, type Word } from "./script-syntax.ts";

/** Where a scan of the script is; words and commands are read by turns from the same place. */
export class Cursor {
  readonly text: string;
  at = 0;
  /** How deep substitutions and compound commands are nested. */
  depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  /** The character `ahead` of the place; empty at the end. */
  peek(ahead = 0): string {
    return this.text.charAt(this.at + ahead);
  }

  startsWith(token: string): boolean {
    return this.text.startsWith(token, this.at);
  }

  take(token: string): boolean {
    if (!this.startsWith(token)) return false;
    this.at += token.length;
    return true;
  }

  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  fail(message: string): never {
    throw new ScriptSyntaxError(message, this.text.slice(0, this.at).split("\n").length);
  }

  /** Runs `read` one level deeper; a script that nests without end is refused. */
  nested<T>(read: () => T): T {
    if (this.depth >= 100) this.fail("nested too deeply");
    this.depth++;
    const result = read();
    this.depth--;
    return result;
  }
}

/** Reads the commands of a substitution up to its closing parenthesis, and those of a whole text. */
export interface CommandReader {
  until(cursor: Cursor, close: ")"): Command;
  whole(text: string, depth: number): Command;
}

/** Characters that end an unquoted word. */
const metacharacters = new Set([" ", "\t", "\n", ";", "&", "|", "<", ">", "(", ")"]);

const namePattern = /[A-Za-z_]\w*|[0-9]|[@*#?$!-]/y;
const bracedName = /[A-Za-z_]\w*|[0-9]+|[@*#?$!-]/y;
const operatorPattern = /:?[-=?+]|%%|%|##|#/y;

function text(value: string, quoted: boolean): Part {
  return { kind: "text", text: value, quoted };
}

/** The rest of `${…}`; the cursor is behind the opening brace. */
function readBraced(cursor: Cursor, quoted: boolean, commands: CommandReader): Part {
  if (cursor.peek() === "#" && cursor.peek(1) !== "}") {
    cursor.at++;
    const name = cursor.match(bracedName) ?? cursor.fail("parameter name expected");
    if (!cursor.take("}")) cursor.fail("unknown parameter expansion");
    return { kind: "parameter", name, operator: "length", quoted };
  }
  const name = cursor.match(bracedName) ?? cursor.fail("parameter name expected");
  if (cursor.take("}")) return { kind: "parameter", name, quoted };
  const operator = cursor.match(operatorPattern) ?? cursor.fail("unknown parameter expansion");
  const argument: Part[] = [];
  while (!cursor.take("}")) {
    if (cursor.done) cursor.fail("unterminated parameter expansion");
    // A pattern is a pattern inside double quotes too; a default value is quoted with what is around it.
    readPart(cursor, quoted && !/[%#]/.test(operator), commands, argument, (next) => next === "}");
  }
  return { kind: "parameter", name, operator, argument, quoted };
}

/** What follows a backquote up to the next one, with its own level of backslashes removed (POSIX XCU 2.6.3). */
function readBackquoted(cursor: Cursor, quoted: boolean, commands: CommandReader): Part {
  let body = "";
  while (!cursor.take("`")) {
    if (cursor.done) cursor.fail("unterminated command substitution");
    if (cursor.peek() === "\\" && "`\\$".includes(cursor.peek(1)) && cursor.peek(1) !== "") cursor.at++;
    body += cursor.peek();
    cursor.at++;
  }
  return { kind: "substitution", body: commands.whole(body, cursor.depth + 1), quoted };
}

function readArithmetic(cursor: Cursor, quoted: boolean): Part {
  let open = 2;
  while (open > 0) {
    if (cursor.done) cursor.fail("unterminated arithmetic expansion");
    if (cursor.peek() === "(") open++;
    if (cursor.peek() === ")") open--;
    cursor.at++;
  }
  return { kind: "arithmetic", quoted };
}

/** What follows a dollar sign; the cursor is on the sign. */
function readDollar(cursor: Cursor, quoted: boolean, commands: CommandReader): Part {
  cursor.at++;
  if (cursor.take("((")) return readArithmetic(cursor, quoted);
  if (cursor.take("(")) {
    const body = cursor.nested(() => commands.until(cursor, ")"));
    return { kind: "substitution", body, quoted };
  }
  if (cursor.take("{")) return cursor.nested(() => readBraced(cursor, quoted, commands));
  const name = cursor.match(namePattern);
  return name === undefined ? text("$", quoted) : { kind: "parameter", name, quoted };
}

function readDoubleQuoted(cursor: Cursor, commands: CommandReader, parts: Part[]): void {
  // An empty pair of quotes still makes a field.
  parts.push(text("", true));
  while (!cursor.take('"')) {
    if (cursor.done) cursor.fail("unterminated quotes");
    readPart(cursor, true, commands, parts, (next) => next === '"');
  }
}

/** Reads one expansion, one quotation or a run of plain characters up to where `ends` says. */
function readPart(
  cursor: Cursor,
  quoted: boolean,
  commands: CommandReader,
  parts: Part[],
  ends: (next: string) => boolean,
): void {
  const next = cursor.peek();
  if (next === "$") parts.push(readDollar(cursor, quoted, commands));
  else if (next === "`") {
    cursor.at++;
    parts.push(readBackquoted(cursor, quoted, commands));
  } else if (next === "\\") {
    const escaped = cursor.peek(1);
    cursor.at += 2;
    if (escaped === "\n") return;
    if (quoted && !'$`"\\'.includes(escaped)) parts.push(text(`\\${escaped}`, true));
    else parts.push(text(escaped, true));
  } else if (next === '"' && !quoted) {
    cursor.at++;
    readDoubleQuoted(cursor, commands, parts);
  } else if (next === "'" && !quoted) {
    const end = cursor.text.indexOf("'", cursor.at + 1);
    if (end < 0) cursor.fail("unterminated quotes");
    parts.push(text(cursor.text.slice(cursor.at + 1, end), true));
    cursor.at = end + 1;
  } else {
    let plain = "";
    while (!cursor.done && !ends(cursor.peek())) {
      const character = cursor.peek();
      if (character === "$" || character === "`" || character === "\\") break;
      if (!quoted && (character === '"' || character === "'")) break;
      plain += character;
      cursor.at++;
    }
    // The caller has checked that no end is here, so at least one character was read.
    parts.push(text(plain, quoted));
  }
}

/** The word at the cursor; empty when there is none. */
export function readWord(cursor: Cursor, commands: CommandReader): Word {
  const parts: Part[] = [];
  while (!cursor.done && !metacharacters.has(cursor.peek()))
    readPart(cursor, false, commands, parts, (next) => metacharacters.has(next));
  return parts;
}

/** The text of a here-document whose delimiter was not quoted: expansions happen, quotes are plain characters (POSIX XCU 2.7.4). */
export function readHereDocument(body: string, depth: number, commands: CommandReader): Word {
  const cursor = new Cursor(body);
  cursor.depth = depth;
  const parts: Part[] = [];
  while (!cursor.done) readPart(cursor, true, commands, parts, () => false);
  return parts;
}
