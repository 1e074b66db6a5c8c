import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silent } from "../../../pipeline/report/report.ts";
import { reportReleases, type Releases } from "../../../pipeline/verify/inventory/report.ts";
import { releaseHtml, releaseMarkdown, releaseText } from "../../../pipeline/verify/report/release.ts";
import { lockstep } from "../../cli/lockstep.ts";
import { scene, temporaryDirectory } from "../../support.ts";
import { type ImageOf, type IndexOf, writeLayout } from "../image-of.ts";

function release(versions: Readonly<Record<string, string>>, files: Readonly<Record<string, string>>): ImageOf {
  const status = Object.entries(versions).map(([name, version]) => `Package: ${name}\nVersion: ${version}\n\n`);
  return {
    layers: [
      { items: [{ name: "var/lib/dpkg/status", content: status.join("") }] },
      { items: Object.entries(files).map(([name, content]) => ({ name, content })) },
    ],
  };
}

const npm = (version: string): string => JSON.stringify({ name: "left-pad", version });
const before = release(
  { bash: "5.2-1", curl: "8.14.1-2", zlib1g: "1:1.3", "e|vil`@x": "1" },
  {
    "app/node_modules/left-pad/package.json": npm("1.9.0"),
    "app/big": "x".repeat(5000),
    "app/old": "1",
    "app/same": "12",
  },
);
const after = release(
  { bash: "5.2-1+b1", curl: "8.14.1-1", file: "1:5.46", zlib1g: "1:1.3" },
  {
    "app/node_modules/left-pad/package.json": npm("1.10.0"),
    "app/big": "x".repeat(9000),
    "app/new": "<b>",
    "app/same": "ab",
  },
);

async function compare(a: ImageOf | IndexOf, b: ImageOf | IndexOf): Promise<Releases> {
  const at = scene();
  const run = { ...at, report: silent, signal: new AbortController().signal };
  const [x, y] = [a, b].map((image) => writeLayout(temporaryDirectory(), image));
  const { report, sizes } = await reportReleases(run, x ?? "", y ?? "");
  return { report: { ...report, a: { ...report.a, name: "web 1" }, b: { ...report.b, name: "web 2" } }, sizes };
}

describe("report", () => {
  it("tells which packages came, went, and have another version, each by the order of its kind", async () => {
    const { report } = await compare(before, after);
    expect(report.images).toHaveLength(1);
    expect(report.images[0]?.packages.map(({ name, change, a, b }) => [name, change, a?.version, b?.version])).toEqual([
      ["bash", "upgraded", "5.2-1", "5.2-1+b1"],
      ["curl", "downgraded", "8.14.1-2", "8.14.1-1"],
      ["e|vil`@x", "removed", "1", undefined],
      ["file", "added", undefined, "1:5.46"],
      ["left-pad", "upgraded", "1.9.0", "1.10.0"],
    ]);
    expect(report.images[0]?.files).toMatchObject({
      added: { count: 1, size: 3 },
      removed: { count: 1, size: 1 },
      grown: { count: 3, size: 4005 },
    });
    expect(report.unread).toEqual({ a: [], b: [] });
  });

  it("says so when nothing changed", async () => {
    const { report } = await compare(before, before);
    expect(releaseText(report, { color: false })).toMatch(/^web 1 and web 2 are the same\n/);
    expect(releaseText(report, { color: false })).toContain("packages: no change\n");
  });

  it("as text and as Markdown", async () => {
    const { report } = await compare(before, after);
    const steady = (text: string): string =>
      text.replaceAll(/[0-9a-f]{64}/g, "…").replaceAll(/\d+ B\b/g, (size) => size);
    await expect(steady(releaseText(report, { color: false }))).toMatchFileSnapshot("golden/release.txt");
    await expect(steady(releaseMarkdown(report))).toMatchFileSnapshot("golden/release.md");
    expect(releaseMarkdown(report)).not.toMatch(/e\|vil|`@/);
  });

  it("as a page without script, in which names are only text", async () => {
    const { report, sizes } = await compare(before, release({ "<script>alert(1)</script>": "1" }, {}));
    const page = releaseHtml(report, sizes);
    expect(page).not.toContain("<script");
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page).toContain('<svg class="treemap"');
  });

  it("pairs platforms, and tells those that only one side has", async () => {
    const arm = { ...after, platform: { os: "linux", architecture: "arm64" } };
    const { report } = await compare({ images: [before] }, { images: [after, arm] });
    expect(report.images.map(({ platform, a, b }) => [platform, a !== undefined, b !== undefined])).toEqual([
      ["linux/amd64", true, true],
      ["linux/arm64", false, true],
    ]);
    expect(releaseText(report, { color: false })).toContain("only B has this platform\n");
  });

  it("is a command that writes text, page and Markdown, and puts the sizes on the page of explain", async () => {
    const cwd = temporaryDirectory();
    const [a, b] = [before, after].map((image) => writeLayout(temporaryDirectory(), image));
    const said = await lockstep(["report", a ?? "", b ?? "", "--html", "x.html", "--markdown", "x.md", "--json"], {
      cwd,
    });
    expect(said).toMatchObject({ code: 0, stderr: "" });
    const { result } = JSON.parse(said.stdout) as { readonly result: Releases["report"] };
    expect(readFileSync(join(cwd, "x.md"), "utf8")).toBe(releaseMarkdown(result));
    expect(readFileSync(join(cwd, "x.html"), "utf8")).toContain("layer 2, left-pad: ");
    await lockstep(["explain", a ?? "", b ?? "", "--html", "y.html"], { cwd });
    expect(readFileSync(join(cwd, "y.html"), "utf8")).toContain("layer 2, left-pad: ");
  });

  it("LS5301: refuses what is no image", async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, "note.txt"), "no image");
    const said = await lockstep(["report", "note.txt", "note.txt"], { cwd });
    expect(said).toMatchObject({ code: 3, stdout: "" });
    expect(said.stderr).toMatch(/^LS5301 note\.txt is neither an image nor a layer; /);
  });
});
