import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../pipeline/store/canonical-json.ts";

/** A double from the 16 hexadecimal digits of its IEEE 754 form, as RFC 8785 appendix B lists them. */
function double(hex: string): number {
  return Buffer.from(hex, "hex").readDoubleBE();
}

describe("canonicalJson", () => {
  it("gives the result of RFC 8785 section 3.2.4 for the sample of section 3.2.2", () => {
    const sample: unknown = JSON.parse(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`);
    const expected =
      "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a" +
      "5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d3237" +
      "5d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d";
    expect(Buffer.from(canonicalJson(sample), "utf8").toString("hex")).toBe(expected);
  });

  it("sorts the names of section 3.2.3 by UTF-16 code units", () => {
    const sample: unknown = JSON.parse(String.raw`{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
    }`);
    const values = Object.values(JSON.parse(canonicalJson(sample)) as Record<string, string>);
    // JSON.parse puts the integer-like name first; the rest keeps the order of the text.
    expect(canonicalJson(sample).indexOf('"\\r"')).toBe(1);
    expect(values.filter((value) => value !== "One")).toEqual([
      "Carriage Return",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  it.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("writes the double %s of appendix B as %s", (hex, expected) => {
    expect(canonicalJson(double(hex))).toBe(expected);
  });

  it.each([
    ["NaN", Number.NaN, "NaN at the top"],
    ["an infinity", { a: [1, Number.POSITIVE_INFINITY] }, "Infinity at /a/1"],
    ["a lone surrogate", { a: "\ud800" }, "a lone surrogate at /a"],
    ["a lone surrogate in a name", { a: { "\udc00": 1 } }, "a lone surrogate at /a"],
    ["undefined", { a: undefined }, "a value of type undefined at /a"],
    ["a hole", [1, , 2], "a value of type undefined at /1"], // oxlint-disable-line no-sparse-arrays
    ["a bigint", [1n], "a value of type bigint at /0"],
    ["a function", { f: () => 1 }, "a value of type function at /f"],
    ["a map", new Map([[1, 2]]), "an object of a class at the top"],
  ])("refuses %s and says where", (_, value, expected) => {
    expect(() => canonicalJson(value)).toThrow(`canonical JSON cannot hold ${expected}`);
  });

  it("gives one text for one value, whatever the order of its members, and loses nothing", () => {
    const json = fc.jsonValue({ maxDepth: 4 }).filter((value) => JSON.stringify(value).isWellFormed());
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([name, member]) => [name, reversed(member)]),
      );
    };
    fc.assert(
      fc.property(json, (value) => {
        const form = canonicalJson(value);
        expect(canonicalJson(reversed(value))).toBe(form);
        expect(canonicalJson(JSON.parse(form))).toBe(form);
        expect(JSON.parse(form)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
