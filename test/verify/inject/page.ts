/** docs/sabotage.md, from what can be injected. */
import { injectable } from "../../../pipeline/verify/inject/inject.ts";

export function sabotagePage(): string {
  const rows = [...injectable].map(([id, does]) => `| ${id} | ${does} |`);
  return `# Sabotage

For testers of the checks. \`lockstep build --inject CAUSE\` builds an image as always, and then spoils a copy of it by one cause of the [catalogue](catalogue.md). What
[\`explain\`](commands/explain.md) and [\`verify\`](commands/verify.md) say of it is then known beforehand: they have to see that it differs, and to name the cause.

\`\`\`sh
lockstep build web
lockstep build web --inject P7 --out /tmp/injected
lockstep explain out/images/web /tmp/injected/web       # differs: a file is setuid or setgid on one side
lockstep verify web --against /tmp/injected/web         # is not what is rebuilt
\`\`\`

The option is not in the help of \`build\`: nobody needs it to build.

* A directory of its own has to be named with \`--out\` ([LS5402](errors/LS5402.md)).
* The cause is put into the finished layout, in one place of the program (\`pipeline/verify/inject/\`). Planning, building, the store and its records never know of it: a build after it is
  the same as before.
* The layout is marked: \`index.json\` has the annotation \`dev.lockstep.injected\`. The image itself has no mark, so that it differs by the cause alone. \`copy\` refuses a layout with
  the mark ([LS5403](errors/LS5403.md)); \`publish\`, \`attest\` and \`verify\` build what they work on themselves.
* Of layers, the last one is spoiled that has something to spoil, and is compressed as Lockstep would have compressed it. Where an image has nothing of the kind, the build says so
  ([LS5404](errors/LS5404.md)).

\`test/verify/inject/\` injects each, and holds that \`explain\` sees and names it.

| cause | what it does |
| --- | --- |
${rows.join("\n")}

Causes that are not here cannot be put into an image after it was built without a tool of their own, or are about how builds and checks are run. [The corpus](corpus.md) forces more of them.
`;
}
