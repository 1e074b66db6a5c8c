/** Says why packages cannot be resolved, with the chain from the image to the package at fault. */
import type { Place, Problem } from "../../host/errors.ts";
import type { Candidate } from "./candidate.ts";
import { type Clause, formatClause, formatRelation } from "./relations.ts";
import type { Blocker, Chosen } from "./selection.ts";
import type { Universe } from "./universe.ts";

interface Wanted {
  readonly clause: Clause;
  readonly owner?: Chosen;
}

export type Failure =
  /** Nothing in the suite satisfies the clause. */
  | { readonly kind: "absent"; readonly item: Wanted }
  /** What would satisfy it is excluded by what is chosen. */
  | {
      readonly kind: "blocked";
      readonly item: Wanted;
      readonly candidate: Candidate;
      readonly blockers: readonly Blocker[];
    };

interface Context {
  readonly universe: Universe;
  readonly image: string;
  readonly place?: Place;
  readonly request: readonly { readonly name: string; readonly place?: Place }[];
}

function ancestors(chosen: Chosen | undefined): readonly Chosen[] {
  const chain: Chosen[] = [];
  for (let at = chosen; at !== undefined; at = at.parent) chain.unshift(at);
  return chain;
}

/** `web → nodejs → libnode115`. */
function chainTo(context: Context, chosen: Chosen | undefined, last?: string): string {
  const names = ancestors(chosen).map(({ candidate }) => candidate.name);
  return [context.image, ...names, ...(last === undefined ? [] : [last])].join(" → ");
}

/** Where the image asks for the package that the chain starts with. */
function placeOf(context: Context, name: string | undefined): Place | undefined {
  return context.request.find((item) => item.name === name)?.place ?? context.place;
}

/** Why none of the alternatives will do: `libnode115 is 20.19.2 in trixie`. */
function describeAbsent(universe: Universe, clause: Clause): string {
  const reasons = clause.map(({ name, qualifier }) => {
    const newest = universe.offered(name)[0];
    if (newest !== undefined) {
      const refusal =
        qualifier === "any" && newest.multiArch !== "allowed" ? " and not marked Multi-Arch: allowed" : "";
      return `${name} is ${newest.version} in ${universe.suite}${refusal}`;
    }
    const providers = universe.providers(name);
    if (providers.length > 0) return `${name} is provided by ${providers.join(", ")}, but not in that version`;
    return `${name} is not in ${universe.suite}`;
  });
  return reasons.join("; ");
}

function describeBlocker(context: Context, item: Wanted, candidate: Candidate, blocker: Blocker): string {
  const here = chainTo(context, item.owner, candidate.name);
  const there =
    blocker.by.level < 0
      ? `${blocker.by.candidate.name} of the base image`
      : chainTo(context, blocker.by.parent, blocker.by.candidate.name);
  if (blocker.negative === undefined) {
    return `${chainTo(context, item.owner, formatClause(item.clause))}: ${candidate.name} ${candidate.version} is needed, but ${there} is ${blocker.by.candidate.version}`;
  }
  const [from, to] = blocker.own ? [here, there] : [there, here];
  const { field, relation } = blocker.negative;
  return `${from} cannot be with ${to}: ${field} ${formatRelation(relation)}`;
}

export function explain(failure: Failure, context: Context): Problem {
  const { item } = failure;
  const first = ancestors(item.owner)[0]?.candidate.name ?? item.clause[0]?.name;
  const place = placeOf(context, first);
  const where = place === undefined ? {} : { place };
  if (failure.kind === "absent") {
    return {
      code: "LS2102",
      message: `${chainTo(context, item.owner, formatClause(item.clause))}: ${describeAbsent(context.universe, item.clause)}`,
      ...where,
      hint: "the archive does not offer what this package needs; leave the package out, or pin again when the archive has it",
    };
  }
  const blocker = failure.blockers[0];
  const base = blocker !== undefined && blocker.by.level < 0;
  return {
    code: "LS2104",
    message:
      blocker === undefined
        ? `${context.image} cannot be resolved`
        : describeBlocker(context, item, failure.candidate, blocker),
    ...where,
    hint: base
      ? "pin the base image anew, or leave one of the packages out"
      : "leave one of the two out, or name another alternative in the list of packages",
  };
}
