/** The page docs/causes.md, made from the table. */
import { causes } from "../../../pipeline/verify/cause/table.ts";

const sections: readonly (readonly [pattern: RegExp, title: string])[] = [
  [/^T\d/, "Time"],
  [/^O\d/, "Order and structure of archives"],
  [/^Z\d/, "Compression"],
  [/^P\d/, "Owners, modes, attributes"],
  [/^S\d/, "State of the operating system"],
  [/^L\d/, "Languages and tools"],
  [/^E\d/, "Environment"],
  [/^I\d/, "Documents and registries"],
  [/^V\d/, "Evidence"],
  [/^X\d/, "Builders and caches"],
  [/^[a-z]/, "What is no row of the catalogue"],
];

const makers: Readonly<Record<string, string>> = {
  lockstep: "Lockstep",
  buildkit: "BuildKit",
  docker: "classic Docker and buildah",
  apko: "apko",
  ko: "ko",
  jib: "Jib",
  bazel: "Bazel",
  nix: "Nix",
  umoci: "umoci",
  buildpacks: "Buildpacks",
};

const placeholder = (text: string): string =>
  text.replaceAll("{where}", "*layer*").replaceAll("{path}", "*path*").replaceAll("|", "\\|").replaceAll("`\\|", "`|");

const head = `# Causes of differences

\`explain\` and \`verify\` name for each difference up to three causes, the likeliest first, and for all of them together the one that explains most. A cause has an id: the row of the
[catalogue](catalogue.md) that it is, or a word. How sure a guess is goes from 0 to 1: it says how well what is seen fits, and is no probability.

* Rules look at the field that differs, at the path, at the kind of the values (a time, an order, a path of a machine, …), and at what a layer shows as a whole: that all times differ by one
  step, or all modes by one mask.
* What follows from something else (digests, sizes) never comes before it. Where no rule sees anything the cause is \`unknown\`; nothing is made up.
* The fix is for whoever made the layer, as the history of the image tells it. *layer* and *path* stand for the place.
* A cause with a count of 0 is no difference's first guess; it is what the differences may come from instead.

The rows of the catalogue that are not here cannot be seen in two images: they are about how builds and checks are run.
`;

/** Markdown of the whole page. */
export function causesPage(): string {
  const parts = sections.map(([pattern, title]) => {
    const rows = causes
      .filter(({ id }) => pattern.test(id))
      .map(({ id, title: cause, seen, grade, fix }) => {
        const others = Object.entries(fix)
          .filter(([maker, text]) => maker !== "any" && text !== fix.any)
          .map(([maker, text]) => `${makers[maker] ?? maker}: ${placeholder(text)}.`);
        return `### ${id}: ${cause}\n\nSeen: ${placeholder(seen)}. Usual grade: ${grade}.\n\nFix: ${[`${placeholder(fix.any)}.`, ...others].join(" ")}\n`;
      });
    return `## ${title}\n\n${rows.join("\n")}`;
  });
  return `${head}\n${parts.join("\n")}`;
}
