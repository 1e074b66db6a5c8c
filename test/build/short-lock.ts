/** Locks of a few packages in a short form, for tests of what compares locks. */
import {
  type Lock,
  type LockedPackage,
  type LockedResolution,
  emptyLock,
  packageKey,
} from "../../pipeline/lock/types.ts";

/** Name, version, size, and where they matter source and hash. */
export type Short = readonly [name: string, version: string, size: number, source?: string, sha256?: string];

/** A lock of images: per platform the packages in the short form. */
export function lockOf(images: Readonly<Record<string, Readonly<Record<string, readonly Short[]>>>>): Lock {
  const packages = new Map<string, LockedPackage>();
  const resolutions = new Map<string, LockedResolution>();
  for (const [image, platforms] of Object.entries(images)) {
    const keys: Record<string, readonly string[]> = {};
    for (const [platform, items] of Object.entries(platforms)) {
      const architecture = platform === "linux/amd64" ? "amd64" : "arm64";
      keys[platform] = items.map(([name, version, size, source = name, sha256 = `${version} ${size}`]) => {
        const item: LockedPackage = {
          name,
          version,
          architecture,
          archive: "debian",
          path: `pool/${name}`,
          size,
          sha256,
          source,
          sourceVersion: version,
          release: "r",
        };
        packages.set(packageKey(item), item);
        return packageKey(item);
      });
    }
    resolutions.set(image, { suite: "trixie", dependencies: "all", request: [], platforms: keys });
  }
  return { ...emptyLock, packages, images: resolutions };
}

/** The same packages on both platforms. */
export const both = (...items: readonly Short[]): Readonly<Record<string, readonly Short[]>> => ({
  "linux/amd64": items,
  "linux/arm64": items,
});
