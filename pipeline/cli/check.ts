/** `lockstep check`: specs and lock valid and fresh, maintainer scripts accounted for, rendered manifests up to date. */
import { resolve } from "node:path";
import { lockProblems, openRepository } from "../build/repository.ts";
import { scriptWarnings } from "../build/scripts-check.ts";
import { imagesOf, readModel, renderTree } from "../deliver/delivery.ts";
import { checkRendered } from "../deliver/tree.ts";
import { formatProblem, type Problem } from "../host/errors.ts";
import { buildAll } from "./build.ts";
import type { CommandModule } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command.option("-o, --out <directory>", "where layouts go", "out/images");
};

export const examples: CommandModule["examples"] = ["lockstep check", "lockstep check --json"];

export const run: CommandModule["run"] = async (context, options) => {
  const { root } = context;
  const repository = await openRepository(context.store, root);
  const model = await readModel(repository);
  const problems: Problem[] = [...lockProblems(repository)];
  let warnings: readonly Problem[] = [];
  if (problems.length === 0) {
    // Digests of the rendered tree and what scripts left undone are known by building; what was built before costs nothing.
    const { images } = await buildAll(context, [], resolve(root, String(options["out"])));
    warnings = scriptWarnings(images);
    const delivered = images.filter(({ image }) => imagesOf(model).includes(image));
    problems.push(...(await checkRendered(root, renderTree(model, delivered))));
  }
  const say = (list: readonly Problem[], word: string): string =>
    list.map((problem) => `${word} ${formatProblem(problem)}\n`).join("");
  const count = `${problems.length} ${problems.length === 1 ? "problem" : "problems"}, ${warnings.length} ${warnings.length === 1 ? "warning" : "warnings"}\n`;
  return {
    exit: problems.length > 0 ? 3 : 0,
    result: { problems, warnings },
    text: `${say(problems, "problem")}${say(warnings, "warning")}${count}`,
  };
};
