/** Runs the program as users do, in surroundings that a test chooses, and gives what its JSON document says. */
import { chmod, copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { generation } from "../../pipeline/build/generation.ts";
import { fetchLocked, openRepository, planRepository } from "../../pipeline/build/repository.ts";
import { createHost, type Host } from "../../pipeline/host/host.ts";
import { blobsOf } from "../../pipeline/lock/blobs.ts";
import { silent } from "../../pipeline/report/report.ts";
import type { Digest } from "../../pipeline/store/digest.ts";
import { Store } from "../../pipeline/store/store.ts";
import { root } from "../support.ts";

export interface BuiltLayer {
  readonly digest: Digest;
  readonly size: number;
  readonly diffId: Digest;
  readonly tarSize: number;
}

/** One platform of an image in the document of `lockstep build --json`. */
export interface BuiltPlatform {
  readonly platform: string;
  readonly digest: Digest;
  readonly config: Digest;
  readonly layers: readonly BuiltLayer[];
  readonly notDone: readonly { readonly package: string }[];
}

export interface BuiltImage {
  readonly image: string;
  readonly digest: Digest;
  /** Directory of the layout. */
  readonly layout: string;
  readonly platforms: readonly BuiltPlatform[];
}

export interface Surroundings {
  /** Checkout whose program builds its own samples. */
  readonly checkout?: string;
  /** Repository to build, when it is not the checkout. */
  readonly repository?: string;
  /** Images to build; all when empty. */
  readonly images?: readonly string[];
  /** Directory of a store that has the packages. */
  readonly inputs: string;
  /** Directory that gets the layouts (`out`) and the store of results (`store`), both new. */
  readonly work: string;
  /** What comes before Node on the command line, and its own arguments. */
  readonly before?: readonly string[];
  readonly node?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const host: Host = createHost();

/** The command line of a build, for tests that run it within another. */
export function buildCommand(surroundings: Surroundings): readonly string[] {
  const { checkout = root, repository = checkout, images = [], inputs, work, before = [] } = surroundings;
  const program = join(checkout, "pipeline/cli/main.ts");
  const places = ["--root", repository, "--inputs", inputs, "--out", join(work, "out")];
  return [...before, surroundings.node ?? host.node, program, "build", ...places, "--json", "--quiet", ...images];
}

/** Builds in a process that inherits nothing but the PATH; throws with what it said when it fails. */
export async function build(surroundings: Surroundings): Promise<readonly BuiltImage[]> {
  const { work, env = {} } = surroundings;
  await mkdir(work, { recursive: true });
  const [program = "", ...args] = buildCommand(surroundings);
  const result = await host.run(program, args, {
    cwd: work,
    env: { PATH: host.env("PATH") ?? "", HOME: work, LOCKSTEP_STORE: join(work, "store"), ...env },
  });
  if (result.code !== 0) throw new Error(`${program} ended with ${result.code ?? result.signal}: ${result.stderr}`);
  const document = JSON.parse(result.stdout.toString()) as { readonly result: { readonly images: BuiltImage[] } };
  return document.result.images;
}

/** Index digests by image. */
export function digests(images: readonly BuiltImage[]): Readonly<Record<string, Digest>> {
  return Object.fromEntries(images.map(({ image, digest }) => [image, digest]));
}

/** Downloads what images of this repository need into the user's own store, through mirrors, as every build does. */
export async function fetchInputs(images: readonly string[]): Promise<{ store: Store; wanted: ReadonlySet<Digest> }> {
  const store = new Store(host, host.cacheDirectory, generation);
  const repository = await openRepository(store, root);
  const planned = planRepository(host, repository, images);
  await fetchLocked(host, store, silent, repository, planned);
  const blobs = planned.flatMap(({ packages, inputs }) =>
    [...packages.values(), ...Object.values(inputs).flatMap((section) => [...section.values()])].flatMap(blobsOf),
  );
  return { store, wanted: new Set(blobs.map(({ digest }) => digest)) };
}

/** The same, copied to a store in `directory` that any user can read. */
export async function packInputs(images: readonly string[], directory: string): Promise<void> {
  const { store, wanted } = await fetchInputs(images);
  const target = new Store(host, directory);
  for (const digest of wanted) {
    const path = target.pathOf(digest);
    await mkdir(dirname(path), { recursive: true });
    await copyFile(store.pathOf(digest), path);
    await chmod(path, 0o644);
  }
}
