import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Code, codes } from "../pipeline/host/codes.ts";
import { sources } from "./sources.ts";
import { root } from "./support.ts";

const directory = join(root, "docs/errors");
const pages = readdirSync(directory).toSorted();
const known = Object.keys(codes) as Code[];

/** Ways to make a check say nothing instead of making what it says untrue. */
const bypass =
  /--(?:force|no-verify|no-check|skip|insecure|allow|ignore)|\b(?:skip|disable|bypass|silence|suppress|turn off|switch off|get around)\b[^.]*\b(?:check|verif|signature|error|warning|seal|digest|limit)|\bedit the (?:lock|seal)\b|\bNODE_TLS_REJECT_UNAUTHORIZED\b|\btrusted=yes\b/i;

describe("docs/errors", () => {
  it("has a page for every code, and none without", () => {
    expect(pages).toEqual(known.map((code) => `${code}.md`).toSorted());
  });

  it.each(pages)("%s has the title of its code, an example of it, and says what to do", (page) => {
    const code = page.replace(/\.md$/, "") as Code;
    const text = readFileSync(join(directory, page), "utf8");
    expect(text.split("\n")[0]).toBe(`# ${code} ${codes[code]?.title}`);
    expect(text).toMatch(
      new RegExp(`\n## Example\n\n(?:\`\`\`\n|    )(?:[^\`#]*\n\\s*)?${code} [^]*\n## What to do\n`),
    );
    expect(text).toMatch(/\n## What to do\n\n\S/);
    expect(text).not.toMatch(bypass);
  });
});

describe("codes", () => {
  it("are all thrown somewhere", () => {
    const thrown = sources()
      .filter(({ path }) => path !== "host/codes.ts")
      .map(({ code }) => code);
    const launcher = readFileSync(join(root, "lockstep"), "utf8");
    expect(known.filter((code) => ![...thrown, launcher].some((text) => text.includes(code)))).toEqual([]);
  });

  it("never come with a hint at how to switch a check off", () => {
    const hints = sources().flatMap(({ path, code }) =>
      [...code.matchAll(/\bhint: (?:"[^"\n]*"|`[^`]*`)/g)].map(([hint]) => `${path} ${hint}`),
    );
    expect(hints.length).toBeGreaterThan(20);
    expect(hints.filter((hint) => bypass.test(hint))).toEqual([]);
  });
});
