/** Rules about the package managers of distributions. */
import type { Argument } from "../shell/argument.ts";
import type { Script, ShellCommand } from "../shell/script.ts";
import type { Edit, Rule } from "../rule.ts";
import { found, foundCommand, has, insertAfter, isImage, isKnown, operands, perScript, subcommand } from "./tools.ts";

const base = `FROM registry.example/debian@sha256:${"0".repeat(64)}\n`;
const alpine = `FROM registry.example/alpine@sha256:${"0".repeat(64)}\n`;
const fedora = `FROM registry.example/fedora@sha256:${"0".repeat(64)}\n`;

/** Options of apt-get, apk and dnf whose value is the next word. */
const values =
  /^(?:-[ocatX]|--(?:option|config-file|target-release|default-release|host-architecture|repository|virtual|root|releasever|installroot|setopt|enablerepo|disablerepo))$/;

function apt(command: ShellCommand, ...names: readonly string[]): ReturnType<typeof subcommand> {
  return /^(?:apt|apt-get|aptitude)$/.test(command.name) ? subcommand(command, names, values) : undefined;
}

const namesTime = perScript(({ setting }) => /\b\d{8}T\d{6}Z\b/.test(setting.text));
const setsRecommends = perScript(({ setting }) => setting.text.includes("APT::Install-Recommends"));

/** Whether packages come from an archive as it was at one time: apt's own option, or an address with a time in it. */
function isSnapshot(command: ShellCommand): boolean {
  return has(command, "--snapshot", "-S") || namesTime(command.script);
}

/** Names of packages that are asked for without a version; files and what is not known are left out. */
function unversioned(rest: readonly Argument[], pinned: RegExp): readonly Argument[] {
  return rest.filter(
    ({ value }) =>
      isKnown(value) && value !== "" && !pinned.test(value) && !/^[./]|\.(?:deb|rpm|apk)$|:\/\//.test(value),
  );
}

function dnf(command: ShellCommand, ...names: readonly string[]): ReturnType<typeof subcommand> {
  return /^(?:dnf|dnf5|yum|microdnf|tdnf|zypper)$/.test(command.name) ? subcommand(command, names, values) : undefined;
}

function names(list: readonly Argument[]): string {
  const shown = list.slice(0, 3).map(({ value }) => value);
  return list.length > 3 ? `${shown.join(", ")} and ${list.length - 3} more` : shown.join(", ");
}

/** A command at the end of a RUN instruction, where that is a plain chain of commands. */
function appended(script: Script, text: string): readonly Edit[] | undefined {
  const { run } = script.setting;
  const last = script.commands.at(-1);
  if (run === undefined || last === undefined || run.instruction.heredocs.length > 0 || last.json === true)
    return undefined;
  const end = Math.max(...script.commands.map((command) => command.end));
  if (script.setting.text.slice(end, run.instruction.end).trim() !== "" || script.slice.text.includes("||"))
    return undefined;
  return [{ at: end, end, text: ` && ${text}` }];
}

/** Whether a RUN instruction keeps some directory out of the layer: it is removed, or mounted over. */
function keepsOut(script: Script, path: string): boolean {
  const mounts = script.setting.run?.instruction.flags ?? [];
  return (
    mounts.some(({ name, value }) => name === "mount" && /type=(?:cache|tmpfs)/.test(value) && value.includes(path)) ||
    script.commands.some(({ name, args }) => name === "rm" && args.some(({ value }) => value.startsWith(path)))
  );
}

/** Options that give an account its number. */
const idOptions: Readonly<Record<string, readonly string[]>> = {
  useradd: ["-u", "--uid"],
  adduser: ["-u", "--uid"],
  groupadd: ["-g", "--gid"],
  addgroup: ["-g", "--gid"],
};
const accountValues =
  /^-[bcdefgGhkKpPRsSuZ]$|^--(?:base-dir|comment|home|home-dir|shell|gid|groups|ingroup|gecos|key|password)$/;

export const systemPackageRules: readonly Rule[] = [
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
    id: "LK2204",
    title: "upgrade of everything",
    severity: "error",
    elsewhere: "warning",
    rows: ["S26"],
    why: "An upgrade brings whatever the archive has today, over a base that was chosen for what it has.",
    remedy: "Take a newer base, by digest.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN apt-get upgrade -y\n`,
      good: `FROM registry.example/debian@sha256:${"1".repeat(64)}\n`,
    },
    on: "command",
    check(command) {
      const upgrade =
        apt(command, "upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade") ??
        (command.name === "apk" ? subcommand(command, ["upgrade"], values) : undefined) ??
        dnf(command, "upgrade", "update", "distro-sync", "dup");
      // `dnf upgrade-minimal curl-8.5` and `dnf update curl` name what they change; that is for the rule about versions.
      if (upgrade === undefined || upgrade.rest.length > 0) return [];
      return [foundCommand(command, `${command.name} ${upgrade.word.value} takes what the archive has today`)];
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
    id: "LK2206",
    title: "Alpine package without a version",
    severity: "warning",
    rows: ["S26", "S21"],
    why: "Which version is installed is decided by the repository at the time of the build.",
    remedy:
      "Name the version: `curl=8.14.1-r2`. Alpine keeps only the newest of each release, so keep what you build from.",
    example: {
      file: "Dockerfile",
      bad: `${alpine}RUN apk add --no-cache curl\n`,
      good: `${alpine}RUN apk add --no-cache curl=8.14.1-r2\n`,
    },
    on: "command",
    check(command) {
      const add = command.name === "apk" ? subcommand(command, ["add"], values) : undefined;
      const open = unversioned(add?.rest ?? [], /[=]/);
      const [first] = open;
      return first === undefined ? [] : [found(first, `no version is named for ${names(open)}`)];
    },
  },
  {
    id: "LK2207",
    title: "index of apk left in the layer",
    severity: "warning",
    rows: ["S11", "S21"],
    why: "Without `--no-cache` the index of the moment stays in `/var/cache/apk`.",
    remedy: "Add `--no-cache`.",
    fix: "Adds `--no-cache`.",
    example: {
      file: "Dockerfile",
      bad: `${alpine}RUN apk add curl=8.14.1-r2\n`,
      good: `${alpine}RUN apk add --no-cache curl=8.14.1-r2\n`,
    },
    on: "command",
    check(command) {
      const add = command.name === "apk" ? subcommand(command, ["add", "update"], values) : undefined;
      if (
        add === undefined ||
        !isImage(command) ||
        has(command, "--no-cache") ||
        keepsOut(command.script, "/var/cache/apk")
      )
        return [];
      return [
        foundCommand(command, "the index of apk stays in the layer", insertAfter(command, add.word, " --no-cache")),
      ];
    },
  },
  {
    id: "LK2208",
    title: "RPM package without a version",
    severity: "warning",
    rows: ["S26", "S27"],
    why: "Which version is installed is decided by the repositories at the time of the build.",
    remedy: "Name version and release: `curl-8.9.1-3.fc41`.",
    example: {
      file: "Dockerfile",
      bad: `${fedora}RUN dnf install -y curl && dnf clean all\n`,
      good: `${fedora}RUN dnf install -y curl-8.9.1-3.fc41 && dnf clean all\n`,
    },
    on: "command",
    check(command) {
      const install = dnf(command, "install", "in");
      const open = unversioned(install?.rest ?? [], /-\d|[=]/);
      const [first] = open;
      return first === undefined ? [] : [found(first, `no version is named for ${names(open)}`)];
    },
  },
  {
    id: "LK2209",
    title: "metadata of dnf left in the layer",
    severity: "warning",
    rows: ["S10", "S11", "S22"],
    why: "Metadata of the moment, with times, stays in `/var/cache`.",
    remedy: "Run `dnf clean all` in the same step.",
    fix: "Adds `&& dnf clean all`, with the program that installed, at the end of the step.",
    example: {
      file: "Dockerfile",
      bad: `${fedora}RUN dnf install -y curl-8.9.1-3.fc41\n`,
      good: `${fedora}RUN dnf install -y curl-8.9.1-3.fc41 && dnf clean all\n`,
    },
    on: "script",
    check(script) {
      if (script.setting.run === undefined) return [];
      const install = script.commands.find((command) => dnf(command, "install", "in") !== undefined);
      if (install === undefined || script.commands.some((command) => dnf(command, "clean", "cc") !== undefined))
        return [];
      if (
        ["/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5", "/var/cache/zypp", "/var/cache"].some((path) =>
          keepsOut(script, path),
        )
      )
        return [];
      const clean = install.name === "zypper" ? "zypper clean --all" : `${install.name} clean all`;
      return [foundCommand(install, `the metadata of ${install.name} stays in the layer`, appended(script, clean))];
    },
  },
  {
    id: "LK2210",
    title: "packages of a rolling distribution",
    severity: "warning",
    rows: ["S26"],
    why: "`pacman -S` installs what the mirror has today, and a mirror has no yesterday.",
    remedy: "Use an archive of one day as the server, and download by file name with `pacman -U`.",
    example: {
      file: "Dockerfile",
      bad: `FROM registry.example/archlinux@sha256:${"0".repeat(64)}\nRUN pacman -Sy --noconfirm curl\n`,
      good: `FROM registry.example/archlinux@sha256:${"0".repeat(64)}\nRUN pacman -U --noconfirm /packages/curl-8.14.1-1-x86_64.pkg.tar.zst\n`,
    },
    on: "command",
    check: (command) =>
      command.name === "pacman" &&
      command.args.some(({ value }) => /^-S(?!.*[cilsgp])/.test(value) || value === "--sync")
        ? [foundCommand(command, "pacman takes what the mirror has today")]
        : [],
  },
  {
    id: "LK2211",
    title: "account without a fixed id",
    severity: "error",
    elsewhere: "note",
    rows: ["P6", "T12", "S6"],
    why: "The next free id depends on which packages made accounts before. Files then belong to other numbers in the next build.",
    remedy:
      "Give the numbers: `groupadd --gid 65532 app`, `useradd --uid 65532 --gid 65532 app`. With `SOURCE_DATE_EPOCH` set, newer versions also write a fixed day to `/etc/shadow`.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN useradd --system app\n`,
      good: `${base}RUN useradd --system --uid 65532 --gid 65534 app\n`,
    },
    on: "command",
    check(command) {
      const { name } = command;
      const options = idOptions[name];
      if (options === undefined || has(command, ...options, "-h", "--help")) return [];
      const accounts = operands(command, accountValues);
      // Two names and no option: a user becomes a member of a group.
      const member = name.startsWith("add") && accounts.length === 2 && command.args.length === 2;
      if (accounts.length === 0 || member) return [];
      return [foundCommand(command, `${name} takes the next free id`)];
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
