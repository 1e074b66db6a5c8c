/**
 * Compares JSON by value. What JavaScript cannot hold exactly (a name twice, numbers of many digits) is left to be compared as text.
 *
 * Fields: the JSON path (`packages[3].version`, `["a b"]`; `value` for the whole), `form` for one value written in two ways.
 * Facts: `kinds` (see tokens.ts); `only: "a"` or `"b"`; of lists in another order `length`; of `form` `memberOrder`; `sourceMap: true` in
 * source maps of JavaScript (which have `version`, `sources` and `mappings`).
 */
import type { Finding } from "../compare/finding.ts";
import { deepest, isList, isObject, type Json } from "../compare/json.ts";
import { shown } from "../compare/shown.ts";
import { contentOf, type Format, type Looker, type Pair } from "./format.ts";
import { diffLines } from "./line-diff.ts";
import { isSecretName, withoutSecrets } from "./secrets.ts";
import { gradeOf, judge } from "./tokens.ts";
import { wholeOf } from "./windows.ts";

const largest = 16 << 20;
/** Strings that are as long are compared as contents of their own. */
const longString = 400;

const token = /"(?:[^"\\]|\\.)*"|[[\]{}:]|-?\d[\d.eE+-]*/g;

/** What the text has, for telling whether the value has all of it: members, depth, and whether each number is one that comes back. */
function survey(text: string): { readonly members: number; readonly depth: number; readonly exact: boolean } {
  let [members, depth, most] = [0, 0, 0];
  let exact = true;
  for (const [part] of text.matchAll(token)) {
    if (part === ":") members++;
    else if (part === "[" || part === "{") most = Math.max(most, ++depth);
    else if (part === "]" || part === "}") depth--;
    else if (part.length > 15 && !part.startsWith('"') && String(Number(part)) !== part) exact = false;
    else if (!part.startsWith('"') && !Number.isFinite(Number(part))) exact = false;
  }
  return { members, depth: most, exact };
}

/** Numbers for values, equal for equal values; in time that grows with the text, however deep it is. */
class Values {
  readonly #numbers = new Map<string, number>();
  readonly #known = new Map<object, number>();
  members = 0;

  number(value: Json): number {
    if (typeof value !== "object" || value === null) return this.#of(JSON.stringify(value));
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    let text: string;
    if (isList(value)) text = `[${value.map((item) => this.number(item)).join()}]`;
    else {
      const names = Object.keys(value);
      this.members += names.length;
      text = `{${names
        .toSorted()
        .map((name) => `${JSON.stringify(name)}:${this.number(value[name] ?? null)}`)
        .join()}}`;
    }
    const number = this.#of(text);
    this.#known.set(value, number);
    return number;
  }

  #of(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}

function memberPath(path: string, name: string): string {
  if (!/^[\w$-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}

/** Compact, and no longer than it can be shown. */
function brief(value: Json | undefined, name: string, room = 300): string | undefined {
  if (value === undefined) return undefined;
  if (isSecretName(name)) return "(a secret)";
  if (typeof value === "string") return shown(withoutSecrets(value));
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  let text = isList(value) ? "[" : "{";
  for (const [key, item] of Object.entries(value)) {
    if (text.length > room) break;
    text += `${text.length > 1 ? "," : ""}${isList(value) ? "" : `${JSON.stringify(key)}:`}`;
    text += brief(item, key, room - text.length) ?? "";
  }
  return shown(withoutSecrets(`${text}${isList(value) ? "]" : "}"}`));
}

class JsonComparer {
  readonly #values: Values;
  readonly #looker: Looker;
  readonly #facts: Record<string, boolean>;

  constructor(values: Values, looker: Looker, sourceMap: boolean) {
    this.#values = values;
    this.#looker = looker;
    this.#facts = sourceMap ? { sourceMap } : {};
  }

  #found(path: string, finding: Omit<Finding, "where" | "format">): void {
    const facts = { ...finding.facts, ...this.#facts };
    this.#looker.found(path === "" ? "value" : path, {
      ...finding,
      ...(Object.keys(facts).length > 0 ? { facts } : {}),
    });
  }

  #one(path: string, name: string, side: "a" | "b", value: Json): void {
    const text = brief(value, name) ?? "";
    const { natures, kinds } = judge(text, "");
    this.#found(path, { grade: "content", [side]: text, natures, facts: { only: side, kinds: kinds.join(" ") } });
  }

  async compare(path: string, name: string, a: Json, b: Json): Promise<void> {
    if (this.#values.number(a) === this.#values.number(b)) return;
    if (isList(a) && isList(b)) await this.#lists(path, name, a, b);
    else if (isObject(a) && isObject(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
        const [x, y] = [Object.hasOwn(a, key) ? a[key] : undefined, Object.hasOwn(b, key) ? b[key] : undefined];
        const inner = memberPath(path, key);
        if (x === undefined && y !== undefined) this.#one(inner, key, "b", y);
        else if (y === undefined && x !== undefined) this.#one(inner, key, "a", x);
        else if (x !== undefined && y !== undefined) await this.compare(inner, key, x, y);
      }
    } else if (
      typeof a === "string" &&
      typeof b === "string" &&
      Math.max(a.length, b.length) > longString &&
      !isSecretName(name)
    )
      await this.#looker.inside(path, contentOf(Buffer.from(a)), contentOf(Buffer.from(b)));
    else this.#scalars(path, name, a, b);
  }

  #scalars(path: string, name: string, a: Json, b: Json): void {
    const [x, y] = [brief(a, name) ?? "", brief(b, name) ?? ""];
    const verdict = judge(typeof a === "string" ? a : x, typeof b === "string" ? b : y);
    this.#found(path, {
      grade: gradeOf(verdict),
      a: x,
      b: y,
      natures: verdict.natures,
      facts: { kinds: verdict.kinds.join(" ") },
    });
  }

  async #lists(path: string, name: string, a: readonly Json[], b: readonly Json[]): Promise<void> {
    const [x, y] = [
      Int32Array.from(a, (item) => this.#values.number(item)),
      Int32Array.from(b, (item) => this.#values.number(item)),
    ];
    if (x.length === y.length) {
      const [p, q] = [x.toSorted(), y.toSorted()];
      if (p.every((number, index) => number === q[index])) {
        const [left, right] = [brief(a, name) ?? "", brief(b, name) ?? ""];
        this.#found(path, { grade: "content", natures: ["order"], a: left, b: right, facts: { length: x.length } });
        return;
      }
    }
    for (const hunk of diffLines(x, y)) {
      const both = Math.min(hunk.endA - hunk.a, hunk.endB - hunk.b);
      for (let index = 0; index < both; index++) {
        const [p, q] = [a[hunk.a + index], b[hunk.b + index]];
        if (p !== undefined && q !== undefined) await this.compare(`${path}[${hunk.a + index}]`, name, p, q);
      }
      for (let index = hunk.a + both; index < hunk.endA; index++)
        this.#one(`${path}[${index}]`, name, "a", a[index] ?? null);
      for (let index = hunk.b + both; index < hunk.endB; index++)
        this.#one(`${path}[${index}]`, name, "b", b[index] ?? null);
    }
  }
}

/** `compact`, `indented by 2`: how a document is written. */
function style(text: string, value: Json): string {
  const compact = JSON.stringify(value);
  if (text === compact) return "compact";
  if (text.trim() === compact) return "compact with blanks at its ends";
  for (const indent of [1, 2, 4, "\t"]) {
    const made = JSON.stringify(value, undefined, indent);
    const name = indent === "\t" ? "indented by tabs" : `indented by ${indent}`;
    if (text === made) return name;
    if (text.trimEnd() === made) return `${name} with a line end`;
  }
  return "in a form of its own";
}

/** Whether members that both have come in another order. */
function otherOrder(a: Json, b: Json): boolean {
  if (isList(a) && isList(b)) return a.some((item, index) => index < b.length && otherOrder(item, b[index] ?? null));
  if (!isObject(a) || !isObject(b)) return false;
  const [x, y] = [Object.keys(a), Object.keys(b)];
  return x.some((name, index) => name !== y[index]) || x.some((name) => otherOrder(a[name] ?? null, b[name] ?? null));
}

function compareForms(textA: string, textB: string, a: Json, b: Json, looker: Looker): void {
  const memberOrder = otherOrder(a, b);
  const [x, y] = [style(textA, a), style(textB, b)];
  const spaces = textA.replace(/\s+/g, "") === textB.replace(/\s+/g, "");
  looker.found("form", {
    grade: "cosmetic",
    a: memberOrder && x === y ? "members in one order" : x,
    b: memberOrder && x === y ? "members in another order" : y,
    natures: memberOrder ? ["order"] : spaces ? ["form", "white space"] : ["form"],
    facts: { memberOrder },
  });
}

async function compareJson({ a, b }: Pair, looker: Looker): Promise<void> {
  const [textA, textB] = [wholeOf(a, largest).toString("utf8"), wholeOf(b, largest).toString("utf8")];
  const [left, right] = [survey(textA), survey(textB)];
  if (!left.exact || !right.exact || Math.max(left.depth, right.depth) > deepest) return;
  let x: Json;
  let y: Json;
  try {
    [x, y] = [JSON.parse(textA) as Json, JSON.parse(textB) as Json];
  } catch {
    return;
  }
  const values = new Values();
  const [numberA, membersA] = [values.number(x), values.members];
  const [numberB, membersB] = [values.number(y), values.members - membersA];
  if (membersA !== left.members || membersB !== right.members) return;
  if (numberA === numberB) {
    compareForms(textA, textB, x, y, looker);
    return;
  }
  const sourceMap = isObject(x) && Object.hasOwn(x, "mappings") && Object.hasOwn(x, "sources");
  await new JsonComparer(values, looker, sourceMap).compare("", "", x, y);
}

/** Whether the first byte that is no blank opens a value. */
function opens(head: Buffer): boolean {
  return /^\s*[[{]/.test(head.toString("latin1"));
}

export const json: Format = {
  name: "json",
  accepts: ({ a, b }) => [a, b].every((side) => side.size <= largest && opens(side.read(0, 64))),
  compare: compareJson,
};
