import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rulePage } from "../../pipeline/lint/page.ts";
import { rules } from "../../pipeline/lint/rules/rules.ts";
import { root } from "../support.ts";
import { ruleIndex } from "./rule-index.ts";
import { findingsOf, fixed, idsOf } from "./lint-text.ts";

/** How many rows each letter of the catalogue has. */
const catalogue: Readonly<Record<string, number>> = {
  T: 22,
  O: 23,
  Z: 13,
  P: 12,
  S: 28,
  L: 26,
  E: 14,
  I: 15,
  V: 10,
  X: 17,
};

const pages = join(root, "docs/rules");
const cases = rules.map((rule) => ({ id: rule.id, title: rule.title, rule }));

describe("an image of the repository in the Dockerfile of another", () => {
  const text = "FROM base AS a\nCOPY --from=base /a /a\n";

  it("LK1001 to LK1003: is pinned by the lock, as far as it is there", () => {
    expect(idsOf("images/app/src/Dockerfile", text, "../../base/image.yaml")).toEqual([]);
    expect(new Set(idsOf("images/app/src/Dockerfile", text))).toEqual(new Set(["LK1002", "LK1003"]));
    expect(new Set(idsOf("src/app/Dockerfile", text, "../../base/image.yaml"))).toEqual(new Set(["LK1002", "LK1003"]));
  });
});

describe("the table of rules", () => {
  it("has at least forty rules, each with an id and a title of its own", () => {
    expect(rules.length).toBeGreaterThanOrEqual(40);
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
    expect(new Set(rules.map(({ title }) => title)).size).toBe(rules.length);
    expect(rules.filter(({ id }) => !/^LK\d{4}$/.test(id))).toEqual([]);
  });

  it("names rows of the catalogue that exist", () => {
    const wrong = rules.flatMap(({ id, rows }) =>
      rows
        .filter((row) => Number(row.slice(1)) < 1 || Number(row.slice(1)) > (catalogue[row.charAt(0)] ?? 0))
        .map((row) => `${id} ${row}`),
    );
    expect(wrong).toEqual([]);
    expect(rules.filter(({ rows }) => rows.length === 0)).toEqual([]);
  });
});

describe.each(cases)("$id $title", ({ rule }) => {
  const { file, bad, good, beside } = rule.example;

  it("is what its bad example has, and nothing else; its good example has nothing", () => {
    expect(new Set(idsOf(file, bad, beside))).toEqual(new Set([rule.id]));
    expect(idsOf(file, good, beside)).toEqual([]);
  });

  it("has places that lie in the file", () => {
    for (const { at, end } of findingsOf(file, bad)) {
      expect(at).toBeGreaterThanOrEqual(0);
      expect(end).toBeGreaterThanOrEqual(at);
      expect(end).toBeLessThanOrEqual(bad.length);
    }
  });

  it(
    rule.fix === undefined
      ? "has no fix, as its page says"
      : "is mended by its fix, which changes nothing the second time",
    () => {
      const mended = fixed(file, bad);
      expect(mended === bad).toBe(rule.fix === undefined);
      expect(fixed(file, mended)).toBe(mended);
      if (rule.fix !== undefined) expect(idsOf(file, mended, beside)).toEqual([]);
    },
  );

  it("has a page that says the same", async () => {
    await expect(rulePage(rule)).toMatchFileSnapshot(join(pages, `${rule.id}.md`));
  });
});

describe("docs/rules", () => {
  it("has a page for each rule, no other, and an index", async () => {
    await expect(ruleIndex()).toMatchFileSnapshot(join(pages, "README.md"));
    const files = readdirSync(pages).filter((name) => name !== "README.md");
    expect(files.toSorted()).toEqual(rules.map(({ id }) => `${id}.md`));
  });
});
