/** `lockstep verify`: builds, rebuilds in other surroundings, and says whether the digests are the same. */
import { perturbations } from "../verify/rebuild.ts";
import { type Verdict, verifyImages } from "../verify/verify.ts";
import { buildAll, capsuleOption } from "./build.ts";
import { type CommandModule, outputDirectory } from "./command.ts";

/** A verdict for people: one line, and one for each difference. */
export function describeVerdict({ image, verdict, expected, rebuilt, differences, known }: Verdict): string {
  if (verdict === "reproduced") return `${image}: reproduced ${expected}${known ? " (verified before)" : ""}\n`;
  const details = differences.map(
    ({ platform, what, expected: a, rebuilt: b }) => `  ${platform} ${what}: ${a} built, ${b} rebuilt\n`,
  );
  return `LS5001 ${image}: the rebuild differs: ${expected} built, ${rebuilt} rebuilt\n${details.join("")}`;
}

export const define: CommandModule["define"] = (command) => {
  command
    .argument("[image...]", "images to verify; all when none is named")
    .option("-o, --out <directory>", "where layouts go (usually out/images in the repository)")
    .option("--capsule <path>", "take every input from this capsule, and nothing from the network")
    .option("--again", "rebuild also what was reproduced before from the same plans");
};

export const examples: CommandModule["examples"] = [
  "lockstep verify",
  "lockstep verify web --again",
  "lockstep verify --capsule inputs.tar",
];

export const run: CommandModule["run"] = async (context, options, names) => {
  const { host, store, report, root, signal } = context;
  const { images } = await buildAll(
    context,
    names,
    outputDirectory(context, options, "out/images"),
    store,
    false,
    capsuleOption(options),
  );
  const verdicts = await verifyImages(host, store, report, images, { root, again: options["again"] === true, signal });
  const differs = verdicts.some(({ verdict }) => verdict === "differs");
  return { exit: differs ? 1 : 0, result: { perturbations, verdicts }, text: verdicts.map(describeVerdict).join("") };
};
