/** Rules about the package managers of other distributions, and about accounts. */
import type { Rule } from "../rule.ts";
import { apt, apk, dnf, unversioned, names, appended, keepsOut } from "./package-tools.ts";
import { insertAfter, found, foundCommand, has, operands, isImage } from "./tools.ts";

const base = `FROM registry.example/debian@sha256:${"0".repeat(64)}\n`;
const alpine = `FROM registry.example/alpine@sha256:${"0".repeat(64)}\n`;
const fedora = `FROM registry.example/fedora@sha256:${"0".repeat(64)}\n`;

/** Options that give an account its number. */
const idOptions: ReadonlyMap<string, readonly string[]> = new Map([
  ["useradd", ["-u", "--uid"]],
  ["adduser", ["-u", "--uid"]],
  ["groupadd", ["-g", "--gid"]],
  ["addgroup", ["-g", "--gid"]],
]);
const accountValues =
  /^-[bcdefgGhkKpPRsSuZ]$|^--(?:base-dir|comment|home|home-dir|shell|gid|groups|ingroup|gecos|key|password)$/;

export const systemPackageRules: readonly Rule[] = [
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
        apk(command, "upgrade") ??
        dnf(command, "upgrade", "update", "distro-sync", "dup");
      // `dnf upgrade-minimal curl-8.5` and `dnf update curl` name what they change; that is for the rule about versions.
      if (upgrade === undefined || upgrade.rest.length > 0) return [];
      return [foundCommand(command, `${command.name} ${upgrade.word.value} takes what the archive has today`)];
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
      const add = apk(command, "add");
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
      const add = apk(command, "add", "update");
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
      const options = idOptions.get(name);
      if (options === undefined || has(command, ...options, "-h", "--help")) return [];
      const accounts = operands(command, accountValues);
      // Two names and no option: a user becomes a member of a group.
      const member = name.startsWith("add") && accounts.length === 2 && command.args.length === 2;
      if (accounts.length === 0 || member) return [];
      return [foundCommand(command, `${name} takes the next free id`)];
    },
  },
];
