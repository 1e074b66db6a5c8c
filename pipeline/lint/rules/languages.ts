/** Rules about compilers and the package managers of other languages, in commands. */
import type { Edit, Rule } from "../rule.ts";
import type { Argument } from "../shell/argument.ts";
import type { ShellCommand } from "../shell/script.ts";
import {
  isExact,
  insertAfter,
  found,
  foundCommand,
  has,
  optionValue,
  subcommand,
  isKnown,
  perScript,
  isSet,
  isImage,
  isName,
} from "./tools.ts";

const base = `FROM registry.example/build@sha256:${"0".repeat(64)}\n`;

/** Removes a word and the blank before it. */
function without(command: ShellCommand, word: Argument | undefined): readonly Edit[] | undefined {
  return isExact(command, word) ? [{ at: word.at - 1, end: word.end, text: "" }] : undefined;
}

/** Whether bundler is told to keep to its lock. */
const freezes = perScript(({ setting }) =>
  /bundle config (?:set )?(?:--\w+ )?(?:frozen|deployment)\b/.test(setting.text),
);

export const languageRules: readonly Rule[] = [
  {
    id: "LK2408",
    title: "gem without a version",
    severity: "error",
    elsewhere: "warning",
    rows: ["S26", "X4"],
    why: "`gem install` takes the newest version.",
    remedy: "Name it: `gem install bundler --version 2.7.2`; better, use a Gemfile.lock.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN gem install bundler\n`,
      good: `${base}RUN gem install bundler --version 2.7.2\n`,
    },
    on: "command",
    check(command) {
      const install =
        command.name === "gem"
          ? subcommand(command, ["install", "i", "update"], /^(?:-[vin]|--(?:version|install-dir|bindir))$/)
          : undefined;
      if (install === undefined || has(command, "-v", "--version", "-g", "--file", "--local")) return [];
      const first = install.rest.find(({ value }) => isName(value) && !/:\d/.test(value) && !value.endsWith(".gem"));
      return first === undefined && install.word.value !== "update"
        ? []
        : [found(first ?? install.word, "gem takes the newest version")];
    },
  },
  {
    id: "LK2409",
    title: "bundle install without a frozen lock",
    severity: "warning",
    rows: ["X4"],
    why: "Without that bundler brings Gemfile.lock up to date with the Gemfile.",
    remedy: "Set it before: `bundle config set --local frozen true`, or `BUNDLE_FROZEN=true`.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN bundle install\n`,
      good: `${base}RUN bundle config set --local frozen true && bundle install\n`,
    },
    on: "command",
    check(command) {
      if (command.name !== "bundle" || (subcommand(command, ["install"]) === undefined && command.args.length > 0))
        return [];
      if (has(command, "--frozen", "--deployment", "--local") || isSet(command, "BUNDLE_FROZEN", "BUNDLE_DEPLOYMENT"))
        return [];
      const configured = freezes(command.script);
      return configured ? [] : [foundCommand(command, "bundler may change the lock")];
    },
  },
  {
    id: "LK2410",
    title: "cargo without a locked lock",
    severity: "warning",
    rows: ["L12", "X4"],
    why: "Without `--locked` cargo brings Cargo.lock up to date when it does not fit, and builds the result.",
    remedy: "Add `--locked`.",
    fix: "Adds `--locked`.",
    example: {
      file: "Dockerfile",
      bad: `${base}ARG SOURCE_DATE_EPOCH\nRUN cargo build --release\n`,
      good: `${base}ARG SOURCE_DATE_EPOCH\nRUN cargo build --locked --release\n`,
    },
    on: "command",
    check(command) {
      const build =
        command.name === "cargo"
          ? subcommand(command, ["build", "b", "install", "rustc", "fetch", "run", "test"])
          : undefined;
      if (build === undefined || has(command, "--locked", "--frozen", "--offline", "--list")) return [];
      if (!isImage(command) && !/^(?:build|b|install|rustc)$/.test(build.word.value)) return [];
      return [foundCommand(command, "cargo may change the lock", insertAfter(command, build.word, " --locked"))];
    },
  },
  {
    id: "LK2411",
    title: "cargo install without a version",
    severity: "error",
    elsewhere: "warning",
    rows: ["L12", "S26"],
    why: "The newest version is installed.",
    remedy: "Name it: `--version 1.2.3`, or `--rev` with a commit.",
    example: {
      file: "Dockerfile",
      bad: `${base}ARG SOURCE_DATE_EPOCH\nRUN cargo install --locked just\n`,
      good: `${base}ARG SOURCE_DATE_EPOCH\nRUN cargo install --locked just --version 1.43.0\n`,
    },
    on: "command",
    check(command) {
      const install =
        command.name === "cargo"
          ? subcommand(
              command,
              ["install", "binstall"],
              /^(?:--(?:root|features|path|version|git|rev|profile|target|index|registry)|-F)$/,
            )
          : undefined;
      if (install === undefined || has(command, "--version", "--vers", "--rev", "--path", "--list")) return [];
      const first = install.rest.find(({ value }) => isName(value) && !value.includes("@"));
      return first === undefined && !has(command, "--git")
        ? []
        : [found(first ?? install.word, "cargo installs the newest version")];
    },
  },
  {
    id: "LK2412",
    title: "Go module without a version",
    severity: "error",
    elsewhere: "warning",
    rows: ["L11", "S26"],
    why: "`@latest`, a branch, or `go get -u` is another version tomorrow.",
    remedy: "Name a version: `go install example.com/tool@v1.2.3`. In a module, keep to go.mod.",
    example: {
      file: "Dockerfile",
      bad: `${base}ARG SOURCE_DATE_EPOCH\nRUN go install -trimpath go.example/tool@latest\n`,
      good: `${base}ARG SOURCE_DATE_EPOCH\nRUN go install -trimpath go.example/tool@v1.2.3\n`,
    },
    on: "command",
    check(command) {
      const get = command.name === "go" ? subcommand(command, ["install", "get", "run"]) : undefined;
      if (get === undefined) return [];
      const open = get.rest.filter(
        ({ value }) => /@/.test(value) && isKnown(value) && !/@v\d+\.\d+\.\d+|@[0-9a-f]{12,40}$|@none$/.test(value),
      );
      if (has(command, "-u") && get.word.value === "get")
        return [foundCommand(command, "go get -u takes the newest versions")];
      const [first] = open;
      return first === undefined ? [] : [found(first, "this is another version tomorrow")];
    },
  },
  {
    id: "LK2413",
    title: "Go program with paths of the builder",
    severity: "warning",
    elsewhere: "note",
    rows: ["L11", "L14"],
    why: "Without `-trimpath` the program holds the directories it was built in.",
    remedy: "Add `-trimpath`, or set `GOFLAGS=-trimpath`.",
    fix: "Adds `-trimpath`.",
    example: {
      file: "Dockerfile",
      bad: `${base}ARG SOURCE_DATE_EPOCH\nRUN go build -o /app ./cmd/app\n`,
      good: `${base}ARG SOURCE_DATE_EPOCH\nRUN go build -trimpath -o /app ./cmd/app\n`,
    },
    on: "command",
    check(command) {
      const build = command.name === "go" ? subcommand(command, ["build", "install"]) : undefined;
      if (build === undefined || has(command, "-trimpath", "-trimpath=true")) return [];
      // A tool that is installed outside of an image is used there and not kept.
      if (!isImage(command) && build.rest.some(({ value }) => value.includes("@"))) return [];
      const flags =
        command.variables.find(({ name }) => name === "GOFLAGS")?.value ??
        command.script.setting.variables.get("GOFLAGS");
      if (flags?.includes("-trimpath") === true || isSet(command, "GOFLAGS")) return [];
      return [
        foundCommand(command, "the program holds paths of the builder", insertAfter(command, build.word, " -trimpath")),
      ];
    },
  },
  {
    id: "LK2414",
    title: "PHP packages resolved anew",
    severity: "error",
    elsewhere: "warning",
    rows: ["S26", "X4"],
    why: "`composer update` and `composer require` ask for the newest versions.",
    remedy: "Use `composer install`, which keeps to composer.lock.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN composer update --no-dev\n`,
      good: `${base}RUN composer install --no-dev\n`,
    },
    on: "command",
    check(command) {
      const update =
        command.name === "composer" || command.name === "composer.phar"
          ? subcommand(command, ["update", "upgrade", "require", "u"], /^(?:-d|--working-dir)$/)
          : undefined;
      return update === undefined || has(command, "--lock")
        ? []
        : [foundCommand(command, `composer ${update.word.value} resolves anew`)];
    },
  },
  {
    id: "LK2415",
    title: "Java build that looks for newer dependencies",
    severity: "warning",
    rows: ["S26", "X4"],
    why: "`mvn -U` and `gradle --refresh-dependencies` look for newer snapshots, and version plugins raise versions.",
    remedy: "Remove the option; fix versions in the build file, and let gradle verify them.",
    fix: "Removes the option.",
    example: { file: "build.sh", bad: "#!/bin/sh\nmvn -B -U package\n", good: "#!/bin/sh\nmvn -B package\n" },
    on: "command",
    check(command) {
      const option = /^(?:mvn|mvnw)$/.test(command.name)
        ? command.args.find(({ value }) => /^(?:-U|--update-snapshots)$/.test(value))
        : /^(?:gradle|gradlew)$/.test(command.name)
          ? command.args.find(({ value }) => /^--(?:refresh-dependencies|write-locks|update-locks)$/.test(value))
          : undefined;
      return option === undefined ? [] : [found(option, "newer dependencies are looked for", without(command, option))];
    },
  },
  {
    id: "LK2416",
    title: "NuGet restore without a locked lock",
    severity: "warning",
    rows: ["S26", "X4"],
    why: "Without `--locked-mode` a restore may resolve anew.",
    remedy: "Keep packages.lock.json in the repository and add `--locked-mode`.",
    fix: "Adds `--locked-mode`.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN dotnet restore\n`,
      good: `${base}RUN dotnet restore --locked-mode\n`,
    },
    on: "command",
    check(command) {
      const restore = command.name === "dotnet" ? subcommand(command, ["restore"]) : undefined;
      if (
        restore === undefined ||
        has(command, "--locked-mode", "-p:RestoreLockedMode=true", "/p:RestoreLockedMode=true")
      )
        return [];
      return [
        foundCommand(command, "packages may be resolved anew", insertAfter(command, restore.word, " --locked-mode")),
      ];
    },
  },
  {
    id: "LK2417",
    title: "conda package without a version",
    severity: "warning",
    rows: ["S26", "L10"],
    why: "The solver takes what the channels have today.",
    remedy:
      "Create the environment from an explicit lock (`conda create --file` with addresses and hashes), or name version and build.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN conda install -y numpy\n`,
      good: `${base}RUN conda install -y numpy=2.3.1=py313h1\n`,
    },
    on: "command",
    check(command) {
      const install = /^(?:conda|mamba|micromamba)$/.test(command.name)
        ? subcommand(command, ["install", "create"], /^(?:-[ncp]|--(?:name|channel|prefix|file))$/)
        : undefined;
      if (install === undefined || has(command, "--file", "--offline")) return [];
      const first = install.rest.find(({ value }) => isName(value) && !/=.*=/.test(value));
      return first === undefined || optionValue(command, "--file") !== undefined
        ? []
        : [found(first, `no version and build are named for ${first.value}`)];
    },
  },
];
