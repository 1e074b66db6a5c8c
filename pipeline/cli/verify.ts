/** `lockstep verify`: builds, rebuilds in other surroundings, and says whether the digests are the same. */
import { type ExitCode, LockstepError } from "../host/errors.ts";
import { perturbations } from "../verify/rebuild.ts";
import { type Verdict, verifyImages } from "../verify/verify.ts";
import { buildAll, capsuleOption } from "./build.ts";
import { collect, type CommandModule, outputDirectory } from "./command.ts";

/** A verdict for people: one line, and one for each difference. */
export function describeVerdict({
  image,
  verdict,
  expected,
  rebuilt,
  differences,
  against,
  reason,
  known,
}: Verdict): string {
  if (verdict === "reproduced") return `${image}: reproduced ${expected}${known ? " (verified before)" : ""}\n`;
  if (verdict === "could not tell") return `LS5002 ${image}: could not tell: ${reason}\n`;
  if (against?.verdict === "differs" && rebuilt === expected)
    return `LS5004 ${image}: ${against.a.name} is ${against.a.digest}, and ${against.b.digest} was rebuilt\n`;
  const details = differences.map(
    ({ platform, what, expected: a, rebuilt: b }) => `  ${platform} ${what}: ${a} built, ${b} rebuilt\n`,
  );
  return `LS5001 ${image}: the rebuild differs: ${expected} built, ${rebuilt ?? "nothing"} rebuilt\n${details.join("")}`;
}

/** 0 only when everything is reproduced; 4 when nothing differs and something could not be told. */
export function exitOf(verdicts: readonly Pick<Verdict, "verdict">[]): ExitCode {
  if (verdicts.some(({ verdict }) => verdict === "differs")) return 1;
  return verdicts.every(({ verdict }) => verdict === "reproduced") ? 0 : 4;
}

export const define: CommandModule["define"] = (command) => {
  command
    .argument("[image...]", "images to verify; all when none is named")
    .option("-o, --out <directory>", "where layouts go (usually out/images in the repository)")
    .option("--capsule <path>", "take every input from this capsule, and nothing from the network")
    .option("--against <subject>", "compare the rebuilt image with this too: a reference, a layout, an archive")
    .option("--engine <address>", "rebuild on this Dagger engine instead of here; may be there several times", collect)
    .option("--rebuilders <number>", "how many of the engines rebuild each image (all of them unless given)")
    .option(
      "--module-option <option>",
      "what dagger call gets before the function; may be there several times",
      collect,
    )
    .option("--again", "rebuild also what was reproduced before from the same plans");
};

export const examples: CommandModule["examples"] = [
  "lockstep verify",
  "lockstep verify web --again",
  "lockstep verify --capsule inputs.tar",
  "lockstep verify --engine tcp://builder-1:1234 --engine tcp://builder-2:1234",
  "lockstep verify web --against registry.example/team/web@sha256:0d5c…",
];

export const run: CommandModule["run"] = async (context, options, names) => {
  const { host, store, report, root, signal } = context;
  const { against } = options;
  if (Array.isArray(options["engine"])) {
    const { runOnEngines } = await import("./engines.ts");
    return runOnEngines(context, options, options["engine"].map(String), names);
  }
  if (typeof against === "string" && names.length !== 1)
    throw new LockstepError({
      code: "LS1002",
      message: "--against compares one image, and not one is named",
      hint: "name the image that it is to be compared with",
    });
  const { images } = await buildAll(
    context,
    names,
    outputDirectory(context, options, "out/images"),
    store,
    false,
    capsuleOption(options),
  );
  const verdicts = await verifyImages(host, store, report, images, {
    root,
    again: options["again"] === true,
    ...(typeof against === "string" ? { against } : {}),
    signal,
  });
  return { exit: exitOf(verdicts), result: { perturbations, verdicts }, text: verdicts.map(describeVerdict).join("") };
};
