/** `lockstep check`: specs and lock valid and fresh, maintainer scripts accounted for, rendered manifests up to date. */
import { lockProblems, openRepository } from "../build/repository.ts";
import { scriptWarnings } from "../build/scripts-check.ts";
import { imagesOf, readModel, renderTree } from "../deliver/delivery.ts";
import { checkRendered } from "../deliver/tree.ts";
import { formatProblem, LockstepError, type Problem } from "../host/errors.ts";
import { buildAll } from "./build.ts";
import { type CommandModule, outputDirectory } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command.option("-o, --out <directory>", "where layouts go (usually out/images in the repository)");
};

export const examples: CommandModule["examples"] = ["lockstep check", "lockstep check --json"];

function say(list: readonly Problem[], word: string): string {
  return list.map((problem) => `${word} ${formatProblem(problem)}\n`).join("");
}

export const run: CommandModule["run"] = async (context, options) => {
  const { root } = context;
  const repository = await openRepository(context.store, root);
  const model = await readModel(repository);
  const problems: Problem[] = [...lockProblems(repository)];
  let warnings: readonly Problem[] = [];
  if (problems.length === 0) {
    // Digests of the rendered tree and what scripts left undone are known by building; what was built before costs nothing.
    const { images } = await buildAll(context, [], outputDirectory(context, options, "out/images"));
    warnings = scriptWarnings(images);
    const delivered = images.filter(({ image }) => imagesOf(model).includes(image));
    problems.push(...(await checkRendered(root, renderTree(model, delivered))));
  }
  const count = `${problems.length} ${problems.length === 1 ? "problem" : "problems"}, ${warnings.length} ${warnings.length === 1 ? "warning" : "warnings"}\n`;
  return {
    exit: problems.length > 0 ? new LockstepError(problems).exitCode : 0,
    result: { problems, warnings },
    text: `${say(problems, "problem")}${say(warnings, "warning")}${count}`,
  };
};
