/** A comparison as Markdown, for the text of a pull request: of limited length, the same for the same comparison, nothing that can break out. */
import { counted, humanCount } from "../../report/format.ts";
import { cell, MarkdownLines } from "../../report/markdown.ts";
import type { Comparison, Experiment, RankedCause } from "../compare/comparison.ts";
import { grades } from "../compare/finding.ts";
import { type Fold, shortPlaceOf, storyOf } from "./fold.ts";
import { countedPlaces, headlineOf, percentOf, placeOf, summaryOf, valuesOf } from "./words.ts";

/** Of one sentence of advice or evidence. */
const mostSentence = 500;
/** Rows of each table. */
const mostRows = { causes: 40, folds: 200, unread: 50, experiments: 50 } as const;

function causeRow({ id, title, grade, confidence, count, evidence, fix }: RankedCause): string[] {
  const because = evidence[0] === undefined ? "" : `<br>${cell(evidence[0], mostSentence)}`;
  return [
    cell(id),
    `${cell(title)}${because}`,
    grade,
    percentOf(confidence),
    humanCount(count),
    cell(fix, mostSentence),
  ];
}

function foldRow(fold: Fold, cause: string): string[] {
  const { first, members, places, documents, field } = fold;
  const where =
    members.length === 1
      ? cell(placeOf(first.where))
      : `${countedPlaces(first.where.part, places)} in ${cell(documents.slice(0, 3).join(", "))}${documents.length > 3 ? ` and ${documents.length - 3} more` : ""}, such as ${cell(shortPlaceOf(first))}`;
  const [a, b] = valuesOf(first);
  const such = fold.same ? "" : "such as ";
  return [
    first.grade,
    where,
    cell(field),
    such + cell(a),
    such + cell(b),
    cause,
    first.waived === undefined
      ? ""
      : cell(`until ${first.waived.expires} by ${first.waived.owner}: ${first.waived.reason}`),
  ];
}

function experimentRow({ perturbations, outcome, note = "" }: Experiment): string[] {
  return [perturbations.length === 0 ? "unchanged surroundings" : cell(perturbations.join(", ")), outcome, cell(note)];
}

/** The whole text; the same for the same comparison. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { verdict, a, b, causes, unread, experiments = [], more } = comparison;
  const lines = new MarkdownLines();
  lines.add(`## ${cell(headlineOf(comparison), mostSentence)}`);
  lines.add("");
  const [likeliest] = causes;
  if (likeliest !== undefined) lines.add(`- **fix:** ${cell(likeliest.fix, mostSentence)}`);
  if (verdict === "differs") lines.add(`- ${summaryOf(comparison)}`);
  lines.add(`- A: ${cell(a.name)}, ${a.kind} ${cell(a.digest)}`);
  lines.add(`- B: ${cell(b.name)}, ${b.kind} ${cell(b.digest)}`);
  if (more > 0) lines.add(`- ${counted(more, "more difference")} not listed: there were too many to keep`);
  const { chapters, unexplained, waived } = storyOf(comparison);
  lines.table(
    "### Causes",
    ["", "cause", "grade", "confidence", "differences", "fix"],
    causes.map(causeRow),
    mostRows.causes,
  );
  const rows: readonly (readonly [Fold, string])[] = [
    ...chapters.flatMap(({ cause, folds }) => folds.map((fold) => [fold, cause.id] as const)),
    ...unexplained.map((fold) => [fold, "not known"] as const),
    ...waived.flatMap(({ folds }) => folds.map((fold) => [fold, fold.first.causes[0]?.id ?? "not known"] as const)),
  ];
  // What is cut off by a limit must never be the gravest.
  const gravestFirst = rows.toSorted(([a], [b]) => grades.indexOf(b.first.grade) - grades.indexOf(a.first.grade));
  lines.table(
    "### Differences",
    ["grade", "where", "field", "A", "B", "cause", "waived"],
    gravestFirst.map(([fold, cause]) => foldRow(fold, cell(cause))),
    mostRows.folds,
  );
  lines.table(
    "### Could not be looked into",
    ["where", "why"],
    unread.map(({ where, reason }) => [cell(placeOf(where)), cell(reason)]),
    mostRows.unread,
  );
  lines.table("### Reruns", ["changed", "outcome", ""], experiments.map(experimentRow), mostRows.experiments);
  return lines.text;
}
