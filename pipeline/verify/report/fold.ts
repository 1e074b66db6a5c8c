/** Folding: differences of one kind with one cause become one line, `3,120 files: mtime`, in the order in which reports tell them. */
import type { Comparison, Difference, RankedCause, Waived } from "../compare/comparison.ts";
import { grades } from "../compare/finding.ts";
import { documentOf, fieldOf, innerPlaceOf, kindOfField, placeOf } from "./words.ts";

export interface Fold {
  /** The members in the order of the comparison; never empty. */
  readonly members: readonly Difference[];
  readonly first: Difference;
  /** What differs in all of them: `mtime`, `elf sh_addr`. */
  readonly field: string;
  /** How many places there are: one file with three differing lines is one place. */
  readonly places: number;
  /** The documents and layers they are in. */
  readonly documents: readonly string[];
  /** Whether all have the same two values. */
  readonly same: boolean;
}

/** What one cause explains. */
export interface Chapter {
  readonly cause: RankedCause;
  readonly folds: readonly Fold[];
}

export interface WaivedFolds {
  readonly waiver: Waived;
  readonly folds: readonly Fold[];
}

export interface Story {
  /** In the order of the causes; also causes that only waived differences have, with no folds. */
  readonly chapters: readonly Chapter[];
  /** What has no cause. */
  readonly unexplained: readonly Fold[];
  readonly waived: readonly WaivedFolds[];
}

function foldOf(members: readonly Difference[], first: Difference): Fold {
  return {
    members,
    first,
    field:
      members.length === 1
        ? fieldOf(first)
        : fieldOf({ ...first, where: { ...first.where, field: kindOfField(first.where.field) } }),
    places: new Set(members.map(({ where }) => placeOf(where))).size,
    documents: [...new Set(members.map(({ where }) => documentOf(where)))],
    same: members.every(({ a, b }) => a === first.a && b === first.b),
  };
}

/** Folds what is alike: part, field, format and grade. The gravest first, then the most frequent, then as the comparison has them. */
export function foldAlike(differences: readonly Difference[]): readonly Fold[] {
  const alike = Map.groupBy(differences, ({ where: { part, field }, format, grade }) =>
    JSON.stringify([part, kindOfField(field), format, grade]),
  );
  return [...alike.values()]
    .flatMap((members) => (members[0] === undefined ? [] : [foldOf(members, members[0])]))
    .toSorted(
      (a, b) => grades.indexOf(b.first.grade) - grades.indexOf(a.first.grade) || b.members.length - a.members.length,
    );
}

/** Everything a comparison has to say about differences, each exactly once: by cause, without cause, waived. */
export function storyOf({ causes, differences }: Comparison): Story {
  const known = new Set(causes.map(({ id }) => id));
  const open = differences.filter(({ waived }) => waived === undefined);
  const byCause = Map.groupBy(open, ({ causes: [guess] }) =>
    guess !== undefined && known.has(guess.id) ? guess.id : undefined,
  );
  const waivers = Map.groupBy(
    differences.filter(({ waived }) => waived !== undefined),
    ({ waived }) => JSON.stringify([waived?.expires, waived?.owner, waived?.reason]),
  );
  return {
    chapters: causes.map((cause) => ({ cause, folds: foldAlike(byCause.get(cause.id) ?? []) })),
    unexplained: foldAlike(byCause.get(undefined) ?? []),
    waived: [...waivers.entries()]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, members]) => {
        const waiver = members[0]?.waived;
        return waiver === undefined ? [] : [{ waiver, folds: foldAlike(members) }];
      }),
  };
}

/** The path within the document, or the document where the difference is of it as a whole. */
export function shortPlaceOf(difference: Difference): string {
  const { where } = difference;
  return innerPlaceOf(where) === "" ? documentOf(where) : innerPlaceOf(where);
}
