/** Rules about Git repositories, images and charts, in commands. */
import { isPinned, parseReference } from "../image-reference.ts";
import type { Rule } from "../rule.ts";
import { found, foundCommand, has, optionValue, subcommand, isKnown, perScript } from "./tools.ts";

const base = `FROM registry.example/debian@sha256:${"0".repeat(64)}\n`;

/** A full id, or what only running tells. */
function isCommit(value: string): boolean {
  return !isKnown(value) || /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(value);
}

const laterCheckout = /\bgit\b[^\n]*\b(?:checkout|reset|switch|fetch)\b[^\n]*(?:\b[0-9a-f]{40}\b|\$\{?[A-Za-z_])/;

/** Whether a commit is checked out somewhere in a script, or in another step of the same Dockerfile. */
const checksOut = perScript(
  ({ commands, setting }): boolean =>
    commands.some(
      ({ name, args }) =>
        name === "git" &&
        args.some(({ value }) => /^(?:checkout|reset|switch|fetch)$/.test(value)) &&
        args.some(({ value }) => isCommit(value)),
    ) ||
    (setting.kind === "dockerfile" && laterCheckout.test(setting.text)),
);

/** Options of `git clone` whose value is the next word. */
const cloneValues =
  /^-[Ccbjou]$|^--(?:branch|config|depth|filter|jobs|origin|reference|revision|separate-git-dir|shallow-(?:since|exclude)|template|upload-pack)$/;

export const repositoryRules: readonly Rule[] = [
  {
    id: "LK2305",
    title: "clone without a commit",
    severity: "error",
    elsewhere: "warning",
    rows: ["L26", "E6"],
    why: "A branch moves, and a tag can be moved. The clone is what they point to today.",
    remedy: "Check out a commit by its full id after cloning, or clone with `--revision=<commit>`.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN git clone https://git.example/tool.git\n`,
      good: `${base}RUN git clone https://git.example/tool.git && git -C tool checkout ${"0123456789".repeat(4)}\n`,
    },
    on: "command",
    check(command) {
      const clone = command.name === "git" ? subcommand(command, ["clone"], cloneValues) : undefined;
      if (clone === undefined) return [];
      const revision = optionValue(command, "--revision");
      if (revision !== undefined && isCommit(revision)) return [];
      const pinned = checksOut(command.script);
      const local = /^[./]|^file:/.test(clone.rest[0]?.value ?? "");
      return pinned || local ? [] : [foundCommand(command, "the clone is whatever the branch or tag points to today")];
    },
  },
  {
    id: "LK2306",
    title: "repository brought to its newest state",
    severity: "error",
    elsewhere: "warning",
    rows: ["L26", "E6"],
    why: "`git pull` and `git submodule update --remote` take what is newest.",
    remedy: "Check out commits by their ids; `git submodule update --init` takes those that are recorded.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN git submodule update --init --remote\n`,
      good: `${base}RUN git submodule update --init\n`,
    },
    on: "command",
    check(command) {
      if (command.name !== "git") return [];
      if (subcommand(command, ["pull"], /^-[Cc]$/) !== undefined && !checksOut(command.script))
        return [foundCommand(command, "git pull takes what is newest")];
      return subcommand(command, ["submodule"], /^-[Cc]$/) !== undefined && has(command, "--remote")
        ? [foundCommand(command, "submodules are brought to their newest commits")]
        : [];
    },
  },
  {
    id: "LK2307",
    title: "version from the history of the checkout",
    severity: "warning",
    rows: ["L26"],
    why: "`git describe` and counts of commits differ in a shallow clone, in one without tags, and after a tag was added.",
    remedy: "Write the version into a file, or use the id of the commit: `git rev-parse HEAD`.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\ngit describe --tags > version.txt\n",
      good: "#!/bin/sh\ngit rev-parse HEAD > version.txt\n",
    },
    on: "command",
    check(command) {
      if (command.name !== "git") return [];
      const describe = subcommand(command, ["describe"], /^-[Cc]$/);
      const count = subcommand(command, ["rev-list", "shortlog"], /^-[Cc]$/);
      if (describe !== undefined) return [foundCommand(command, "git describe depends on tags and depth of the clone")];
      return count !== undefined && has(command, "--count") && !count.rest.some(({ value }) => value.includes(".."))
        ? [foundCommand(command, "the number of commits depends on the depth of the clone")]
        : [];
    },
  },
  {
    id: "LK2308",
    title: "image by tag in a command",
    severity: "warning",
    rows: ["I10", "I11"],
    why: "A tag is another image tomorrow, or on another machine that pulled it earlier.",
    remedy: "Name the image by digest: `name@sha256:…`.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\ndocker pull registry.example/tool:1.2\n",
      good: `#!/bin/sh\ndocker pull registry.example/tool@sha256:${"0".repeat(64)}\n`,
    },
    on: "command",
    check(command) {
      if (!/^(?:docker|podman|nerdctl|crane|buildah)$/.test(command.name)) return [];
      const pull = subcommand(command, ["pull", "from"]);
      const images = pull?.rest ?? [];
      return images.slice(0, 1).flatMap((word) => {
        const { value } = word;
        if (!isKnown(value) || value === "scratch" || isPinned(value)) return [];
        return [found(word, `${value} is another image when its tag moves`)];
      });
    },
  },
  {
    id: "LK2309",
    title: "manifest or chart without a version",
    severity: "warning",
    rows: ["E6", "E14"],
    why: "A manifest at an address changes, and a chart without a version is the newest one.",
    remedy: "Keep the manifest in your repository; give charts `--version` and keep their lock.",
    example: {
      file: "deploy.sh",
      bad: "#!/bin/sh\nhelm upgrade --install db charts/postgresql\n",
      good: "#!/bin/sh\nhelm upgrade --install db charts/postgresql --version 16.4.1\n",
    },
    on: "command",
    check(command) {
      if (command.name === "kubectl" && subcommand(command, ["apply", "create", "replace"]) !== undefined) {
        const file = optionValue(command, "-f", "--filename", "-k") ?? "";
        return /^https?:/.test(file) ? [foundCommand(command, "the manifest is what the server sends today")] : [];
      }
      const chart =
        command.name === "helm" ? subcommand(command, ["install", "upgrade", "pull", "template"]) : undefined;
      if (chart === undefined || has(command, "--version")) return [];
      const local = chart.rest.some(
        ({ value }) =>
          /^\.{0,2}\/|^\.$|\.tgz$/.test(value) || !isKnown(value) || parseReference(value).digest !== undefined,
      );
      return local ? [] : [foundCommand(command, "the chart is the newest one")];
    },
  },
];
