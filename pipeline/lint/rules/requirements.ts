/** Rules about requirements files of pip. */
import type { EntryLine, Rule } from "../rule.ts";
import { found } from "./tools.ts";

const hash = `--hash=sha256:${"0".repeat(64)}`;

/** Whether a line asks for a package by name. */
function isRequirement({ text }: EntryLine): boolean {
  return /^[A-Za-z0-9]/.test(text) && !isAddress(text);
}

function isAddress(text: string): boolean {
  return /^(?:git|hg|svn|bzr)\+|^(?:https?|file|ftp):/.test(text) || /^[\w.[\]-]+\s*@\s/.test(text);
}

export const requirementRules: readonly Rule[] = [
  {
    id: "LK4101",
    title: "requirement without an exact version",
    severity: "error",
    rows: ["L10"],
    why: "The index decides which version is installed.",
    remedy:
      "Name it with `==`, for everything that is installed: `pip-compile --generate-hashes` or `uv pip compile --generate-hashes` write such a file.",
    example: { file: "requirements.txt", bad: `flask>=3 ${hash}\n`, good: `flask==3.1.2 ${hash}\n` },
    on: "requirements",
    check: (lines) =>
      lines.flatMap((line) =>
        isRequirement(line) && !/^[^;]*===?\s*[^*;]+(?:$|[;\s])/.test(line.text.replace(/\s--.*$/, ""))
          ? [found(line, `${/^[\w.-]+/.exec(line.text)?.[0] ?? "this"} has no exact version`)]
          : [],
      ),
  },
  {
    id: "LK4102",
    title: "requirement without a hash",
    severity: "warning",
    rows: ["L10", "X4"],
    why: "A file can be added to a release later, and pip then chooses another one for the same version.",
    remedy: "Write hashes: `pip-compile --generate-hashes` or `uv pip compile --generate-hashes`.",
    example: { file: "requirements.txt", bad: "flask==3.1.2\n", good: `flask==3.1.2 ${hash}\n` },
    on: "requirements",
    check: (lines) =>
      lines.flatMap((line) =>
        isRequirement(line) && !/--hash[= ]/.test(line.text)
          ? [found(line, `${/^[\w.-]+/.exec(line.text)?.[0] ?? "this"} has no hash`)]
          : [],
      ),
  },
  {
    id: "LK4103",
    title: "requirement from a branch or an address",
    severity: "error",
    rows: ["L26", "X4"],
    why: "A branch or tag moves; an address may send something else.",
    remedy: "Name the commit by its full id (`@<commit>`), or the hash of the file (`#sha256=…`).",
    example: {
      file: "requirements.txt",
      bad: "tool @ git+https://git.example/tool.git@main\n",
      good: `tool @ git+https://git.example/tool.git@${"0123456789".repeat(4)}\n`,
    },
    on: "requirements",
    check: (lines) =>
      lines.flatMap((line) => {
        const text = line.text.replace(/^(?:-e|--editable)[\s=]+/, "");
        if (!isAddress(text) || /(?:^|@\s*)file:/.test(text)) return [];
        const pinned =
          /\.git@[0-9a-f]{40}(?:[#\s]|$)|@[0-9a-f]{40}(?:[#\s]|$)|sha(?:256|384|512)[=:][0-9a-f]{64,}/.test(text);
        return pinned ? [] : [found(line, "this is whatever a branch or a server gives today")];
      }),
  },
  {
    id: "LK4104",
    title: "more than one index",
    severity: "warning",
    rows: ["X4", "S26"],
    why: "With a second index pip takes the highest version of either, so whoever publishes a name on one of them decides.",
    remedy: "Use one index that has everything, and hashes.",
    example: {
      file: "requirements.txt",
      bad: `--extra-index-url https://index.example/simple\nflask==3.1.2 ${hash}\n`,
      good: `flask==3.1.2 ${hash}\n`,
    },
    on: "requirements",
    check: (lines) =>
      lines.flatMap((line) =>
        /^(?:--extra-index-url|--find-links|-f|--trusted-host)[\s=]/.test(line.text)
          ? [found(line, "packages may come from elsewhere")]
          : [],
      ),
  },
];
