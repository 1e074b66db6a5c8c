/** `npm run corpus`: explain on every pair, with --unseen also on those of test/corpus/unseen, with --diffoscope also the baseline; prints what came out, and with --write puts it into docs/corpus.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createHost } from "../../pipeline/host/host.ts";
import { hasProgram, root } from "../support.ts";
import { cases } from "./all.ts";
import { baseline, type Seen } from "./diffoscope.ts";
import { temporaryPath } from "./formats/temporary.ts";
import { compare, judge, type Measured, write } from "./measure.ts";
import { page, type Row } from "./page.ts";
import { pairsOf, type RealPair } from "./real/pairs.ts";
import { scripts } from "./real/scripts.ts";
import { unseenScripts } from "./unseen/scripts.ts";
import { installKit, kitEnvironment } from "./unseen/tools.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    diffoscope: { type: "boolean" },
    unseen: { type: "boolean" },
    write: { type: "boolean" },
  },
});

const wanted = ({ cause, what }: { readonly cause: string; readonly what: string }): boolean =>
  values.only === undefined || cause === values.only || what.includes(values.only);
const withBaseline = values.diffoscope === true && hasProgram("diffoscope");
const rows: Row[] = [];
const unseen: Measured[] = [];
const skipped: string[] = [];

async function measure(known: Parameters<typeof judge>[0], [a, b]: readonly [string, string]): Promise<Measured> {
  const start = performance.now();
  const comparison = await compare(temporaryPath(), a, b);
  const measured = judge(known, comparison, (performance.now() - start) / 1000);
  const mark = measured.first ? "first" : measured.three ? "three" : "wrong";
  console.log(
    `${mark}  ${known.cause}: ${known.what}${measured.first ? "" : `: ${measured.named.slice(0, 4).join(" ")}`}`,
  );
  return measured;
}

async function measureRow(known: Parameters<typeof judge>[0], sides: readonly [string, string], real: boolean) {
  const seen: Seen | undefined = withBaseline ? await baseline(...sides) : undefined;
  rows.push({ ...(await measure(known, sides)), real, ...(seen === undefined ? {} : { seen }) });
}

/** Makes a pair where its tools are there, and measures it. */
async function made(pair: RealPair, take: (sides: readonly [string, string]) => Promise<void>): Promise<void> {
  if (pair.missing !== undefined) skipped.push(`${pair.what} (needs ${pair.missing})`);
  else await take(pair.make(temporaryPath()));
}

for (const known of cases.filter(wanted)) await measureRow(known, write(temporaryPath(), known), false);
for (const pair of pairsOf(scripts, createHost().environment()).filter(wanted))
  await made(pair, (sides) => measureRow(pair, sides, true));
if (values.unseen === true) {
  await installKit();
  for (const pair of pairsOf(Object.values(unseenScripts).flat(), kitEnvironment()).filter(wanted))
    await made(pair, async (sides) => void unseen.push(await measure(pair, sides)));
}

const file = join(root, "docs/corpus.md");
const text = page(rows, unseen, skipped, readFileSync(file, "utf8"));
if (values.write === true) writeFileSync(file, text);
else console.log(text);
