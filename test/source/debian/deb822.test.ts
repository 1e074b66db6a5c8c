import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDeb822 } from "../../../pipeline/source/debian/deb822.ts";
import { appliesTo, formatClause, parseRelations, versionFits } from "../../../pipeline/source/debian/relations.ts";

describe("stanzas", () => {
  it("reads fields, continuation lines, comments and several stanzas with their lines", () => {
    const { stanzas, faults } = parseDeb822("# head\nA: 1\nLong: x\n y\n .\n\n\nB:2\r\n# in\nC:\n z\n");
    expect(faults).toEqual([]);
    expect(stanzas.map(({ stanza, line }) => [line, Object.fromEntries(stanza)])).toEqual([
      [2, { A: "1", Long: "x\ny\n." }],
      [8, { B: "2", C: "\nz" }],
    ]);
  });

  it("lists what does not fit with its line", () => {
    expect(parseDeb822(" x\nA: 1\nnothing\na: 2\n-B: 1\n").faults).toEqual([
      { message: "continuation line without a field before it", line: 1 },
      { message: "not a field", line: 3 },
      { message: "field a is there twice", line: 4 },
      { message: "not a field", line: 5 },
    ]);
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseDeb822(text)));
  });
});

const on = (text: string, architecture: string): boolean | undefined => {
  const relation = parseRelations(text)?.[0]?.[0];
  return relation === undefined ? undefined : appliesTo(relation, architecture);
};

describe("relationship fields", () => {
  it("reads alternatives, versions, qualifiers, architectures and profiles", () => {
    expect(parseRelations("a, b (>= 1:2~) | c:any, d:native [amd64 !arm64] <!nocheck> <stage1 cross>,")).toEqual([
      [{ name: "a" }],
      [
        { name: "b", version: { relation: ">=", bound: "1:2~" } },
        { name: "c", qualifier: "any" },
      ],
      [
        {
          name: "d",
          qualifier: "native",
          architectures: ["amd64", "!arm64"],
          profiles: [["!nocheck"], ["stage1", "cross"]],
        },
      ],
    ]);
  });

  it("reads the old forms of the relations", () => {
    expect(parseRelations("a (< 1), b(>2)")?.map(formatClause)).toEqual(["a (<= 1)", "b (>= 2)"]);
  });

  it.each(["a b", "a (1)", "a (>= )", "a (>= x y)", "a ||| b", "(>= 1)", "a:b:c", "a (>> z)"])("refuses %j", (text) => {
    expect(parseRelations(text)).toBeUndefined();
  });

  it("gives back what it formats", () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{0,8}$/);
    const relation = fc.tuple(name, fc.constantFrom("", ":any"), fc.constantFrom("", " (= 1)", " (<< 2~)"));
    const text = fc
      .array(
        relation.map((parts) => parts.join("")),
        { minLength: 1 },
      )
      .map((items) => items.join(" | "));
    fc.assert(
      fc.property(text, (clause) => {
        expect(parseRelations(clause)?.map(formatClause)).toEqual([clause]);
      }),
    );
  });

  it("knows where a relation counts", () => {
    expect(on("a [amd64]", "amd64")).toBe(true);
    expect(on("a [amd64]", "arm64")).toBe(false);
    expect(on("a [!amd64]", "amd64")).toBe(false);
    expect(on("a [!amd64]", "arm64")).toBe(true);
    expect(on("a [linux-any]", "arm64")).toBe(true);
    expect(on("a <!nocheck>", "arm64")).toBe(true);
    expect(on("a <cross>", "arm64")).toBe(false);
  });

  it("takes an unversioned Provides for no particular version", () => {
    const [bounded, free] = parseRelations("a (>= 1), a")?.flat() ?? [];
    expect(bounded !== undefined && versionFits(bounded, undefined)).toBe(false);
    expect(free !== undefined && versionFits(free, undefined)).toBe(true);
    expect(bounded !== undefined && versionFits(bounded, "1")).toBe(true);
  });
});
