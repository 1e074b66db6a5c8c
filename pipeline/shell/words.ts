/** Reads the words of a shell script: quoting, parameter expansion and command substitution (POSIX XCU 2.2, 2.6). */
import { readAnsiQuoted, readBalanced, readBashBraced } from "./bash-words.ts";
import type { CommandReader, Cursor } from "./cursor.ts";
import type { Part, Word } from "./syntax.ts";

/** Characters that end an unquoted word. */
const metacharacters = new Set([" ", "\t", "\n", ";", "&", "|", "<", ">", "(", ")"]);

const namePattern = /[A-Za-z_]\w*|[0-9]|[@*#?$!-]/y;
const bracedName = /[A-Za-z_]\w*|[0-9]+|[@*#?$!-]/y;
const operatorPattern = /:?[-=?+]|%%|%|##|#/y;

/** Reads parts of an argument up to the closing brace. */
function readArgument(cursor: Cursor, quoted: boolean, commands: CommandReader): Word {
  const argument: Part[] = [];
  while (!cursor.take("}")) {
    if (cursor.done) cursor.fail("unterminated parameter expansion");
    readPart(cursor, quoted, commands, argument, (next) => next === "}");
  }
  return argument;
}

/** The rest of `${…}`; the cursor is behind the opening brace, and `start` is the place of the dollar sign. */
function readBraced(cursor: Cursor, start: number, quoted: boolean, commands: CommandReader): Part {
  if (cursor.bash) {
    const read = (inner: boolean): Word => readArgument(cursor, inner, commands);
    return readBashBraced(cursor, start, quoted, read);
  }
  if (cursor.peek() === "#" && cursor.peek(1) !== "}") {
    cursor.at++;
    const name = cursor.match(bracedName) ?? cursor.fail("parameter name expected");
    if (!cursor.take("}")) cursor.fail("unknown parameter expansion");
    return { kind: "parameter", name, operator: "length", quoted, ...cursor.since(start) };
  }
  const name = cursor.match(bracedName) ?? cursor.fail("parameter name expected");
  if (cursor.take("}")) return { kind: "parameter", name, quoted, ...cursor.since(start) };
  const operator = cursor.match(operatorPattern) ?? cursor.fail("unknown parameter expansion");
  // A pattern is a pattern inside double quotes too; a default value is quoted with what is around it.
  const argument = readArgument(cursor, quoted && !/[%#]/.test(operator), commands);
  return { kind: "parameter", name, operator, argument, quoted, ...cursor.since(start) };
}

/** What follows a backquote up to the next one, with its own level of backslashes removed (POSIX XCU 2.6.3). */
function readBackquoted(cursor: Cursor, quoted: boolean, commands: CommandReader): Part {
  const start = cursor.at++;
  const origins: number[] = [];
  let body = "";
  while (!cursor.take("`")) {
    if (cursor.done) cursor.fail("unterminated command substitution");
    if (cursor.peek() === "\\" && "`\\$".includes(cursor.peek(1)) && cursor.peek(1) !== "") cursor.at++;
    body += cursor.peek();
    origins.push(cursor.at++);
  }
  const inner = cursor.inner(body, (at) => origins[at] ?? cursor.at - 1);
  return { kind: "substitution", body: commands.whole(inner), quoted, ...cursor.since(start) };
}

/** What follows `$((`; undefined when it turns out to be a subshell in a command substitution, which only bash looks for. */
function readArithmetic(cursor: Cursor, start: number, quoted: boolean): Part | undefined {
  const inside = cursor.at;
  let open = 2;
  let lastClose = -1;
  while (open > 0) {
    if (cursor.done) cursor.fail("unterminated arithmetic expansion");
    if (cursor.peek() === "(") open++;
    if (cursor.peek() === ")") {
      open--;
      if (open === 0 && cursor.bash && lastClose !== cursor.at - 1) return undefined;
      lastClose = cursor.at;
    }
    cursor.at++;
  }
  const text = cursor.text.slice(inside, cursor.at - 2);
  return { kind: "arithmetic", text, quoted, ...cursor.since(start) };
}

/** What follows a dollar sign; the cursor is on the sign. */
function readDollar(cursor: Cursor, quoted: boolean, commands: CommandReader): Part {
  const start = cursor.at++;
  if (cursor.take("((")) {
    const arithmetic = readArithmetic(cursor, start, quoted);
    if (arithmetic !== undefined) return arithmetic;
    cursor.at = start + 1;
  }
  if (cursor.take("(")) {
    const body = cursor.nested(() => commands.until(cursor, ")"));
    return { kind: "substitution", body, quoted, ...cursor.since(start) };
  }
  if (cursor.take("{")) return cursor.nested(() => readBraced(cursor, start, quoted, commands));
  if (cursor.bash && cursor.peek() === "[") {
    const text = readBalanced(cursor, "[", "]");
    return { kind: "arithmetic", text, quoted, ...cursor.since(start) };
  }
  const name = cursor.match(namePattern);
  if (name === undefined) return { kind: "text", text: "$", quoted, ...cursor.since(start) };
  return { kind: "parameter", name, quoted, ...cursor.since(start) };
}

function readDoubleQuoted(cursor: Cursor, commands: CommandReader, parts: Part[]): void {
  // An empty pair of quotes still makes a field.
  parts.push({ kind: "text", text: "", quoted: true, ...cursor.since(cursor.at) });
  while (!cursor.take('"')) {
    if (cursor.done) cursor.fail("unterminated quotes");
    readPart(cursor, true, commands, parts, (next) => next === '"');
  }
}

function readEscape(cursor: Cursor, quoted: boolean): Part | undefined {
  const start = cursor.at;
  const escaped = cursor.peek(1);
  cursor.at = Math.min(cursor.at + 2, cursor.text.length);
  if (escaped === "\n") return undefined;
  const text = quoted && !'$`"\\'.includes(escaped) ? `\\${escaped}` : escaped;
  return { kind: "text", text, quoted: true, ...cursor.since(start) };
}

function readSingleQuoted(cursor: Cursor): Part {
  const end = cursor.text.indexOf("'", cursor.at + 1);
  if (end < 0) cursor.fail("unterminated quotes");
  const text = cursor.text.slice(cursor.at + 1, end);
  const extent = cursor.extent(cursor.at + 1, end);
  cursor.at = end + 1;
  return { kind: "text", text, quoted: true, ...extent };
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
  if (next === "$" && cursor.bash && !quoted && cursor.peek(1) === "'") parts.push(readAnsiQuoted(cursor));
  else if (next === "$" && cursor.bash && !quoted && cursor.peek(1) === '"') cursor.at++;
  else if (next === "$") parts.push(readDollar(cursor, quoted, commands));
  else if (next === "`") parts.push(readBackquoted(cursor, quoted, commands));
  else if (next === "\\") {
    const part = readEscape(cursor, quoted);
    if (part !== undefined) parts.push(part);
  } else if (next === '"' && !quoted) {
    cursor.at++;
    readDoubleQuoted(cursor, commands, parts);
  } else if (next === "'" && !quoted) parts.push(readSingleQuoted(cursor));
  else {
    const start = cursor.at;
    while (!cursor.done && !ends(cursor.peek())) {
      const character = cursor.peek();
      if (character === "$" || character === "`" || character === "\\") break;
      if (!quoted && (character === '"' || character === "'")) break;
      cursor.at++;
    }
    // The caller has checked that no end is here, so at least one character was read.
    parts.push({ kind: "text", text: cursor.text.slice(start, cursor.at), quoted, ...cursor.since(start) });
  }
}

/** `<(…)` and `>(…)` of bash. */
function readProcess(cursor: Cursor, commands: CommandReader): Part {
  const start = cursor.at;
  cursor.at += 2;
  const body = cursor.nested(() => commands.until(cursor, ")"));
  return { kind: "substitution", body, quoted: true, ...cursor.since(start) };
}

/** The word at the cursor; empty when there is none. */
export function readWord(cursor: Cursor, commands: CommandReader): Word {
  const parts: Part[] = [];
  const begin = cursor.at;
  while (!cursor.done) {
    const next = cursor.peek();
    if (metacharacters.has(next)) {
      if (!cursor.bash) break;
      if ((next === "<" || next === ">") && cursor.peek(1) === "(") parts.push(readProcess(cursor, commands));
      else if (next === "(" && cursor.at > begin && "?*+@!".includes(cursor.text.charAt(cursor.at - 1))) {
        const start = cursor.at;
        const text = `(${readBalanced(cursor, "(", ")")})`;
        parts.push({ kind: "text", text, quoted: false, ...cursor.since(start) });
      } else break;
      continue;
    }
    readPart(cursor, false, commands, parts, (character) => metacharacters.has(character));
  }
  return parts;
}

/** The right side of `=~`: a pattern with parentheses and bars of its own, up to a blank outside of them. */
export function readRegularExpression(cursor: Cursor, commands: CommandReader): Word {
  const parts: Part[] = [];
  let open = 0;
  while (!cursor.done) {
    const next = cursor.peek();
    if (next === "\n" || (open === 0 && (next === " " || next === "\t"))) break;
    if (next === "(") open++;
    if (next === ")" && --open < 0) break;
    if (metacharacters.has(next)) cursor.at++;
    else readPart(cursor, false, commands, parts, (character) => metacharacters.has(character));
  }
  return parts;
}

/** The text of a here-document whose delimiter was not quoted: expansions happen, quotes are plain characters (POSIX XCU 2.7.4). */
export function readHereDocument(cursor: Cursor, commands: CommandReader): Word {
  const parts: Part[] = [];
  while (!cursor.done) readPart(cursor, true, commands, parts, () => false);
  return parts;
}
