import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Job, Schedule, type ScheduleOptions } from "../../../pipeline/verify/engines/schedule.ts";

const options: ScheduleOptions = { rebuilders: 1, overhead: 8, largestBatch: 100 };

function jobs(costs: readonly number[]): readonly Job[] {
  return costs.map((cost, index) => ({ image: `image-${index}`, cost }));
}

describe("the schedule", () => {
  it("gives the longest first, and batches that get smaller", () => {
    const schedule = new Schedule(jobs(Array.from({ length: 400 }, (_, i) => 1 + (i % 7))), ["a", "b"], options);
    const sizes: number[] = [];
    for (let batch = schedule.next("a"); batch !== undefined; batch = schedule.next("a")) {
      sizes.push(batch.length);
      schedule.done("a");
    }
    expect(sizes[0]).toBeGreaterThan(50);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(400);
    // Nothing is so small that the calls are all there is.
    expect(sizes.length).toBeLessThan(80);
    const one = new Schedule(jobs([1, 900, 2]), ["a", "b"], options);
    expect(one.next("a")).toEqual(["image-1"]);
    expect(one.next("b")).toEqual(["image-2", "image-0"]);
  });

  it("gives an engine nothing while it is busy, nothing twice, and nothing when it is not one of them", () => {
    const schedule = new Schedule(jobs([1]), ["a", "b"], { ...options, rebuilders: 2 });
    expect(schedule.next("a")).toEqual(["image-0"]);
    expect(schedule.next("a")).toBeUndefined();
    schedule.done("a");
    expect(schedule.next("a")).toBeUndefined();
    expect(schedule.next("c")).toBeUndefined();
    expect(schedule.abandoned).toEqual(["image-0"]);
    expect(schedule.next("b")).toEqual(["image-0"]);
    expect(schedule.abandoned).toEqual([]);
  });

  it("tries a batch that failed one by one, and a single image elsewhere", () => {
    const schedule = new Schedule(jobs([1, 1, 1]), ["a", "b"], options);
    const batch = schedule.next("a");
    expect(batch).toHaveLength(3);
    schedule.failed("a");
    expect(schedule.next("a")).toEqual(["image-0"]);
    schedule.failed("a");
    expect(schedule.next("a")).toEqual(["image-1"]);
    expect(schedule.next("b")).toEqual(["image-0"]);
    schedule.failed("b");
    schedule.giveUp("image-0");
    expect(schedule.next("b")).toEqual(["image-2"]);
    schedule.done("a");
    schedule.done("b");
    expect([schedule.next("a"), schedule.next("b"), schedule.abandoned]).toEqual([undefined, undefined, []]);
  });

  it("takes what a lost engine had elsewhere, and suspects an image under which three were lost", () => {
    const schedule = new Schedule(jobs([1]), ["a", "b", "c", "d"], options);
    for (const engine of ["a", "b"]) {
      expect(schedule.next(engine)).toEqual(["image-0"]);
      expect(schedule.lost(engine)).toEqual([]);
    }
    expect(schedule.next("c")).toEqual(["image-0"]);
    expect(schedule.lost("c")).toEqual(["image-0"]);
    expect(schedule.next("d")).toBeUndefined();
  });

  it("refuses more rebuilders than engines", () => {
    expect(() => new Schedule(jobs([1]), ["a", "a"], { ...options, rebuilders: 2 })).toThrow(RangeError);
    expect(() => new Schedule(jobs([1]), ["a"], { ...options, rebuilders: 0 })).toThrow(RangeError);
  });

  it("rebuilds everything as often as wanted by different engines, or says what it could not, whatever happens", () => {
    const event = fc.record({ engine: fc.nat(), what: fc.constantFrom("done", "done", "done", "failed", "lost") });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(event, { maxLength: 200 }),
        (costs, count, asked, events) => {
          const rebuilders = Math.min(asked, count);
          const engines = Array.from({ length: count }, (_, i) => `engine-${i}`);
          const all = jobs(costs);
          const schedule = new Schedule(all, engines, { ...options, rebuilders });
          const by = new Map(all.map(({ image }) => [image, new Set<string>()]));
          const gone = new Set<string>();
          const suspects = new Set<string>();
          const failures = new Map<string, number>();
          const turn = (engine: string, what: string): boolean => {
            if (gone.has(engine)) return false;
            const batch = schedule.next(engine);
            if (batch === undefined) return false;
            expect(new Set(batch).size).toBe(batch.length);
            if (what === "done") {
              for (const image of batch) {
                expect(by.get(image)?.has(engine)).toBe(false);
                by.get(image)?.add(engine);
              }
              schedule.done(engine);
            } else if (what === "failed") {
              schedule.failed(engine);
              const [only] = batch;
              if (batch.length === 1 && only !== undefined) {
                failures.set(only, (failures.get(only) ?? 0) + 1);
                if ((failures.get(only) ?? 0) > 1) schedule.giveUp(only);
              }
            } else {
              gone.add(engine);
              for (const image of schedule.lost(engine)) suspects.add(image);
            }
            return true;
          };
          for (const { engine, what } of events) turn(engines[engine % count] ?? "", what);
          // From here on all goes well, and it comes to an end.
          for (let turns = 0; engines.some((engine) => turn(engine, "done")); turns++) expect(turns).toBeLessThan(1000);
          expect(schedule.waiting).toBe(false);
          const abandoned = new Set(schedule.abandoned);
          for (const { image } of all) {
            const enough = (by.get(image)?.size ?? 0) >= rebuilders;
            const excused = abandoned.has(image) || suspects.has(image) || (failures.get(image) ?? 0) > 0;
            expect(enough || excused).toBe(true);
            expect(by.get(image)?.size ?? 0).toBeLessThanOrEqual(rebuilders);
          }
          // Only for want of engines is anything left over.
          const left = count - gone.size;
          if (left >= rebuilders + 1 && failures.size === 0 && suspects.size === 0 && gone.size === 0)
            expect(abandoned.size).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
