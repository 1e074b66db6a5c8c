import { describe, expect, it } from "vitest";
import { resolutionStale, resolutionsUnused } from "../../pipeline/build/pin-stale.ts";
import { packageRequests } from "../../pipeline/build/requests.ts";
import {
  type Lock,
  type LockedPackage,
  type LockedResolution,
  emptyLock,
  packageKey,
} from "../../pipeline/lock/types.ts";
import { type ShortSpec, specsOf } from "./pin-scene.ts";

function item(name: string, architecture: "amd64" | "arm64"): LockedPackage {
  const sha256 = "0".repeat(64);
  return {
    name,
    version: "1",
    architecture,
    archive: "debian",
    path: "pool/x.deb",
    size: 1,
    sha256,
    source: name,
    sourceVersion: "1",
    release: "r",
  };
}

/** A lock that answers: per image the request and what it resolves to besides the implied packages. */
function lockOf(
  images: Readonly<
    Record<
      string,
      { readonly request: readonly string[]; readonly packages?: readonly string[] } & Partial<LockedResolution>
    >
  >,
): Lock {
  const packages = new Map<string, LockedPackage>();
  const resolutions = new Map<string, LockedResolution>();
  for (const [image, { request, packages: names = request, ...more }] of Object.entries(images)) {
    const keysOf = (architecture: "amd64" | "arm64"): readonly string[] =>
      ["base-files", "base-passwd", ...names].toSorted().map((name) => {
        const locked = item(name, architecture);
        packages.set(packageKey(locked), locked);
        return packageKey(locked);
      });
    const platforms = { "linux/amd64": keysOf("amd64"), "linux/arm64": keysOf("arm64") };
    resolutions.set(image, { suite: "trixie", dependencies: "all", request, platforms, ...more });
  }
  return { ...emptyLock, packages, images: resolutions };
}

const answering = lockOf({
  node: { request: ["nodejs"], packages: ["nodejs", "libc6"] },
  web: { request: ["curl", "nodejs"], packages: ["curl", "libc6", "nodejs"] },
});
const images: Readonly<Record<string, ShortSpec>> = {
  node: { packages: ["nodejs"] },
  web: { from: "node", packages: ["curl"] },
  files: {},
};

function stale(lock: Lock, specs = images): readonly string[] {
  return resolutionStale(specsOf(specs), lock).map(({ image, problem }) => {
    expect(problem.code).toBe("LS2201");
    expect(problem.hint).toBe("run `lockstep pin`");
    expect(problem.place).toEqual({ file: `images/${image}/image.yaml`, line: 3, column: 5 });
    return problem.message.replace("the lock is out of date: ", "");
  });
}

describe("requests", () => {
  it("add up along the images they are from", () => {
    const requests = packageRequests(
      specsOf({
        web: { from: "mid", packages: ["b"] },
        mid: { from: "bottom" },
        bottom: { packages: ["a"], dependencies: "none" },
        files: {},
      }),
    );
    expect(
      requests.map(({ image, base, dependencies, names, own }) => [
        image,
        base,
        dependencies,
        names,
        own.map(({ name }) => name),
      ]),
    ).toEqual([
      ["bottom", undefined, "none", ["a"], ["a"]],
      ["mid", "bottom", "none", ["a"], []],
      ["web", "mid", "all", ["a", "b"], ["b"]],
    ]);
  });
});

describe("a lock", () => {
  it("that answers the specs is not stale", () => {
    expect(stale(answering)).toEqual([]);
    expect(stale(emptyLock, { files: {} })).toEqual([]);
  });

  it("is stale in each way it can be", () => {
    const node = answering.images.get("node");
    if (node === undefined) throw new Error("no node");
    const withNode = (more: Partial<LockedResolution>): Lock => ({
      ...answering,
      images: new Map([...answering.images, ["node", { ...node, ...more }]]),
    });
    expect(stale(emptyLock)).toEqual(['image "node" is not in the lock', 'image "web" is not in the lock']);
    expect(stale(withNode({ suite: "bookworm" }))).toEqual([
      'image "node" is locked to bookworm, and the spec says trixie',
    ]);
    expect(stale(withNode({ dependencies: "none" }))).toEqual([
      'image "node" is locked with dependencies: none, and the spec says all',
    ]);
    expect(stale(answering, { ...images, node: { packages: ["nodejs", "npm"] } })).toEqual([
      'image "node" asks for "npm", which the lock does not answer',
      'image "web" asks for "npm", which the lock does not answer',
    ]);
    expect(stale(answering, { ...images, web: { from: "node", packages: [] } })).toEqual([
      'image "web" no longer asks for "curl", which the lock answers',
    ]);
    expect(stale(withNode({ platforms: { "linux/amd64": node.platforms["linux/amd64"] ?? [] } }))).toEqual([
      'image "node" is built for linux/arm64, which the lock does not answer',
    ]);
    expect(
      stale(answering, { ...images, web: { from: "node", packages: ["curl"], platforms: ["linux/amd64"] } }),
    ).toEqual(['image "web" is no longer built for linux/arm64, which the lock answers']);
    const arm = node.platforms["linux/arm64"] ?? [];
    expect(
      stale(
        withNode({ platforms: { ...node.platforms, "linux/arm64": arm.filter((key) => !key.startsWith("nodejs")) } }),
      ),
    ).toEqual(['image "node" has no package "nodejs" in the lock for linux/arm64']);
    expect(
      stale(
        withNode({
          platforms: { ...node.platforms, "linux/arm64": arm.filter((key) => !key.startsWith("base-passwd")) },
        }),
      ),
    ).toEqual(['image "node" has no package "base-passwd" in the lock for linux/arm64']);
    const more = lockOf({ node: { request: ["nodejs"], packages: ["nodejs", "libc6", "extra"] } });
    const moved: Lock = {
      ...answering,
      packages: new Map([...answering.packages, ...more.packages]),
      images: new Map([...answering.images, ...more.images]),
    };
    expect(stale(moved)).toEqual(['image "web" lacks extra_1_amd64 of the image "node" in the lock for linux/amd64']);
  });

  it("has images that no spec asks for", () => {
    expect(resolutionsUnused(specsOf(images), answering)).toEqual([]);
    const [unused] = resolutionsUnused(specsOf({ node: { packages: ["nodejs"] } }), answering);
    expect(unused?.problem.message).toBe('the lock is out of date: it has packages for "web", for which no spec asks');
  });
});
