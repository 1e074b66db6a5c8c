/** What bash adds to the words of a script: `$'…'`, more forms of `${…}`, and brackets that are read as one. */
import type { Cursor } from "./cursor.ts";
import type { Part, Word } from "./syntax.ts";

const namePattern = /[A-Za-z_]\w*|[0-9]+|[@*#?$!-]/y;
const operatorPattern = /:?[-=?+]|%%?|##?|\/\/?|\^\^?|,,?|@[A-Za-z]|:|[@*]/y;

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0", e: "\u001b", a: "\u0007" };

/** `$'…'`; the cursor is on the dollar sign. Escapes by number are left as they are written. */
export function readAnsiQuoted(cursor: Cursor): Part {
  const start = cursor.at;
  cursor.at += 2;
  let text = "";
  while (!cursor.take("'")) {
    if (cursor.done) cursor.fail("unterminated quotes");
    if (cursor.take("\\")) {
      const escaped = cursor.peek();
      text += "\\'\"".includes(escaped) ? escaped : (escapes[escaped] ?? `\\${escaped}`);
    } else text += cursor.peek();
    cursor.at++;
  }
  return { kind: "text", text, quoted: true, ...cursor.since(start) };
}

/** What stands between two brackets that are balanced; quotes hide brackets. The cursor is on the first and then behind the last. */
export function readBalanced(cursor: Cursor, open: string, close: string): string {
  const start = ++cursor.at;
  for (let depth = 1; ; cursor.at++) {
    if (cursor.done) cursor.fail(`"${close}" expected`);
    const next = cursor.peek();
    if (next === "\\") cursor.at++;
    else if (next === open) depth++;
    else if (next === close && --depth === 0) break;
    else if (next === "'" || next === '"') {
      const end = cursor.text.indexOf(next, cursor.at + 1);
      // A lone apostrophe is a character like any other.
      if (end > 0) cursor.at = end;
    }
  }
  const text = cursor.text.slice(start, cursor.at);
  cursor.at++;
  return text;
}

/** The rest of `${…}`; `argument` reads up to the closing brace. */
export function readBashBraced(
  cursor: Cursor,
  start: number,
  quoted: boolean,
  argument: (quoted: boolean) => Word,
): Part {
  // ${#name} and ${!name}, but not ${#} and ${!}, nor ${#:-x}.
  const prefix = cursor.match(/[#!](?=[A-Za-z_0-9@*])/y);
  const name = cursor.match(namePattern) ?? cursor.fail("parameter name expected");
  if (cursor.peek() === "[") readBalanced(cursor, "[", "]");
  if (prefix === "#") {
    if (!cursor.take("}")) cursor.fail("unknown parameter expansion");
    return { kind: "parameter", name, operator: "length", quoted, ...cursor.since(start) };
  }
  if (cursor.take("}")) {
    return {
      kind: "parameter",
      name,
      ...(prefix === undefined ? {} : { operator: prefix }),
      quoted,
      ...cursor.since(start),
    };
  }
  const operator = cursor.match(operatorPattern) ?? cursor.fail("unknown parameter expansion");
  const word = argument(quoted && !/[%#/^,]/.test(operator));
  return { kind: "parameter", name, operator, argument: word, quoted, ...cursor.since(start) };
}
