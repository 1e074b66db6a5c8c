import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comparisonMarkdown } from "../../../pipeline/verify/report/markdown.ts";
import { anyComparison, comparing, equal, mixed, mtime, setuid } from "./comparisons.ts";

describe("a comparison as Markdown", () => {
  it("has verdict, fix, causes, differences, waivers, reruns and what could not be read", async () => {
    await expect(comparisonMarkdown(mixed)).toMatchFileSnapshot("golden/mixed.md");
  });

  it("says that nothing differs", () => {
    expect(comparisonMarkdown(equal)).toMatch(/^## equal: both are sha256:a{64}\n\n- A: .*\n- B: .*\n$/);
  });

  it("stays below what a forge takes, and the gravest is never what is cut off", () => {
    const many = Array.from({ length: 5000 }, (_, n) =>
      mtime("x".repeat(200), {
        where: { part: "entry", layer: 1, path: `${n}`, field: `xattr.n${n}x` },
        a: "y".repeat(200),
      }),
    );
    const text = comparisonMarkdown(
      comparing([...many, setuid], { unread: many.map(({ where }) => ({ where, reason: "no" })) }),
    );
    expect(text.length).toBeLessThanOrEqual(60_000);
    expect(text).toContain("| privilege | linux/arm64 layer 1 /usr/bin/su | mode | 0755 | 4755 | not known |  |");
    expect(text).toContain("\n… 4,801 more\n");
    expect(text).toContain("\n… 4,950 more\n");
  });

  it("keeps everything from outside in its cell", () => {
    fc.assert(
      fc.property(anyComparison, (comparison) => {
        const text = comparisonMarkdown(comparison);
        expect(text.length).toBeLessThanOrEqual(60_000);
        let columns = 0;
        for (const row of text.split("\n")) {
          if (!row.startsWith("|")) {
            columns = 0;
            expect(row).toMatch(/^(?:#{2,3} .*|- .*|… [\d,]+ more|)$/);
            continue;
          }
          const cells = row.split(" | ").length;
          if (columns === 0) columns = cells;
          expect(cells).toBe(columns);
        }
        expect(text.replaceAll("<br>", "").replaceAll("- **fix:** ", "")).not.toMatch(/[<>`*_~[\]\\@]|https?:/);
      }),
      { numRuns: 300 },
    );
  });
});
