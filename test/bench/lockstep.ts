/** Runs the checkout's own program, started as its users start it. */
import { readdir } from "node:fs/promises";
import { join, sep } from "node:path";
import { systemCode } from "../../pipeline/host/errors.ts";
import type { Store } from "../../pipeline/store/store.ts";
import { timed } from "./measure.ts";
import type { Bench, Sample } from "./model.ts";

/** What `lockstep build --json` says of one platform, as far as the benchmark looks at it. */
export interface BuiltPlatform {
  readonly cached: boolean;
  readonly size: number;
  readonly packages: number;
  readonly layers: readonly { readonly digest: string; readonly tarSize: number }[];
}

export interface Build {
  readonly sample: Sample;
  readonly images: readonly { readonly image: string; readonly platforms: readonly BuiltPlatform[] }[];
}

/** Runs a command of the program; `directory` is the repository. Gives what it prints. */
export async function lockstep(
  bench: Bench,
  store: Store,
  directory: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly sample: Sample; readonly stdout: string }> {
  return timed(bench, {
    program: join(bench.root, "lockstep"),
    args,
    cwd: directory,
    env: { LOCKSTEP_STORE: store.directory, XDG_CONFIG_HOME: bench.scratch.path("config"), ...env },
  });
}

/** Builds images into `out` below the repository. */
export async function build(
  bench: Bench,
  store: Store,
  directory: string,
  images: readonly string[] = [],
): Promise<Build> {
  const { sample, stdout } = await lockstep(bench, store, directory, ["build", "--json", "--quiet", ...images]);
  const document = JSON.parse(stdout) as { readonly result: Pick<Build, "images"> };
  return { sample, images: document.result.images };
}

/** The only platform of the only image of a build. */
export function onlyPlatform({ images }: Build): BuiltPlatform {
  const [platform, ...others] = images.flatMap(({ platforms }) => platforms);
  if (platform === undefined || others.length > 0) throw new Error("expected a build of one image for one platform");
  return platform;
}

/** How many packages have been unpacked and compressed with the results in this store: each leaves a record. */
export async function fragmentsIn(store: Store): Promise<number> {
  const names = await readdir(join(store.directory, "records"), { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      if (systemCode(error) === "ENOENT") return [];
      throw error;
    },
  );
  return names.filter((name) => name.isFile() && name.parentPath.split(sep).includes("fragment")).length;
}
