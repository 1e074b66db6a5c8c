/** docs/corpus.md: what the corpus is, and what was measured. */
import type { Seen } from "./diffoscope.ts";
import type { Measured } from "./measure.ts";
import { unseenSection, unseenTitle } from "./unseen/section.ts";

export interface Row extends Measured {
  readonly real: boolean;
  readonly seen?: Seen;
}

const groups: readonly (readonly [string, (row: Row) => boolean])[] = [
  ["time (T)", ({ real, cause }) => !real && /^T\d/.test(cause)],
  ["order and structure (O)", ({ real, cause }) => !real && /^O\d/.test(cause)],
  ["compression (Z)", ({ real, cause }) => !real && /^Z\d/.test(cause)],
  ["owners and modes (P)", ({ real, cause }) => !real && /^P\d/.test(cause)],
  ["operating system (S)", ({ real, cause }) => !real && /^S\d/.test(cause)],
  ["languages and tools (L)", ({ real, cause }) => !real && /^L\d/.test(cause)],
  ["environment (E)", ({ real, cause }) => !real && /^E\d/.test(cause)],
  ["documents (I, X)", ({ real, cause }) => !real && /^[IX]\d/.test(cause)],
  ["evidence (V)", ({ real, cause }) => !real && /^V\d/.test(cause)],
  ["changes on purpose", ({ real, cause }) => !real && /^[a-z]/.test(cause) && cause !== "none"],
  ["the same", ({ real, cause }) => !real && cause === "none"],
  ["images of other tools", ({ real }) => real],
];

const count = (rows: readonly Row[], what: (row: Row) => boolean): number => rows.filter(what).length;
const share = (rows: readonly Row[], what: (row: Row) => boolean): string =>
  rows.length === 0 ? "" : `${((count(rows, what) / rows.length) * 100).toFixed(1)} %`;
const median = (values: readonly number[]): string => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length === 0 ? "" : (sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(2);
};

function line(name: string, rows: readonly Row[]): string {
  const cells = [
    name,
    rows.length,
    share(rows, ({ first }) => first),
    share(rows, ({ three }) => three),
    count(rows, ({ falseGreen }) => falseGreen),
    count(rows, ({ falseRed }) => falseRed),
    median(rows.map(({ seconds }) => seconds)),
  ];
  return `| ${cells.join(" | ")} |`;
}

function baselineLine(name: string, rows: readonly Row[]): string {
  const seen = rows.flatMap((row) => (row.seen === undefined ? [] : [{ ...row.seen, same: row.cause === "none" }]));
  const right = seen.filter(({ differs, same }) => differs !== same).length;
  return `| ${name} | ${right} of ${seen.length} | ${median(seen.map(({ seconds }) => seconds))} |`;
}

const baselineTitle = "## The baseline";

/** A section of the page as it was; empty where there was none. */
function kept(previous: string, title: string): string {
  const start = previous.indexOf(title);
  if (start < 0) return "";
  const end = previous.indexOf("\n## ", start);
  return previous.slice(start, end < 0 ? undefined : end).trimEnd();
}

/** What diffoscope gave: of this run, or as the page has it from an earlier one. */
function baselineOf(rows: readonly Row[], previous: string): string {
  const measured = rows.filter(({ seen }) => seen !== undefined);
  if (measured.length === 0) return kept(previous, baselineTitle);
  const lines = groups
    .map(([name, of]) => [name, measured.filter(of)] as const)
    .filter(([, own]) => own.length > 0)
    .map(([name, own]) => baselineLine(name, own));
  return `${baselineTitle}

diffoscope on the same pairs: in how many it is right about whether they differ (it names no causes), and the median of its seconds. It is given documents and layers under names by their
place, because it does not follow digests; three of the same are one image in two forms, which it takes for two. It is slow, so this table is measured apart from the one above (\`--diffoscope\`), and stands for the pairs that there were then.

| pairs | diffoscope is right | seconds |
| --- | --- | --- |
${lines.join("\n")}
${baselineLine("**all**", measured)}`;
}

/** The page; what was not measured in this run is kept from the page as it was. */
export function page(
  rows: readonly Row[],
  unseen: readonly Measured[],
  skipped: readonly string[],
  previous: string,
): string {
  const wrong = rows.filter(({ first }) => !first);
  return `# The corpus

Pairs of images of which it is known why they differ. They are the measure of [\`explain\`](commands/explain.md): \`npm run corpus\` has it explain each pair, and holds what it says
against what was done. \`npm run corpus -- --write\` writes this page; \`--only T1\` or a part of a name measures some, \`--diffoscope\` measures the baseline too, \`--unseen\` the [unseen pairs](#unseen-pairs).

* **Programmatic pairs** ([\`test/corpus/cases/\`](../test/corpus/cases/)) force a row of the [catalogue](catalogue.md) each. One side is an image of four layers, as BuildKit tells its steps;
  the other is the same, but for what the row is about. Files are of the formats that they are said to be: programs in ELF, archives, certificates, databases. They are part of \`npm test\`,
  which asserts that none is a false green or a false red, and how many are named rightly.
* **Pairs of real images** ([\`test/corpus/real/\`](../test/corpus/real/)) were made twice with other tools (buildah, umoci, mmdebstrap, docker's archives, apt, npm, pip, Go, GNU tar and compressors),
  with one thing changed in between. Those whose tool is missing are left out, and named.

*First* and *three* say in how many pairs the first of the causes named, or one of the first three, is the one that was forced. A *false green* is a pair that differs and of which that is not said;
a *false red* one that is the same and is said to differ. Times are medians of one run on one machine, without the start of the
program.

| pairs | number | first | three | false green | false red | seconds |
| --- | --- | --- | --- | --- | --- | --- |
${groups
  .map(([name, of]) => [name, rows.filter(of)] as const)
  .filter(([, own]) => own.length > 0)
  .map(([name, own]) => line(name, own))
  .join("\n")}
${line("**all**", rows)}

## Not named first

${wrong.length === 0 ? "None." : `| row | what was done | named instead |\n| --- | --- | --- |\n${wrong.map(({ cause, what, named }) => `| ${cause} | ${what} | ${named.slice(0, 3).join(", ") || "nothing"} |`).join("\n")}`}
${skipped.length === 0 ? "" : `\n## Left out in this run\n\n${skipped.map((one) => `* ${one}`).join("\n")}\n`}
${unseen.length === 0 ? kept(previous, unseenTitle) : unseenSection(unseen)}

${baselineOf(rows, previous)}
`;
}
