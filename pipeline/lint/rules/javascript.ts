/** Rules about npm, yarn, pnpm and bun, in commands. */
import type { Rule } from "../rule.ts";
import type { Argument } from "../shell/argument.ts";
import {
  insertAfter,
  replace,
  found,
  foundCommand,
  has,
  operands,
  subcommand,
  isSet,
  isImage,
  isName,
} from "./tools.ts";

const base = `FROM registry.example/build@sha256:${"0".repeat(64)}\n`;

const exactNpm = /^(?:@[^@/]+\/)?[^@]+@(?:npm:[^@]*@)?\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/;

export const javascriptRules: readonly Rule[] = [
  {
    id: "LK2401",
    title: "npm install in place of npm ci",
    severity: "error",
    elsewhere: "warning",
    rows: ["L1", "L4"],
    why: "`npm install` resolves anew what the lock file does not hold, and rewrites the lock file.",
    remedy: "Use `npm ci`, which installs what the lock file says or fails.",
    fix: "Writes `ci` in place of `install`, in Dockerfiles and workflows.",
    example: { file: "Dockerfile", bad: `${base}RUN npm install\n`, good: `${base}RUN npm ci\n` },
    on: "command",
    check(command) {
      const install =
        command.name === "npm"
          ? subcommand(command, ["install", "i", "add", "update", "up"], /^(?:--prefix|-C|--workspace|-w|--loglevel)$/)
          : undefined;
      if (install === undefined || has(command, "-g", "--global", "--package-lock-only") || install.rest.length > 0)
        return [];
      const { kind } = command.script.setting;
      // Where people work, their node_modules would be removed.
      const fresh = kind === "dockerfile" || kind === "workflow";
      const fix =
        fresh && /^(?:install|i)$/.test(install.word.value) ? replace(command, install.word, "ci") : undefined;
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
];
