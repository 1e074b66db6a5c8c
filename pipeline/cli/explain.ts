/** `lockstep explain`: how two images differ, down to the innermost difference, and why. */
import type { CommandModule } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .argument("<first>", "a layout, an archive of an image, a layer, any file, or a reference with a tag or digest")
    .argument("<second>", "the same")
    .option("--platform <platform>", "compare the images of one platform only, such as linux/arm64");
};

export const examples: CommandModule["examples"] = [
  "lockstep explain out/images/web registry.example/team/web@sha256:0d5c…",
  "lockstep explain old.tar new.tar --json",
  "lockstep explain layer-1.tar.gz layer-2.tar.gz",
];

export const run: CommandModule["run"] = async (context, options, args) => {
  const { explain } = await import("../verify/explain.ts");
  const { platform } = options;
  const comparison = await explain(
    context,
    args[0] ?? "",
    args[1] ?? "",
    typeof platform === "string" ? { platform } : {},
  );
  return { exit: comparison.verdict === "equal" ? 0 : 1, result: comparison, text: `${comparison.verdict}\n` };
};
