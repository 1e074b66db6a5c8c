/** Rules about pip and the managers of Python projects, in commands. */
import type { Rule } from "../rule.ts";
import type { Argument } from "../shell/argument.ts";
import type { ShellCommand } from "../shell/script.ts";
import {
  insertAfter,
  found,
  foundCommand,
  has,
  operands,
  subcommand,
  isKnown,
  isSet,
  isImage,
  isName,
} from "./tools.ts";

const base = `FROM registry.example/build@sha256:${"0".repeat(64)}\n`;

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

/** For each manager the command that installs, the option that makes it keep to the lock, and others that do. */
const keeping: ReadonlyMap<string, readonly string[]> = new Map([
  ["uv", ["sync", "--locked", "--frozen"]],
  ["pipenv", ["install", "--deploy", "--ignore-pipfile"]],
  ["pdm", ["install", "--frozen-lockfile", "--no-lock"]],
]);

export const pythonRules: readonly Rule[] = [
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
      const [word, ...flags] = keeping.get(name) ?? [];
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
];
