/** Repositories whose images are on base images, with the road from specs to layouts in short. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type BaseAccess, admitBases, basesOf, fetchLockedBase } from "../../../pipeline/build/base/fetch.ts";
import { pinBase } from "../../../pipeline/build/base/pin-base.ts";
import { type BuiltImage, buildImages } from "../../../pipeline/build/build.ts";
import type { PlannedImage } from "../../../pipeline/build/plan.ts";
import { planImages } from "../../../pipeline/build/planner.ts";
import { type RebasedImage, rebaseImage } from "../../../pipeline/build/rebase.ts";
import { readSpecs } from "../../../pipeline/build/repository.ts";
import { emptyLock, type LockedBase } from "../../../pipeline/lock/types.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { hexOf, type Digest } from "../../../pipeline/store/digest.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { type Scene, scene } from "../../support.ts";
import { type TinyBase, TinyRepository } from "../../source/image/tiny-image.ts";

export interface BaseScene extends Scene {
  readonly root: string;
  readonly out: string;
  readonly repository: TinyRepository;
  readonly access: BaseAccess;
  write(path: string, content: string): void;
  plan(epoch?: number): Promise<readonly PlannedImage[]>;
  build(options?: { readonly epoch?: number; readonly results?: Store; readonly out?: string }): Promise<BuiltImage>;
  rebase(onto: string, options?: { readonly epoch?: number; readonly layout?: string }): Promise<RebasedImage>;
}

/** One image, "web" unless the path says otherwise, with its spec after the name; bases by tag of `registry.example/base`. */
export async function baseScene(
  bases: Readonly<Record<string, TinyBase>>,
  spec: string,
  files: Readonly<Record<string, string>> = {},
): Promise<BaseScene> {
  const at = scene();
  const { host, store, directory } = at;
  const root = join(directory, "repository");
  const out = join(root, "out/images");
  const repository = new TinyRepository();
  for (const [tag, base] of Object.entries(bases)) repository.push(tag, base);
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  write("images/web/image.yaml", `name: web\n${spec}`);
  for (const [path, content] of Object.entries(files)) write(path, content);
  const access: BaseAccess = { open: (reference) => Promise.resolve(repository.source(reference)) };
  const locked = new Map<string, LockedBase>();
  const plan: BaseScene["plan"] = async (epoch) => {
    const specs = await readSpecs(store, root);
    for (const [reference, platforms] of basesOf(specs, [])) {
      if (!locked.has(reference))
        locked.set(reference, await pinBase(store, repository.source(reference), reference, [...platforms].toSorted()));
    }
    const lock = { ...emptyLock, bases: locked };
    const configs = await admitBases(store, silent, { specs, lock }, [], access);
    for (const [reference, base] of locked) await fetchLockedBase(store, silent, reference, base, access);
    return planImages({ root, specs, lock, bases: configs, ...(epoch === undefined ? {} : { epoch }) });
  };
  return {
    ...at,
    root,
    out,
    repository,
    access,
    write,
    plan,
    build: async ({ epoch, results = store, out: to = out } = {}) => {
      const images = await buildImages(host, { inputs: store, results }, silent, await plan(epoch), { out: to });
      const web = images.find(({ image }) => image === "web");
      if (web === undefined) throw new Error("web was not built");
      return web;
    },
    rebase: (onto, { epoch, layout = join(out, "web") } = {}) =>
      rebaseImage(host, store, silent, {
        ...access,
        layout,
        onto,
        out: join(directory, "rebased"),
        ...(epoch === undefined ? {} : { epoch }),
      }),
  };
}

export interface ImageJson {
  readonly config: Readonly<Record<string, unknown>>;
  readonly created: string;
  readonly history: readonly Readonly<Record<string, unknown>>[];
  readonly rootfs: { readonly diff_ids: readonly Digest[] };
}

export interface ManifestJson {
  readonly annotations: Readonly<Record<string, string>>;
  readonly layers: readonly { readonly digest: Digest; readonly mediaType: string; readonly size: number }[];
}

function blob(layout: string, digest: Digest): Buffer {
  return readFileSync(join(layout, "blobs/sha256", hexOf(digest)));
}

/** Config and manifest of a platform as the layout has them. */
export function documentsOf(image: BuiltImage | RebasedImage, platform = "linux/amd64") {
  const built = image.platforms.find((each) => each.platform === platform);
  if (built === undefined) throw new Error(`no ${platform}`);
  return {
    config: JSON.parse(blob(image.layout, built.config.descriptor.digest).toString()) as ImageJson,
    manifest: JSON.parse(blob(image.layout, built.manifest.descriptor.digest).toString()) as ManifestJson,
    blob: (digest: Digest) => blob(image.layout, digest),
  };
}
