import { describe, expect, it } from "vitest";
import { compared, only, places } from "./compared.ts";

const write = (value: unknown, indent?: number): string => JSON.stringify(value, undefined, indent);

describe("JSON", () => {
  it("is compared by value: the path of each member that differs", async () => {
    const a = { name: "x", built: "2026-01-02T03:04:05Z", list: [1, { deep: "v1.2.3" }], gone: true };
    const b = { name: "x", built: "2025-01-02T03:04:05Z", list: [1, { deep: "v1.2.4" }], "a b": null };
    expect(await places("package.json", write(a), write(b, 2))).toEqual([
      "built: clock",
      "list[1].deep: content",
      "gone: content",
      '["a b"]: content',
    ]);
  });

  it("finds the item that is more in a list, and items in another order", async () => {
    expect(await places("x.json", write([1, 2, 3, 4]), write([1, 3, 4]))).toEqual(["[1]: content"]);
    expect(await only("x.json", write({ a: ["x", "y", "z"] }), write({ a: ["z", "x", "y"] }))).toMatchObject({
      place: "a",
      natures: ["order"],
    });
  });

  it.each([
    ["white space", write({ a: 1, b: 2 }), write({ a: 1, b: 2 }, 2), "indented by 2", false],
    ["order", write({ a: 1, b: 2 }), write({ b: 2, a: 1 }), "members in another order", true],
    ["form", '{"a":"é"}', '{"a":"\\u00e9"}', "in a form of its own", false],
  ])("tells one value in two forms: %s", async (nature, a, b, said, memberOrder) => {
    const finding = await only("x.json", a, b);
    expect(finding).toMatchObject({ place: "form", grade: "cosmetic", b: said, facts: { memberOrder } });
    expect(finding.natures).toContain(nature);
  });

  it.each([
    ["a name twice", '{"a":1,"a":2}', '{"a":3,"a":2}'],
    ["numbers that are not exact", "[12345678901234567890]", "[12345678901234567891]"],
    ["numbers beyond all bounds", "[1e999]", "[1e998]"],
    ["what is no JSON", "{a: 1}", "{a: 2}"],
    ["too deep a nesting", `${"[".repeat(5000)}1${"]".repeat(5000)}`, `${"[".repeat(5000)}2${"]".repeat(5000)}`],
  ])("leaves %s to be compared as text", async (_what, a, b) => {
    expect(await only("x.json", a, b)).toMatchObject({ format: "text", place: "line 1" });
  });

  it("looks into long strings, and says that it is a source map", async () => {
    const source = (word: string): string =>
      Array.from({ length: 60 }, (_, i) => (i === 40 ? `let ${word};` : `line(${i});`)).join("\n");
    const map = (root: string, word: string): string =>
      write({ version: 3, sources: [`${root}/a.ts`], sourcesContent: [source(word)], mappings: "AAAA" });
    const { findings } = await compared("app.js.map", map("/home/bob/app", "x"), map("/home/alice/app", "y"));
    expect(findings).toMatchObject([
      { place: "sources[0]", natures: ["path"], facts: { sourceMap: true } },
      { place: "sourcesContent[0] > line 41", format: "text" },
    ]);
  });

  it("keeps secrets", async () => {
    const { findings } = await compared("x.json", write({ password: "aaaa1" }), write({ password: "bbbb2" }));
    expect(JSON.stringify(findings)).not.toMatch(/aaaa1|bbbb2/);
  });
});
