/** Folds what single findings are thought to come from into causes of the whole, the likeliest and heaviest first. */
import type { CauseGuess, RankedCause } from "../compare/comparison.ts";
import { type Finding, type Grade, gravest } from "../compare/finding.ts";
import type { Cause } from "./cause.ts";
import { fixFor, whereText } from "./fix.ts";
import type { Survey } from "./survey.ts";

/** How many sentences of evidence, and how many examples, a cause has. */
const mostEvidence = 4;
const mostExamples = 5;
/** Fewer causes than that are filled up with what was the second or third guess. */
const wanted = 3;

/** How much a difference counts by its grade: one setuid bit more than thousands of times. */
const weights: Readonly<Record<Grade, number>> = { encoding: 1, clock: 1.5, cosmetic: 1.5, content: 3, privilege: 24 };

/** What never comes before anything that it may follow from. */
const last = new Set(["consequence", "unknown"]);

interface Folded {
  readonly cause: Cause;
  /** Indexes of the findings that have it as their first guess. */
  readonly findings: number[];
  /** Sum of the confidences of these, and the sum and number of those that have it as another guess. */
  sure: number;
  other: number;
  others: number;
  /** The first finding that has it as another guess. */
  example: number;
  best: number;
}

function fold(
  guesses: readonly (readonly CauseGuess[])[],
  byId: ReadonlyMap<string, Cause>,
): ReadonlyMap<string, Folded> {
  const folded = new Map<string, Folded>();
  guesses.forEach((list, index) => {
    list.forEach(({ id, confidence }, place) => {
      let entry = folded.get(id);
      if (entry === undefined) {
        const cause = byId.get(id);
        if (cause === undefined) return;
        entry = { cause, findings: [], sure: 0, other: 0, others: 0, example: index, best: 0 };
        folded.set(id, entry);
      }
      if (place === 0) {
        entry.findings.push(index);
        entry.sure += confidence;
      } else {
        entry.other += confidence;
        entry.others++;
        if (confidence > entry.best) {
          entry.best = confidence;
          entry.example = index;
        }
      }
    });
  });
  return folded;
}

const quoted = (text: string | undefined): string =>
  text === undefined ? "nothing" : text === "" ? "an empty value" : text;

function placeText(finding: Finding, survey: Survey): string {
  const { part, path, inside = [], layer, field } = finding.where;
  const within = inside.map((name) => ` › ${name}`).join("");
  if (part === "entry" && path === "" && layer === undefined) return `the file${within}`;
  if (part === "entry")
    return `/${path ?? ""}${within} in ${whereText({ ...finding, where: { part, field, ...(layer === undefined ? {} : { layer }) } }, survey)}`;
  return part === "layer" ? whereText(finding, survey) : `the ${part}`;
}

/** `/etc/machine-id in layer 1: content is a1b2 in A and c3d4 in B`. */
function sentence(finding: Finding, survey: Survey): string {
  const { a, b } = finding;
  // Of layers it is said how many there are at this place.
  if (finding.where.field === "presence")
    return `${placeText(finding, survey)} is in ${a === undefined || a === "0 layers" ? "B" : "A"} only`;
  if (a === undefined && b === undefined) return `${placeText(finding, survey)}: ${finding.where.field} differs`;
  return `${placeText(finding, survey)}: ${finding.where.field} is ${quoted(a)} in A and ${quoted(b)} in B`;
}

function findingsOf(indexes: readonly number[], survey: Survey): readonly Finding[] {
  return indexes.flatMap((index) => survey.findings[index] ?? []);
}

/** Some of many, from all over them. */
function spread(indexes: readonly number[]): readonly number[] {
  if (indexes.length <= mostExamples) return indexes;
  const step = (indexes.length - 1) / (mostExamples - 1);
  return Array.from({ length: mostExamples }, (_, i) => indexes[Math.round(i * step)] ?? 0);
}

/** The finding that stands for all: one of the layer that has most of them. */
function typical(findings: readonly Finding[]): Finding | undefined {
  const counts = new Map<number | undefined, number>();
  for (const { where } of findings) counts.set(where.layer, (counts.get(where.layer) ?? 0) + 1);
  const [most] = [...counts].toSorted(([, x], [, y]) => y - x)[0] ?? [];
  return findings.find(({ where }) => where.layer === most);
}

function describe({ cause, findings: indexes, example }: Folded, confidence: number, survey: Survey): RankedCause {
  const own = indexes.length > 0;
  const findings = findingsOf(own ? indexes : [example], survey);
  const shown = own ? (cause.evidence?.(findings, survey) ?? []) : [];
  const [first, second] = findings;
  const sentences = [
    ...shown,
    ...(first === undefined ? [] : [sentence(first, survey)]),
    ...(second === undefined || shown.length > 0 ? [] : [sentence(second, survey)]),
  ];
  const stands = typical(findings);
  return {
    id: cause.id,
    title: cause.title,
    grade: own ? (gravest(findings.map(({ grade }) => grade)) ?? cause.grade) : cause.grade,
    count: indexes.length,
    confidence: rounded(confidence),
    evidence: sentences.slice(0, mostEvidence),
    fix: stands === undefined ? cause.fix.any : fixFor(cause, stands, survey),
    examples: own ? spread(indexes) : [example],
  };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

interface Scored {
  readonly folded: Folded;
  readonly confidence: number;
  readonly score: number;
}

function score(folded: Folded, survey: Survey): Scored {
  const count = folded.findings.length;
  const confidence = folded.sure / count;
  const grade = gravest(findingsOf(folded.findings, survey).map((finding) => finding.grade)) ?? folded.cause.grade;
  return { folded, confidence, score: rounded(weights[grade] * confidence * Math.log2(1 + count)) };
}

/** Ranks the causes of all findings: those of the first guesses, then what else it may be. */
export function rankCauses(
  survey: Survey,
  guesses: readonly (readonly CauseGuess[])[],
  causes: readonly Cause[],
): readonly RankedCause[] {
  const order = new Map(causes.map(({ id }, index) => [id, index]));
  const byPlace = (x: Folded, y: Folded): number => (order.get(x.cause.id) ?? 0) - (order.get(y.cause.id) ?? 0);
  const all = [...fold(guesses, new Map(causes.map((cause) => [cause.id, cause]))).values()];
  const first = all
    .filter(({ findings }) => findings.length > 0)
    .map((folded) => score(folded, survey))
    .toSorted(
      (x, y) =>
        Number(last.has(x.folded.cause.id)) - Number(last.has(y.folded.cause.id)) ||
        y.score - x.score ||
        byPlace(x.folded, y.folded),
    );
  const ranked = first.map(({ folded, confidence }) => describe(folded, confidence, survey));
  const alternatives = all
    .filter(({ cause, findings, others }) => findings.length === 0 && others > 0 && !last.has(cause.id))
    .toSorted((x, y) => y.other - x.other || byPlace(x, y))
    .slice(0, Math.max(0, wanted - ranked.length));
  return [...ranked, ...alternatives.map((folded) => describe(folded, folded.other / folded.others, survey))];
}
