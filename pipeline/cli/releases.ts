/** `lockstep verify --all-tags`: rebuilds the tagged releases of the repository, and says whether they still come out as they were recorded. */
import { renderedDirectory } from "../deliver/model.ts";
import { type ExitCode, LockstepError } from "../host/errors.ts";
import { choosePerturbations, releaseChoice } from "../verify/perturb/choose.ts";
import { type ReleaseVerdict, verifyReleases } from "../verify/releases.ts";
import { fetchAll } from "./build.ts";
import type { Context, Outcome } from "./command.ts";
import type { VerifyDocument } from "./documents/verify.ts";

function describe({ tag, image, verdict, recorded, rebuilt, reason }: ReleaseVerdict): string {
  const name = image === undefined ? tag : `${tag} ${image}`;
  if (verdict === "reproduced") return `${name}: reproduced ${recorded}\n`;
  if (verdict === "differs") return `LS5007 ${name}: ${recorded} recorded, ${rebuilt} rebuilt\n`;
  return `LS5008 ${name}: could not tell: ${reason}\n`;
}

function exitOf(verdicts: readonly ReleaseVerdict[]): ExitCode {
  if (verdicts.some(({ verdict }) => verdict === "differs")) return 1;
  return verdicts.length > 0 && verdicts.every(({ verdict }) => verdict === "reproduced") ? 0 : 4;
}

/** Verifies releases, for `lockstep verify --all-tags`. */
export async function runOnReleases(
  context: Context,
  options: Readonly<Record<string, unknown>>,
  images: readonly string[],
): Promise<Outcome> {
  const { host, store, root } = context;
  for (const other of ["against", "capsule", "html", "markdown", "out", "strict"])
    if (options[other] !== undefined)
      throw new LockstepError({
        code: "LS1002",
        message: `--${other} is about the image that is built now, and --all-tags about past ones`,
        hint: "verify once with each",
      });
  const { perturb } = options;
  const chosen =
    typeof perturb === "string" ? await choosePerturbations(host, perturb, store.directory) : await releaseChoice(host);
  const verdicts = await verifyReleases(context, root, {
    images,
    perturb: chosen,
    rendered: renderedDirectory,
    fetch: async (release, names) => {
      await fetchAll({ ...context, root: release }, names, store, false);
    },
  });
  return {
    exit: exitOf(verdicts),
    result: {
      perturbations: chosen.rounds.map((round) => round.map(({ name, changes }) => ({ name, changes }))),
      skipped: chosen.skipped,
      releases: verdicts,
    } satisfies VerifyDocument,
    text: verdicts.map(describe).join(""),
  };
}
