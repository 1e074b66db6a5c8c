/** Repositories made for the benchmark: image specs and a lock with the packages that a row needs, taken from the lock of this repository. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../../pipeline/host/host.ts";
import { writeLock } from "../../pipeline/lock/lockfile.ts";
import {
  emptyLock,
  type Lock,
  type LockedPackage,
  type LockedResolution,
  packageKey,
} from "../../pipeline/lock/types.ts";
import { comparePaths } from "../../pipeline/tree/entry.ts";

const platform = "linux/amd64";

export interface BenchImage {
  readonly name: string;
  /** With those of the image it is `from`. */
  readonly packages: readonly LockedPackage[];
  readonly from?: string;
  /** Directory below the image's own that goes to /app. */
  readonly files?: string;
}

const byName = (a: LockedPackage, b: LockedPackage): number => comparePaths(a.name, b.name);

/** The packages that the lock gives an image on the platform of the benchmark, sorted by name. */
export function packagesOf(lock: Lock, image: string): readonly LockedPackage[] {
  return (lock.images.get(image)?.platforms[platform] ?? [])
    .map((key) => lock.packages.get(key))
    .filter((item) => item !== undefined)
    .toSorted(byName);
}

/** A lock that answers exactly these images. */
export function lockFor(lock: Lock, images: readonly BenchImage[]): Lock {
  const packages = new Map<string, LockedPackage>();
  const resolutions = new Map<string, LockedResolution>();
  for (const image of images) {
    for (const item of image.packages) packages.set(packageKey(item), item);
    resolutions.set(image.name, {
      suite: "trixie",
      dependencies: "none",
      request: image.packages.map(({ name }) => name).toSorted(comparePaths),
      platforms: { [platform]: image.packages.map(packageKey).toSorted(comparePaths) },
    });
  }
  const used = new Set([...packages.values()].map(({ release }) => release));
  return {
    ...emptyLock,
    releases: new Map([...lock.releases].filter(([key]) => used.has(key))),
    packages,
    images: resolutions,
  };
}

/** The spec of an image, as JSON, which is YAML. */
function specOf({ name, packages, from, files }: BenchImage): string {
  const debian = { suite: "trixie", dependencies: "none", packages: packages.map((item) => item.name) };
  return JSON.stringify({
    name,
    platforms: [platform],
    ...(from === undefined ? {} : { from }),
    layers: [
      ...(from === undefined ? [{ debian }] : []),
      ...(files === undefined ? [] : [{ files: { from: files, into: "/app" } }]),
    ],
    config: { entrypoint: ["/usr/bin/node"], user: "65532:65532" },
  });
}

/** Writes specs and lock; what else is in the directory stays. */
export async function writeRepository(
  host: Host,
  lock: Lock,
  directory: string,
  images: readonly BenchImage[],
): Promise<void> {
  for (const image of images) {
    const folder = join(directory, "images", image.name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "image.yaml"), specOf(image));
  }
  await writeLock(host, directory, lockFor(lock, images));
}
