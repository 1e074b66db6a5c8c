/** Takes a parsed lock apart into entries: which of them hold together, and what is wrong with the others. */
import type { Code } from "../host/codes.ts";
import { didYouMean } from "../host/suggest.ts";
import { lockOf, sealOf, sectionNames, sections } from "./section.ts";
import type { Lock, SectionName } from "./types.ts";

/** A problem whose place is still the names of keys that lead to it. */
export interface Finding {
  readonly code: Code;
  readonly message: string;
  readonly path: readonly string[];
  readonly hint?: string;
}

/** The remedy for everything that a person or a merge did to the lock. */
export const repin = "run `lockstep pin`, which keeps what is intact and writes the rest anew";

export function nameOf(section: SectionName, key: string): string {
  return `${sections[section].entry} "${key}"`;
}

type Content = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Content {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What follows from the content of an entry with the right fields: its key and its seal. */
function checkWhole(section: SectionName, key: string, content: Content): readonly Finding[] {
  const { seal, ...rest } = content;
  const name = nameOf(section, key);
  const path = [section, key];
  if (seal !== sealOf(section, key, rest)) {
    return [{ code: "LS2206", message: `${name} was edited by hand: its seal is of other content`, path, hint: repin }];
  }
  const unfit = sections[section].together?.(rest);
  if (unfit !== undefined) return [{ code: "LS2205", message: `${name} ${unfit}`, path, hint: repin }];
  const expected = sections[section].keyOf?.(rest) ?? key;
  if (expected === key) return [];
  return [{ code: "LS2205", message: `${name} must have the key "${expected}"`, path, hint: repin }];
}

function checkEntry(section: SectionName, key: string, content: unknown): readonly Finding[] {
  const name = nameOf(section, key);
  const path = [section, key];
  const { fields, optional = {}, key: checkKey } = sections[section];
  const found: Finding[] = [];
  const wrongKey = checkKey(key);
  if (wrongKey !== undefined) {
    found.push({ code: "LS2205", message: `key "${key}" in ${section} ${wrongKey}`, path, hint: repin });
  }
  if (!isObject(content)) {
    return [...found, { code: "LS2205", message: `${name} must be a mapping of its fields`, path, hint: repin }];
  }
  for (const field of Object.keys(content)) {
    if (Object.hasOwn(fields, field) || Object.hasOwn(optional, field)) continue;
    const hint = didYouMean(field, [...Object.keys(fields), ...Object.keys(optional)]) ?? repin;
    found.push({ code: "LS2205", message: `${name} has the unknown field "${field}"`, path: [...path, field], hint });
  }
  for (const [field, check] of Object.entries({ ...fields, ...optional })) {
    if (!Object.hasOwn(content, field)) {
      if (!Object.hasOwn(fields, field)) continue;
      found.push({ code: "LS2205", message: `${name} has no field "${field}"`, path, hint: repin });
      continue;
    }
    const wrong = check(content[field]);
    if (wrong === undefined) continue;
    found.push({ code: "LS2205", message: `${name}: ${field} ${wrong}`, path: [...path, field], hint: repin });
  }
  return found.length > 0 ? found : checkWhole(section, key, content);
}

/** The entries of a section that hold together, without their seals. */
function readSection(section: SectionName, value: unknown, found: Finding[]): readonly (readonly [string, Content])[] {
  // Without entries it is left out; an empty one is told when the text is compared with what would be written.
  if (value === undefined && !sections[section].always) return [];
  if (!isObject(value)) {
    const what = value === undefined ? `has no section "${section}"` : `section "${section}" must be a mapping`;
    found.push({ code: "LS2205", message: `the lock ${what}`, path: [section], hint: repin });
    return [];
  }
  const good: (readonly [string, Content])[] = [];
  for (const [key, content] of Object.entries(value)) {
    const problems = checkEntry(section, key, content);
    found.push(...problems);
    if (problems.length > 0 || !isObject(content)) continue;
    const { seal: _, ...rest } = content;
    good.push([key, rest]);
  }
  // All keys that passed are ASCII, whose code units order like bytes.
  return good.toSorted((a, b) => (a[0] < b[0] ? -1 : 1));
}

/** Entries whose fields are those of the types, and findings for all others. References between entries are not followed here. */
export function readEntries(value: Content): { readonly lock: Lock; readonly found: readonly Finding[] } {
  const found: Finding[] = [];
  const known = ["lockfileVersion", ...sectionNames];
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue;
    const hint = didYouMean(name, known) ?? repin;
    found.push({ code: "LS2205", message: `the lock has the unknown section "${name}"`, path: [name], hint });
  }
  // Every field of every entry is checked against the table of its section.
  const lock = lockOf((name) => new Map(readSection(name, value[name], found)));
  return { lock, found };
}
