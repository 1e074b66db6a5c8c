import { describe, expect, it } from "vitest";
import { settleConflicts } from "../../pipeline/build/conflicts.ts";
import { LockstepError } from "../../pipeline/host/errors.ts";
import type { PackageFacts } from "../../pipeline/source/debian/facts.ts";
import type { Entry } from "../../pipeline/tree/entry.ts";

const metadata = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };

/** A package with these paths: a directory when it ends in a slash, a link when it ends in @. */
function facts(name: string, paths: readonly string[], control: Readonly<Record<string, string>> = {}): PackageFacts {
  const entries = paths.map((text): Entry => {
    const path = text.replace(/[/@]$/, "");
    if (text.endsWith("/")) return { ...metadata, path, type: "directory" };
    if (text.endsWith("@")) return { ...metadata, path, type: "symlink", target: "x" };
    return { ...metadata, path, type: "file", size: 0 };
  });
  return {
    control: { Package: name, Version: "1.0", Architecture: "all", ...control },
    conffiles: [],
    md5: {},
    scripts: {},
    entries,
    contents: {},
    libraries: [],
  };
}

const settle = (...packages: readonly PackageFacts[]): readonly (readonly string[])[] =>
  settleConflicts(packages).map((drop) => [...drop]);

describe("settleConflicts", () => {
  it("lets packages share directories", () => {
    expect(settle(facts("a", ["usr/", "usr/a"]), facts("b", ["usr/", "usr/b"]))).toEqual([[], []]);
  });

  it("refuses a file of two packages, and tells all of them at once (LS4201)", () => {
    try {
      settle(facts("a", ["x", "y"]), facts("b", ["y@", "x"]), facts("c", ["x"]));
      expect.unreachable();
    } catch (error) {
      expect((error as LockstepError).problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
        "LS4201 a and b both have the file x, and neither says that it replaces the other's",
        "LS4201 a and b both have the file y, and neither says that it replaces the other's",
        "LS4201 a and c both have the file x, and neither says that it replaces the other's",
      ]);
    }
  });

  it.each([
    ["b", "1.0", true],
    ["b (<< 2)", "1.0", true],
    ["b (<< 2)", "2", false],
    ["b (<= 1.0)", "1.0", true],
    ["b (= 1.0-1)", "1.0", false],
    ["c, b (>= 1:0)", "1.0", false],
    ["c, b (>= 0.9~rc1)", "1.0", true],
    ["bb", "1.0", false],
  ])("allows it when Replaces is %j and the other's version is %s: %s", (replaces, version, allowed) => {
    const packages = [facts("b", ["x"], { Version: version }), facts("a", ["x"], { Replaces: replaces })] as const;
    for (const [list, expected] of [
      [packages, [["x"], []]],
      [packages.toReversed(), [[], ["x"]]],
    ] as const) {
      if (allowed) expect(settle(...list)).toEqual(expected);
      else expect(() => settle(...list)).toThrow(/^LS4201 /);
    }
  });

  it("takes diversions into account: what was moved away is in nobody's way", () => {
    const packages = [facts("dash", ["usr/bin/sh"]), facts("shell", ["usr/bin/sh"])];
    const moved = settleConflicts(packages, [[["usr/bin/sh", "usr/bin/sh.distrib"]], []]);
    expect(moved.map((drop) => drop.size)).toEqual([0, 0]);
    const onto = [facts("dash", ["usr/bin/sh"]), facts("other", ["usr/bin/sh.distrib"])];
    expect(() => settleConflicts(onto, [[["usr/bin/sh", "usr/bin/sh.distrib"]], []])).toThrow(/^LS4201 /);
  });

  it("refuses a directory of one package where another has a link or a file", () => {
    expect(() => settle(facts("a", ["usr/doc@"]), facts("b", ["usr/doc/", "usr/doc/x"]))).toThrow(
      "LS4201 usr/doc is a directory in b and not one in a",
    );
  });
});
