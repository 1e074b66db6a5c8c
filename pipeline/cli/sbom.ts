/** `lockstep sbom`: an SPDX document for each image and platform, from the lock. */
import { resolve } from "node:path";
import { writeSboms } from "../evidence/record.ts";
import { buildAll } from "./build.ts";
import { type CommandModule, outputDirectory, shown } from "./command.ts";
import type { SbomDocument } from "./documents/build.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .argument("[image...]", "images to describe; all when none is named")
    .option("-o, --out <directory>", "where everything goes (usually out in the repository)");
};

export const examples: CommandModule["examples"] = ["lockstep sbom", "lockstep sbom web --json"];

export const run: CommandModule["run"] = async (context, options, names) => {
  const out = outputDirectory(context, options, "out");
  const { repository, planned, images } = await buildAll(context, names, resolve(out, "images"));
  const written: SbomDocument["sboms"][number][] = [];
  let text = "";
  for (const built of images) {
    for (const file of await writeSboms(context.host, repository, planned, built, resolve(out, "sbom"))) {
      written.push({ image: built.image, ...file });
      text += `${built.image} ${file.platform}  ${shown(context, file.path)}\n`;
    }
  }
  return { exit: 0, result: { sboms: written } satisfies SbomDocument, text };
};
