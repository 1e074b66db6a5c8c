import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cell } from "../../pipeline/report/markdown.ts";

describe("a cell of Markdown", () => {
  it.each([
    ["a|b", "a&#124;b"],
    ["<img src=x onerror=y>", "&#60;img src=x onerror=y&#62;"],
    ["[x](https://evil.example)", "&#91;x&#93;(https&#8203;://evil.example)"],
    ["![x](//evil.example)", "!&#91;x&#93;(//evil.example)"],
    ["@everyone fixes #1 and GH-2", "&#64;&#8203;everyone fixes &#35;&#8203;1 and GH&#8203;-2"],
    [
      "`code` **bold** __x__ ~~y~~ $z$",
      "&#96;code&#96; &#42;&#42;bold&#42;&#42; &#95;&#95;x&#95;&#95; &#126;&#126;y&#126;&#126; &#36;z&#36;",
    ],
    ["&lt;b&gt; &#60;", "&amp;lt;b&amp;gt; &amp;&#35;&#8203;60;"],
    ["one\r\ntwo\u2028\tthree", "one two three"],
    ["www.evil.example", "www&#8203;.evil.example"],
    ["right\u202eto left \u001b[2J", "right&#92;u{202e}to left &#92;u{1b}&#91;2J"],
    ["1:3.5.1-1+deb13u1", "1:3.5.1-1+deb13u1"],
  ])("of %j is only text", (text, expected) => {
    expect(cell(text)).toBe(expected);
  });

  it("never ends its table, opens a tag, a link or a span, or names a person or an issue", () => {
    const nasty = fc.string({
      unit: fc.constantFrom(...'|<>[]()`*_~$#@&;\\!\n\r"', "a", "https://", "www.", "GH-1", "&#", "x"),
    });
    fc.assert(
      fc.property(fc.oneof(nasty, fc.string({ unit: "binary" })), (text) => {
        const made = cell(text);
        expect(made).not.toMatch(/[|<>[\]`*_~$\\\n\r@]/);
        const decoded = made
          .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
          .replaceAll("&amp;", "&");
        expect(decoded).not.toMatch(/@[a-z]|#\d|\bGH-\d|https?:\/\/|www\./i);
        expect([...decoded].length).toBeLessThanOrEqual(600);
      }),
    );
  });
});
