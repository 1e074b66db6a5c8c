/** The section of docs/corpus.md about unseen pairs: what was named when they were new, and what is now. */
import { readFileSync } from "node:fs";
import { judged, type Measured } from "../measure.ts";
import type { Script } from "../real/pairs.ts";
import { unseenScripts } from "./scripts.ts";

export const unseenTitle = "## Unseen pairs";

/** What explain named of each pair before any rule was changed for it; null where it gave no answer. */
export const whenNew: ReadonlyMap<string, readonly string[] | null> = new Map(
  Object.entries(
    JSON.parse(readFileSync(new URL("first.json", import.meta.url), "utf8")) as Record<
      string,
      readonly string[] | null
    >,
  ),
);

const percent = (count: number, of: number): string => (of === 0 ? "" : `${((count / of) * 100).toFixed(1)} %`);

function line(name: string, scripts: readonly Script[], now: ReadonlyMap<string, Measured>): string {
  const measured = scripts.flatMap((script) => {
    const one = now.get(script.what);
    const named = whenNew.get(script.what);
    return one === undefined || named === undefined ? [] : [{ one, before: judged(script, named ?? undefined) }];
  });
  const share = (right: (pair: (typeof measured)[number]) => boolean): string =>
    percent(measured.filter(right).length, measured.length);
  const count = (wrong: (pair: (typeof measured)[number]) => boolean): number => measured.filter(wrong).length;
  const cells = [
    name,
    measured.length,
    share(({ before }) => before.first),
    share(({ before }) => before.three),
    `${count(({ before }) => before.falseGreen)}, ${count(({ before }) => before.falseRed)}`,
    share(({ one }) => one.first),
    share(({ one }) => one.three),
    `${count(({ one }) => one.falseGreen)}, ${count(({ one }) => one.falseRed)}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** `rows` are the pairs that were measured in this run. */
export function unseenSection(rows: readonly Measured[]): string {
  const now = new Map(rows.map((row) => [row.what, row]));
  const themes = Object.entries(unseenScripts);
  const all = themes.flatMap(([, scripts]) => scripts);
  const silent = all.filter(({ what }) => whenNew.get(what) === null && now.has(what)).length;
  const wrong = rows.filter(({ first }) => !first);
  return `${unseenTitle}

The rules were written with the pairs above at hand, so these say little about others. The pairs of this section ([\`test/corpus/unseen/\`](../test/corpus/unseen/)) are made with tools, and in
ways, that those have not: bundlers, build backends of Python, Maven and Jib, cargo, dpkg-deb, rpm, file systems, crane, ko, Dockerfiles. What is said to be the cause of each was written down
before explain was asked; then it was asked once, without any change to it: the columns *new*. (Where
both sides came out with the same bytes, or differed by another thing than was meant, the pair was set right by what its bytes are, not by what explain said.) Only then were rules and comparers mended, where what was missing is true of other images too: the
columns *now*. Since then these pairs are as known as the others; what holds for the next unknown image lies between the two. \`npm run corpus -- --unseen\` makes and measures them, and takes
minutes.
${silent === 0 ? "" : `\nOf ${silent} there was no answer when they were new: explain came to no end.\n`}
| pairs | number | first, new | three, new | false green, red, new | first, now | three, now | false green, red, now |
| --- | --- | --- | --- | --- | --- | --- | --- |
${themes.map(([name, scripts]) => line(name, scripts, now)).join("\n")}
${line("**all**", all, now)}

${wrong.length === 0 ? "All are named first now." : `Not named first now:\n\n| row | what was done | named instead |\n| --- | --- | --- |\n${wrong.map(({ cause, what, named }) => `| ${cause} | ${what} | ${named.slice(0, 3).join(", ") || "nothing"} |`).join("\n")}`}`;
}
