import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { comparisonHtml } from "../../../pipeline/verify/report/html.ts";
import { releaseHtml } from "../../../pipeline/verify/report/release.ts";
import { hasChromium, open, startBrowser, stopBrowser } from "./browser.ts";
import { bytes, cause, comparing, equal, line, mixed, mtime, setuid } from "./comparisons.ts";
import { sizes } from "./sizes.ts";

const needs = "(needs chromium)";
const html = comparisonHtml(mixed, { sizes: [sizes] });
const few = comparisonHtml(comparing([mtime("etc/a"), line, bytes], { causes: [cause("T1", "times of the build")] }));

const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const { document } = globalThis as unknown as { document: { activeElement: { innerText: string; id: string } } };
    return document.activeElement.id || document.activeElement.innerText.replaceAll(/\s+/g, " ");
  });

const rowCount = (page: Page): Promise<number> => page.locator("#tree .row").count();

/** What axe-core has to say; all of its rules, and those of WCAG 2.2 AA. */
async function axe(page: Page): Promise<readonly string[]> {
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  const results = (await page.evaluate("axe.run()")) as AxeResults;
  expect(results.passes.length).toBeGreaterThan(10);
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html: element }) => element).join(" ")}`);
}

describe.skipIf(!hasChromium)(`the page in Chromium ${needs}`, () => {
  beforeAll(startBrowser);
  afterAll(stopBrowser);

  it("shows documents, directories, files and differences as a tree, and says so to a screen reader", async () => {
    const page = await open(few);
    await expect(await page.locator("body").ariaSnapshot()).toMatchFileSnapshot("golden/page.aria.txt");
  });

  it.each([
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["narrow", { colorScheme: "light", viewport: { width: 360, height: 740 } }],
  ] as const)("has nothing that axe-core objects to, %s", async (_, options) => {
    // The policy of the page would keep axe-core out as well.
    const page = await open(html, { ...options, bypassCSP: true });
    expect(await axe(page)).toEqual([]);
    await page.getByRole("treeitem", { name: "version.txt" }).click();
    await page.getByRole("tab", { name: "Text" }).click();
    expect(await axe(page)).toEqual([]);
    await page.getByRole("tab", { name: "Bytes" }).click();
    expect(await axe(page)).toEqual([]);
  });

  it("has nothing that axe-core objects to when nothing differs", async () => {
    const page = await open(comparisonHtml(equal), { bypassCSP: true });
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("Both sides are the same");
    expect(await axe(page)).toEqual([]);
  });

  it("has nothing that axe-core objects to as a report of two releases", async () => {
    const side = { name: "web", kind: "image", digest: `sha256:${"a".repeat(64)}` } as const;
    const amount = { count: 0, size: 0 };
    const files = { added: amount, removed: amount, grown: amount, shrunk: amount, largest: [] };
    const layers = [{ number: 1, a: { digest: side.digest, download: 10, size: 30, files: 2 } }];
    const packages = [{ kind: "npm", name: "a", change: "removed", a: { version: "1", size: 3 } }] as const;
    const report = {
      schema: 1,
      a: side,
      b: { ...side, digest: `sha256:${"b".repeat(64)}` },
      unread: { a: [], b: [] },
    } as const;
    const page = await open(releaseHtml({ ...report, images: [{ layers, packages, files }] }, [sizes, sizes]), {
      bypassCSP: true,
    });
    expect(await axe(page)).toEqual([]);
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe(
      "web → web: packages changed for 1 platform",
    );
  });

  it("can be used with the keyboard alone", async () => {
    const page = await open(html);
    await page.keyboard.press("/");
    expect(await focused(page)).toBe("search");
    // At once, as by pasting: what was typed first would give the same count, and the rest would come after the keys below.
    await page.keyboard.insertText("x.bin");
    await page
      .getByRole("status")
      .filter({ hasText: /^1 of 3,124 differences$/ })
      .waitFor();
    await page.keyboard.press("Enter");
    expect(await focused(page)).toBe("content layer 1 1");
    await page.keyboard.press("ArrowLeft");
    expect(await rowCount(page)).toBe(1);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    expect(await focused(page)).toBe("content usr/lib/x.bin/member.o/.text bytes 4096");
    await page.keyboard.press("Enter");
    expect(await focused(page)).toBe("/usr/lib/x.bin/member.o/.text");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("mark").allInnerTexts()).toEqual(["11", "·", "12", "·"]);
    await page.keyboard.press("Escape");
    expect(await focused(page)).toBe("content usr/lib/x.bin/member.o/.text bytes 4096");
    await page.keyboard.press("Escape");
    expect(await page.getByRole("status").innerText()).toBe("3,124 differences");
    expect(await focused(page)).toBe("clock linux/amd64 layer 2 3,120");
    // One stop of the Tab key, whatever has the focus.
    expect(await page.locator('#tree [tabindex="0"]').count()).toBe(1);
  });

  it("shows lines side by side with what differs in them marked", async () => {
    const page = await open(html);
    await page.getByRole("treeitem", { name: "version.txt" }).click();
    await page.getByRole("tab", { name: "Text" }).click();
    const rows = await page.getByRole("table", { name: "side by side" }).locator("tbody tr").allInnerTexts();
    expect(rows.map((row) => row.split("\t"))).toEqual([
      ["same", "same"],
      ["built on Monday", "built on Tuesday"],
      ["same", "same"],
      ["empty", "empty"],
    ]);
    expect(await page.locator("#detail mark").allInnerTexts()).toEqual(["Mon", "Tues"]);
  });

  it("filters by cause and by grade, and says how much is left", async () => {
    const page = await open(html);
    await page.getByRole("button", { name: "Show its differences (the bundler writes the day of the week)" }).click();
    expect(await page.getByRole("status").innerText()).toBe("1 of 3,124 differences");
    await page.getByRole("combobox", { name: "Cause" }).selectOption("not known");
    expect(await page.getByRole("status").innerText()).toBe("2 of 3,124 differences");
    await page.getByRole("checkbox", { name: "content" }).uncheck();
    expect(await page.getByRole("status").innerText()).toBe("1 of 3,124 differences");
    expect(await page.locator("#tree .row").last().innerText()).toContain("usr/bin/su");
  });

  it("holds 100,000 differences with the elements of a screenful", async () => {
    const many = Array.from({ length: 100_000 }, (_, n) => mtime(`usr/share/doc/package-${n % 500}/file-${n}`));
    const page = await open(comparisonHtml(comparing([...many, setuid])));
    expect(await page.getByRole("status").innerText()).toBe("100,001 differences");
    const first = page.locator("#tree .row").first();
    await first.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(await focused(page)).toMatch(/^clock package-0 200$/);
    expect(await rowCount(page)).toBeLessThan(80);
    await page.keyboard.press("End");
    expect(await focused(page)).toContain("usr/bin/su");
    expect(await rowCount(page)).toBeLessThan(80);
    expect(await page.locator("#tree .row").last().getAttribute("aria-posinset")).toBe("1");
    await page.keyboard.press("/");
    await page.keyboard.type("file-77777");
    await page
      .getByRole("status")
      .filter({ hasText: /^1 of 100,001 differences$/ })
      .waitFor();
    expect(await page.locator("#tree .row").last().innerText()).toContain("usr/share/doc/package-277/file-77777");
  });

  it("shows hostile names as text", async () => {
    const path = "</script><script>document.title='hit'</script>/<img src=x onerror=document.title='hit'>";
    const nasty = mtime(path, { a: "<b>bold</b>", b: "\u202ereversed\u001b[2J" });
    const page = await open(
      comparisonHtml(comparing([nasty], { causes: [cause("T1", "<svg onload=document.title='hit'>")] })),
    );
    await page.getByRole("treeitem", { name: "onerror" }).click();
    expect(await page.title()).toBe("differs: <svg onload=document.title='hit'> (T1, 94 %)");
    expect(await page.locator("#detail").innerText()).toContain("<b>bold</b>");
    expect(await page.locator("#detail").innerText()).toContain("\\u{202e}reversed\\u{1b}[2J");
    expect(await page.locator("img, b, #detail script").count()).toBe(0);
  });

  it("is a table without script, and on paper", async () => {
    const page = await open(html, { javaScriptEnabled: false });
    const table = page.locator(".listing");
    expect(await table.innerText()).toContain("3,120 files in linux/amd64 layer 2");
    expect(await page.locator(".explorer").isVisible()).toBe(false);
    expect(await page.getByRole("button").count()).toBe(0);
    const printed = await open(html);
    expect(await printed.locator(".listing").isVisible()).toBe(false);
    await printed.emulateMedia({ media: "print" });
    expect(await printed.locator(".listing").innerText()).toContain("3,120 files in linux/amd64 layer 2");
    expect(await printed.locator(".explorer").isVisible()).toBe(false);
  });

  it("has the sizes of both sides as a drawing and as a table", async () => {
    const page = await open(html);
    expect(await page.getByRole("img", { name: "treemap of" }).count()).toBe(2);
    await page.getByText("As a table").click();
    const [first = ""] = await page.locator("details tbody tr").allInnerTexts();
    expect(first.split("\t")).toEqual(["new & shiny", "", "layer 2", "–", "684 KiB", "added"]);
    expect(await page.locator("details").innerText()).toContain("<old>");
  });
});
