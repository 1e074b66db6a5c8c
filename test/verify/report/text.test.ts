import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { displayWidth } from "../../../pipeline/report/format.ts";
import { comparisonText } from "../../../pipeline/verify/report/text.ts";
import { anyComparison, cause, comparing, equal, mixed, mtime, setuid } from "./comparisons.ts";

const plain = { color: false } as const;

describe("a comparison as text", () => {
  it("is one line when nothing differs", () => {
    expect(comparisonText(equal, plain)).toBe(`equal: both are sha256:${"a".repeat(64)}\n`);
  });

  it("says the likeliest cause and its fix first, then details, folded", async () => {
    await expect(comparisonText(mixed, plain)).toMatchFileSnapshot("golden/mixed.txt");
    await expect(comparisonText(mixed, { ...plain, columns: 60 })).toMatchFileSnapshot("golden/mixed-60.txt");
  });

  it("says when no cause is known", () => {
    const text = comparisonText(comparing([setuid]), plain);
    expect(text).toMatch(/^differs: no known cause\ngrade privilege, 1 difference\n/);
    expect(text).toContain("   privilege linux/arm64 layer 1 /usr/bin/su: mode\n     0755 → 4755\n");
  });

  it("lists every difference whose cause is not among the ranked ones", () => {
    const stray = mtime("a", { causes: [{ id: "Q9", confidence: 0.2 }] });
    expect(comparisonText(comparing([stray], { causes: [cause("T1", "x", { count: 0 })] }), plain)).toContain(
      "without a known cause\n   clock     linux/amd64 layer 2 /a: mtime\n",
    );
  });

  it("names guesses that are nowhere the first in a line each", () => {
    const text = comparisonText(
      comparing([mtime("a")], {
        causes: [cause("T1", "x"), cause("T2", "a clock that jumps", { count: 0, confidence: 0.2 })],
      }),
      plain,
    );
    expect(text).toMatch(/^differs: x \(T1, 94 %\)\n/);
    expect(text).toContain("\nless likely\n   a clock that jumps (T2, 20 %)\n");
  });

  it("stays short however much differs, and says how much is left out", () => {
    const kinds = Array.from({ length: 300 }, (_, n) => [
      mtime(`a/${n}`, { where: { part: "entry", layer: 1, path: `a/${n}`, field: `xattr.user.${n}x` }, causes: [] }),
      mtime(`b/${n}`, { where: { part: "entry", layer: 1, path: `b/${n}`, field: `xattr.user.${n}x` }, causes: [] }),
    ]).flat();
    const causes = Array.from({ length: 40 }, (_, n) => cause(`Z${n}`, `cause ${n}`));
    const unread = Array.from({ length: 50 }, (_, n) => ({ where: mtime(`c/${n}`).where, reason: "not a zip" }));
    const text = comparisonText(comparing(kinds, { causes, unread, more: 77 }), plain);
    expect(text.split("\n").length).toBeLessThan(160);
    expect(text).toContain("… 28 more causes, see --json or --html\n");
    expect(text).toContain("… 584 more differences, see --json or --html\n");
    expect(text).toContain("… 40 more, see --json or --html\n");
    expect(text).toContain("77 more differences not listed: there were too many to keep\n");
    expect(text).toContain("grade clock, 677 differences, 50 places could not be looked into\n");
  });

  it("has colours only where they are wanted", () => {
    const colored = comparisonText(mixed, { color: true });
    expect(colored).toContain("\u001b[31mprivilege ");
    expect(stripVTControlCharacters(colored)).toBe(comparisonText(mixed, plain));
  });

  it("of anything fits the terminal and moves no cursor", () => {
    fc.assert(
      fc.property(anyComparison, fc.integer({ min: 40, max: 200 }), (comparison, columns) => {
        const text = comparisonText(comparison, { ...plain, columns });
        expect(text).toMatch(/^(?:[^\p{Cc}\u2028\u2029\u202a-\u202e]*\n)+$/u);
        for (const line of text.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
      }),
      { numRuns: 300 },
    );
  });
});
