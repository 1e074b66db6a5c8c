/** Tells what zod found wrong with a document in the words of a person who wrote YAML: code, line, column, suggestion. */
import type { z } from "zod";
import type { Problem } from "../host/errors.ts";
import { didYouMean } from "../host/suggest.ts";
import { type LocatedDocument, type Path, keyPlaceOf, placeOf, showPath, writtenAt } from "./located.ts";

export type Issue = z.core.$ZodIssue;
type JsonSchema = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Names of the keys that the JSON Schema allows in the mapping at a path. */
function knownKeys(schema: JsonSchema, path: Path): readonly string[] {
  let here: unknown = schema;
  for (const step of path) {
    if (!isObject(here)) return [];
    if (typeof step === "number") here = here["items"];
    else {
      const properties = here["properties"];
      here = isObject(properties) && step in properties ? properties[step] : here["additionalProperties"];
    }
  }
  const properties = isObject(here) ? here["properties"] : undefined;
  return isObject(properties) ? Object.keys(properties) : [];
}

export function valueAt(document: LocatedDocument, path: Path): unknown {
  let value = document.value;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, step)?.value;
  }
  return value;
}

/** What a value is, to say what it should not be: `the number 5`, `a list`. Numbers are shown as they are written. */
export function showValue(document: LocatedDocument, path: Path): string {
  const value = valueAt(document, path);
  if (value === null || value === undefined) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return `the ${typeof value} ${writtenAt(document, path) ?? String(value)}`;
}

const typeWords: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

function wrongType(document: LocatedDocument, path: Path, expected: string): Problem {
  const value = valueAt(document, path);
  if (value === undefined) {
    const parent = path.slice(0, -1);
    const message = `${showPath(parent)} needs the key "${String(path.at(-1))}"`;
    return { code: "LS2005", message, place: placeOf(document, parent) };
  }
  let hint: string | undefined;
  if (expected === "string" && (typeof value === "number" || typeof value === "boolean")) {
    hint = `put it in quotes: "${writtenAt(document, path) ?? String(value)}"`;
  } else if (expected === "array" && typeof value === "string") hint = `write it as a list: [${value}]`;
  const message = `${showPath(path)} must be ${typeWords[expected] ?? expected}, not ${showValue(document, path)}`;
  return { code: "LS2004", message, place: placeOf(document, path), ...(hint === undefined ? {} : { hint }) };
}

function limit(issue: Extract<Issue, { readonly code: "too_big" | "too_small" }>): string {
  const big = issue.code === "too_big";
  const bound = String(big ? issue.maximum : issue.minimum);
  if (issue.origin === "string" && !big && bound === "1") return "must not be empty";
  const amount = `${big ? "at most" : "at least"} ${bound}`;
  if (issue.origin === "string") return `must have ${amount} characters`;
  if (issue.origin === "array") return `must have ${amount} ${bound === "1" ? "item" : "items"}`;
  return `must be ${amount}`;
}

function notAllowed(document: LocatedDocument, path: Path, must: string, hint?: string): Problem {
  const value = valueAt(document, path);
  const shown = typeof value === "object" || value === "" ? "" : `, not ${showValue(document, path)}`;
  const message = `${showPath(path)} ${must}${shown}`;
  return { code: "LS2007", message, place: placeOf(document, path), ...(hint === undefined ? {} : { hint }) };
}

function stepsOf(issue: Issue): Path {
  return issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));
}

/** Whether an issue is a refinement of a value that has a plainer issue at it or below it, whose consequence it may be. */
function isConsequence(issue: Issue, issues: readonly Issue[]): boolean {
  if (issue.code !== "custom") return false;
  const depth = issue.path.length;
  return (
    depth > 0 &&
    issues.some(
      (other) =>
        other.code !== "custom" && depth <= other.path.length && issue.path.every((step, i) => step === other.path[i]),
    )
  );
}

function problemsOfIssue(issue: Issue, document: LocatedDocument, schema: () => JsonSchema): readonly Problem[] {
  const path = stepsOf(issue);
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(schema(), path);
      return issue.keys.map((key) => ({
        code: "LS2003",
        message: `unknown key "${key}"`,
        place: keyPlaceOf(document, [...path, key]),
        hint: didYouMean(key, known) ?? `known here are ${known.join(", ")}`,
      }));
    }
    case "invalid_type":
      return [wrongType(document, path, issue.expected)];
    case "invalid_value": {
      const value = valueAt(document, path);
      if (value === undefined || typeof value === "object") return [wrongType(document, path, "string")];
      const options = issue.values.map(String);
      const must = `must be ${options.map((option) => JSON.stringify(option)).join(" or ")}`;
      return [notAllowed(document, path, must, didYouMean(String(value), options))];
    }
    case "invalid_key": {
      const inner = issue.issues[0];
      const must = inner?.code === "too_small" ? "must not be empty" : (inner?.message ?? "is not allowed");
      const message = `key "${String(path.at(-1))}" in ${showPath(path.slice(0, -1))} ${must}`;
      return [{ code: "LS2007", message, place: keyPlaceOf(document, path) }];
    }
    case "too_big":
    case "too_small":
      return [notAllowed(document, path, limit(issue))];
    case "invalid_union": {
      const value = valueAt(document, path);
      const scalar = typeof value !== "object" || value === null;
      const message = `${showPath(path)} ${issue.message}, not ${showValue(document, path)}`;
      return [{ code: scalar && value !== null ? "LS2007" : "LS2004", message, place: placeOf(document, path) }];
    }
    case "custom": {
      if (valueAt(document, path) !== undefined) return [notAllowed(document, path, issue.message)];
      return [{ code: "LS2005", message: `${showPath(path)} ${issue.message}`, place: placeOf(document, path) }];
    }
    default:
      return [notAllowed(document, path, issue.message)];
  }
}

/**
 * Problems LS2003 to LS2005 and LS2007 for the issues of a failed check, in the order of the file.
 * `schema` gives the JSON Schema of the document, for suggestions; messages of the zod schema must be clauses that begin with "must".
 * `special` may put a better problem in the place of the usual one.
 */
export function problemsOf(
  issues: readonly Issue[],
  document: LocatedDocument,
  schema: () => JsonSchema,
  special: (path: Path) => Problem | undefined = () => undefined,
): readonly Problem[] {
  const plain = issues.filter((issue) => !isConsequence(issue, issues));
  const problems = plain.flatMap((issue) => {
    const better = special(stepsOf(issue));
    return better === undefined ? problemsOfIssue(issue, document, schema) : [better];
  });
  return inOrder(problems);
}

/** Paths of the values that issues are about, to go on without them. */
export function pathsOf(issues: readonly Issue[]): readonly Path[] {
  return issues.flatMap((issue) => {
    const path = stepsOf(issue);
    return issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...path, key]) : [path];
  });
}

/** Problems sorted by line and column, equal ones once. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const sorted = problems.toSorted(
    (a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0),
  );
  const seen = new Set<string>();
  return sorted.filter((problem) => {
    const key = JSON.stringify(problem);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
