/** Relationship fields: Depends, Conflicts, Provides and their kin (Debian Policy, section 7.1). */
import { type VersionRelation, isVersion, satisfies } from "./version.ts";

/** One package that a field names: `libc6:any (>= 2.38) [amd64] <!nocheck>`. */
export interface Relation {
  readonly name: string;
  /** What follows the colon: `any`, `native` or an architecture. */
  readonly qualifier?: string;
  readonly version?: { readonly relation: VersionRelation; readonly bound: string };
  /** Architectures of a `[...]` list, each with `!` when excluded; absent when there is no list. */
  readonly architectures?: readonly string[];
  /** Build profile formula: every `<...>` group with its terms. */
  readonly profiles?: readonly (readonly string[])[];
}

/** Alternatives joined by `|`, in their order; any of them satisfies the clause. */
export type Clause = readonly Relation[];

const item =
  /^([a-z0-9][a-z0-9+.-]*)(?::([a-z0-9][a-z0-9-]*))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([^\s()]+)\s*\))?\s*(?:\[([^\]]*)\])?\s*((?:<[^<>]*>\s*)*)$/i;

/** `<` and `>` are the forms before 1996 and mean `<=` and `>=` (deb-version(7) in dpkg's relation parser). */
function relationOf(operator: string): VersionRelation {
  if (operator === "<") return "<=";
  if (operator === ">") return ">=";
  return operator as VersionRelation;
}

function parseRelation(text: string): Relation | undefined {
  const match = item.exec(text);
  if (match === null) return undefined;
  const [, name, qualifier, operator, bound, architectures, profiles] = match;
  if (name === undefined || (bound !== undefined && !isVersion(bound))) return undefined;
  return {
    name,
    ...(qualifier === undefined ? {} : { qualifier }),
    ...(operator === undefined || bound === undefined ? {} : { version: { relation: relationOf(operator), bound } }),
    ...(architectures === undefined ? {} : { architectures: architectures.split(/\s+/).filter(Boolean) }),
    ...(profiles === undefined || profiles === ""
      ? {}
      : {
          profiles: [...profiles.matchAll(/<([^<>]*)>/g)].map((group) => (group[1] ?? "").split(/\s+/).filter(Boolean)),
        }),
  };
}

/** The clauses of a field, in order; undefined when the text is not a relationship field. */
export function parseRelations(text: string): readonly Clause[] | undefined {
  const clauses: Clause[] = [];
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const clause: Relation[] = [];
    for (const alternative of part.split("|")) {
      const relation = parseRelation(alternative.trim());
      if (relation === undefined) return undefined;
      clause.push(relation);
    }
    clauses.push(clause);
  }
  return clauses;
}

/** Whether a relation counts on an architecture; build profiles are never active in a binary package. */
export function appliesTo(relation: Relation, architecture: string): boolean {
  const { architectures, profiles } = relation;
  if (profiles !== undefined && !profiles.some((terms) => terms.every((term) => term.startsWith("!")))) return false;
  if (architectures === undefined || architectures.length === 0) return true;
  const names = (term: string): boolean =>
    term === "any" ||
    term === "linux-any" ||
    term === architecture ||
    term === `any-${architecture}` ||
    term === `linux-${architecture}`;
  const excluding = architectures.some((term) => term.startsWith("!"));
  if (excluding) return !architectures.some((term) => names(term.replace(/^!/, "")));
  return architectures.some(names);
}

/** Whether a version fits; without a version (an unversioned Provides) only a relation without a bound is satisfied. */
export function versionFits(relation: Relation, version: string | undefined): boolean {
  if (relation.version === undefined) return true;
  return version !== undefined && satisfies(version, relation.version.relation, relation.version.bound);
}

/** As it is written in a control file: `libnode115 (= 20.19.2+dfsg-1)`. */
export function formatRelation(relation: Relation): string {
  const qualifier = relation.qualifier === undefined ? "" : `:${relation.qualifier}`;
  const version = relation.version === undefined ? "" : ` (${relation.version.relation} ${relation.version.bound})`;
  return `${relation.name}${qualifier}${version}`;
}

export function formatClause(clause: Clause): string {
  return clause.map(formatRelation).join(" | ");
}
