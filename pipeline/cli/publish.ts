/** `lockstep publish`: images built and pushed to a registry: what is missing, by digest, tags last. */
import { LockstepError } from "../host/errors.ts";
import type { Transferred, TransferOptions } from "../registry/transfer.ts";
import { buildAll } from "./build.ts";
import { collect, type CommandModule, outputDirectory, texts } from "./command.ts";
import { describeTransfer, shownTransfers } from "./transferred.ts";
import type { PublishDocument } from "./documents/publish.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .argument("[image...]", "images to publish; all when none is named")
    .requiredOption("--to <reference>", "the repository, with a tag or without; {image} in it is the image's name")
    .option("--tag <tag>", "a tag to give besides the one in --to; may be there several times", collect)
    .option("--expect <digest>", "what each tag must be before, or absent")
    .option("-o, --out <directory>", "where layouts go (usually out/images in the repository)")
    .option("--offline", "build without the network; it is then used for publishing only");
};

export const examples: CommandModule["examples"] = [
  "lockstep publish web --to registry.example/team/web:1.0",
  "lockstep publish --to registry.example/team/{image} --tag 1.0 --tag 1.0.3",
  "lockstep publish web --to registry.example/team/web:1.0 --expect absent --json",
];

export const run: CommandModule["run"] = async (context, options, names) => {
  const { parseExpected, transfer } = await import("../registry/transfer.ts");
  const to = String(options["to"]);
  const tags = texts(options["tag"]);
  const expected: Pick<TransferOptions, "expected"> =
    typeof options["expect"] === "string" ? { expected: parseExpected(options["expect"]) } : {};
  const out = outputDirectory(context, options, "out/images");
  const { images } = await buildAll(context, names, out, context.store, options["offline"] === true);
  if (images.length > 1 && !to.includes("{image}")) {
    throw new LockstepError({
      code: "LS1002",
      message: `${images.length} images cannot all be published to ${to}`,
      hint: "write {image} where the name of each shall be, or name one image",
    });
  }
  if (images.length > 1 && expected.expected !== undefined && expected.expected !== "absent") {
    throw new LockstepError({
      code: "LS1002",
      message: `--expect ${expected.expected} cannot hold for the tags of ${images.length} images`,
      hint: "publish one image at a time, or expect all tags to be absent",
    });
  }
  const published: { readonly image: string; readonly transferred: Transferred }[] = [];
  for (const { image, layout } of images) {
    const target = to.replaceAll("{image}", image);
    published.push({
      image,
      transferred: await transfer(context, `oci:${layout}:${image}`, target, { tags, ...expected }),
    });
  }
  return {
    exit: 0,
    result: {
      images: published.map(({ image, transferred }) => ({ image, ...describeTransfer(transferred) })),
    } satisfies PublishDocument,
    text: shownTransfers(published.map(({ transferred }) => transferred)),
  };
};
