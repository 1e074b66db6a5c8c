/** `lockstep render`: manifests with the digests the images have now, written to the tree that is committed. */
import { resolve } from "node:path";
import { openRepository } from "../build/repository.ts";
import { imagesOf, readModel, renderTree } from "../deliver/delivery.ts";
import { writeRendered } from "../deliver/tree.ts";
import { writeFileAtomically } from "../store/store.ts";
import { buildAll } from "./build.ts";
import { type CommandModule, outputDirectory, shown } from "./command.ts";
import type { RenderDocument } from "./documents/build.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .option("-o, --out <directory>", "where layouts go (usually out/images in the repository)")
    .option("--message <file>", "write a message for the commit of the manifests, for git commit -F; - is stdout");
};

export const examples: CommandModule["examples"] = [
  "lockstep render",
  "lockstep render && git diff manifests/rendered",
  "lockstep render --message out/message && git add manifests/rendered && git commit -F out/message",
];

export const run: CommandModule["run"] = async (context, options) => {
  const { host, report, root } = context;
  const target = options["message"];
  const model = await readModel(await openRepository(context.store, root));
  const names = imagesOf(model);
  const images =
    names.length === 0 ? [] : (await buildAll(context, names, outputDirectory(context, options, "out/images"))).images;
  const files = renderTree(model, images);
  // Asked for before the tree is written: it tells what changes.
  const message =
    typeof target === "string"
      ? await (await import("../deliver/commit.ts")).messageOfCommit(context, files, images)
      : undefined;
  const { written, removed } = await writeRendered(host, root, files);
  const lines = [...written.map((path) => `wrote ${path}`), ...removed.map((path) => `removed ${path}`)];
  if (lines.length === 0) lines.push(`${files.length} rendered files are up to date`);
  const result: RenderDocument = {
    files: files.map(({ path }) => path),
    written,
    removed,
    ...(message === undefined ? {} : { message }),
  };
  if (message === undefined) return { exit: 0, result, text: lines.map((line) => `${line}\n`).join("") };
  if (target === "-") {
    for (const line of lines) report.detail(line);
    return { exit: 0, result, text: message };
  }
  const path = resolve(host.cwd, String(target));
  await writeFileAtomically(host, path, message);
  lines.push(`wrote ${shown(context, path)}`);
  return { exit: 0, result, text: lines.map((line) => `${line}\n`).join("") };
};
