/** `npm run corpus`: explain on every pair, with --diffoscope also the baseline; prints what came out, and with --write puts it into docs/corpus.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hasProgram, root } from "../support.ts";
import { cases } from "./all.ts";
import { baseline, type Seen } from "./diffoscope.ts";
import { temporaryPath } from "./formats/temporary.ts";
import { compare, judge, type Measured, write } from "./measure.ts";
import { page, type Row } from "./page.ts";
import { realPairs } from "./real/pairs.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    diffoscope: { type: "boolean" },
    write: { type: "boolean" },
  },
});

const wanted = ({ cause, what }: { readonly cause: string; readonly what: string }): boolean =>
  values.only === undefined || cause === values.only || what.includes(values.only);
const withBaseline = values.diffoscope === true && hasProgram("diffoscope");
const rows: Row[] = [];
const skipped: string[] = [];

async function measure(
  known: Parameters<typeof judge>[0],
  subjects: readonly [string, string],
  real: boolean,
): Promise<void> {
  const [a, b] = subjects;
  const start = performance.now();
  const comparison = await compare(temporaryPath(), a, b);
  const measured: Measured = judge(known, comparison, (performance.now() - start) / 1000);
  const seen: Seen | undefined = withBaseline ? await baseline(a, b) : undefined;
  rows.push({ ...measured, real, ...(seen === undefined ? {} : { seen }) });
  const mark = measured.first ? "first" : measured.three ? "three" : "wrong";
  console.log(
    `${mark}  ${known.cause}: ${known.what}${measured.first ? "" : `: ${measured.named.slice(0, 4).join(" ")}`}`,
  );
}

for (const known of cases.filter(wanted)) await measure(known, write(temporaryPath(), known), false);
for (const pair of realPairs.filter(wanted)) {
  if (pair.missing !== undefined) skipped.push(`${pair.what} (needs ${pair.missing})`);
  else await measure(pair, pair.make(temporaryPath()), true);
}

const file = join(root, "docs/corpus.md");
const text = page(rows, skipped, readFileSync(file, "utf8"));
if (values.write === true) writeFileSync(file, text);
else console.log(text);
