import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "./support.ts";

/** How many rows of each letter docs/catalogue.md has. */
const counts: Readonly<Record<string, number>> = { T: 22, O: 23, Z: 13, P: 12, S: 14, I: 15, L: 26 };

const page = readFileSync(join(root, "docs/catalogue.md"), "utf8");
const rows = [...page.matchAll(/^\| *([A-Z]\d+) *\|([^|]+)\|([^|]+)\|$/gm)].map(([, row = "", what = "", by = ""]) => ({
  row,
  what: what.trim(),
  by: by.trim(),
}));

/** A name in the source of a test stands in quotes of some kind; quotes within it may be escaped. */
const quotes: readonly string[] = ['"', "'", "`"];

describe("docs/catalogue.md", () => {
  it("has every row once, in order", () => {
    const wanted = Object.entries(counts).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
    );
    expect(rows.map(({ row }) => row)).toEqual(wanted);
    expect(rows.filter(({ what }) => what === "")).toEqual([]);
  });

  it.each(rows)("$row is held by tests that exist, or says what brings it", ({ by }) => {
    if (/^issue [2-4]: \S/.test(by)) return;
    for (const reference of by.split("; ")) {
      const [, file = "", name = ""] = /^`(test\/[\w./-]+\.ts)` › (.+)$/.exec(reference) ?? [];
      expect(file, `${reference} is no file and name`).not.toBe("");
      const source = readFileSync(join(root, file), "utf8").replaceAll("\\", "");
      expect(
        quotes.some((quote) => source.includes(`${quote}${name}${quote}`)),
        `${name} in ${file}`,
      ).toBe(true);
    }
  });
});
