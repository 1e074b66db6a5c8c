/** What a cause of differences is: a row of the table that says how it is seen and what to do about it. */
import type { Finding, Grade, Nature, Part } from "../compare/finding.ts";
import type { Maker } from "./makers.ts";
import type { Survey } from "./survey.ts";

/** How sure it is that a finding has the cause, from 0 (not at all) to 1. */
export type Rule = (finding: Finding, survey: Survey) => number;

/** Paths of images that stand for a cause whatever is in them; without a leading slash. */
export interface Places {
  /** How sure it is that what is different there has the cause. */
  readonly confidence: number;
  readonly exact?: readonly string[];
  /** Directories: everything at or below them. */
  readonly below?: readonly string[];
  /** Last components of paths. */
  readonly names?: readonly string[];
  /** Components of paths that may be anywhere, themselves or as a directory of something. */
  readonly components?: readonly string[];
  /** Ends of names, with their dot. */
  readonly ends?: readonly string[];
}

/**
 * What to do. `{where}` stands for the layer with the step that made it, `{path}` for an example, `{epoch}` for a time to fix things at.
 * `any` serves where nothing is said for the tool that made the layer.
 */
export type Fix = Readonly<Partial<Record<Maker, string>>> & { readonly any: string };

/** `entry.mtime`, `layer.order`, `config.history`: part and first component of the field; `content` for what is within files. */
export type Topic = `${Part}.${string}` | "content";

export interface Cause {
  /** A row of docs/catalogue.md (`T1`), or a word for what is none of its rows (`source`). */
  readonly id: string;
  /** One clause: `times of files come from the checkout or the build`. */
  readonly title: string;
  /** How it is recognised, for docs/causes.md: one clause. */
  readonly seen: string;
  /** The grade that it usually has. */
  readonly grade: Grade;
  readonly fix: Fix;
  readonly places?: Places;
  readonly rules?: Readonly<Partial<Record<Topic, Rule>>>;
  /** What the whole of its findings shows, besides an example. */
  readonly evidence?: (findings: readonly Finding[], survey: Survey) => readonly string[];
}

export function has(finding: Finding, ...natures: readonly Nature[]): boolean {
  const found = finding.natures;
  return found !== undefined && natures.some((nature) => found.includes(nature));
}

export function factOf(finding: Finding, name: string): string | undefined {
  const value = finding.facts?.[name];
  return value === undefined ? undefined : String(value);
}

/** A rule that is sure whenever it is asked. */
export const always =
  (confidence: number): Rule =>
  () =>
    confidence;

/** A rule on the text of the field. */
export const fieldIs =
  (pattern: RegExp, confidence: number): Rule =>
  ({ where }) =>
    pattern.test(where.field) ? confidence : 0;

const entryFields = new Set([
  "presence",
  "type",
  "mode",
  "uid",
  "gid",
  "mtime",
  "user",
  "group",
  "target",
  "device",
  "header",
  "sparse",
  "repeated",
]);

/** Whether a finding is about an entry of an archive within a file, and not about that archive as a whole. */
function isOfEntry(field: string): boolean {
  return entryFields.has(field) || field.startsWith("xattr.") || field.startsWith("pax.");
}

/** The path of the entry that a finding is about: that within an archive in a file, where it is about one. */
export function entryPath({ where, format }: Finding): string {
  return (format === "tar" && isOfEntry(where.field) ? where.inside?.at(-1) : where.path) ?? "";
}

/** The names that lead to the archive that a finding is about; undefined for the layer itself. */
export function archiveOf({ where, format }: Finding): readonly string[] | undefined {
  if (format !== "tar" || where.part !== "entry") return undefined;
  const inside = where.inside ?? [];
  return [where.path ?? "", ...(isOfEntry(where.field) ? inside.slice(0, -1) : inside)];
}

/** Which rules are asked about a finding. Archives within files are as layers are. */
export function topicOf({ where, format }: Finding): Topic {
  const { part, field, inside } = where;
  if (part === "entry") {
    if (format === "tar" && !isOfEntry(field) && field !== "content") return `layer.${field}`;
    if ((format !== "tar" && format !== undefined) || (format !== "tar" && inside !== undefined) || field === "content")
      return "content";
    if (entryFields.has(field)) return `entry.${field}`;
    if (field.startsWith("xattr.")) return "entry.xattr";
    if (field.startsWith("pax.")) return "entry.pax";
    return "content";
  }
  // A member whose name is no word is written `["moby.buildkit.cache.v0"]`.
  const [, quoted, word] = /^(?:\["([^".]*)|([^.[]+))/.exec(field) ?? [];
  return `${part}.${quoted ?? word ?? field}`;
}
