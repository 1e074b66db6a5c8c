/** Rules about apt and the keys of its repositories, in commands. */
import type { Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/script.ts";
import { apt, unversioned, names, appended, keepsOut } from "./package-tools.ts";
import { insertAfter, found, foundCommand, has, perScript, isImage } from "./tools.ts";

const base = `FROM registry.example/debian@sha256:${"0".repeat(64)}\n`;

const namesTime = perScript(({ setting }) => /\b\d{8}T\d{6}Z\b/.test(setting.text));
const setsRecommends = perScript(({ setting }) => setting.text.includes("APT::Install-Recommends"));

/** Whether packages come from an archive as it was at one time: apt's own option, or an address with a time in it. */
function isSnapshot(command: ShellCommand): boolean {
  return has(command, "--snapshot", "-S") || namesTime(command.script);
}

export const debianPackageRules: readonly Rule[] = [
  {
    id: "LK2201",
    title: "package lists of now",
    severity: "error",
    elsewhere: "warning",
    rows: ["S26", "S27"],
    why: "`apt-get update` takes the archive as it is at this moment. The next build, or the one for another architecture, gets other packages.",
    remedy:
      "Use an archive of one time (`apt-get --snapshot 20260101T000000Z update`, or a source with such a time in its address), or lock the packages by hash: `lockstep pin` does.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN apt-get update\n`,
      good: `${base}RUN apt-get --snapshot 20260101T000000Z update\n`,
    },
    on: "command",
    check: (command) =>
      apt(command, "update") !== undefined && !isSnapshot(command)
        ? [foundCommand(command, `${command.name} update takes the archive as it is now`)]
        : [],
  },
  {
    id: "LK2202",
    title: "Debian package without a version",
    severity: "warning",
    rows: ["S26", "S27"],
    why: "Which version is installed is decided by the archive at the time of the build.",
    remedy:
      "Install from an archive of one time, name the version (`curl=8.14.1-2`), or lock the packages by hash with `lockstep pin`.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\n`,
      good: `${base}RUN apt-get install -y --no-install-recommends curl=8.14.1-2 && rm -rf /var/lib/apt/lists/*\n`,
    },
    on: "command",
    check(command) {
      const install = apt(command, "install", "build-dep", "satisfy");
      if (install === undefined || isSnapshot(command)) return [];
      const open = unversioned(install.rest, /[=]/);
      const [first] = open;
      return first === undefined ? [] : [found(first, `no version is named for ${names(open)}`)];
    },
  },
  {
    id: "LK2203",
    title: "recommended packages by default",
    severity: "warning",
    rows: ["S28"],
    why: "Whether apt installs recommended packages is a setting of the base image, and what is recommended changes in the archive.",
    remedy: "Say it: `--no-install-recommends`, and name what is wanted.",
    fix: "Adds `--no-install-recommends`.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN apt-get install -y curl=8.14.1-2 && rm -rf /var/lib/apt/lists/*\n`,
      good: `${base}RUN apt-get install --no-install-recommends -y curl=8.14.1-2 && rm -rf /var/lib/apt/lists/*\n`,
    },
    on: "command",
    check(command) {
      const install = apt(command, "install");
      if (install === undefined || has(command, "--no-install-recommends", "--install-recommends", "--download-only"))
        return [];
      if (setsRecommends(command.script) || !isImage(command)) return [];
      return [
        foundCommand(
          command,
          "recommended packages depend on a setting",
          insertAfter(command, install.word, " --no-install-recommends"),
        ),
      ];
    },
  },
  {
    id: "LK2205",
    title: "package lists left in the layer",
    severity: "warning",
    rows: ["S10", "S11"],
    why: "The lists of apt are those of the moment. They change the layer although no package changed.",
    remedy: "Remove them in the same step, or mount a cache over them.",
    fix: "Adds `&& rm -rf /var/lib/apt/lists/*` at the end of the step.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN apt-get install -y --no-install-recommends curl=8.14.1-2\n`,
      good: `${base}RUN apt-get install -y --no-install-recommends curl=8.14.1-2 && rm -rf /var/lib/apt/lists/*\n`,
    },
    on: "script",
    check(script) {
      if (script.setting.run === undefined) return [];
      const install = script.commands.find((command) => apt(command, "install") !== undefined);
      if (install === undefined || keepsOut(script, "/var/lib/apt")) return [];
      return [
        foundCommand(install, "the lists of apt stay in the layer", appended(script, "rm -rf /var/lib/apt/lists/*")),
      ];
    },
  },
  {
    id: "LK2212",
    title: "repository added from the network",
    severity: "warning",
    rows: ["S26", "E6"],
    why: "`add-apt-repository` asks a service for address and key, and the repository moves.",
    remedy: "Copy a sources file and its key from your repository.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN add-apt-repository -y ppa:example/tools\n`,
      good: `${base}COPY tools.sources /etc/apt/sources.list.d/tools.sources\n`,
    },
    on: "command",
    check: (command) =>
      /^(?:add-apt-repository|apt-add-repository)$/.test(command.name) && !has(command, "-r", "--remove")
        ? [foundCommand(command, `${command.name} adds a repository that moves`)]
        : [],
  },
  {
    id: "LK2213",
    title: "key from a key server",
    severity: "warning",
    rows: ["E6", "X4"],
    why: "What a key server sends changes and is not checked against anything in your repository.",
    remedy: "Keep the key file in your repository, and import that.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN gpg --keyserver keys.example --recv-keys 0123456789ABCDEF\n`,
      good: `${base}COPY release-key.asc /etc/apt/keyrings/release-key.asc\n`,
    },
    on: "command",
    check: (command) =>
      (/^gpg2?$/.test(command.name) &&
        has(
          command,
          "--recv-keys",
          "--recv-key",
          "--receive-keys",
          "--search-keys",
          "--locate-keys",
          "--refresh-keys",
        )) ||
      (command.name === "apt-key" && command.args.some(({ value }) => value === "adv"))
        ? [foundCommand(command, `${command.name} takes a key from a server`)]
        : [],
  },
];
