/** `lockstep build`: plans in, one OCI layout per image out. */
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Option } from "commander";
import { hasSteps, stepsVariable } from "../build/step/open.ts";
import { allLayersKnown, type BuiltImage, buildImages } from "../build/build.ts";
import type { PlannedImage } from "../build/plan.ts";
import {
  admitRepositoryBases,
  fetchLocked,
  openRepository,
  planRepository,
  type Repository,
} from "../build/repository.ts";
import { LockstepError } from "../host/errors.ts";
import { startThreads } from "../host/threads.ts";
import { humanBytes, humanDuration } from "../report/format.ts";
import { table } from "../report/table.ts";
import { Store } from "../store/store.ts";
import { type CommandModule, type Context, namedPath, outputDirectory, shown } from "./command.ts";
import type { BuildDocument, BuiltImageDocument } from "./documents/build.ts";

export interface Built {
  readonly repository: Repository;
  readonly planned: readonly PlannedImage[];
  readonly images: readonly BuiltImage[];
}

/** Where all images are meant, those are left out whose steps nothing here can run, and it is said which. */
function withoutSteps(
  { host, report }: Context,
  names: readonly string[],
  planned: readonly PlannedImage[],
): readonly PlannedImage[] {
  if (names.length > 0 || host.env(stepsVariable) !== undefined) return planned;
  const left = planned.filter(hasSteps);
  for (const image of new Set(left.map((item) => item.image)))
    report.warn(`image ${image} is left out: it has steps that run code; dagger call build --image ${image}`);
  return planned.filter((item) => !left.includes(item));
}

/** From the specs to plans, with everything that they need in the store of inputs: from the network, or from a capsule alone. */
export async function fetchAll(
  context: Context,
  names: readonly string[],
  inputs: Store,
  offline: boolean,
  path?: string,
  leaveOut = false,
): Promise<Omit<Built, "images">> {
  const { host, store, report, root, signal } = context;
  // Nothing was made of a spec that is new: threads start while it is read and planned.
  const repository = await openRepository(store, root, () => void startThreads());
  if (path !== undefined) {
    const { planFromCapsule } = await import("../build/capsule/plan.ts");
    const planned = await planFromCapsule(host, inputs, report, repository, names, resolve(host.cwd, path), signal);
    return { repository, planned: leaveOut ? withoutSteps(context, names, planned) : planned };
  }
  const bases = await admitRepositoryBases(host, inputs, report, repository, names, { signal, offline });
  const all = planRepository(host, repository, names, bases);
  const planned = leaveOut ? withoutSteps(context, names, all) : all;
  if (!offline && !(await allLayersKnown(store, planned))) {
    const { pullWhenConfigured } = await import("../share/configured.ts");
    await pullWhenConfigured(host, store, report, planned, signal);
  }
  await fetchLocked(host, inputs, report, repository, planned, { signal, offline });
  return { repository, planned };
}

/** Everything from the specs to layouts under `out`, for the commands that need built images. */
export async function buildAll(
  context: Context,
  names: readonly string[],
  out: string,
  inputs: Store = context.store,
  offline = false,
  capsule?: string,
): Promise<Built> {
  const { host, store, report, signal } = context;
  const { repository, planned } = await fetchAll(context, names, inputs, offline, capsule, true);
  const images = await buildImages(host, { inputs, results: store }, report, planned, { out, signal });
  return { repository, planned, images };
}

/** The document of `--json`; `pipeline/verify/rebuild.ts` reads it. */
export function describeImage({ image, index, platforms, layout, unchanged }: BuiltImage): BuiltImageDocument {
  return {
    image,
    digest: index.descriptor.digest,
    layout,
    unchanged,
    platforms: platforms.map((built) => ({
      platform: built.platform,
      plan: built.plan,
      digest: built.manifest.descriptor.digest,
      config: built.config.descriptor.digest,
      size: built.size,
      packages: built.packages,
      cached: built.cached,
      seconds: Math.round(built.duration) / 1000,
      layers: built.layers.map(({ digest, size, diffId, tarSize }) => ({ digest, size, diffId, tarSize })),
      notDone: built.notDone,
      steps: built.steps,
      installScripts: built.installScripts,
    })),
  };
}

/** The value of `--capsule`. */
export function capsuleOption(options: Readonly<Record<string, unknown>>): string | undefined {
  const path = options["capsule"];
  return typeof path === "string" ? path : undefined;
}

/** Spoils what was built by one cause, into a directory of its own (docs/sabotage.md). */
async function runInjected(
  context: Context,
  options: Readonly<Record<string, unknown>>,
  names: readonly string[],
  cause: string,
): ReturnType<CommandModule["run"]> {
  const { checkCause, injectCause } = await import("../verify/inject/inject.ts");
  checkCause(cause);
  const out = outputDirectory(context, options, "out/images");
  if (typeof options["out"] !== "string" || out === outputDirectory(context, {}, "out/images")) {
    throw new LockstepError({
      code: "LS5402",
      message: "images with an injected cause are not written where built ones are",
      hint: "name another directory with --out",
    });
  }
  const { host } = context;
  const scratch = join(host.temporaryDirectory, `lockstep-inject-${host.token(6)}`);
  try {
    const { images } = await buildAll(
      context,
      names,
      scratch,
      context.store,
      options["offline"] === true,
      capsuleOption(options),
    );
    const injected: { readonly image: string; readonly digest: string; readonly layout: string }[] = [];
    for (const { image, layout } of images) {
      const to = join(out, image);
      await rm(to, { recursive: true, force: true });
      injected.push({ image, digest: await injectCause(host, layout, to, cause), layout: to });
    }
    const text = injected.map(
      ({ image, digest, layout }) => `${image}  ${digest}  ${shown(context, layout)}  with ${cause} injected\n`,
    );
    return { exit: 0, result: { injected: cause, images: injected }, text: text.join("") };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

export const define: CommandModule["define"] = (command) => {
  command
    .addOption(new Option("--inject <cause>", "spoil what was built by one cause").hideHelp())
    .argument("[image...]", "images to build; all when none is named")
    .option("-o, --out <directory>", "where layouts go (usually out/images in the repository)")
    .option("--inputs <directory>", "a store to take downloaded inputs from, instead of the store")
    .option("--capsule <path>", "take every input from this capsule, and nothing from the network")
    .option("--offline", "never touch the network");
};

export const examples: CommandModule["examples"] = [
  "lockstep build",
  "lockstep build web --out /tmp/layouts --json",
  "lockstep build --capsule inputs.tar",
];

export const run: CommandModule["run"] = async (context, options, names) => {
  if (typeof options["inject"] === "string") return runInjected(context, options, names, options["inject"]);
  const out = outputDirectory(context, options, "out/images");
  const named = namedPath(context, options["inputs"]);
  const inputs = named === undefined ? context.store : new Store(context.host, named);
  const { images } = await buildAll(
    context,
    names,
    out,
    inputs,
    options["offline"] === true || inputs !== context.store,
    capsuleOption(options),
  );
  const rows = images.flatMap(({ image, platforms }) => platforms.map((built) => ({ image, built })));
  const text = table(rows, [
    { title: "image", value: ({ image }) => image },
    { title: "platform", value: ({ built }) => built.platform },
    { title: "digest", value: ({ built }) => built.manifest.descriptor.digest },
    { title: "size", value: ({ built }) => humanBytes(built.size), align: "right" },
    { title: "packages", value: ({ built }) => String(built.packages), align: "right" },
    { title: "", value: ({ built }) => (built.cached ? "unchanged" : `built in ${humanDuration(built.duration)}`) },
  ]);
  const indexes = images
    .map(({ image, index, layout }) => `${image}  ${index.descriptor.digest}  ${shown(context, layout)}\n`)
    .join("");
  return {
    exit: 0,
    result: { images: images.map(describeImage) } satisfies BuildDocument,
    text: `${text}\n${indexes}`,
  };
};
