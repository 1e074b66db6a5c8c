import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogueFile, cataloguePage, counts, rowsOf } from "./catalogue/page.ts";
import { root } from "./support.ts";

const page = readFileSync(catalogueFile, "utf8");
const rows = rowsOf(page);

/** A name in the source of a test stands in quotes of some kind; quotes within it may be escaped. */
const quotes: readonly string[] = ['"', "'", "`"];

describe("docs/catalogue.md", () => {
  it("has all 180 rows once, in order within their letter", () => {
    const letters = Object.groupBy(rows, ({ row }) => row.slice(0, 1));
    for (const [letter, count] of Object.entries(counts))
      expect(letters[letter]?.map(({ row }) => row)).toEqual(
        Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
      );
    expect(rows.length).toBe(180);
    expect(rows.filter(({ what }) => what === "")).toEqual([]);
  });

  it.each(rows)("$row is held by tests that exist", ({ by }) => {
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

  it("has pairs of the corpus for each row that the corpus alone holds", () => {
    const alone = rows.filter(({ by }) => by.split("; ").every((one) => one.startsWith("`test/corpus/")));
    expect(alone.filter(({ named }) => !/\bpairs?\b/.test(named))).toEqual([]);
  });

  it("is up to date (npm run catalogue)", () => {
    expect(page).toBe(cataloguePage(page));
  });
});

describe("docs/errors", () => {
  it("X7: no page about an error names a way around a check", () => {
    const around = /--(?:force|no-verify|insecure|ignore|skip)\b|\b(?:disable|switch off|turn off|bypass)\b(?! in)/i;
    const pages = readdirSync(join(root, "docs/errors")).map(
      (name) => [name, readFileSync(join(root, "docs/errors", name), "utf8")] as const,
    );
    expect(pages.length).toBeGreaterThan(100);
    expect(
      pages.filter(([, text]) => around.test(text)).map(([name, text]) => `${name}: ${around.exec(text)?.[0] ?? ""}`),
    ).toEqual([]);
  });
});
