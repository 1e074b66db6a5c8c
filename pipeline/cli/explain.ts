/** `lockstep explain`: how two images differ, down to the innermost difference, and why. */
import type { Sizes } from "../verify/report/sizes-page.ts";
import type { CommandModule } from "./command.ts";
import { reportOptions, writeReports } from "./report-files.ts";
import { waiverHolder } from "./waivers.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .argument("<first>", "a layout, an archive of an image, a layer, any file, or a reference with a tag or digest")
    .argument("<second>", "the same")
    .option("--platform <platform>", "compare the images of one platform only, such as linux/arm64")
    .option("--image <name>", "show which differences the waivers of this image of the repository cover")
    .option("--strict", "with --image: refuse all waivers");
  reportOptions(command);
};

export const examples: CommandModule["examples"] = [
  "lockstep explain out/images/web registry.example/team/web@sha256:0d5c…",
  "lockstep explain old.tar new.tar --json",
  "lockstep explain layer-1.tar.gz layer-2.tar.gz",
  "lockstep explain old.tar new.tar --html differences.html",
];

export const run: CommandModule["run"] = async (context, options, args) => {
  const { explain } = await import("../verify/explain.ts");
  const { platform, image, strict } = options;
  let sizes: readonly Sizes[] = [];
  const found = await explain(context, args[0] ?? "", args[1] ?? "", {
    ...(typeof platform === "string" ? { platform } : {}),
    ...(typeof options["html"] === "string" ? { sizes: (both: readonly Sizes[]) => (sizes = both) } : {}),
  });
  let [comparison, refused] = [found, false];
  if (typeof image === "string") {
    const hold = await waiverHolder(context, strict === true);
    const held = hold(found, image);
    comparison = held.comparison;
    refused = held.problems.length > 0;
  }
  const exit = comparison.verdict === "equal" && !refused ? 0 : 1;
  await writeReports(context, options, comparison, sizes);
  const { comparisonText } = await import("../verify/report/text.ts");
  return { exit, result: comparison, text: comparisonText(comparison, context.output ?? { color: false }) };
};
