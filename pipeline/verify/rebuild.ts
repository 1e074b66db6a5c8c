/** Rebuilding for comparison: a fresh process with nothing but the locked inputs, in surroundings that differ in everything that must not matter. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { rebuildResults, secretsVariable, stepsOpenAgain, stepsVariable } from "../build/step/open.ts";
import { interrupted, LockstepError, messageOf } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { damagedBlobs } from "../image/layout.ts";
import { layoutRoots } from "../image/read-layout.ts";
import type { Report } from "../report/report.ts";
import type { Digest } from "../store/digest.ts";
import type { Store } from "../store/store.ts";
import { directoryIn, type Perturbation, rebuildCommand, usualSurroundings } from "./perturb/surroundings.ts";
import { copied } from "./perturb/table.ts";

/** What the rebuilding process says of one platform; the shape of `lockstep build --json`. */
export interface RebuiltPlatform {
  readonly platform: string;
  readonly plan: Digest;
  readonly digest: Digest;
  readonly layers: readonly { readonly digest: Digest; readonly diffId: Digest; readonly size: number }[];
}

export interface RebuiltImage {
  readonly image: string;
  readonly digest: Digest;
  readonly platforms: readonly RebuiltPlatform[];
}

/** Whether there is enough of the shape to compare; digests that are missing or wrong compare as different. */
function isRebuilt(images: unknown): images is readonly RebuiltImage[] {
  return (
    Array.isArray(images) &&
    (images as readonly Partial<RebuiltImage>[]).every(
      ({ image, digest, platforms }) =>
        typeof image === "string" &&
        typeof digest === "string" &&
        Array.isArray(platforms) &&
        (platforms as readonly Partial<RebuiltPlatform>[]).every(({ layers }) => Array.isArray(layers)),
    )
  );
}

/** What the process says is believed only of bytes that lie there: LS5002 for a layout that is missing, damaged, or of another digest. */
async function checkRebuilt(out: string, images: readonly RebuiltImage[]): Promise<void> {
  for (const { image, digest } of images) {
    const layout = join(out, image);
    const roots = await layoutRoots(layout).catch((error: unknown) => {
      throw new Error(`the layout of ${image}: ${messageOf(error)}`);
    });
    if (!roots.some((entry) => entry.digest === digest))
      throw new Error(`${image} is said to be ${digest}, and its layout is another`);
    const damaged = await damagedBlobs(layout);
    if (damaged.length > 0) throw new Error(`the layout of ${image} has damaged blobs: ${damaged.join(", ")}`);
  }
}

export interface RebuildOptions {
  readonly root: string;
  readonly images: readonly string[];
  /** In the order of the table. */
  readonly perturbations: readonly Perturbation[];
  /** Directories of the repository that are no input of it; not copied where it has to be copied. */
  readonly leave?: readonly string[];
  readonly signal?: AbortSignal;
  /** Called with the directory of the rebuilt layouts, each checked to be what the process says, before it is removed. */
  readonly inspect?: (out: string, images: readonly RebuiltImage[]) => Promise<void>;
}

/** Rebuilds images from the inputs in `store`, and gives what the other process says. LS5002 when it fails. */
export async function rebuild(
  host: Host,
  store: Store,
  report: Report,
  options: RebuildOptions,
): Promise<readonly RebuiltImage[]> {
  const { images: wanted, perturbations, signal } = options;
  // Beside the store: it needs as much space as the images, which a small /tmp may not have.
  const work = join(store.directory, "verify", host.token(8));
  const task = report.task(`rebuild ${wanted.length} ${wanted.length === 1 ? "image" : "images"} to compare`, "items");
  let at = usualSurroundings(host, options.root, work);
  try {
    // Where everything lies first, then the copy of what is read, then what is done to either.
    for (const perturbation of perturbations) {
      if (perturbation.copies === true && at.repository === options.root)
        at = await copied(at, perturbations, options.leave ?? []);
      at = await perturbation.apply(host, at);
    }
    const steps = host.env(stepsVariable);
    const secrets = host.env(secretsVariable);
    const out = join(await directoryIn(at, "made"), "out");
    const [program, ...args] = rebuildCommand(at, out, store.directory, wanted);
    const result = await host.run(program, args, {
      cwd: at.cwd,
      // Whatever the surroundings: nothing that was made before is found.
      env: {
        ...at.env,
        LOCKSTEP_STORE: await directoryIn(at, "store"),
        // Steps were run a second time for this.
        ...(steps === undefined ? {} : { [stepsVariable]: join(steps, rebuildResults) }),
        ...(secrets === undefined ? {} : { [secretsVariable]: secrets }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
    if (result.code !== 0) {
      const said = result.stderr.toString("utf8").trim();
      if (said.startsWith("LS9006")) throw stepsOpenAgain(options.images);
      throw new LockstepError({
        code: "LS5002",
        message: `the rebuild ended with code ${result.code ?? result.signal}${said === "" ? "" : `:\n${said}`}`,
      });
    }
    const document = JSON.parse(result.stdout.toString("utf8")) as { readonly result?: { readonly images?: unknown } };
    const images = document.result?.images;
    if (!isRebuilt(images)) throw new Error("its document has another shape");
    await checkRebuilt(out, images);
    await options.inspect?.(out, images);
    return images;
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    if (signal?.aborted === true) throw interrupted();
    throw new LockstepError(
      { code: "LS5002", message: `the rebuild could not be started or understood: ${messageOf(error)}` },
      { cause: error },
    );
  } finally {
    task.done();
    for (const directory of [work, ...at.temporary]) await rm(directory, { recursive: true, force: true });
  }
}
