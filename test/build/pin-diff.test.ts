import { describe, expect, it } from "vitest";
import { diffLocks, formatDiff } from "../../pipeline/build/pin-diff.ts";
import {
  type Lock,
  type LockedPackage,
  type LockedResolution,
  emptyLock,
  packageKey,
} from "../../pipeline/lock/types.ts";

type Short = readonly [name: string, version: string, size: number];

/** A lock of images: per platform the packages as name, version and size. */
function lockOf(images: Readonly<Record<string, Readonly<Record<string, readonly Short[]>>>>): Lock {
  const packages = new Map<string, LockedPackage>();
  const resolutions = new Map<string, LockedResolution>();
  for (const [image, platforms] of Object.entries(images)) {
    const keys: Record<string, readonly string[]> = {};
    for (const [platform, items] of Object.entries(platforms)) {
      const architecture = platform === "linux/amd64" ? "amd64" : "arm64";
      keys[platform] = items.map(([name, version, size]) => {
        const item: LockedPackage = {
          name,
          version,
          architecture,
          archive: "debian",
          path: `pool/${name}`,
          size,
          sha256: `${version} ${size}`,
          source: name,
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

const both = (...items: readonly Short[]): Readonly<Record<string, readonly Short[]>> => ({
  "linux/amd64": items,
  "linux/arm64": items,
});

describe("the difference of two locks", () => {
  it("is nothing between equals", () => {
    const lock = lockOf({ web: both(["a", "1", 10]) });
    expect(diffLocks(lock, lock)).toEqual({
      changes: [],
      inputs: [],
      addedImages: [],
      removedImages: [],
      unchanged: true,
    });
    expect(formatDiff(diffLocks(emptyLock, emptyLock))).toBe("nothing changed\n");
  });

  it("tells versions, sizes and images, and platforms only where they differ", () => {
    const before = lockOf({
      node: both(["a", "1", 1000], ["b", "1", 5000], ["same", "1", 7]),
      web: both(["a", "1", 1000], ["gone", "2", 2048]),
      bye: both(["x", "1", 1]),
    });
    const after = lockOf({
      node: {
        "linux/amd64": [
          ["a", "2", 3_000_000],
          ["b", "1", 5000],
          ["same", "1", 7],
        ],
        "linux/arm64": [
          ["a", "2", 3_000_000],
          ["b", "1", 4000],
          ["same", "1", 7],
        ],
      },
      web: both(["a", "2", 3_000_000], ["new", "1:3", 12]),
      hi: both(["a", "2", 3_000_000]),
    });
    expect(formatDiff(diffLocks(before, after))).toBe(
      [
        "+ image hi",
        "- image bye",
        "+ a                2                2.86 MiB   hi",
        "  a                1 → 2            +2.86 MiB  node, web",
        "  b (linux/arm64)  1 (other bytes)  -1000 B    node",
        "- gone             2                -2.00 KiB  web",
        "+ new              1:3              12 B       web",
        "packages: 2 changed, 2 added, 1 removed",
        "",
      ].join("\n"),
    );
  });

  it("counts a changed entry without a changed package as a change", () => {
    const before = lockOf({ web: both(["a", "1", 10]) });
    const web = before.images.get("web");
    if (web === undefined) throw new Error("no web");
    const after: Lock = { ...before, images: new Map([["web", { ...web, request: ["a"] }]]) };
    expect(formatDiff(diffLocks(before, after))).toBe("no package changed\n");
    expect(diffLocks(before, after).unchanged).toBe(false);
  });
});
