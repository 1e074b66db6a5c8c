/** Environment markers: reads and evaluates what stands behind the `;` of a requirement (dependency specifiers specification). */
import { allows } from "./version.ts";

const variables = [
  "os_name",
  "sys_platform",
  "platform_machine",
  "platform_python_implementation",
  "platform_release",
  "platform_system",
  "platform_version",
  "python_version",
  "python_full_version",
  "implementation_name",
  "implementation_version",
  "extra",
];

/** Compared as versions; everything else is text. */
const versions = new Set(["python_version", "python_full_version", "implementation_version"]);

/** Why a marker has no answer, as a clause that follows it. */
export class MarkerError extends Error {
  override readonly name = "MarkerError";
}

type Token =
  | { readonly kind: "value"; readonly text: string }
  | { readonly kind: "variable" | "operator" | "word" | "parenthesis"; readonly text: string };

const tokenPattern = /\s*(?:'([^']*)'|"([^"]*)"|(===|==|~=|!=|<=|>=|<|>)|([()])|([a-z_]+(?:\.[a-z_]+)*))/y;

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  while (text.slice(tokenPattern.lastIndex).trim() !== "") {
    const at = tokenPattern.lastIndex;
    const match = tokenPattern.exec(text);
    if (match === null)
      throw new MarkerError(`has ${JSON.stringify(text.slice(at).trim())} where none of its words is`);
    const [, single, double, operator, parenthesis, word] = match;
    if (single !== undefined || double !== undefined) tokens.push({ kind: "value", text: single ?? double ?? "" });
    else if (operator !== undefined) tokens.push({ kind: "operator", text: operator });
    else if (parenthesis !== undefined) tokens.push({ kind: "parenthesis", text: parenthesis });
    else if (word !== undefined) {
      const kind = ["and", "or", "in", "not"].includes(word) ? "word" : "variable";
      if (kind === "variable" && !variables.includes(word))
        throw new MarkerError(`asks for ${word}, which markers do not have`);
      tokens.push({ kind, text: word });
    }
  }
  return tokens;
}

/** How deep parentheses may lie in each other. */
const depthLimit = 50;

class Evaluator {
  readonly #tokens: readonly Token[];
  readonly #environment: ReadonlyMap<string, string>;
  #at = 0;

  constructor(tokens: readonly Token[], environment: ReadonlyMap<string, string>) {
    this.#tokens = tokens;
    this.#environment = environment;
  }

  whole(): boolean {
    const answer = this.#or(0);
    const rest = this.#tokens[this.#at];
    if (rest !== undefined) throw new MarkerError(`has ${JSON.stringify(rest.text)} behind its end`);
    return answer;
  }

  #take(kind: Token["kind"], ...texts: readonly string[]): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== kind || !texts.includes(token.text)) return false;
    this.#at++;
    return true;
  }

  // Both sides are always evaluated: what cannot be known is told wherever it stands.
  #or(depth: number): boolean {
    let answer = this.#and(depth);
    while (this.#take("word", "or")) answer = this.#and(depth) || answer;
    return answer;
  }

  #and(depth: number): boolean {
    let answer = this.#term(depth);
    while (this.#take("word", "and")) answer = this.#term(depth) && answer;
    return answer;
  }

  #term(depth: number): boolean {
    if (depth > depthLimit) throw new MarkerError("has too many parentheses");
    if (this.#take("parenthesis", "(")) {
      const answer = this.#or(depth + 1);
      if (!this.#take("parenthesis", ")")) throw new MarkerError("lacks a closing parenthesis");
      return answer;
    }
    const left = this.#operand();
    const operator = this.#operator();
    return compare(left, operator, this.#operand());
  }

  #operator(): string {
    if (this.#take("word", "in")) return "in";
    if (this.#take("word", "not")) {
      if (this.#take("word", "in")) return "not in";
      throw new MarkerError('has "not" without "in"');
    }
    const token = this.#tokens[this.#at++];
    if (token?.kind !== "operator") throw new MarkerError("lacks an operator");
    return token.text;
  }

  #operand(): Operand {
    const token = this.#tokens[this.#at++];
    if (token?.kind === "value") return { value: token.text };
    if (token?.kind !== "variable") throw new MarkerError("lacks a value");
    const value = this.#environment.get(token.text);
    if (value !== undefined) return { value, variable: token.text };
    const known = versions.has(token.text);
    throw new MarkerError(
      known
        ? `asks for ${token.text}, which is known only when the spec says a version of Python with three numbers`
        : `asks for ${token.text}, which differs between the machines that an image runs on`,
    );
  }
}

interface Operand {
  readonly value: string;
  readonly variable?: string;
}

function compare(left: Operand, operator: string, right: Operand): boolean {
  if ((left.variable === undefined) === (right.variable === undefined))
    throw new MarkerError("must compare a variable with a text");
  const variable = left.variable ?? right.variable ?? "";
  if (operator === "in" || operator === "not in") return right.value.includes(left.value) === (operator === "in");
  if (versions.has(variable)) {
    const mirrored: Readonly<Record<string, string>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };
    const [version, clause] =
      left.variable === undefined
        ? [right.value, `${mirrored[operator] ?? operator}${left.value}`]
        : [left.value, `${operator}${right.value}`];
    const answer = allows(clause, version);
    if (answer === undefined)
      throw new MarkerError(
        `compares ${variable} with ${JSON.stringify(left.variable === undefined ? left.value : right.value)}, which is no version`,
      );
    return answer;
  }
  const [a, b] =
    variable === "extra" ? [normalizedName(left.value), normalizedName(right.value)] : [left.value, right.value];
  if (operator === "==" || operator === "===") return a === b;
  if (operator === "!=") return a !== b;
  throw new MarkerError(`orders ${variable} with ${operator}; texts have no order`);
}

/** The form in which names of packages are compared (names and normalization specification): `My_Package` is `my-package`. */
export function normalizedName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

/** Whether a marker holds in an environment; throws MarkerError when it is malformed or asks for what is not known. */
export function evaluateMarker(marker: string, environment: ReadonlyMap<string, string>): boolean {
  return new Evaluator(tokensOf(marker), environment).whole();
}
