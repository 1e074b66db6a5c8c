/** Rules about compilers and the package managers of languages, in commands. */
import type { Argument } from "../shell/argument.ts";
import type { ShellCommand } from "../shell/script.ts";
import type { Edit, Rule } from "../rule.ts";
import {
  found,
  foundCommand,
  has,
  insertAfter,
  isExact,
  isImage,
  isKnown,
  isSet,
  operands,
  optionValue,
  perScript,
  replace,
  subcommand,
} from "./tools.ts";

const base = `FROM registry.example/build@sha256:${"0".repeat(64)}\n`;

/** A package that is no path, archive, address or variable. */
function isName(value: string): boolean {
  return isKnown(value) && value !== "" && !/^[./~]|:\/\/|\.(?:tgz|tar\.gz|whl|zip)$/.test(value);
}

const exactNpm = /^(?:@[^@/]+\/)?[^@]+@(?:npm:[^@]*@)?\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/;

/** The first of `pip install`, `pip3.12 install`, `python -m pip install`, `uv pip install`. */
function pipInstall(
  command: ShellCommand,
): { readonly word: Argument; readonly rest: readonly Argument[] } | undefined {
  const { name, args } = command;
  const skip = /^pip[\d.]*$/.test(name)
    ? 0
    : /^python[\d.]*$/.test(name) && args[0]?.value === "-m" && /^pip[\d.]*$/.test(args[1]?.value ?? "")
      ? 2
      : name === "uv" && args[0]?.value === "pip"
        ? 1
        : -1;
  if (skip < 0) return undefined;
  const list = operands(
    { ...command, args: args.slice(skip) },
    /^(?:-[rceiftp]|--(?:requirement|constraint|editable|index-url|extra-index-url|find-links|target|prefix|root|python|proxy|trusted-host|platform|python-version|abi|implementation|only-binary|no-binary|progress-bar|cache-dir|timeout|retries|log|src|upgrade-strategy|root-user-action))$/,
  );
  const [word, ...rest] = list;
  return word?.value === "install" ? { word, rest } : undefined;
}

function files(command: ShellCommand): readonly Argument[] {
  return command.args.filter((_, at) => /^(?:-r|--requirement)$/.test(command.args[at - 1]?.value ?? "") || false);
}

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
    id: "LK2401",
    title: "npm install in place of npm ci",
    severity: "error",
    elsewhere: "warning",
    rows: ["L1", "L4"],
    why: "`npm install` resolves anew what the lock file does not hold, and rewrites the lock file.",
    remedy: "Use `npm ci`, which installs what the lock file says or fails.",
    fix: "Writes `ci` in place of `install`.",
    example: { file: "Dockerfile", bad: `${base}RUN npm install\n`, good: `${base}RUN npm ci\n` },
    on: "command",
    check(command) {
      const install =
        command.name === "npm"
          ? subcommand(command, ["install", "i", "add", "update", "up"], /^(?:--prefix|-C|--workspace|-w|--loglevel)$/)
          : undefined;
      if (install === undefined || has(command, "-g", "--global", "--package-lock-only") || install.rest.length > 0)
        return [];
      const fix = /^(?:install|i)$/.test(install.word.value) ? replace(command, install.word, "ci") : undefined;
      return [found(install.word, `npm ${install.word.value} does not keep to the lock file`, fix)];
    },
  },
  {
    id: "LK2402",
    title: "npm package without an exact version",
    severity: "error",
    elsewhere: "warning",
    rows: ["L1"],
    why: "The registry decides which version is installed, today another than yesterday; what it depends on is decided anew even when the version is named.",
    remedy: "Put the tool into `package.json` with its lock, and use `npm ci`. At the least name the exact version.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN npm install -g typescript\n`,
      good: `${base}RUN npm install -g typescript@5.9.3\n`,
    },
    on: "command",
    check(command) {
      const { name } = command;
      const values = /^(?:--prefix|-C|-p|--package|--workspace|-w|--loglevel)$/;
      let packages: readonly Argument[] = [];
      if (name === "npm") packages = subcommand(command, ["install", "i", "add", "exec", "x"], values)?.rest ?? [];
      else if (/^(?:yarn|pnpm|bun)$/.test(name)) {
        packages = subcommand(command, ["add", "dlx"], values)?.rest ?? [];
        const global =
          name === "yarn" && operands(command)[0]?.value === "global" ? operands(command).slice(2) : undefined;
        packages = global ?? packages;
      } else if (/^(?:npx|pnpx|bunx)$/.test(name) && !has(command, "--no-install", "--no"))
        packages = operands(command, values);
      const runs =
        /^(?:npx|pnpx|bunx)$/.test(name) ||
        (packages.length > 0 && /^(?:exec|x|dlx)$/.test(operands(command, values)[0]?.value ?? ""));
      const asked = runs ? packages.slice(0, 1) : packages;
      // What is run without being installed is a dependency of the project, unless nothing says so.
      const open = asked.filter(
        ({ value }) => isName(value) && !exactNpm.test(value) && !(runs && !value.includes("@") && !isImage(command)),
      );
      const [first] = open;
      return first === undefined ? [] : [found(first, `no exact version is named for ${first.value}`)];
    },
  },
  {
    id: "LK2403",
    title: "yarn, pnpm or bun without a frozen lock",
    severity: "error",
    elsewhere: "warning",
    rows: ["L1", "L4"],
    why: "Without that the lock file is brought up to date with `package.json`, and what is installed is not what was locked.",
    remedy: "Add `--frozen-lockfile` (yarn 1, pnpm, bun) or `--immutable` (newer yarn).",
    fix: "Adds `--frozen-lockfile`, which newer yarn still understands.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN pnpm install\n`,
      good: `${base}RUN pnpm install --frozen-lockfile\n`,
    },
    on: "command",
    check(command) {
      if (!/^(?:yarn|pnpm|bun)$/.test(command.name)) return [];
      const install = subcommand(command, ["install", "i"], /^(?:--cwd|-C|--dir|--filter|-F)$/);
      const bare = command.name === "yarn" && command.args.length === 0;
      if ((install === undefined && !bare) || (install?.rest.length ?? 0) > 0) return [];
      if (
        has(command, "--frozen-lockfile", "--immutable", "--offline", "--help") ||
        isSet(command, "YARN_ENABLE_IMMUTABLE_INSTALLS")
      )
        return [];
      const fix = insertAfter(
        command,
        install?.word ?? command.word,
        bare ? " install --frozen-lockfile" : " --frozen-lockfile",
      );
      return [foundCommand(command, `${command.name} may change the lock file`, fix)];
    },
  },
  {
    id: "LK2404",
    title: "Python package without a version",
    severity: "error",
    elsewhere: "warning",
    rows: ["L10"],
    why: "The index decides which version is installed, and what it depends on.",
    remedy:
      "Install from a requirements file with versions and hashes: `pip install --require-hashes -r requirements.txt`.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN pip install --no-compile --require-hashes flask\n`,
      good: `${base}RUN pip install --no-compile --require-hashes -r requirements.txt\n`,
    },
    on: "command",
    check(command) {
      const packages =
        pipInstall(command)?.rest ??
        (/^(?:pipx|uvx)$/.test(command.name)
          ? command.name === "uvx"
            ? operands(command).slice(0, 1)
            : subcommand(command, ["install", "run"])?.rest.slice(0, 1)
          : undefined) ??
        [];
      const open = packages.filter(({ value }) =>
        value.startsWith("git+")
          ? isKnown(value) && !/@[0-9a-f]{40}(?:#|$)/.test(value)
          : isName(value) && !/===?|@/.test(value),
      );
      const [first] = open;
      if (first === undefined || has(command, "--no-index")) return [];
      return [found(first, `no ${first.value.startsWith("git+") ? "commit" : "version"} is named for ${first.value}`)];
    },
  },
  {
    id: "LK2405",
    title: "pip without hashes",
    severity: "warning",
    rows: ["L10", "X4"],
    why: "A version is a name. Files can be added to a release later, and another file is then chosen; hashes hold the files themselves.",
    remedy:
      "Write hashes into the requirements file (`pip-compile --generate-hashes`, `uv export`) and add `--require-hashes`.",
    fix: "Adds `--require-hashes` where a requirements file is installed.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN pip install --no-compile -r requirements.txt\n`,
      good: `${base}RUN pip install --require-hashes --no-compile -r requirements.txt\n`,
    },
    on: "command",
    check(command) {
      const install = pipInstall(command);
      if (install === undefined || has(command, "--require-hashes", "--no-index", "--no-deps", "--dry-run")) return [];
      if (isSet(command, "PIP_REQUIRE_HASHES", "UV_REQUIRE_HASHES")) return [];
      const listed = files(command).length > 0 || has(command, "--requirement");
      const named = install.rest.filter(({ value }) => isName(value));
      // Packages without a version have a rule of their own.
      if (!listed && (named.length === 0 || named.some(({ value }) => !value.includes("==")))) return [];
      const fix = listed && named.length === 0 ? insertAfter(command, install.word, " --require-hashes") : undefined;
      return [foundCommand(command, "files are not held to hashes", fix)];
    },
  },
  {
    id: "LK2406",
    title: "Python compiled at installation",
    severity: "note",
    rows: ["T15", "L10"],
    why: "pip compiles what it installs, and the compiled files hold the times of their sources.",
    remedy: "Add `--no-compile`.",
    fix: "Adds `--no-compile`.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN pip install --require-hashes -r requirements.txt\n`,
      good: `${base}RUN pip install --no-compile --require-hashes -r requirements.txt\n`,
    },
    on: "command",
    check(command) {
      const install = pipInstall(command);
      if (install === undefined || command.name === "uv" || !isImage(command)) return [];
      if (has(command, "--no-compile") || isSet(command, "PIP_NO_COMPILE")) return [];
      return [
        foundCommand(
          command,
          "pip compiles with the times of the sources",
          insertAfter(command, install.word, " --no-compile"),
        ),
      ];
    },
  },
  {
    id: "LK2407",
    title: "Python project resolved anew",
    severity: "error",
    elsewhere: "warning",
    rows: ["L10"],
    why: "These commands bring the lock file up to date when it does not fit, and install the result.",
    remedy:
      "Keep to the lock: `uv sync --locked`, `pipenv install --deploy`, `poetry install`, `pdm install --frozen-lockfile`.",
    fix: "Adds `--locked` (uv), `--deploy` (pipenv) or `--frozen-lockfile` (pdm).",
    example: { file: "Dockerfile", bad: `${base}RUN uv sync\n`, good: `${base}RUN uv sync --locked\n` },
    on: "command",
    check(command) {
      const { name } = command;
      const update = /^(?:poetry|pdm|uv)$/.test(name) ? subcommand(command, ["update", "lock"]) : undefined;
      if (update !== undefined && isImage(command) && !has(command, "--check", "--locked"))
        return [foundCommand(command, `${name} ${update.word.value} resolves anew`)];
      const options: Readonly<Record<string, readonly [command: string, option: string, ...others: string[]]>> = {
        uv: ["sync", "--locked", "--frozen"],
        pipenv: ["install", "--deploy", "--ignore-pipfile"],
        pdm: ["install", "--frozen-lockfile", "--no-lock"],
      };
      const [word, ...flags] = options[name] ?? [];
      const install = word === undefined ? undefined : subcommand(command, [word]);
      if (install === undefined || has(command, ...flags) || isSet(command, "UV_LOCKED", "UV_FROZEN")) return [];
      return [
        foundCommand(
          command,
          `${name} ${word} may change the lock`,
          insertAfter(command, install.word, ` ${flags[0]}`),
        ),
      ];
    },
  },
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
