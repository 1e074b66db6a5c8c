/** The text of docs/rules/README.md, written from the table of rules: `npm test -- test/lint/rules.test.ts -u` writes it anew. */
import { rules } from "../../pipeline/lint/rules/rules.ts";

const groups: readonly (readonly [prefix: RegExp, title: string])[] = [
  [/^LK10/, "Dockerfiles"],
  [/^LK20/, "Time, chance and the machine, in commands"],
  [/^LK21/, "Archives and order, in commands"],
  [/^LK22/, "Packages of distributions and accounts, in commands"],
  [/^LK23/, "Downloads and repositories, in commands"],
  [/^LK24/, "Packages of languages and compilers, in commands"],
  [/^LK30/, "Image specs"],
  [/^LK40/, "npm"],
  [/^LK41/, "pip"],
  [/^LK50/, "Workflows"],
  [/^LK51/, "Manifests"],
  [/^LK90/, "The lint itself"],
];

const introduction = `# Rules

What [\`lockstep check\`](../commands/check.md) finds in the files of a repository: ways in which two builds of the same commit come to different
bytes. Each rule has a page with a bad and a good example, and names the rows of the [catalogue](../catalogue.md) it is about.

An id is \`LK\` and four digits; the first two say what kind of file or command it is about. An id is never used again for something else. Rules about
commands look at what a shell would run: in RUN instructions, scripts, steps of workflows and scripts of \`package.json\`; also behind \`sudo\`, \`xargs\`,
\`sh -c\` and their like. Comments, quoted text and here-documents that no shell reads are not commands.

Errors make \`check\` end with 1; warnings and notes do not. Rules about commands can be less grave outside of Dockerfiles, because not every script makes
something that is kept. Rules marked with a fix are mended by \`lockstep check --fix\`.

## Suppressions

A comment on the line of the finding, or on a line of its own before it, with the reason:

\`\`\`sh
# lockstep-ignore LK2001: printed for people, not kept
date
\`\`\`

Several ids are separated by commas. In a RUN instruction of several lines the comment stands on a line of its own between them. JSON has no
comments; there, and for whole folders, it is \`lockstep.lint.yaml\` at the root of the repository:

\`\`\`yaml
ignore:
  - paths: ["test/corpus/**"]
    reason: inputs of tests
suppress:
  - file: package.json
    rule: LK4004
    reason: only prints a greeting
\`\`\`

Without a reason nothing is suppressed ([LK9001](LK9001.md)), and one that suppresses nothing is a finding itself ([LK9002](LK9002.md)).
`;

/** The whole page. */
export function ruleIndex(): string {
  const sections = groups.map(([prefix, title]) => {
    const rows = rules
      .filter(({ id }) => prefix.test(id))
      .map(
        ({ id, title: what, severity, fix }) =>
          `| [${id}](${id}.md) | ${what} | ${severity} |${fix === undefined ? "" : " yes"} |\n`,
      );
    return `\n## ${title}\n\n| rule | what is found | severity | fix |\n| --- | --- | --- | --- |\n${rows.join("")}`;
  });
  return introduction + sections.join("");
}
