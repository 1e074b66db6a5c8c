/** A comparison as text for terminals and logs: the verdict with its cause, the fix, and then the details, folded and of limited length. */
import { counted, displayWidth, humanCount, pad, printable, truncate } from "../../report/format.ts";
import { type Painter, painter, type Style, type TextOptions } from "../../report/style.ts";
import type { Comparison, Difference, RankedCause } from "../compare/comparison.ts";
import { type Grade, grades } from "../compare/finding.ts";
import { type Fold, shortPlaceOf, storyOf } from "./fold.ts";
import { countedPlaces, headlineOf, percentOf, placeOf, sideOf, summaryOf, valuesOf } from "./words.ts";

/** What is more is counted, with a word about where to see it. */
const mostCauses = 12;
const mostFolds = 8;
const mostExamples = 3;
const mostUnread = 10;
const elsewhere = "see --json or --html";

const gradeStyles: Readonly<Record<Grade, Style>> = {
  encoding: "cyan",
  clock: "cyan",
  cosmetic: "cyan",
  content: "yellow",
  privilege: "red",
};

const gradeColumns = Math.max(...grades.map((grade) => grade.length)) + 1;

/** Writes lines of a terminal: what is too long is wrapped or cut, and what comes after the first line of a paragraph is indented. */
class Page {
  readonly #lines: string[] = [];
  readonly #columns: number;
  readonly #paint: Painter;

  constructor({ columns, color }: TextOptions) {
    this.#columns = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(40, columns);
    this.#paint = painter(color);
  }

  get text(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }

  blank(): void {
    if (this.#lines.length > 0 && this.#lines.at(-1) !== "") this.#lines.push("");
  }

  /** One line, cut where the terminal ends. */
  line(indent: number, text: string, style?: Style): void {
    const cut = truncate(text, this.#columns - indent);
    this.#lines.push(" ".repeat(indent) + (style === undefined ? cut : this.#paint(style, cut)));
  }

  /** A line that begins with its grade. */
  graded(indent: number, grade: Grade, text: string): void {
    const cut = truncate(text, this.#columns - indent - gradeColumns);
    this.#lines.push(" ".repeat(indent) + this.#paint(gradeStyles[grade], pad(grade, gradeColumns)) + cut);
  }

  /** Words, wrapped where the terminal ends; lines after the first are indented by `hanging` more. */
  prose(indent: number, text: string, hanging = 0, style?: Style): void {
    let current = "";
    let deeper = indent;
    const flush = (): void => {
      this.line(deeper, current, style);
      deeper = indent + hanging;
      current = "";
    };
    for (const word of text.split(" ")) {
      const next = current === "" ? word : `${current} ${word}`;
      if (current !== "" && displayWidth(next) > this.#columns - deeper) {
        flush();
        current = word;
      } else current = next;
    }
    flush();
  }

  /** Two values: on one line where they fit, below each other where not. */
  values(indent: number, title: string, a: string, b: string): void {
    const lead = title === "" ? "" : `${title}  `;
    const line = `${lead}${a} → ${b}`;
    if (displayWidth(line) <= Math.min(this.#columns, 120) - indent) {
      this.line(indent, line);
      return;
    }
    if (title !== "") this.line(indent, title);
    this.line(indent + 2, `- ${a}`, "red");
    this.line(indent + 2, `+ ${b}`, "green");
  }
}

function writeValues(page: Page, indent: number, title: string, difference: Difference): void {
  page.values(indent, title, ...valuesOf(difference));
}

function documentsOf({ documents }: Fold): string {
  return documents.length > 3
    ? `${documents.slice(0, 2).join(", ")} and ${documents.length - 2} more`
    : documents.join(", ");
}

function writeFold(page: Page, fold: Fold): void {
  const { first, members, field, places } = fold;
  if (members.length === 1) {
    page.graded(3, first.grade, `${placeOf(first.where)}: ${field}`);
    writeValues(page, 5, "", first);
    return;
  }
  const within = members.length > places ? `${counted(members.length, "difference")} in ` : "";
  const whole = members.every(({ where }) => where.part !== "entry");
  const where = whole && fold.documents.length === 1 ? "" : ` in ${documentsOf(fold)}`;
  page.graded(3, first.grade, `${within}${countedPlaces(first.where.part, places)}: ${field}${where}`);
  if (fold.same) writeValues(page, 5, "", first);
  const examples = members.slice(0, members.length === mostExamples + 1 ? mostExamples + 1 : mostExamples);
  const names = examples.map(shortPlaceOf);
  const width = Math.min(48, Math.max(...names.map(displayWidth)));
  for (const [index, example] of examples.entries()) {
    const name = names[index] ?? "";
    if (fold.same) page.line(5, name, "dim");
    else writeValues(page, 5, pad(name, width), example);
  }
  if (members.length > examples.length)
    page.line(5, `… ${humanCount(members.length - examples.length)} more, ${elsewhere}`, "dim");
}

function writeFolds(page: Page, folds: readonly Fold[]): void {
  const shown = folds.slice(0, folds.length === mostFolds + 1 ? mostFolds + 1 : mostFolds);
  for (const fold of shown) writeFold(page, fold);
  const hidden = folds.slice(shown.length).reduce((sum, { members }) => sum + members.length, 0);
  if (hidden > 0) page.line(3, `… ${counted(hidden, "more difference")}, ${elsewhere}`, "dim");
}

function writeCause(page: Page, number: number, cause: RankedCause, folds: readonly Fold[]): void {
  const title = `${number}. ${printable(cause.title)}`;
  page.blank();
  page.prose(
    0,
    `${title} (${printable(cause.id)}, ${percentOf(cause.confidence)}, ${counted(cause.count, "difference")})`,
    3,
    "bold",
  );
  for (const evidence of cause.evidence.slice(0, mostExamples)) page.prose(3, `because ${printable(evidence)}`, 2);
  // The fix of the first is at the top already.
  if (number > 1) page.prose(3, `fix: ${printable(cause.fix)}`, 5, "green");
  writeFolds(page, folds);
}

function writeRest(page: Page, comparison: Comparison): void {
  const { unread, experiments = [], more } = comparison;
  if (unread.length > 0) {
    page.blank();
    page.line(0, "could not be looked into, so more may differ there", "bold");
    for (const { where, reason } of unread.slice(0, mostUnread))
      page.prose(3, `${placeOf(where)}: ${printable(reason)}`, 2);
    if (unread.length > mostUnread)
      page.line(3, `… ${humanCount(unread.length - mostUnread)} more, ${elsewhere}`, "dim");
  }
  if (experiments.length > 0) {
    page.blank();
    page.line(0, "reruns", "bold");
    for (const { perturbations, outcome, note } of experiments) {
      const under = perturbations.length === 0 ? "unchanged surroundings" : perturbations.map(printable).join(", ");
      page.prose(3, `${under}: ${outcome}${note === undefined ? "" : ` (${printable(note)})`}`, 2);
    }
  }
  if (more > 0) {
    page.blank();
    page.prose(0, `${counted(more, "more difference")} not listed: there were too many to keep`);
  }
}

/** The whole text; each line ended by a newline. */
export function comparisonText(comparison: Comparison, options: TextOptions): string {
  const page = new Page(options);
  const { verdict, causes, a, b } = comparison;
  page.prose(0, headlineOf(comparison), 2, verdict === "equal" ? "green" : "bold");
  const [first] = causes;
  if (first !== undefined) page.prose(0, `fix: ${printable(first.fix)}`, 5, "green");
  if (verdict === "differs") {
    page.prose(0, summaryOf(comparison), 2);
    page.blank();
    page.prose(0, `- ${printable(a.name)}  ${sideOf(a)}`, 2);
    page.prose(0, `+ ${printable(b.name)}  ${sideOf(b)}`, 2);
  }
  const { chapters, unexplained, waived } = storyOf(comparison);
  const told = chapters.filter(({ cause, folds }, index) => index === 0 || cause.count > 0 || folds.length > 0);
  for (const [index, { cause, folds }] of told.slice(0, mostCauses).entries())
    writeCause(page, index + 1, cause, folds);
  const beyond = told.slice(mostCauses);
  if (beyond.length > 0) {
    page.blank();
    page.line(0, `… ${counted(beyond.length, "more cause")}, ${elsewhere}`, "dim");
  }
  const possible = chapters.filter((chapter) => !told.includes(chapter)).slice(0, mostCauses);
  if (possible.length > 0) {
    page.blank();
    page.line(0, "less likely", "bold");
    for (const { cause } of possible)
      page.prose(3, `${printable(cause.title)} (${printable(cause.id)}, ${percentOf(cause.confidence)})`, 2);
  }
  if (unexplained.length > 0) {
    page.blank();
    page.line(0, "without a known cause", "bold");
    writeFolds(page, unexplained);
  }
  for (const { waiver, folds } of waived) {
    page.blank();
    page.prose(
      0,
      `waived until ${printable(waiver.expires)} by ${printable(waiver.owner)}: ${printable(waiver.reason)}`,
      2,
      "bold",
    );
    writeFolds(page, folds);
  }
  writeRest(page, comparison);
  return page.text;
}
