/** Verify: rebuild, compare digests, and keep the verdict with the plans it is about. */
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BuiltImage } from "../build/build.ts";
import type { PlannedImage } from "../build/plan.ts";
import { hasSteps, stepsOpenAgain } from "../build/step/open.ts";
import { LockstepError, type Problem } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { damagedBlobs } from "../image/layout.ts";
import type { Report } from "../report/report.ts";
import { hexOf } from "../store/digest.ts";
import type { Store } from "../store/store.ts";
import type { SubjectRun } from "./compare/open-subject.ts";
import { compareLayouts, type Compares, compareWith, type Comparing } from "./compare-rebuilt.ts";
import type { Chosen } from "./perturb/choose.ts";
import type { StepDrift } from "./perturb/conclude-steps.ts";
import type { StepPerturbation } from "./perturb/step-table.ts";
import type { Perturbation } from "./perturb/surroundings.ts";
import type { Sizes } from "./report/sizes-page.ts";
import { judge, type Verdict } from "./judge.ts";
import { keepVerdict, knownVerdict } from "./known.ts";
import type { RebuildOptions, RebuiltImage } from "./rebuild.ts";

/** A verdict is about the bytes that lie in the layout, so they are read: LS5003 for what is not what it is called. */
async function checkLayouts(store: Store, images: readonly BuiltImage[]): Promise<void> {
  const problems: Problem[] = [];
  for (const { image, layout } of images) {
    for (const digest of await damagedBlobs(layout)) {
      // The store's blob may be the same file.
      await rm(join(layout, "blobs", "sha256", hexOf(digest)), { force: true });
      await store.corrupt(digest);
      problems.push({
        code: "LS5003",
        message: `blob ${digest} of ${image} is damaged and was removed`,
        place: { file: layout },
        hint: "run the command again: it is made anew",
      });
    }
  }
  if (problems.length > 0) throw new LockstepError(problems);
}

export interface VerifyOptions {
  readonly root: string;
  /** Rebuild also what was reproduced before. */
  readonly again: boolean;
  /** How the surroundings of the rebuilds differ; as usual when nothing is said. */
  readonly perturb?: Chosen;
  /** The plans that the images were built from; steps in them are held against further runs one by one. */
  readonly planned?: readonly PlannedImage[];
  /** Compare what is rebuilt with this too: a reference, a layout, an archive, see `openSubject`. For one image. */
  readonly against?: string;
  /** Called with layers and packages by size of what is compared and differs. */
  readonly sizes?: (part: Compares, sizes: readonly Sizes[]) => void;
  readonly signal?: AbortSignal;
}

/** What a failed rebuild says about the images it was for. */
function untold(images: readonly BuiltImage[], error: unknown): readonly Verdict[] {
  // What the user broke off, and what is broken in the program itself, is no finding about an image.
  if (!(error instanceof LockstepError) || error.code !== "LS5002") throw error;
  const reason = error.problems.map(({ message }) => message).join("\n");
  return images.map(({ image, index }) => ({
    image,
    verdict: "could not tell",
    expected: index.descriptor.digest,
    differences: [],
    reason,
    known: false,
  }));
}

/** What one verification has at hand. */
interface Verification {
  readonly run: SubjectRun;
  readonly options: VerifyOptions;
  readonly built: readonly BuiltImage[];
  /** By image. */
  readonly drifts: ReadonlyMap<string, readonly StepDrift[]>;
  readonly comparing: Comparing;
}

/** The steps of images that give another layer when they are run again. LS9006 when runs are missing that it takes to say so. */
async function stepDrifts(
  { host, store, report, signal }: SubjectRun,
  planned: readonly PlannedImage[],
  perturbations: readonly StepPerturbation[],
): Promise<ReadonlyMap<string, readonly StepDrift[]>> {
  const images = planned.filter(hasSteps);
  if (images.length === 0) return new Map();
  const [{ prepareSteps }, { examineSteps }, { driftsOf }] = await Promise.all([
    import("../build/build.ts"),
    import("./perturb/examine-steps.ts"),
    import("./perturb/conclude-steps.ts"),
  ]);
  const prepared = await prepareSteps(host, { inputs: store, results: store }, report, images, { every: true, signal });
  const examined = await examineSteps(host, store, prepared, perturbations);
  const byImage = Map.groupBy(images, ({ image }) => image);
  if (examined.some(({ finding }) => finding.kind === "open")) throw stepsOpenAgain([...byImage.keys()]);
  return new Map([...byImage].map(([image, plans]) => [image, driftsOf(plans, examined)]));
}

/** Rebuilds images once and compares; what is reproduced is not remembered here. */
async function verifyOnce(
  verification: Verification,
  open: readonly BuiltImage[],
  perturbations: readonly Perturbation[],
): Promise<readonly Verdict[]> {
  const { run, options, built, comparing } = verification;
  const { host, store, report, signal } = run;
  const { rebuild } = await import("./rebuild.ts");
  const common: Omit<RebuildOptions, "images" | "perturbations"> = {
    root: options.root,
    leave: built.map(({ layout }) => dirname(layout)),
    signal,
  };
  const verdicts: Verdict[] = [];
  const inspect = async (out: string, rebuilt: readonly RebuiltImage[]): Promise<void> => {
    for (const image of open) {
      const again = rebuilt.find((other) => other.image === image.image);
      const verdict = judge(image, again);
      const layout = join(out, image.image);
      const comparison =
        verdict.verdict === "reproduced" || again === undefined
          ? undefined
          : await compareLayouts(comparing, image, layout);
      const other = options.against === undefined ? undefined : await compareWith(comparing, image, verdict, layout);
      verdicts.push({
        ...verdict,
        ...(comparison === undefined ? {} : { comparison }),
        ...(other === undefined ? {} : { against: other }),
        ...(other?.verdict === "differs" ? { verdict: "differs" } : {}),
        known: false,
      });
    }
  };
  const images = open.map(({ image }) => image);
  try {
    await rebuild(host, store, report, { ...common, images, perturbations, inspect });
  } catch (error) {
    const told = new Set(verdicts.map(({ image }) => image));
    verdicts.push(
      ...untold(
        open.filter(({ image }) => !told.has(image)),
        error,
      ),
    );
  }
  const explained: Verdict[] = [];
  for (const verdict of verdicts) {
    const image = open.find((each) => each.image === verdict.image);
    if (verdict.comparison === undefined || verdict.rebuilt === undefined || image === undefined) {
      explained.push(verdict);
      continue;
    }
    const drifts = verification.drifts.get(verdict.image) ?? [];
    if (drifts.length > 0) {
      const { withSteps } = await import("./perturb/conclude-steps.ts");
      explained.push({ ...verdict, ...withSteps(verdict.comparison, drifts) });
      continue;
    }
    const [{ experiment }, { withExperiments }] = await Promise.all([
      import("./perturb/experiment.ts"),
      import("./perturb/conclude.ts"),
    ]);
    const found = await experiment(
      () => host.elapsed(),
      image,
      perturbations,
      async (some) => {
        const rebuilt = await rebuild(host, store, report, { ...common, images: [image.image], perturbations: some });
        return rebuilt.find((other) => other.image === image.image);
      },
    );
    const { attribution, conclusion, experiments } = found;
    const comparison = withExperiments(verdict.comparison, attribution, conclusion, experiments, verdict.rebuilt);
    explained.push({ ...verdict, comparison, conclusion });
  }
  return explained;
}

/**
 * Rebuilds what has no verdict yet and compares; where something differs, the bytes of both are compared too, and reruns find out what makes
 * the difference. An image is reproduced when every rebuild of it gives the same. A verdict is kept only when it is `reproduced`, under the
 * plans and the digest it is about, and when at least what is usual was changed; `again` rebuilds everything regardless.
 */
export async function verifyImages(
  host: Host,
  store: Store,
  report: Report,
  built: readonly BuiltImage[],
  options: VerifyOptions,
): Promise<readonly Verdict[]> {
  const verdicts = new Map<string, Verdict>();
  if (!options.again && options.against === undefined && options.perturb === undefined) {
    for (const image of built) {
      const verdict = await knownVerdict(store, image);
      if (verdict !== undefined) verdicts.set(image.image, verdict);
    }
  }
  const unknown = built.filter(({ image }) => !verdicts.has(image));
  if (unknown.length > 0) {
    await checkLayouts(store, unknown);
    const { changesTheUsual, usualChoice } = await import("./perturb/choose.ts");
    const signal = options.signal ?? new AbortController().signal;
    const run = { host, store, report, signal };
    const chosen = options.perturb ?? usualChoice;
    const planned = (options.planned ?? []).filter(({ image }) => unknown.some((each) => each.image === image));
    const comparing: Comparing = { ...options, run, compared: new Map() };
    const drifts = await stepDrifts(run, planned, chosen.steps);
    const verification: Verification = { run, options, built, drifts, comparing };
    let open = unknown;
    for (const round of chosen.rounds) {
      for (const verdict of await verifyOnce(verification, open, round)) verdicts.set(verdict.image, verdict);
      // What differs, or is not known, is not made better by another rebuild.
      open = open.filter(({ image }) => verdicts.get(image)?.verdict === "reproduced");
      if (open.length === 0) break;
    }
    if (changesTheUsual(chosen))
      for (const image of open) {
        // What it was compared with besides is another matter the next time.
        const { against: _, ...verdict } = verdicts.get(image.image) ?? {};
        await keepVerdict(store, image, verdict);
      }
  }
  return built.flatMap(
    (image) =>
      verdicts.get(image.image) ??
      untold([image], new LockstepError({ code: "LS5002", message: "the rebuild said nothing about it" })),
  );
}
