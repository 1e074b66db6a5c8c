import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { comparisonHtml } from "../../../pipeline/verify/report/html.ts";
import { comparisonMarkdown } from "../../../pipeline/verify/report/markdown.ts";
import type { Comparison } from "../../../pipeline/verify/compare/comparison.ts";
import { lockstep } from "../../cli/lockstep.ts";
import { filesBelow } from "../../files.ts";
import { temporaryDirectory } from "../../support.ts";

describe("explain", () => {
  it("prints the cause first, and writes page and Markdown where it is told", async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, "a.json"), '{"built":"2026-01-01T00:00:00Z"}\n');
    writeFileSync(join(cwd, "b.json"), '{"built":"2026-01-02T00:00:00Z"}\n');
    const said = await lockstep(["explain", "a.json", "b.json", "--html", "x.html", "--markdown", "x.md"], { cwd });
    expect(said).toMatchObject({ code: 1, stderr: "" });
    expect(said.stdout).toMatch(/^differs: .*\nfix: .*\ngrade /);
    expect(said.stdout).not.toContain("\u001b");
    const document = await lockstep(["explain", "a.json", "b.json", "--json"], { cwd });
    const { result } = JSON.parse(document.stdout) as { readonly result: Comparison };
    expect(readFileSync(join(cwd, "x.html"), "utf8")).toBe(comparisonHtml(result));
    expect(readFileSync(join(cwd, "x.md"), "utf8")).toBe(comparisonMarkdown(result));
    const colored = await lockstep(["explain", "a.json", "b.json"], { cwd, env: { FORCE_COLOR: "1" } });
    expect(colored.stdout.startsWith("\u001b[1mdiffers: ")).toBe(true);
  });

  it("LS1004: says when it cannot write the page, and leaves nothing", async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, "a"), "1");
    writeFileSync(join(cwd, "x"), "a file, and no directory");
    const said = await lockstep(["explain", "a", "a", "--html", "x/page.html"], { cwd });
    expect(said).toMatchObject({ code: 4, stdout: "" });
    expect(said.stderr).toMatch(/^LS1004 /m);
    expect(filesBelow(cwd).filter((name) => !name.startsWith(".cache"))).toEqual(["a", "x"]);
  });
});
