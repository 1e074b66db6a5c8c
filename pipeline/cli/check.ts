/** `lockstep check`: specs and lock valid and fresh, maintainer scripts accounted for, rendered manifests up to date, files linted. */
import { resolve } from "node:path";
import { lockProblems, openRepository } from "../build/repository.ts";
import { scriptWarnings } from "../build/scripts-check.ts";
import { imagesOf, readModel, renderTree } from "../deliver/delivery.ts";
import { checkRendered } from "../deliver/tree.ts";
import { type ExitCode, formatProblem, LockstepError, type Problem } from "../host/errors.ts";
import { describeFindings, describeRules, hasErrors, lintDocument, ruleDocument } from "../lint/describe.ts";
import { lint, type LintResult } from "../lint/lint.ts";
import { writeFileAtomically } from "../store/store.ts";
import { buildAll } from "./build.ts";
import { type CommandModule, type Context, outputDirectory } from "./command.ts";
import type { CheckDocument } from "./documents/check.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .argument("[path...]", "lint these files and folders, and check nothing else")
    .option("-o, --out <directory>", "where layouts go (usually out/images in the repository)")
    .option("--fix", "mend what can be mended without deciding anything")
    .option("--sarif <file>", "write the findings of the lint as SARIF 2.1.0")
    .option("--about <subject>", "look at one subject alone: lint, lock or rendered")
    .option("--rules", "list the rules of the lint, and check nothing");
};

export const examples: CommandModule["examples"] = [
  "lockstep check",
  "lockstep check --fix Dockerfile",
  "lockstep check --sarif out/lint.sarif --json",
];

const subjects = ["lint", "lock", "rendered"] as const;
type Subject = (typeof subjects)[number];

/** The value of `--about`; LS1002 for what is none. */
function subjectOf(about: unknown, paths: readonly string[]): Subject | undefined {
  if (about === undefined) return paths.length > 0 ? "lint" : undefined;
  const found = subjects.find((subject) => subject === about);
  if (found !== undefined && (found === "lint" || paths.length === 0)) return found;
  const message =
    found === undefined
      ? `there is no subject "${String(about)}"`
      : `--about ${found} is about no paths, and some are given`;
  throw new LockstepError({ code: "LS1002", message, hint: `there are ${subjects.join(", ")}; paths are linted` });
}

const nothing: LintResult = { files: [], checked: 0, fixed: [] };

/** Problems of the rendered tree have codes of their own; all others are about specs, lock and inputs. */
function isAbout({ code }: Problem, subject: Subject | undefined): boolean {
  return subject === undefined || code.startsWith("LS71") === (subject === "rendered");
}

function say(list: readonly Problem[], word: string): string {
  return list.map((problem) => `${word} ${formatProblem(problem)}\n`).join("");
}

function count(amount: number, word: string): string {
  return `${amount} ${word}${amount === 1 ? "" : "s"}`;
}

interface Repository {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

async function checkRepository(context: Context, options: Readonly<Record<string, unknown>>): Promise<Repository> {
  const { root } = context;
  const repository = await openRepository(context.store, root);
  const model = await readModel(repository);
  const problems = [...lockProblems(repository)];
  if (problems.length > 0) return { problems, warnings: [] };
  // Digests of the rendered tree and what scripts left undone are known by building; what was built before costs nothing.
  const { images } = await buildAll(context, [], outputDirectory(context, options, "out/images"));
  const { dockerfileProblems } = await import("../build/step/check-dockerfiles.ts");
  problems.push(...(await dockerfileProblems(root, repository.specs)));
  const delivered = images.filter(({ image }) => imagesOf(model).includes(image));
  problems.push(...(await checkRendered(root, renderTree(model, delivered))));
  return { problems, warnings: scriptWarnings(images) };
}

async function writeSarif({ host }: Context, file: unknown, result: LintResult): Promise<void> {
  if (typeof file !== "string") return;
  const { sarifLog } = await import("../lint/sarif.ts");
  await writeFileAtomically(host, resolve(host.cwd, file), sarifLog(result));
}

export const run: CommandModule["run"] = async (context, options, paths) => {
  if (options["rules"] === true)
    return { exit: 0, result: { rules: ruleDocument() } satisfies CheckDocument, text: describeRules() };
  const subject = subjectOf(options["about"], paths);
  const checked = subject === "lint" ? { problems: [], warnings: [] } : await checkRepository(context, options);
  const problems = checked.problems.filter((problem) => isAbout(problem, subject));
  const warnings = checked.warnings.filter((warning) => isAbout(warning, subject));
  const linting = subject === undefined || subject === "lint";
  const linted = linting ? await lint(context.host, context.root, { paths, fix: options["fix"] === true }) : nothing;
  await writeSarif(context, options["sarif"], linted);
  const lintExit: ExitCode = hasErrors(linted) ? 1 : 0;
  const exit = problems.length > 0 ? new LockstepError(problems).exitCode : lintExit;
  const summary =
    subject === "lint" ? "" : `${count(problems.length, "problem")}, ${count(warnings.length, "warning")}\n`;
  return {
    exit,
    result: { problems, warnings, lint: lintDocument(linted) } satisfies CheckDocument,
    text: `${say(problems, "problem")}${say(warnings, "warning")}${summary}${linting ? describeFindings(linted) : ""}`,
  };
};
