import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "../../support.ts";
import { type Board, boardMarkdown, isFull } from "./board.ts";

const board: Board = {
  contenders: ["Lockstep", "other"],
  rows: [
    { what: "times", layers: ["same", "differs"], images: ["same", "differs"] },
    { what: "order", layers: ["same", "same"], images: ["same", "differs"] },
    { what: "zone", layers: ["same", "same"], images: ["same", "–"] },
  ],
  lost: [[], ["copy/two"]],
  skipped: ["a third: not installed"],
};

it("the scoreboard counts layers and images apart, and says what is lost and what was not measured", () => {
  expect(boardMarkdown(board).split("\n")).toEqual([
    "|  | Lockstep | other |",
    "| --- | --- | --- |",
    "| times | same | differs |",
    "| order | same | same, image differs |",
    "| zone | same | same |",
    "| **layers that are the same** | 3/3 | 2/3 |",
    "| **images that are the same** | 3/3 | 0/2 |",
    "| **not in the layer** | nothing | copy/two |",
    "",
    "* Not measured: a third: not installed.",
    "",
  ]);
});

it("the scoreboard fails when Lockstep differs in one row, or loses something, whatever the others do", () => {
  expect(isFull(board)).toBe(true);
  expect(isFull({ ...board, rows: [] })).toBe(false);
  expect(isFull({ ...board, lost: [["a"], []] })).toBe(false);
  for (const key of ["layers", "images"] as const)
    for (const cell of ["differs", "–"] as const) {
      const rows = board.rows.map((row, index) => (index === 1 ? { ...row, [key]: [cell, "same"] as const } : row));
      expect(isFull({ ...board, rows })).toBe(false);
    }
});

it("docs/perturbations.md has the eleven of the last run, with Lockstep the same in all", () => {
  const page = readFileSync(join(root, "docs/perturbations.md"), "utf8");
  expect(page).toMatch(/^\| \*\*layers that are the same\*\* \| 11\/11 \|/m);
  expect(page).toMatch(/^\| \*\*images that are the same\*\* \| 11\/11 \|/m);
  expect(page).toMatch(/^\| \*\*not in the layer\*\* \| nothing \|/m);
});
