import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldAlike, storyOf } from "../../../pipeline/verify/report/fold.ts";
import { anyComparison, bytes, line, mixed, mtime, setuid } from "./comparisons.ts";

describe("folding", () => {
  it("makes one of what is alike in part, field, format and grade, the gravest first", () => {
    const folds = foldAlike([
      mtime("a"),
      line,
      mtime("b"),
      setuid,
      { ...line, where: { ...line.where, field: "line 9" } },
    ]);
    expect(folds.map(({ field, places, members, same }) => ({ field, places, members: members.length, same }))).toEqual(
      [
        { field: "mode", places: 1, members: 1, same: true },
        { field: "text line", places: 1, members: 2, same: true },
        { field: "mtime", places: 2, members: 2, same: true },
      ],
    );
  });

  it("tells apart what is not alike", () => {
    expect(foldAlike([mtime("a"), mtime("a", { grade: "content" }), bytes, line])).toHaveLength(4);
    expect(foldAlike([mtime("a"), mtime("b", { b: "1970-01-01T00:00:00Z" })])[0]?.same).toBe(false);
  });

  it("tells each difference exactly once", () => {
    fc.assert(
      fc.property(anyComparison, (comparison) => {
        const { chapters, unexplained, waived } = storyOf(comparison);
        const told = [
          ...chapters.flatMap(({ folds }) => folds),
          ...unexplained,
          ...waived.flatMap(({ folds }) => folds),
        ]
          .flatMap(({ members }) => members)
          .map((difference) => comparison.differences.indexOf(difference));
        expect(told.toSorted((a, b) => a - b)).toEqual(comparison.differences.map((_, index) => index));
      }),
    );
  });

  it("puts waived differences under their waiver and nowhere else", () => {
    const { chapters, waived } = storyOf(mixed);
    expect(chapters.map(({ cause, folds }) => [cause.id, folds.length])).toEqual([
      ["T1", 1],
      ["L8", 1],
      ["T8", 0],
    ]);
    expect(waived.map(({ waiver, folds }) => [waiver.owner, folds.length])).toEqual([["platform team", 1]]);
  });
});
