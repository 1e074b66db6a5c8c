import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatLock } from "../../pipeline/lock/format.ts";
import { withMarks } from "../../pipeline/lock/marks.ts";
import { type LockConflict, mergeLocks, resolvedTo, withoutUnused } from "../../pipeline/lock/merge.ts";
import { parseLock } from "../../pipeline/lock/parse.ts";
import { agreedLock, salvageLock } from "../../pipeline/lock/salvage.ts";
import { type Lock, type LockedPackage, emptyLock, packageKey, releaseKey } from "../../pipeline/lock/types.ts";
import { canonicalJson } from "../../pipeline/store/canonical-json.ts";
import { hexOf, digestOf } from "../../pipeline/store/digest.ts";
import { release } from "./sample.ts";

/** A lock in short: images with versions of their packages by name, and files with numbers for their content by name. */
interface Model {
  readonly images: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly files: Readonly<Record<string, number>>;
}

const hash = (text: string): string => hexOf(digestOf(text));

function lockOf({ images, files }: Model, vouching = release): Lock {
  const packages = new Map<string, LockedPackage>();
  const resolutions = Object.entries(images).map(([image, items]) => {
    const keys = Object.entries(items).map(([name, version]) => {
      const item: LockedPackage = {
        name,
        version: String(version),
        architecture: "all",
        archive: "debian",
        path: `pool/main/${name}/${name}_${version}_all.deb`,
        size: 1 + version,
        sha256: hash(`${name} ${version}`),
        source: name,
        sourceVersion: String(version),
        release: releaseKey(vouching),
      };
      packages.set(packageKey(item), item);
      return packageKey(item);
    });
    const request = Object.keys(items).toSorted();
    return [
      image,
      { suite: "trixie", dependencies: "none", request, platforms: { "linux/amd64": keys.toSorted() } },
    ] as const;
  });
  return withoutUnused({
    ...emptyLock,
    http: new Map(
      Object.entries(files).map(([name, n]) => [
        `https://files.example/${name}`,
        { size: 1 + n, sha256: hash(String(n)) },
      ]),
    ),
    images: new Map(resolutions),
    packages,
    releases: new Map([[releaseKey(vouching), vouching]]),
  });
}

const names = ["node", "shell", "tool", "web"] as const;
const items = fc.dictionary(fc.constantFrom("app", "lib", "libc6"), fc.nat({ max: 3 }), {
  minKeys: 1,
  noNullPrototype: true,
});
const models: fc.Arbitrary<Model> = fc.record({
  images: fc.dictionary(fc.constantFrom(...names), items, { noNullPrototype: true }),
  files: fc.dictionary(fc.constantFrom(...names), fc.nat({ max: 3 }), { noNullPrototype: true }),
});

/** The same with some members of one map changed or taken away. */
function edited<T>(
  map: Readonly<Record<string, T>>,
  edits: Readonly<Record<string, T | undefined>>,
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries({ ...map, ...edits }).filter((member): member is [string, T] => member[1] !== undefined),
  );
}

/** Edits of members whose names are in one half or the other, so that two of them never meet. */
function edits<T>(
  value: fc.Arbitrary<T>,
): fc.Arbitrary<readonly [Readonly<Record<string, T | undefined>>, Readonly<Record<string, T | undefined>>]> {
  const some = fc.dictionary(fc.constantFrom(...names), fc.option(value, { nil: undefined }), {
    noNullPrototype: true,
  });
  return fc
    .tuple(some, some, fc.subarray([...names]))
    .map(([a, b, mine]) => [
      Object.fromEntries(Object.entries(a).filter(([name]) => mine.some((each) => each === name))),
      Object.fromEntries(Object.entries(b).filter(([name]) => !mine.some((each) => each === name))),
    ]);
}

function text(merged: { readonly lock: Lock }): string {
  return formatLock(withoutUnused(merged.lock));
}

describe("the merge of two locks", () => {
  it("has both sides' changes when they are about different entries, whichever side is whose", () => {
    fc.assert(
      fc.property(models, edits(items), edits(fc.nat({ max: 3 })), (base, [a, b], [c, d]) => {
        const both = { images: edited(edited(base.images, a), b), files: edited(edited(base.files, c), d) };
        const ours = lockOf({ images: edited(base.images, a), files: edited(base.files, c) });
        const theirs = lockOf({ images: edited(base.images, b), files: edited(base.files, d) });
        const merged = mergeLocks({ base: lockOf(base), ours, theirs });
        expect(merged.conflicts).toEqual([]);
        expect(text(merged)).toBe(formatLock(lockOf(both)));
        expect(text(mergeLocks({ base: lockOf(base), ours: theirs, theirs: ours }))).toBe(text(merged));
      }),
    );
  });

  it("takes neither where both changed an entry to different things, and says which", () => {
    fc.assert(
      fc.property(models, models, models, (base, a, b) => {
        const sides = { base: lockOf(base), ours: lockOf(a), theirs: lockOf(b) };
        const merged = mergeLocks(sides);
        const expected: LockConflict[] = [];
        for (const [section, map, prefix] of [
          ["http", "files", "https://files.example/"],
          ["images", "images", ""],
        ] as const) {
          for (const name of names) {
            const [was, our, their] = [base, a, b].map((model) => canonicalJson(model[map][name] ?? null));
            if (our !== their && our !== was && their !== was) expected.push({ section, key: `${prefix}${name}` });
          }
        }
        expect(merged.conflicts).toEqual(expected);
        for (const { section, key } of expected) expect(merged.lock[section].has(key)).toBe(false);
        const swapped = mergeLocks({ ...sides, ours: sides.theirs, theirs: sides.ours });
        expect(swapped.conflicts).toEqual(merged.conflicts);
        expect(text(swapped)).toBe(text(merged));
        expect(parseLock(text(merged), "lock")).toEqual(withoutUnused(merged.lock));
      }),
    );
  });

  it("that is not finished is a text whose sides are whole locks, one with each answer", () => {
    fc.assert(
      fc.property(models, models, models, (base, a, b) => {
        const sides = { base: lockOf(base), ours: lockOf(a), theirs: lockOf(b) };
        const merged = mergeLocks(sides);
        const [ours, theirs] = [resolvedTo(merged, sides.ours), resolvedTo(merged, sides.theirs)];
        const marked = withMarks(formatLock(ours), formatLock(theirs));
        const agreed = agreedLock(marked, "lock");
        if (merged.conflicts.length === 0) {
          expect(marked).toBe(text(merged));
          return;
        }
        expect(() => parseLock(marked, "lockstep.lock")).toThrow("LS2202");
        const parts = [0, 1].map((side) => {
          const lines: string[] = [];
          let at = 2;
          for (const line of marked.split("\n")) {
            if (line.startsWith("<<<<<<< ")) at = 0;
            else if (line === "=======") at = 1;
            else if (line.startsWith(">>>>>>> ")) at = 2;
            else if (at === 2 || at === side) lines.push(line);
          }
          return parseLock(lines.join("\n"), "side");
        });
        expect(parts).toEqual([parseLock(formatLock(ours), "ours"), parseLock(formatLock(theirs), "theirs")]);
        // What pin starts from has everything of both, ours where they differ; what both agree on is a base for the next merge.
        const saved = salvageLock(marked, "lockstep.lock").lock;
        for (const [image, entry] of ours.images) expect(saved.images.get(image)).toEqual(entry);
        for (const [image, entry] of agreed.images)
          expect([ours.images.get(image), theirs.images.get(image)]).toEqual([entry, entry]);
        const alike = [...ours.images].filter(
          ([image, entry]) => canonicalJson(entry) === canonicalJson(theirs.images.get(image) ?? null),
        );
        expect([...agreed.images.keys()]).toEqual(alike.map(([image]) => image).toSorted());
      }),
    );
  });

  it("marks nothing but the entries in question", () => {
    const base = { images: { node: { lib: 1 }, web: { app: 1 } }, files: { a: 1 } };
    const sides = {
      base: lockOf(base),
      ours: lockOf({ ...base, images: { node: { lib: 1 }, web: { app: 2 } } }),
      theirs: lockOf({ ...base, images: { node: { lib: 3 }, web: { app: 3 } } }),
    };
    const merged = mergeLocks(sides);
    const lines = withMarks(
      formatLock(resolvedTo(merged, sides.ours)),
      formatLock(resolvedTo(merged, sides.theirs)),
    ).split("\n");
    expect(lines.filter((line) => line.startsWith("<<<<<<<"))).toHaveLength(2);
    const between = lines.slice(lines.indexOf("<<<<<<< ours"), lines.indexOf(">>>>>>> theirs"));
    expect(between.filter((line) => /^ {4}"/.test(line))).toEqual(['    "web": {', '    "web": {']);
    expect(merged.lock.images.get("node")?.platforms).toEqual({ "linux/amd64": ["lib_3_all"] });
  });

  it("keeps the earlier of two releases that vouch for one package", () => {
    const later = { ...release, date: "2026-11-22T00:00:00Z", sha256: "cd".repeat(32) };
    const base = lockOf({ images: {}, files: {} });
    const ours = lockOf({ images: { web: { app: 1 } }, files: {} }, later);
    const theirs = lockOf({ images: { node: { app: 1 } }, files: {} });
    for (const sides of [
      { base, ours, theirs },
      { base, ours: theirs, theirs: ours },
    ]) {
      const merged = mergeLocks(sides);
      expect(merged.conflicts).toEqual([]);
      expect([...withoutUnused(merged.lock).releases.keys()]).toEqual([releaseKey(release)]);
    }
  });

  it("does not take one of two files that have one name and version", () => {
    const base = lockOf({ images: {}, files: {} });
    const ours = lockOf({ images: { web: { app: 1 } }, files: {} });
    const theirs = lockOf({ images: { node: { app: 1 } }, files: {} });
    const [[key, item] = ["", undefined]] = [...theirs.packages];
    if (item === undefined) throw new Error("no package");
    const other = { ...theirs, packages: new Map([[key, { ...item, sha256: hash("other") }]]) };
    expect(mergeLocks({ base, ours, theirs: other }).conflicts).toEqual([{ section: "packages", key: "app_1_all" }]);
  });
});
