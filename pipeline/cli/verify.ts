/** `lockstep verify`: builds, rebuilds in other surroundings, and says whether the digests are the same. */
import { type ExitCode, LockstepError } from "../host/errors.ts";
import type { Comparison } from "../verify/compare/comparison.ts";
import type { Chosen } from "../verify/perturb/choose.ts";
import type { Verdict } from "../verify/judge.ts";
import type { Sizes } from "../verify/report/sizes-page.ts";
import type { Compares } from "../verify/compare-rebuilt.ts";
import { verifyImages } from "../verify/verify.ts";
import { buildAll, capsuleOption } from "./build.ts";
import { collect, type CommandModule, type Context, outputDirectory, texts } from "./command.ts";
import { reportOptions, requireOneForReports, writeVerdictReports } from "./report-files.ts";
import { waiverHolder } from "./waivers.ts";
import type { VerifyDocument } from "./documents/verify.ts";

/** A verdict for people: one line, and one for each difference. */
export function describeVerdict({
  image,
  verdict,
  expected,
  rebuilt,
  differences,
  against,
  conclusion,
  steps = [],
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
  const concluded = [...steps, ...(conclusion === undefined ? [] : [conclusion])].map(({ text }) => `  ${text}\n`);
  return `LS5001 ${image}: the rebuild differs: ${expected} built, ${rebuilt ?? "nothing"} rebuilt\n${[...details, ...concluded].join("")}`;
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
    .option("--all-tags", "rebuild the releases that are tagged, and compare with the digests that they recorded")
    .option("--perturb <which>", "what to change for the rebuild: usual, all, none, or names with commas between them")
    .option("--strict", "accept no waiver")
    .option("--again", "rebuild also what was reproduced before from the same plans");
  reportOptions(command);
};

export const examples: CommandModule["examples"] = [
  "lockstep verify",
  "lockstep verify web --again",
  "lockstep verify web --perturb all",
  "lockstep verify --all-tags",
  "lockstep verify --capsule inputs.tar",
  "lockstep verify --engine tcp://builder-1:1234 --engine tcp://builder-2:1234",
  "lockstep verify web --against registry.example/team/web@sha256:0d5c…",
];

/** A verdict with the waivers of the repository: `accepted` when they answer for everything that differs. */
interface Held extends Verdict {
  readonly accepted?: true;
}

/** Holds what was compared against the waivers: with a published image where there is one, otherwise what was rebuilt with what was built. */
async function holdAgainstWaivers(
  context: Context,
  verdicts: readonly Verdict[],
  strict: boolean,
): Promise<{ readonly verdicts: readonly Held[]; readonly refused: boolean }> {
  if (verdicts.every(({ comparison, against }) => comparison === undefined && against === undefined))
    return { verdicts, refused: false };
  const hold = await waiverHolder(context, strict);
  let refused = false;
  const held = verdicts.map((verdict): Held => {
    const key = verdict.against === undefined ? "comparison" : "against";
    const found = verdict[key];
    if (found === undefined) return verdict;
    const { comparison, problems, accepted } = hold(found, verdict.image);
    refused ||= problems.length > 0;
    // A rebuild that differs from the build is not answered for by a waiver for a published image.
    const all = accepted && (key === "comparison" || verdict.comparison === undefined);
    return { ...verdict, [key]: comparison, ...(all && verdict.verdict === "differs" ? { accepted: true } : {}) };
  });
  return { verdicts: held, refused };
}

/** What differs, below the line of the verdict. */
async function details({ output }: Context, { comparison, against }: Verdict): Promise<string> {
  const shown = [comparison, against].filter((each): each is Comparison => each?.verdict === "differs");
  if (shown.length === 0) return "";
  const { comparisonText } = await import("../verify/report/text.ts");
  return shown.map((each) => `\n${comparisonText(each, output ?? { color: false })}`).join("");
}

function describeSkipped({ skipped }: Chosen): string {
  return skipped.map(({ name, reason }) => `not changed: ${name}: ${reason}\n`).join("");
}

export const run: CommandModule["run"] = async (context, options, names) => {
  const { host, store, report, root, signal } = context;
  const { against, perturb } = options;
  const engines = texts(options["engine"]);
  if (engines.length > 0) {
    const { runOnEngines } = await import("./engines.ts");
    return runOnEngines(context, options, engines, names);
  }
  if (options["allTags"] === true) {
    const { runOnReleases } = await import("./releases.ts");
    return runOnReleases(context, options, names);
  }
  if (typeof against === "string" && names.length !== 1)
    throw new LockstepError({
      code: "LS1002",
      message: "--against compares one image, and not one is named",
      hint: "name the image that it is to be compared with",
    });
  requireOneForReports(options, names);
  const { choosePerturbations, usualChoice } = await import("../verify/perturb/choose.ts");
  const chosen = typeof perturb === "string" ? await choosePerturbations(host, perturb, store.directory) : usualChoice;
  const { images, planned } = await buildAll(
    context,
    names,
    outputDirectory(context, options, "out/images"),
    store,
    false,
    capsuleOption(options),
  );
  // Reports are about one image.
  const sizes = new Map<Compares, readonly Sizes[]>();
  const judged = await verifyImages(host, store, report, images, {
    root,
    planned,
    again: options["again"] === true,
    ...(typeof perturb === "string" ? { perturb: chosen } : {}),
    ...(typeof against === "string" ? { against } : {}),
    ...(typeof options["html"] === "string"
      ? { sizes: (part: Compares, both: readonly Sizes[]) => sizes.set(part, both) }
      : {}),
    signal,
  });
  const { verdicts, refused } = await holdAgainstWaivers(context, judged, options["strict"] === true);
  await writeVerdictReports(context, options, verdicts, sizes);
  const lines: string[] = [];
  for (const verdict of verdicts) {
    const waived = verdict.accepted === true ? `  waivers answer for all that differs\n` : "";
    lines.push(describeVerdict(verdict), waived, await details(context, verdict));
  }
  const exit = exitOf(verdicts.filter(({ accepted }) => accepted !== true));
  return {
    exit: exit === 0 && refused ? 1 : exit,
    result: {
      perturbations: chosen.rounds.map((round) => round.map(({ name, changes }) => ({ name, changes }))),
      stepPerturbations: chosen.steps.map(({ name, changes }) => ({ name, changes })),
      skipped: chosen.skipped,
      verdicts,
    } satisfies VerifyDocument,
    text: `${lines.join("")}${describeSkipped(chosen)}`,
  };
};
