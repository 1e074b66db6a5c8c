/** Compares JSON documents: which members differ, and whether one value is written in two ways. */
import { shown } from "./shown.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export interface JsonDifference {
  /** `config.Env[2]`, `annotations["org.example"]`; the empty string is the whole document. */
  readonly path: string;
  /** Compact JSON; absent where a side has nothing. */
  readonly a?: string;
  readonly b?: string;
  /** The same items in another order. */
  readonly order?: boolean;
}

/** Documents of deeper nesting are not taken for JSON: what walks them would run out of stack. */
export const deepest = 500;

/** How deep a text nests its brackets, whatever else is wrong with it. */
function depthOf(text: string): number {
  let depth = 0;
  let most = 0;
  // Strings may hold any bracket.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{\]}]/gs)) {
    if (token === "[" || token === "{") most = Math.max(most, ++depth);
    else if (token === "]" || token === "}") depth--;
  }
  return most;
}

/** A document; undefined for what is no JSON, or nests deeper than any that is meant to be read. */
export function parseJson(bytes: Buffer): Json | undefined {
  const text = bytes.toString("utf8");
  try {
    return depthOf(text) > deepest ? undefined : (JSON.parse(text) as Json);
  } catch {
    return undefined;
  }
}

export function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Compact, with sorted members: equal for equal values. */
function textOf(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map((item) => textOf(item)).join(",")}]`;
  const names = Object.keys(value).toSorted();
  return `{${names.map((name) => `${JSON.stringify(name)}:${textOf(value[name] ?? null)}`).join(",")}}`;
}

function textShown(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : shown(typeof value === "string" ? value : textOf(value));
}

function member(path: string, name: string): string {
  if (!/^[\w-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}

class JsonComparer {
  readonly differences: JsonDifference[] = [];

  add(path: string, a: Json | undefined, b: Json | undefined, order = false): void {
    const [x, y] = [textShown(a), textShown(b)];
    this.differences.push({
      path,
      ...(x === undefined ? {} : { a: x }),
      ...(y === undefined ? {} : { b: y }),
      ...(order ? { order } : {}),
    });
  }

  compare(path: string, a: Json, b: Json): void {
    if (a === b) return;
    if (isList(a) && isList(b)) this.#lists(path, a, b);
    else if (isObject(a) && isObject(b)) {
      for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
        const [x, y] = [Object.hasOwn(a, name) ? a[name] : undefined, Object.hasOwn(b, name) ? b[name] : undefined];
        if (x === undefined || y === undefined) this.add(member(path, name), x, y);
        else this.compare(member(path, name), x, y);
      }
    } else this.add(path, a, b);
  }

  #lists(path: string, a: readonly Json[], b: readonly Json[]): void {
    if (a.length === b.length && a.length > 1) {
      const [left, right] = [a.map((item) => textOf(item)), b.map((item) => textOf(item))];
      if (left.every((text, index) => text === right[index])) return;
      const [x, y] = [left.toSorted(), right.toSorted()];
      if (x.every((text, index) => text === y[index])) {
        this.add(path, a, b, true);
        return;
      }
    }
    // From both ends, so that one item more is one difference.
    let start = 0;
    const same = (x: Json | undefined, y: Json | undefined): boolean =>
      x !== undefined && y !== undefined && textOf(x) === textOf(y);
    while (start < Math.min(a.length, b.length) && same(a[start], b[start])) start++;
    let end = 0;
    if (a.length !== b.length)
      while (end < Math.min(a.length, b.length) - start && same(a.at(-1 - end), b.at(-1 - end))) end++;
    for (let index = start; index < Math.max(a.length, b.length) - end; index++) {
      const x = index < a.length - end ? a[index] : undefined;
      const y = index < b.length - end ? b[index] : undefined;
      if (x === undefined || y === undefined) this.add(`${path}[${index}]`, x, y);
      else this.compare(`${path}[${index}]`, x, y);
    }
  }
}

/** Which members of two documents differ. */
export function compareJson(a: Json, b: Json): readonly JsonDifference[] {
  const comparer = new JsonComparer();
  comparer.compare("", a, b);
  return comparer.differences;
}

/** Whether members that both have come in another order. */
function otherOrder(a: Json, b: Json): boolean {
  if (isList(a) && isList(b))
    return a.some((item, index) => {
      const other = b[index];
      return other !== undefined && otherOrder(item, other);
    });
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || isList(a) || isList(b))
    return false;
  const [x, y] = [Object.keys(a), Object.keys(b)];
  const [left, right] = [x.filter((name) => Object.hasOwn(b, name)), y.filter((name) => Object.hasOwn(a, name))];
  return (
    left.some((name, index) => name !== right[index]) ||
    left.some((name) => otherOrder(a[name] ?? null, b[name] ?? null))
  );
}

/** `compact` for a document without blanks, escapes and forms of numbers that are not needed. */
function style(bytes: Buffer, value: Json): string {
  const text = bytes.toString("utf8");
  if (text === JSON.stringify(value)) return "compact";
  if (text.trimEnd() === JSON.stringify(value)) return "compact with a line end";
  const indent = /^[[{]\r?\n([ \t]+)/.exec(text)?.[1];
  if (indent !== undefined) return indent.startsWith("\t") ? "indented by tabs" : `indented by ${indent.length}`;
  return /^[[{]\s|[,:]\s/.test(text) ? "with blanks" : "with escapes of its own";
}

/** How the notation of two documents differs, whatever they say; undefined when it does not. */
export function compareForms(
  a: { readonly bytes: Buffer; readonly value: Json },
  b: { readonly bytes: Buffer; readonly value: Json },
): { readonly a: string; readonly b: string; readonly memberOrder: boolean } | undefined {
  const [x, y] = [style(a.bytes, a.value), style(b.bytes, b.value)];
  const memberOrder = otherOrder(a.value, b.value);
  return x === y && !memberOrder ? undefined : { a: x, b: y, memberOrder };
}
