import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareNames } from "../../../pipeline/source/npm/bins.ts";
import { npmTree } from "../../../pipeline/source/npm/layout.ts";
import { parsePackageLock } from "../../../pipeline/source/npm/package-lock.ts";
import { isFor } from "../../../pipeline/source/npm/platform.ts";
import type { SelectionOptions } from "../../../pipeline/source/npm/selection.ts";

const integrity = `sha512-${createHash("sha512").update("a").digest("base64")}`;
const usual: SelectionOptions = { platform: "linux/amd64", libc: "glibc", omit: ["dev"] };

type Entries = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function treeOf(root: Readonly<Record<string, unknown>>, entries: Entries, options: SelectionOptions = usual) {
  const packages = Object.entries(entries).map(([location, entry]) => {
    const own = location.includes("node_modules/") && entry["link"] !== true;
    return [own ? `${location}` : location, own ? { version: "1.0.0", integrity, ...entry } : entry] as const;
  });
  const lock = { lockfileVersion: 3, packages: { "": root, ...Object.fromEntries(packages) } };
  return npmTree(parsePackageLock(JSON.stringify(lock), "package-lock.json"), options);
}

const locations = (tree: ReturnType<typeof npmTree>) => tree.places.map(({ location }) => location);

describe("platforms", () => {
  it.each([
    [{}, true],
    [{ os: ["linux"] }, true],
    [{ os: ["darwin", "win32"] }, false],
    [{ os: ["!win32"] }, true],
    [{ os: ["!linux"] }, false],
    [{ os: ["!win32", "darwin"] }, false],
    [{ os: ["any"] }, true],
    [{ os: [] }, true],
    [{ cpu: ["x64", "arm64"] }, true],
    [{ cpu: ["arm64"] }, false],
    [{ libc: ["glibc"] }, true],
    [{ libc: ["musl"] }, false],
    [{ os: ["linux"], cpu: ["x64"], libc: ["!glibc"] }, false],
  ])("of %j: %s on linux/amd64 with glibc", (lists, expected) => {
    expect(isFor(lists, usual)).toBe(expected);
  });
});

describe("selection", () => {
  it("leaves out development, optional and peer dependencies as it is told, and keeps what two kinds share", () => {
    const root = { dependencies: { a: "1" }, devDependencies: { b: "1" }, optionalDependencies: { c: "1" } };
    const entries = {
      "node_modules/a": {},
      "node_modules/b": { dev: true },
      "node_modules/c": { optional: true },
      "node_modules/both": { devOptional: true },
      "node_modules/peer": { peer: true },
    };
    const of = (omit: SelectionOptions["omit"]) =>
      locations(treeOf(root, entries, { ...usual, omit })).map((location) => location.slice(13));
    expect(of([])).toEqual(["a", "b", "both", "c", "peer"]);
    expect(of(["dev"])).toEqual(["a", "both", "c", "peer"]);
    expect(of(["dev", "optional"])).toEqual(["a", "peer"]);
    expect(of(["peer", "optional"])).toEqual(["a", "b", "both"]);
  });

  it("leaves out with a package of another platform all that needs it and what only that needs", () => {
    const optional = { optional: true };
    const tree = treeOf(
      { dependencies: { kept: "1" }, optionalDependencies: { wrapper: "1", fine: "1" } },
      {
        "node_modules/kept": { dependencies: { shared: "1" } },
        "node_modules/wrapper": { ...optional, dependencies: { native: "1", shared: "1", alone: "1" } },
        "node_modules/native": { ...optional, cpu: ["arm64"], dependencies: { deeper: "1" } },
        "node_modules/deeper": optional,
        "node_modules/alone": { ...optional, dependencies: { "alone-too": "1" } },
        "node_modules/alone-too": optional,
        "node_modules/shared": {},
        "node_modules/fine": { ...optional, optionalDependencies: { native: "1" } },
      },
    );
    expect(locations(tree)).toEqual(["node_modules/fine", "node_modules/kept", "node_modules/shared"]);
  });

  it("leaves out what is nested in a package that is left out", () => {
    const tree = treeOf(
      { optionalDependencies: { a: "1" } },
      {
        "node_modules/a": { optional: true, os: ["win32"], dependencies: { b: "1" } },
        "node_modules/a/node_modules/b": { optional: true },
      },
    );
    expect(locations(tree)).toEqual([]);
  });

  it("keeps development packages of a linked folder that is no workspace, which npm does not take for ours", () => {
    const entries = {
      "node_modules/mine": { link: true, resolved: "packages/mine" },
      "node_modules/other": { link: true, resolved: "vendor/other" },
      "packages/mine": { name: "mine", version: "1.0.0" },
      "packages/mine/node_modules/tool": { dev: true },
      "vendor/other": { name: "other", version: "1.0.0" },
      "vendor/other/node_modules/tool": { dev: true },
    };
    expect(locations(treeOf({ workspaces: ["./packages/*/", "!packages/x"] }, entries))).toEqual([
      "vendor/other/node_modules/tool",
    ]);
  });
});

describe("the tree", () => {
  it("links packages of the project by relative paths", () => {
    const { links, linkedBins } = treeOf(
      { workspaces: ["packages/*"] },
      {
        "node_modules/@s/core": { link: true, resolved: "packages/core" },
        "packages/core": { name: "@s/core", version: "1.0.0", bin: { core: "bin/core.js" } },
      },
    );
    expect(links).toEqual([{ path: "node_modules/@s/core", target: "../../packages/core" }]);
    expect(linkedBins).toEqual([
      { path: "node_modules/.bin/core", target: "../@s/core/bin/core.js", file: "packages/core/bin/core.js" },
    ]);
  });

  it("has nothing of a package where another is nested, and commands of a bundle with the bundle", () => {
    const { places } = treeOf(
      { dependencies: { p: "1" } },
      {
        "node_modules/p": { dependencies: { q: "1", r: "1" } },
        "node_modules/p/node_modules/q": { inBundle: true, bin: { q: "q.js" } },
        "node_modules/p/node_modules/q/node_modules/r": {},
        "node_modules/p/node_modules/r": {},
      },
    );
    expect(places[0]).toMatchObject({
      location: "node_modules/p",
      bins: [{ link: "node_modules/p/node_modules/.bin/q", file: "node_modules/q/q.js" }],
      drop: ["node_modules/q/node_modules/r", "node_modules/r"],
      bundled: ["node_modules/q"],
    });
    expect(places).toHaveLength(3);
  });

  it("takes packages that the project itself bundles from the registry", () => {
    const tree = treeOf(
      { dependencies: { p: "1" }, bundleDependencies: ["p"] },
      { "node_modules/p": { inBundle: true } },
    );
    expect(locations(tree)).toEqual(["node_modules/p"]);
  });
});

describe("the order of names", () => {
  it("is that of a dictionary, as npm's runtime has it", () => {
    const name = fc.string({
      unit: fc.constantFrom(..."abcxyzABZ019._-~@/"),
      minLength: 1,
      maxLength: 8,
    });
    const collator = new Intl.Collator("en");
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(Math.sign(compareNames(a, b))).toBe(Math.sign(collator.compare(a, b)));
      }),
      { numRuns: 2000 },
    );
  });
});
