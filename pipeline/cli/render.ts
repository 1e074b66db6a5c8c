/** `lockstep render`: manifests with the digests the images have now, written to the tree that is committed. */
import { openRepository } from "../build/repository.ts";
import { imagesOf, readModel, renderTree } from "../deliver/delivery.ts";
import { writeRendered } from "../deliver/tree.ts";
import { buildAll } from "./build.ts";
import { type CommandModule, outputDirectory } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command.option("-o, --out <directory>", "where layouts go (usually out/images in the repository)");
};

export const examples: CommandModule["examples"] = [
  "lockstep render",
  "lockstep render && git diff manifests/rendered",
];

export const run: CommandModule["run"] = async (context, options) => {
  const { host, root } = context;
  const model = await readModel(await openRepository(context.store, root));
  const names = imagesOf(model);
  const images =
    names.length === 0 ? [] : (await buildAll(context, names, outputDirectory(context, options, "out/images"))).images;
  const files = renderTree(model, images);
  const { written, removed } = await writeRendered(host, root, files);
  const lines = [...written.map((path) => `wrote ${path}\n`), ...removed.map((path) => `removed ${path}\n`)];
  const text = lines.length === 0 ? `${files.length} rendered files are up to date\n` : lines.join("");
  return { exit: 0, result: { files: files.map(({ path }) => path), written, removed }, text };
};
