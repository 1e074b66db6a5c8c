import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attribute, mostReruns, type Outcome } from "../../../pipeline/verify/perturb/attribute.ts";

type Build = (set: ReadonlySet<number>) => boolean;

/** Runs the attribution on a simulated build, and gives every set that was tried. */
async function simulate(count: number, build: Build, fail: (run: number) => boolean = () => false) {
  const runs: (readonly number[])[] = [];
  const items = Array.from({ length: count }, (_, index) => index);
  const found = await attribute(items, async (set): Promise<Outcome> => {
    runs.push(set);
    if (fail(runs.length)) return "failed";
    return build(new Set(set)) ? "differs" : "same";
  });
  return { found, runs };
}

const includesAll = (set: ReadonlySet<number>, wanted: readonly number[]): boolean =>
  wanted.every((item) => set.has(item));

const without = (items: readonly number[], item: number): ReadonlySet<number> =>
  new Set(items.filter((other) => other !== item));

describe("attribution by experiment", () => {
  it("finds every single cause among up to 40 changes in at most log2(n) + 2 reruns", async () => {
    for (let count = 1; count <= 40; count++)
      for (let cause = 0; cause < count; cause++) {
        const { found, runs } = await simulate(count, (set) => set.has(cause));
        expect(found).toEqual({ kind: "found", items: [cause] });
        expect(runs.length).toBeLessThanOrEqual(Math.ceil(Math.log2(count)) + 2);
        expect(runs).toContainEqual([cause]);
      }
  });

  it("says that the build differs without any change, after one rerun", async () => {
    for (let count = 0; count <= 8; count++) {
      const { found, runs } = await simulate(count, () => true);
      expect([found, runs]).toEqual([{ kind: "always" }, [[]]]);
    }
  });

  it("says that what was seen does not come back", async () => {
    for (let count = 0; count <= 16; count++) {
      const { found, runs } = await simulate(count, () => false);
      expect(found).toEqual({ kind: "unreproduced" });
      expect(runs.length).toBeLessThanOrEqual(mostReruns(count, 1) + 1);
    }
  });

  it("concludes nothing from a rerun that fails, whichever it is", async () => {
    for (let failing = 1; failing <= 4; failing++) {
      const { found, runs } = await simulate(
        8,
        (set) => set.has(5),
        (run) => run === failing,
      );
      expect([found, runs.length]).toEqual([{ kind: "failed" }, failing]);
    }
  });

  it("passes on what a rerun throws", async () => {
    const broken = new Error("no space");
    await expect(
      attribute([1], () => {
        throw broken;
      }),
    ).rejects.toBe(broken);
  });

  // Every build there can be of up to four changes that differs under all and not under none: 16,384 of four.
  it("names a set that was seen to differ by itself, for every build of up to four changes", async () => {
    for (let count = 1; count <= 4; count++) {
      const sets = 2 ** count;
      for (let table = 0; table < 2 ** (sets - 2); table++) {
        // Bit i of the table says whether the set with the bits of i differs.
        const bits = (table << 1) | (1 << (sets - 1));
        const build: Build = (set) => ((bits >>> [...set].reduce((sum, item) => sum + 2 ** item, 0)) & 1) === 1;
        const { found, runs } = await simulate(count, build);
        if (found.kind !== "found") throw new Error(`table ${table} of ${count}: ${found.kind}`);
        expect(build(new Set(found.items))).toBe(true);
        expect(runs).toContainEqual(found.items);
        expect(runs.length).toBeLessThanOrEqual(mostReruns(count, found.items.length));
      }
    }
  });

  it("names a smallest set where causes act together, or in each other's place, within the stated number of reruns", async () => {
    const monotone = fc
      .integer({ min: 1, max: 24 })
      .chain((count) =>
        fc.tuple(
          fc.constant(count),
          fc.array(
            fc.uniqueArray(fc.integer({ min: 0, max: count - 1 }), { minLength: 1, maxLength: Math.min(count, 5) }),
            { minLength: 1, maxLength: 4 },
          ),
        ),
      );
    await fc.assert(
      fc.asyncProperty(monotone, async ([count, causes]) => {
        const build: Build = (set) => causes.some((cause) => includesAll(set, cause));
        const { found, runs } = await simulate(count, build);
        if (found.kind !== "found") throw new Error(found.kind);
        expect(build(new Set(found.items))).toBe(true);
        for (const item of found.items) expect(build(without(found.items, item))).toBe(false);
        expect(found.items).toEqual(found.items.toSorted((a, b) => a - b));
        expect(runs.length).toBeLessThanOrEqual(mostReruns(count, found.items.length));
      }),
      { numRuns: 2000 },
    );
  });

  it("believes no difference that it has not seen itself, whatever a build by chance does", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.infiniteStream(fc.boolean()), async (count, chance) => {
        const seen = new Set<string>();
        const { found } = await simulate(count, (set) => {
          const differs = chance.next().value === true;
          if (differs) seen.add([...set].join());
          return differs;
        });
        if (found.kind === "found") expect(seen).toContain(found.items.join());
        if (found.kind === "always") expect(seen).toContain("");
      }),
      { numRuns: 500 },
    );
  });
});
