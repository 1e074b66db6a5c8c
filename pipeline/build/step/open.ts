/** Steps that were not run yet: which they are, and what a person does about it. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, type Problem } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { layerKey, type PlannedImage } from "../plan.ts";

/** The layer of an image that has to be run. */
export interface OpenStep {
  readonly image: PlannedImage;
  /** Position of its layer. */
  readonly index: number;
}

/** Names the directory in which results of steps are, one for each by the key of its layer. */
export const stepsVariable = "LOCKSTEP_STEPS";

/** Names the file with the secrets of steps: a JSON object of strings by name. */
export const secretsVariable = "LOCKSTEP_SECRETS";

/** Where below that directory the result of a step is: of its first run, or of one to compare, which are counted from 0. */
export function placeOf({ plan }: PlannedImage, index: number, run?: number): string {
  const key = layerKey(plan, index);
  return run === undefined ? key : join("again", String(run), key);
}

/** The first of the runs to compare is what a rebuild is made from. */
export const rebuildResults = join("again", "0");

/** Where the result of a step is; undefined when nobody ran it here. */
export async function resultOf(
  host: Host,
  image: PlannedImage,
  index: number,
  run?: number,
): Promise<string | undefined> {
  const directory = host.env(stepsVariable);
  if (directory === undefined) return undefined;
  const path = join(directory, placeOf(image, index, run));
  const info = await stat(path).catch(() => undefined);
  return info?.isDirectory() === true ? path : undefined;
}

/** Whether an image has steps at all, those of the images it is `from` too. */
export function hasSteps({ plan }: PlannedImage): boolean {
  return plan.layers.some(({ kind }) => kind === "step");
}

/** Images with all that their steps use, each once. */
export function withUses(images: readonly PlannedImage[]): readonly PlannedImage[] {
  const found = new Map<string, PlannedImage>();
  const add = (image: PlannedImage): void => {
    const key = `${image.image} ${image.plan.platform}`;
    if (found.has(key)) return;
    found.set(key, image);
    for (const used of image.uses.values()) add(used);
  };
  for (const image of images) add(image);
  return [...found.values()];
}

/** The steps that nobody knows the result of. */
export function openSteps(
  images: readonly PlannedImage[],
  isKnown: (image: number, layer: number) => boolean,
): readonly OpenStep[] {
  return images.flatMap((image, position) =>
    image.plan.layers.flatMap(({ kind }, index) =>
      kind === "step" && !isKnown(position, index) ? [{ image, index }] : [],
    ),
  );
}

/** LS9006 for images whose steps have to be run again to say whether they give the same. */
export function stepsOpenAgain(images: readonly string[]): LockstepError {
  return new LockstepError({
    code: "LS9006",
    message: `steps of ${images.join(", ")} have to be run a second time to compare`,
    hint: `do it on a Dagger engine: dagger call verify ${images.map((name) => `--image ${name}`).join(" ")}`,
  });
}

/** LS9006 for each image and platform with open steps: told once, by the first of them. */
export function stepsOpen(open: readonly OpenStep[]): LockstepError {
  const first = new Map(open.toReversed().map((step) => [`${step.image.image} ${step.image.plan.platform}`, step]));
  const problems = [...first.values()].toReversed().map(({ image: { image, plan }, index }): Problem => {
    const title = plan.layers[index]?.title.replace("lockstep: ", "") ?? "";
    return {
      code: "LS9006",
      message: `image "${image}" on ${plan.platform} has a step that runs code: ${title}`,
      place: { file: `images/${image}/image.yaml` },
      hint: `build it on a Dagger engine: dagger call build --image ${image}`,
    };
  });
  return new LockstepError(problems);
}
