import { describe, expect, it } from "vitest";
import { type PinDiff, diffLocks } from "../../pipeline/build/pin-diff.ts";
import { reportText } from "../../pipeline/build/pin-text.ts";
import { type Lock, type LockedNpm, emptyLock } from "../../pipeline/lock/types.ts";
import { hexOf, digestOf } from "../../pipeline/store/digest.ts";
import { both, lockOf } from "./short-lock.ts";

function formatDiff(diff: PinDiff): string {
  return reportText({ diff, facts: new Map() });
}

describe("the difference of two locks", () => {
  it("is nothing between equals", () => {
    const lock = lockOf({ web: both(["a", "1", 10]) });
    expect(diffLocks(lock, lock)).toEqual({
      changes: [],
      addedImages: [],
      removedImages: [],
      size: { before: 10, after: 10 },
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
        "+ a                2                              2.86 MiB   hi",
        "  a                1 → 2                          +2.86 MiB  node, web",
        "! b (linux/arm64)  1 (same version, other bytes)  -1000 B    node",
        "- gone             2                              -2.00 KiB  web",
        "+ new              1:3                            12 B       web",
        "packages: 1 upgraded, 1 rebuilt, 2 added, 1 removed",
        "download of everything locked: 2.87 MiB (+2.86 MiB)",
        "licences: 2 not compared (pin --licences fetches the packages)",
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

  it("of npm packages pairs versions, keeps several of a name apart, and tells of scripts that are new", () => {
    const npm = (entries: Readonly<Record<string, Partial<LockedNpm>>>): Lock => ({
      ...emptyLock,
      npm: new Map(
        Object.entries(entries).map(([key, more]) => [
          key,
          { size: 100, sha256: hexOf(digestOf(key)), integrity: "sha512-x", ...more },
        ]),
      ),
    });
    const before = npm({
      "@s/a@1.9.0": {},
      "b@1.0.0": {},
      "b@2.0.0": {},
      "c@1.0.0": { size: 50 },
      "gone@1.0.0": {},
      "same@1.0.0": {},
    });
    const after = npm({
      "@s/a@1.10.0": { scripts: ["install: node build.js"] },
      "b@1.0.1": {},
      "b@2.0.1": {},
      "b@3.0.0": {},
      "c@1.0.0": { size: 60, sha256: "f".repeat(64), from: "https://files.example/c.tgz" },
      "same@1.0.0": {},
    });
    const images = new Map([["npm @s/a@1.10.0", ["web"]]]);
    const diff = diffLocks(before, after, images);
    expect(diff.changes.map(({ name, change, from, to }) => [name, change, from?.version, to?.version])).toEqual([
      ["@s/a", "upgraded", "1.9.0", "1.10.0"],
      ["b", "added", undefined, "1.0.1"],
      ["b", "added", undefined, "2.0.1"],
      ["b", "added", undefined, "3.0.0"],
      ["b", "removed", "1.0.0", undefined],
      ["b", "removed", "2.0.0", undefined],
      ["c", "rebuilt", "1.0.0", "1.0.0"],
      ["gone", "removed", "1.0.0", undefined],
    ]);
    expect(formatDiff(diff)).toContain(
      "  @s/a  1.9.0 → 1.10.0                     same size  web\n    would run install: node build.js\n",
    );
    expect(formatDiff(diff)).toContain(
      "! c     1.0.0 (same version, other bytes)  +10 B\n    from https://files.example/c.tgz\n",
    );
    expect(formatDiff(diff)).toContain("npm packages: 1 upgraded, 1 rebuilt, 1 added, 2 removed\n");
  });

  it("of base images tells digests, and the bytes of all their layers", () => {
    const blob = (digit: string, size: number) => ({
      mediaType: "x",
      digest: `sha256:${digit.repeat(64)}` as const,
      size,
    });
    const base = (index: string, ...layers: readonly (readonly [string, number])[]): Lock => {
      const platform = {
        manifest: blob("a", 1),
        config: blob("b", 1),
        created: "2026-11-21T09:15:44Z",
        layers: layers.map(([digit, size]) => ({ ...blob(digit, size), diffId: blob(digit, size).digest })),
      };
      const platforms = { "linux/amd64": platform, "linux/arm64": platform };
      return { ...emptyLock, bases: new Map([["registry.example/base:1", { ...blob(index, 3), platforms }]]) };
    };
    const diff = diffLocks(
      base("1", ["c", 100]),
      base("2", ["c", 100], ["d", 20]),
      new Map([["bases registry.example/base:1", ["web"]]]),
    );
    expect(formatDiff(diff)).toBe(
      [
        "base images:",
        "  registry.example/base:1  sha256:111111111111 → sha256:222222222222  +20 B  web",
        "base images: 1 changed",
        "download of everything locked: 120 B (+20 B)",
        "",
      ].join("\n"),
    );
  });
});
