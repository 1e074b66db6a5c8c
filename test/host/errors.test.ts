import { describe, expect, it } from "vitest";
import { codes } from "../../pipeline/host/codes.ts";
import { formatProblem, interrupted, LockstepError, messageOf, systemCode } from "../../pipeline/host/errors.ts";
import { inParallel } from "../../pipeline/host/parallel.ts";

describe("LockstepError", () => {
  it("is one line a problem: code, place, what, what to do", () => {
    const place = { file: "images/web/image.yaml", line: 14, column: 9 };
    expect(formatProblem({ code: "LS2103", message: "no such package", place, hint: 'did you mean "nodejs"?' })).toBe(
      'LS2103 images/web/image.yaml:14:9 no such package; did you mean "nodejs"?',
    );
    expect(formatProblem({ code: "LS1003", message: "interrupted" })).toBe("LS1003 interrupted");
    expect(formatProblem({ code: "LS1003", message: "x", place: { file: "f", column: 3 } })).toBe("LS1003 f x");
    const both = new LockstepError([
      { code: "LS2103", message: "a" },
      { code: "LS2104", message: "b" },
    ]);
    expect(both.message).toBe("LS2103 a\nLS2104 b");
    expect(both.code).toBe("LS2103");
    expect(both.name).toBe("LockstepError");
  });

  it("ends with the exit code of the gravest problem", () => {
    const exit = (...list: readonly (keyof typeof codes)[]): number =>
      new LockstepError(list.map((code) => ({ code, message: "" }))).exitCode;
    expect(exit("LS2405")).toBe(1);
    expect(exit("LS1002")).toBe(2);
    expect(exit("LS2405", "LS2103")).toBe(3);
    expect(exit("LS3102", "LS2103", "LS1002")).toBe(4);
    expect(exit()).toBe(1);
    expect(interrupted().exitCode).toBe(4);
  });

  it("tells messages and system codes of anything that is thrown", () => {
    expect(messageOf(new Error("m"))).toBe("m");
    expect(messageOf("text")).toBe("text");
    expect(systemCode(Object.assign(new Error("m"), { code: "ENOENT" }))).toBe("ENOENT");
    expect(systemCode(Object.assign(new Error("m"), { code: 5 }))).toBeUndefined();
    expect(systemCode({ code: "ENOENT" })).toBeUndefined();
  });
});

describe("inParallel", () => {
  it("gives answers in the order of the items, with at most so many at once", async () => {
    let running = 0;
    let most = 0;
    const answers = await inParallel([5, 1, 4, 2, 3], 2, async (item, index) => {
      most = Math.max(most, ++running);
      for (let i = 0; i < item; i++) await Promise.resolve();
      running--;
      return `${index}:${item}`;
    });
    expect(answers).toEqual(["0:5", "1:1", "2:4", "3:2", "4:3"]);
    expect(most).toBe(2);
    expect(await inParallel([], 4, () => Promise.reject(new Error("never")))).toEqual([]);
  });

  it("starts nothing more after a failure, and fails only when all has ended", async () => {
    const ended: number[] = [];
    const work = inParallel([1, 2, 3, 4], 2, async (item) => {
      if (item === 1) throw new Error("first");
      for (let i = 0; i < 50; i++) await Promise.resolve();
      ended.push(item);
    });
    await expect(work).rejects.toThrow("first");
    expect(ended).toEqual([2]);
  });
});
