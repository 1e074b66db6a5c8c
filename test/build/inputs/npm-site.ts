/** For tests of npm layers: from the projects of a repository to its images. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { buildImages, type BuiltImage } from "../../../pipeline/build/build.ts";
import { type Pinned, pin } from "../../../pipeline/build/pin.ts";
import {
  fetchLocked,
  lockProblems,
  openRepository,
  planRepository,
  readSpecs,
} from "../../../pipeline/build/repository.ts";
import { formatProblem } from "../../../pipeline/host/errors.ts";
import type { Host } from "../../../pipeline/host/host.ts";
import { readLock, writeLock } from "../../../pipeline/lock/lockfile.ts";
import { silent } from "../../../pipeline/report/report.ts";
import type { Store } from "../../../pipeline/store/store.ts";
import {
  npm,
  startRegistry,
  type TinyPackage,
  type TinyRegistry,
  writeProject,
} from "../../source/npm/tiny-registry.ts";
import { type Scene, scene } from "../../support.ts";

/** A repository of images with npm layers, and the registry that its npm is configured for. */
export interface NpmSite extends Scene {
  readonly root: string;
  readonly registry: TinyRegistry;
  /** Writes an image with one npm layer, and its project with the lock file that npm makes. */
  project(image: string, files: Readonly<Record<string, unknown>>, layer?: string): Promise<void>;
  pin(): Promise<Pinned>;
  failure(work?: () => Promise<unknown>): Promise<string>;
  problems(): Promise<readonly string[]>;
  build(store?: Store): Promise<readonly BuiltImage[]>;
}

/** An empty repository, and a registry with these packages that answers to a token alone when there is one. */
export async function npmSite(
  packages: readonly TinyPackage[],
  settings: Readonly<Record<string, string>> = {},
  token?: string,
): Promise<NpmSite> {
  const registry = await startRegistry(packages, token);
  onTestFinished(() => registry.close());
  const at = scene({
    PATH: process.env["PATH"] ?? "",
    npm_config_registry: `${registry.base}/`,
    ...settings,
  });
  const host: Host = {
    ...at.host,
    environment: () => ({ ...at.host.environment(), HOME: at.directory }),
    sleep: () => Promise.resolve(),
  };
  const root = join(at.directory, "repository");
  const run = async (): Promise<Pinned> => {
    const specs = await readSpecs(at.store, root);
    const pinned = await pin(host, at.store, silent, { root, specs, lock: await readLock(root) });
    await writeLock(host, root, pinned.lock);
    return pinned;
  };
  return {
    ...at,
    host,
    root,
    registry,
    async project(image, files, layer = "project: app, into: /srv") {
      const folder = join(root, "images", image);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "image.yaml"), `name: ${image}\nlayers:\n  - npm: { ${layer} }\n`);
      writeProject(join(folder, "app"), files);
      const auth = token === undefined ? [] : [`--//${new URL(registry.base).host}/:_authToken=${token}`];
      const lockOnly = ["--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved"];
      await npm(join(folder, "app"), registry.base, "install", ...lockOnly, ...auth);
      registry.authorizations.length = 0;
    },
    pin: run,
    failure: async (work = run) => {
      const result = await work().catch((error: unknown) => error);
      if (!(result instanceof Error)) throw new Error("it did not fail");
      return result.message;
    },
    problems: async () => lockProblems(await openRepository(at.store, root)).map(formatProblem),
    build: async (store = at.store) => {
      const repository = await openRepository(at.store, root);
      const planned = planRepository(host, repository, []);
      await fetchLocked(host, store, silent, repository, planned, { tries: 1 });
      return buildImages(host, { inputs: store, results: store }, silent, planned, { out: join(root, "out") });
    },
  };
}
