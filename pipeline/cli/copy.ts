/** `lockstep copy`: an image from one registry or layout to another, unchanged. */
import type { CommandModule } from "./command.ts";
import { describeTransfer, shownTransfers } from "./transferred.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .argument("<source>", "a reference with a tag or digest, or oci:directory:name for a layout")
    .argument("<destination>", "the same; without a tag in a registry only the digest finds it")
    .option("--platform <platform>", "copy the image of one platform only, such as linux/arm64")
    .option("--referrers", "copy signatures, SBOMs and whatever else refers to the image as well")
    .option("--expect <digest>", "what the tag must be before, or absent");
};

export const examples: CommandModule["examples"] = [
  "lockstep copy registry.example/team/web:1.0 registry.example/prod/web:1.0 --referrers",
  "lockstep copy registry.example/team/web:1.0 oci:/tmp/layout:web",
  "lockstep copy oci:out/images/web:web registry.example/team/web:1.0 --expect absent",
];

export const run: CommandModule["run"] = async (context, options, args) => {
  const { parseExpected, transfer } = await import("../registry/transfer.ts");
  const { expect, platform, referrers } = options;
  const copied = await transfer(context, args[0] ?? "", args[1] ?? "", {
    ...(typeof expect === "string" ? { expected: parseExpected(expect) } : {}),
    ...(typeof platform === "string" ? { platform } : {}),
    referrers: referrers === true,
  });
  return { exit: 0, result: describeTransfer(copied), text: shownTransfers([copied]) };
};
