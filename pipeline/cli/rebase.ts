/** `lockstep rebase`: the own layers of an image that is built, on another base. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { registryImages } from "../build/base/registry-image.ts";
import { sourceDateEpoch } from "../build/planner.ts";
import { rebaseImage } from "../build/rebase.ts";
import { LockstepError } from "../host/errors.ts";
import { table } from "../report/table.ts";
import { type CommandModule, type Context, outputDirectory, shown } from "./command.ts";

/** The layout that is meant: of an image of the repository where there is one of that name, else a path. */
function layoutOf({ host, root }: Context, name: string): string {
  const built = join(root, "out/images", name);
  return !name.includes("/") && existsSync(join(built, "index.json")) ? built : resolve(host.cwd, name);
}

export const define: CommandModule["define"] = (command) => {
  command
    .argument("<image>", "name of a built image, or the directory of its layout")
    .requiredOption("--onto <reference>", "the new base: an image of a registry with a tag or a digest")
    .option("-o, --out <directory>", "where the layout goes (usually out/rebased in the repository)");
};

export const examples: CommandModule["examples"] = [
  "lockstep rebase web --onto registry.example/distro/base:1.3",
  "lockstep rebase out/images/web --onto registry.example/distro/base:1.3 --out /tmp/layouts --json",
];

export const run: CommandModule["run"] = async (context, options, [name = ""]) => {
  const { host, report, store, signal } = context;
  const onto = options["onto"];
  if (typeof onto !== "string") throw new LockstepError({ code: "LS1002", message: "--onto needs a reference" });
  const epoch = sourceDateEpoch(host);
  const { image, index, layout, platforms, unchanged } = await rebaseImage(host, store, report, {
    layout: layoutOf(context, name),
    onto,
    out: outputDirectory(context, options, "out/rebased"),
    open: registryImages(host, report, signal),
    signal,
    ...(epoch === undefined ? {} : { epoch }),
  });
  const described = platforms.map(({ platform, manifest, config, layers }) => ({
    platform,
    digest: manifest.descriptor.digest,
    config: config.descriptor.digest,
    layers: layers.map(({ digest, size, diffId, tarSize }) => ({ digest, size, diffId, tarSize })),
  }));
  const text = table(described, [
    { title: "image", value: () => image },
    { title: "platform", value: ({ platform }) => platform },
    { title: "digest", value: ({ digest }) => digest },
  ]);
  return {
    exit: 0,
    result: { image, digest: index.descriptor.digest, onto, layout, unchanged, platforms: described },
    text: `${text}\n${image}  ${index.descriptor.digest}  ${shown(context, layout)}\n`,
  };
};
