/** Expands words of a maintainer script as far as their values are known (POSIX XCU 2.6); what is not known stays unknown, never guessed. */
import type { Command, Part, Word } from "../../shell/syntax.ts";

/** A value of the script: its text, or undefined when it depends on what only running could tell. */
export type Value = string | undefined;

/** What an expansion asks of the evaluation it belongs to. */
export interface Scope {
  variable(name: string): Value;
  assign(name: string, value: Value): void;
  readonly positional: readonly Value[];
  /** The output of a command substitution, without trailing line ends. */
  substitute(body: Command): Value;
  /** Paths that begin with `start` and match a pattern. */
  glob(start: string, pattern: RegExp): readonly string[];
}

/** The longest text that is followed, in characters: scripts that double a variable without end must not take all memory. */
const lengthLimit = 1024 * 1024;
/** The longest text a pattern is tried on, and the most `*` in one: matching takes the one to the power of the other. */
export const subjectLimit = 4096;
const starLimit = 6;

/** Values one behind the other; unknown when one of them is, or when it gets too long. */
export function joinValues(values: readonly Value[]): Value {
  let text = "";
  for (const value of values) {
    if (value === undefined || text.length + value.length > lengthLimit) return undefined;
    text += value;
  }
  return text;
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

/** The regular expression of a shell pattern (POSIX XCU 2.13) without anchors; `any` is what `*` may match. */
function patternSource(text: string, any: string): string {
  let source = "";
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    const close = character === "[" ? text.indexOf("]", i + 2) : -1;
    if (character === "*") source += `${any}*`;
    else if (character === "?") source += any;
    else if (close > 0) {
      const set = text.slice(i + 1, close);
      const negated = set.startsWith("!") || set.startsWith("^");
      const members = (negated ? set.slice(1) : set)
        .replace("[:space:]", String.raw`\s`)
        .replace("[:digit:]", "0-9")
        .replace("[:alpha:]", "A-Za-z")
        .replace("[:alnum:]", "A-Za-z0-9")
        .replaceAll(/[[\]^]/g, String.raw`\$&`);
      source += `[${negated ? "^" : ""}${members}]`;
      i = close;
    } else source += escape(character);
  }
  return source;
}

/** The pattern a word stands for in `case` and in `${name%word}`; undefined when part of it is unknown or it is no usable pattern. */
export function expandPattern(word: Word, scope: Scope): string | undefined {
  let source = "";
  for (const part of word) {
    const value = expandPart(part, scope);
    if (value === undefined) return undefined;
    source += part.quoted ? escape(value) : patternSource(value, "[^]");
  }
  return source;
}

/** The regular expression of a whole pattern; undefined when it is none, or too costly. */
export function compilePattern(source: string): RegExp | undefined {
  if (source.split("]*").length - 1 > starLimit) return undefined;
  try {
    return new RegExp(source);
  } catch {
    return undefined;
  }
}

/** Removes the shortest or longest match of a pattern from the start (`#`) or the end (`%`). */
function trim(value: string, operator: string, pattern: RegExp): string {
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
  if (operator.length === 2) lengths.reverse();
  for (const length of lengths) {
    const piece = operator.startsWith("#") ? value.slice(0, length) : value.slice(value.length - length);
    if (pattern.test(piece))
      return operator.startsWith("#") ? value.slice(length) : value.slice(0, value.length - length);
  }
  return value;
}

function expandParameter(part: Extract<Part, { kind: "parameter" }>, scope: Scope): Value {
  const { name, operator, argument = [] } = part;
  const value = name === "@" || name === "*" ? joinValues(separate(scope.positional)) : scope.variable(name);
  if (operator === undefined || value === undefined) return value;
  switch (operator) {
    case "length":
      return String(value.length);
    // Unset and empty are not told apart: maintainer scripts do not, and the environment of dpkg is known.
    case ":-":
    case "-":
      return value === "" ? expandText(argument, scope) : value;
    case ":=":
    case "=":
      if (value !== "") return value;
      scope.assign(name, expandText(argument, scope));
      return scope.variable(name);
    case ":+":
    case "+":
      return value === "" ? "" : expandText(argument, scope);
    case ":?":
    case "?":
      return value;
    default: {
      if (value.length > subjectLimit) return undefined;
      const source = expandPattern(argument, scope);
      const pattern = source === undefined ? undefined : compilePattern(`^(?:${source})$`);
      return pattern === undefined ? undefined : trim(value, operator, pattern);
    }
  }
}

function separate(values: readonly Value[]): readonly Value[] {
  return values.flatMap((value, index) => (index === 0 ? [value] : [" ", value]));
}

function expandPart(part: Part, scope: Scope): Value {
  switch (part.kind) {
    case "text":
      return part.text;
    case "parameter":
      return expandParameter(part, scope);
    case "substitution":
      return scope.substitute(part.body);
    case "arithmetic":
      return undefined;
  }
}

/** The text of a word where no splitting happens: assignments, redirections, the subject of `case`. */
export function expandText(word: Word, scope: Scope): Value {
  return joinValues(word.map((part) => expandPart(part, scope)));
}

interface Field {
  text: Value;
  /** Whether anything stands here although it may be empty. */
  kept: boolean;
  /** Whether unquoted text has pattern characters in it. */
  special: boolean;
  readonly pieces: { readonly text: string; readonly quoted: boolean }[];
}

function emptyField(): Field {
  return { text: "", kept: false, special: false, pieces: [] };
}

function append(field: Field, value: Value, quoted: boolean): void {
  field.kept ||= quoted || value === undefined || value !== "";
  if (value === undefined || field.text === undefined) {
    field.text = undefined;
    return;
  }
  field.text = joinValues([field.text, value]);
  field.special ||= !quoted && /[*?]|\[.+\]/.test(value);
  field.pieces.push({ text: value, quoted });
}

/** What a field with pattern characters stands for: the paths that match it, or itself when there are none. */
function expandGlob(field: Field, scope: Scope): readonly Value[] {
  // A pattern of a relative path would need the directory's listing at run time.
  if (field.text?.startsWith("/") !== true || field.text.length > subjectLimit) return [undefined];
  const source = field.pieces.map(({ text, quoted }) => (quoted ? escape(text) : patternSource(text, "[^/]"))).join("");
  const pattern = compilePattern(`^${source}$`);
  const start = field.text.replace(/[*?[\\].*$/s, "");
  const found = pattern === undefined ? [] : scope.glob(start, pattern);
  return found.length === 0 ? [field.text] : found;
}

/** The fields a word becomes on a command line: expansion, splitting at blanks, patterns (POSIX XCU 2.6.5, 2.6.6). */
export function expandFields(word: Word, scope: Scope): readonly Value[] {
  const fields: Field[] = [];
  let field = emptyField();
  const finish = (): void => {
    if (field.kept) fields.push(field);
    field = emptyField();
  };
  for (const part of word) {
    if (part.kind === "parameter" && part.name === "@" && part.operator === undefined) {
      for (const [index, value] of scope.positional.entries()) {
        if (index > 0) finish();
        append(field, value, true);
      }
      continue;
    }
    const value = expandPart(part, scope);
    if (part.quoted || part.kind === "text" || value === undefined) {
      append(field, value, part.quoted);
      continue;
    }
    for (const [index, piece] of value.split(/[ \t\n]+/).entries()) {
      if (index > 0) finish();
      append(field, piece, false);
    }
  }
  finish();
  return fields.flatMap((each) => (each.special ? expandGlob(each, scope) : [each.text]));
}
