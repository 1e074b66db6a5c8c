/** docs/catalogue.md: the rows that people write, with what the tests show when a cause is forced. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { injectable } from "../../pipeline/verify/inject/inject.ts";
import { cases } from "../corpus/all.ts";
import { scripts } from "../corpus/real/scripts.ts";
import { root } from "../support.ts";

/** How many rows of each letter there are: 180. */
export const counts: Readonly<Record<string, number>> = {
  T: 22,
  O: 23,
  Z: 13,
  P: 12,
  S: 28,
  I: 15,
  L: 26,
  E: 14,
  V: 10,
  X: 17,
};

export interface CatalogueRow {
  readonly row: string;
  readonly what: string;
  /** Tests that hold that Lockstep does not depend on it, or refuses it. */
  readonly by: string;
  readonly named: string;
}

export const catalogueFile = join(root, "docs/catalogue.md");

export function rowsOf(page: string): readonly CatalogueRow[] {
  return [...page.matchAll(/^\| *([A-Z]\d+) *\|([^|]+)\|([^|]+)\|([^|]*)\|$/gm)].map(
    ([, row = "", what = "", by = "", named = ""]) => ({
      row,
      what: what.trim(),
      by: by.trim(),
      named: named.trim(),
    }),
  );
}

/** In how many pairs of the corpus a row is forced, and whether it is put into a build. */
function namedWhenForced(row: string): string {
  const pairs = cases.filter(({ cause }) => cause === row).length;
  const real = scripts.filter(({ cause }) => cause === row).length;
  const many = (count: number, what: string): readonly string[] =>
    count === 0 ? [] : [`${count} ${what}${count === 1 ? "" : "s"}`];
  return [...many(pairs, "pair"), ...many(real, "real pair"), ...(injectable.has(row) ? ["sabotage"] : [])].join(", ");
}

function introduction(rows: readonly CatalogueRow[]): string {
  const forced = rows.filter(({ row }) => namedWhenForced(row) !== "").length;
  return `Every row is one cause for which two builds of the same inputs came to different bytes somewhere. For each, this page names

* the tests that hold that Lockstep does not depend on it, or that it refuses it, as file and name of the test. Tests that need another program, root or a file system of a certain kind say so in
  their names, and are skipped, by name, where it is missing;
* how it is forced, to prove that [\`explain\`](commands/explain.md) sees and names it: in so many pairs of [the corpus](corpus.md) that are made in code (\`test/corpus/cases/\`), in so many
  of images that other tools made (\`test/corpus/real/\`), and by [sabotage](sabotage.md) of a real build. Where one of these is there for a row that no input of Lockstep can have, it is
  what the row is held by.

${rows.length} rows, of which ${forced} are forced. The others are about how builds and checks are run: two images do not show them. What tools write in a step (L7 to L23) cannot be foreseen:
a step is run twice for \`verify\`, and the outcomes are compared.

People write what differs and what holds it; \`npm run catalogue\` writes this text and the last column from the tests. \`test/catalogue.test.ts\` holds that all rows are here,
that the tests they name exist, and that this page is up to date.

`;
}

/** The page as it has to be, from the page as it is. */
export function cataloguePage(page: string = readFileSync(catalogueFile, "utf8")): string {
  const rows = rowsOf(page);
  const body = page.slice(page.indexOf("## Time"));
  const filled = body.replaceAll(/^(\| *([A-Z]\d+) *\|[^|]+\|[^|]+\|)[^|\n]*\|$/gm, (_, kept: string, row: string) => {
    const named = namedWhenForced(row);
    return `${kept} ${named}${named === "" ? "" : " "}|`;
  });
  return `# The catalogue of what makes images differ\n\n${introduction(rows)}${filled}`;
}
