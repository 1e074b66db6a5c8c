import { describe, expect, it } from "vitest";
import { inParallel } from "../../pipeline/host/parallel.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("inParallel", () => {
  it("gives answers in the order of the items, with no more calls under way than the limit", async () => {
    let running = 0;
    let most = 0;
    const answers = await inParallel([5, 1, 4, 2, 3], 2, async (item, index) => {
      most = Math.max(most, ++running);
      for (let i = 0; i < item; i++) await turn();
      running--;
      return [item, index];
    });
    expect(answers).toEqual([
      [5, 0],
      [1, 1],
      [4, 2],
      [2, 3],
      [3, 4],
    ]);
    expect(most).toBe(2);
    expect(await inParallel([], 2, turn)).toEqual([]);
  });

  it("begins an item only when no more than its own limit are under way", async () => {
    let running = 0;
    const before: (readonly [number, number])[] = [];
    await inParallel(
      [1, 1, 3, 3, 3, 1, 3],
      (item) => item,
      async (item) => {
        before.push([item, running++]);
        await turn();
        running--;
      },
    );
    expect(before.filter(([limit, under]) => under >= limit)).toEqual([]);
    expect(Math.max(...before.map(([, under]) => under))).toBe(2);
  });

  it("throws the first failure once all that began have ended, and begins no other", async () => {
    const begun: number[] = [];
    let ended = 0;
    const work = inParallel([0, 1, 2, 3, 4], 2, async (item) => {
      begun.push(item);
      await turn();
      if (item === 1) throw new Error("one");
      await turn();
      ended++;
    });
    await expect(work).rejects.toThrow("one");
    expect([begun.includes(4), ended]).toEqual([false, begun.length - 1]);
  });
});
