import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comparisonHtml, pageScript } from "../../../pipeline/verify/report/html.ts";
import { innerDifference, pairLines } from "../../../pipeline/verify/report/page/lines.js";
import { openSome, treeOf, visibleOf } from "../../../pipeline/verify/report/page/model.js";
import { shown } from "../../../pipeline/verify/report/page/dom.js";
import { printable } from "../../../pipeline/report/format.ts";
import { divide } from "../../../pipeline/verify/report/treemap.ts";
import { root } from "../../support.ts";
import { anyComparison, bytes, equal, line, mixed, mtime, setuid } from "./comparisons.ts";
import { sizes } from "./sizes.ts";

/** The elements of a page as a parser of HTML sees them, roughly: enough to know that there are no others. */
function outside(page: string): string {
  return page.replace(/<(script|style)\b[^>]*>[^]*?<\/\1>/g, "");
}

function hashes(page: string, tag: string): readonly string[] {
  return [...page.matchAll(new RegExp(`<${tag}(?: type="module")?>([^]*?)</${tag}>`, "g"))].map(
    ([, code = ""]) => `'sha256-${createHash("sha256").update(code).digest("base64")}'`,
  );
}

describe("a comparison as a page", () => {
  it("is one file: no address, and a policy that allows its own script and style only", () => {
    const page = comparisonHtml(mixed, { sizes: [sizes] });
    expect(/https?:|src=|href=|<(?:link|img|iframe|base|form)/.exec(page)?.[0]).toBeUndefined();
    expect(/url\(|@import/.exec(/<style>[^]*<\/style>/.exec(page)?.[0] ?? "@import")?.[0]).toBeUndefined();
    const [policy] = /(?<=<meta http-equiv="Content-Security-Policy" content=")[^"]*/.exec(page) ?? [""];
    const read = policy.replaceAll("&#39;", "'");
    expect(read).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; base-uri 'none'/);
    expect([...hashes(page, "style"), ...hashes(page, "script")]).toEqual(read.match(/'sha256-[^']+'/g));
    expect(/ style=| on\w+=/.exec(outside(page))?.[0]).toBeUndefined();
  });

  it("has no script when nothing differs", () => {
    expect(comparisonHtml(equal)).not.toContain("<script");
    expect(comparisonHtml(equal)).toContain("script-src &#39;none&#39;");
  });

  it("is the same for the same comparison", () => {
    expect(
      comparisonHtml(mixed, { sizes: [sizes] }) === comparisonHtml(structuredClone(mixed), { sizes: [sizes] }),
    ).toBe(true);
  });

  it("has every file of the script once, after what it imports", () => {
    const files = readdirSync(join(root, "pipeline/verify/report/page")).filter((name) => name.endsWith(".js"));
    const script = pageScript();
    for (const file of files)
      expect(script).toContain(readFileSync(join(root, "pipeline/verify/report/page", file), "utf8").split("\n")[0]);
    expect(/^(?:import|export)\b.*/m.exec(script)?.[0]).toBeUndefined();
    const names = [...script.matchAll(/^(?:async )?(?:function|const|let|class) (\w+)/gm)].map(([, name]) => name);
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
  });

  it("of anything has no element that its template has not, and its data as they were", () => {
    const known =
      /^<\/?(?:!doctype html|html|head|meta|title|style|body|header|main|section|div|p|h[1-3]|ol|ul|li|dl|dt|dd|br|table|thead|tbody|tr|th|td|label|input|select|option|fieldset|legend|kbd|button|span|strong|code|svg|rect|script)(?: [a-z-]+(?:="[^"<>]*")?)*\/?>$/i;
    fc.assert(
      fc.property(anyComparison, (comparison) => {
        const page = comparisonHtml(comparison);
        for (const [tag] of outside(page).matchAll(/<[^>]*>?/g)) expect(tag).toMatch(known);
        const [, data = ""] = /<script type="application\/json" id="comparison">([^<]*)<\/script>/.exec(page) ?? [];
        expect(JSON.parse(data)).toEqual(JSON.parse(JSON.stringify(comparison)));
        expect(page.match(/<\/script/g)).toHaveLength(2);
      }),
      { numRuns: 200 },
    );
  });
});

describe("the tree of the page", () => {
  const labels = (differences: Parameters<typeof treeOf>[0]): readonly string[] => {
    const tree = treeOf(differences, [...differences.keys()]);
    openSome(tree, 1000);
    return visibleOf(tree).map(
      ({ level, label, leaf, count }) => `${" ".repeat(level)}${label}${leaf < 0 ? ` (${count})` : ` = ${leaf}`}`,
    );
  };

  it("joins directories with nothing else in them, and files that differ in one thing", () => {
    expect(
      labels([
        mtime("usr/share/doc/b"),
        mtime("usr/share/doc/a"),
        { ...mtime("usr/share/doc/a"), ...line, where: { ...line.where, layer: 2, path: "usr/share/doc/a" } },
        bytes,
        setuid,
      ]),
    ).toEqual([
      " linux/amd64 layer 2 (3)",
      "  usr/share/doc (3)",
      "   a (2)",
      "     = 1",
      "     = 2",
      "   b = 0",
      " layer 1 (1)",
      "  usr/lib/x.bin/member.o/.text = 3",
      " linux/arm64 layer 1 (1)",
      "  usr/bin/su = 4",
    ]);
  });

  it("has every difference once, whatever they are called, and does not nest without end", () => {
    fc.assert(
      fc.property(anyComparison, ({ differences }) => {
        const tree = treeOf(differences, [...differences.keys()]);
        openSome(tree, 1000);
        const leaves = visibleOf(tree).flatMap(({ leaf }) => (leaf < 0 ? [] : [leaf]));
        expect(leaves.toSorted((a, b) => a - b)).toEqual([...differences.keys()]);
        expect(tree.count).toBe(differences.length);
      }),
    );
    const deep = mtime("d/".repeat(200_000));
    const tree = treeOf([deep, mtime("d/x")], [0, 1]);
    openSome(tree, 1000);
    expect(Math.max(...visibleOf(tree).map(({ level }) => level))).toBeLessThan(105);
  });

  it("opens only documents when there is much", () => {
    const many = Array.from({ length: 300 }, (_, n) => mtime(`dir/${n}`));
    const tree = treeOf(many, [...many.keys()]);
    openSome(tree, 200);
    expect(visibleOf(tree).map(({ label }) => label)).toEqual(["linux/amd64 layer 2", "dir"]);
  });
});

describe("lines side by side", () => {
  it("pair what is the same, and put what is not opposite of each other", () => {
    expect(pairLines("a\nb\nc", "a\nx\nc\nd")).toEqual([
      { a: "a", b: "a" },
      { a: "b", b: "x" },
      { a: "c", b: "c" },
      { a: undefined, b: "d" },
    ]);
  });

  it("lose no line", () => {
    const text = fc.array(fc.constantFrom("a", "b", "c", ""), { minLength: 1 }).map((all) => all.join("\n"));
    fc.assert(
      fc.property(text, text, (a, b) => {
        const pairs = pairLines(a, b);
        expect(pairs.flatMap(({ a: one }) => (one === undefined ? [] : [one])).join("\n")).toBe(a);
        expect(pairs.flatMap(({ b: one }) => (one === undefined ? [] : [one])).join("\n")).toBe(b);
      }),
    );
  });

  it("mark what differs within a line, whole characters", () => {
    expect(innerDifference("built on Monday", "built on Tuesday")).toEqual([
      ["built on ", "Mon", "day"],
      ["built on ", "Tues", "day"],
    ]);
    expect(innerDifference("😀", "😁")).toEqual([
      ["", "😀", ""],
      ["", "😁", ""],
    ]);
    expect(innerDifference("aa", "aaa")).toEqual([
      ["aa", "", ""],
      ["aa", "a", ""],
    ]);
  });
});

it("the page writes out the same characters as the program", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(shown(text)).toBe(printable(text));
    }),
  );
});

describe("a treemap", () => {
  it("knows a package again that is in another layer", () => {
    const children = [{ name: "libc6", size: 10 }];
    const moved = {
      a: { name: "a", size: 10, children: [{ name: "layer 1", size: 10, children }] },
      b: { name: "b", size: 10, children: [{ name: "layer 2", size: 10, children }] },
    };
    const page = comparisonHtml(equal, { sizes: [moved] });
    expect(page).toContain("layer 1, libc6: 10 B, same");
    expect(page).toContain("layer 2, libc6: 10 B, same");
  });

  it("gives each size its area, within the whole and without overlap", () => {
    const within = { x: 10, y: 20, width: 600, height: 400 };
    const lists = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(lists, (list) => {
        const sizes = list.toSorted((a, b) => b - a);
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const placed = divide(within, sizes);
        expect(placed).toHaveLength(sizes.length);
        for (const [index, { x, y, width, height }] of placed.entries()) {
          expect((width * height) / (600 * 400)).toBeCloseTo((sizes[index] ?? 0) / total, 6);
          expect(x).toBeGreaterThanOrEqual(10 - 1e-6);
          expect(y).toBeGreaterThanOrEqual(20 - 1e-6);
          expect(x + width).toBeLessThanOrEqual(610 + 1e-6);
          expect(y + height).toBeLessThanOrEqual(420 + 1e-6);
          for (const other of placed.slice(index + 1)) {
            const across = Math.min(x + width, other.x + other.width) - Math.max(x, other.x);
            const down = Math.min(y + height, other.y + other.height) - Math.max(y, other.y);
            expect(Math.min(across, down)).toBeLessThan(1e-6);
          }
        }
      }),
    );
  });

  it("of nothing is nothing", () => {
    expect(divide({ x: 0, y: 0, width: 1, height: 1 }, [])).toEqual([]);
    expect(divide({ x: 0, y: 0, width: 0, height: 0 }, [1])).toEqual([{ x: 0, y: 0, width: 0, height: 0 }]);
  });
});
