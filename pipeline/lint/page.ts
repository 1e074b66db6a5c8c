/** The page of a rule, as it is in docs/rules and in SARIF. */
import type { OwnRule, Rule } from "./rule.ts";

const languages: readonly (readonly [pattern: RegExp, language: string])[] = [
  [/Dockerfile$/, "dockerfile"],
  [/\.sh$/, "sh"],
  [/\.ya?ml$/, "yaml"],
  [/\.json$/, "json"],
  [/\.npmrc$/, "ini"],
];

function block(file: string, text: string): string {
  const language = languages.find(([pattern]) => pattern.test(file))?.[1] ?? "text";
  return `\`\`\`${language}\n${text}\`\`\`\n`;
}

/** Markdown: title, what the rule is, why, what to do, the two examples. */
export function rulePage(rule: Rule | OwnRule): string {
  const { id, title, severity, elsewhere, rows, why, remedy, fix, example } = rule;
  const graver = elsewhere === undefined ? severity : `${severity} in Dockerfiles, ${elsewhere} elsewhere`;
  const facts = [`Severity: ${graver}.`, `Rows of the catalogue: ${rows.join(", ")}.`];
  const mends = fix === undefined ? "There is no fix: something has to be decided." : fix;
  return [
    `# ${id} ${title}\n`,
    `${facts.join(" ")}\n`,
    `${why}\n`,
    `## Bad\n\n\`${example.file}\`${example.beside === undefined ? "" : `, beside \`${example.beside}\``}:\n\n${block(example.file, example.bad)}`,
    `## Good\n\n${block(example.file, example.good)}`,
    `## What to do\n\n${remedy}\n`,
    `## Fix\n\n${mends}\n`,
  ].join("\n");
}
