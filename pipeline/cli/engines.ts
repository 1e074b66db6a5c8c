/** `lockstep verify --engine`: rebuilds on Dagger engines, and says whether all come to one digest. */
import { fileURLToPath } from "node:url";
import { chosenSpecs } from "../build/planner.ts";
import { openRepository } from "../build/repository.ts";
import { LockstepError } from "../host/errors.ts";
import { daggerRunner } from "../verify/engines/dagger.ts";
import { describeEngines, verifyOnEngines } from "../verify/engines/verify-engines.ts";
import { type Context, type Outcome, outputDirectory, texts } from "./command.ts";
import { exitOf } from "./verify.ts";
import type { VerifyDocument } from "./documents/verify.ts";

/** How many engines rebuild each image. LS1002 for what is no such number. */
function rebuildersOf(given: unknown, engines: number): number {
  const number = given === undefined ? engines : Number(given);
  if (Number.isInteger(number) && number >= 1 && number <= engines) return number;
  throw new LockstepError({
    code: "LS1002",
    message: `--rebuilders ${String(given)} is no number from 1 to ${engines}`,
    hint: "each engine rebuilds an image once: name more engines, or a smaller number",
  });
}

/** Verifies images on engines, for `lockstep verify --engine`. */
export async function runOnEngines(
  context: Context,
  options: Readonly<Record<string, unknown>>,
  given: readonly string[],
  names: readonly string[],
): Promise<Outcome> {
  const { host, store, report, root, signal } = context;
  for (const other of ["against", "capsule", "perturb", "html", "markdown"])
    if (options[other] !== undefined)
      throw new LockstepError({
        code: "LS1002",
        message: `--${other} is about a rebuild on this machine, and --engine about others`,
        hint: "verify once with each",
      });
  const engines = [...new Set(given)];
  const rebuilders = rebuildersOf(options["rebuilders"], engines.length);
  const { specs, lock } = await openRepository(store, root);
  const images = chosenSpecs(specs, names).map(({ name }) => name);
  const moduleOptions = texts(options["moduleOption"]);
  const runner = daggerRunner(host, {
    program: fileURLToPath(new URL("../..", import.meta.url)),
    root,
    moduleOptions,
    signal,
    patience: 60_000,
    interval: 30_000,
    limit: (batch) => 1_800_000 + batch.length * 120_000,
  });
  const result = await verifyOnEngines(host, report, runner, lock, images, {
    engines,
    rebuilders,
    layouts: outputDirectory(context, options, "out/images"),
    signal,
  });
  return {
    exit: exitOf(result.verdicts),
    result: {
      engines,
      rebuilders,
      verdicts: result.verdicts,
      lost: Object.fromEntries(result.lost),
    } satisfies VerifyDocument,
    text: describeEngines(result),
  };
}
