import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { root, run } from "../support.ts";

/** Markdown files that Git knows or would take, so that a page is held before it is committed too. */
const pages = run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], { cwd: root })
  .stdout.toString("utf8")
  .split("\0")
  .filter((path) => path !== "" && existsSync(join(root, path)));

/** Text without fenced blocks and inline code, in which brackets mean nothing. */
function prose(text: string): string {
  return text.replaceAll(/^ *```[^]*?^ *```$/gm, "").replaceAll(/`[^`\n]*`/g, "code");
}

/** Targets of links and images, inline and by reference, with what follows the address left out. */
function targets(text: string): readonly string[] {
  const inline = [...prose(text).matchAll(/\]\(<?([^()\s>]+)>?(?: "[^"]*")?\)/g)];
  const references = [...prose(text).matchAll(/^\[[^\]]+\]: <?(\S+?)>?$/gm)];
  return [...inline, ...references].map(([, target = ""]) => target);
}

/** Anchors of a page as code hosts make them: lower case, punctuation dropped, spaces as hyphens, a number for repetitions. */
function anchors(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const found = new Set<string>();
  for (const [, title = ""] of text.replaceAll(/^```[^]*?^```$/gm, "").matchAll(/^#{1,6} (.*)$/gm)) {
    const slug = title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    found.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return found;
}

describe("relative links", () => {
  it("are found, or this test would hold nothing", () => {
    expect(pages).toContain("README.md");
    expect(targets('[a](b.md#c) ![d](<e.png>) `[no](x)` [f](g.md "h")\n\n[i]: j.md\n')).toEqual([
      "b.md#c",
      "e.png",
      "g.md",
      "j.md",
    ]);
  });

  it.each(pages)("of %s lead somewhere", (path) => {
    const text = readFileSync(join(root, path), "utf8");
    const broken = targets(text).filter((target) => {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return false;
      const [file = "", fragment] = target.split("#");
      const wanted = file === "" ? path : normalize(join(dirname(path), decodeURIComponent(file)));
      if (wanted.startsWith("..") || !existsSync(join(root, wanted))) return true;
      if (fragment === undefined || !wanted.endsWith(".md")) return false;
      return !anchors(readFileSync(join(root, wanted), "utf8")).has(fragment);
    });
    expect(broken).toEqual([]);
  });
});
