import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comparePep440 } from "../../pipeline/advisory/pep440.ts";
import { run } from "../support.ts";

const packaging = run("python3", ["-c", "import packaging.version"]).status === 0;

/** What PyPA's own library says of each pair: -1, 0, 1, or `null` when one is no version. */
function oracle(pairs: readonly (readonly [string, string])[]): readonly (number | null)[] {
  const program = `
import json, sys
from packaging.version import Version, InvalidVersion
def order(pair):
    try:
        a, b = map(Version, pair)
    except InvalidVersion:
        return None
    return (a > b) - (a < b)
print(json.dumps([order(pair) for pair in json.load(sys.stdin)]))`;
  const { stdout, stderr } = run("python3", ["-c", program], { input: Buffer.from(JSON.stringify(pairs)) });
  if (stdout.length === 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as readonly (number | null)[];
}

/** The example of the specification, oldest first. */
const known =
  `1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456 1.0b2.post345 1.0rc1.dev456 1.0rc1 1.0
  1.0+abc.5 1.0+abc.7 1.0+5 1.0.post456.dev34 1.0.post456 1.0.15 1.1.dev1 2012.4 1!0.1`.split(/\s+/);

describe("versions of Python packages", () => {
  it("have the order of the specification", () => {
    for (const [i, a] of known.entries())
      for (const [j, b] of known.entries())
        expect([a, b, Math.sign(comparePep440(a, b) ?? NaN)]).toEqual([a, b, Math.sign(i - j)]);
  });

  it("are the same however they are written", () => {
    for (const [a, b] of [
      ["1.0", "1.0.0"],
      ["v1.0-ALPHA_1", "1a1"],
      ["1.0-1", "1.0.post1"],
      ["1.0.rev", "1.0.post0"],
      ["1.0preview2", "1.0c2"],
      ["1.0+Ubuntu_1", "1.0+ubuntu.1"],
      ["00!01.002", "1.2"],
    ] as const)
      expect([a, b, comparePep440(a, b)]).toEqual([a, b, 0]);
  });

  it("that are none have no order", () => {
    for (const text of ["", "2004d", "1..0", "1.0-", "a", "1.0+", "1.0+-", "*", "1.0 2"])
      expect([text, comparePep440(text, "1.0")]).toEqual([text, undefined]);
  });

  it.skipIf(!packaging)("are ordered as PyPA's library orders them (needs python3 with packaging)", () => {
    const number = fc.constantFrom("0", "1", "01", "2", "10");
    const mark = (...names: readonly string[]): fc.Arbitrary<string> =>
      fc
        .tuple(fc.constantFrom("", ".", "-", "_"), fc.constantFrom(...names), fc.option(number, { nil: "" }))
        .map((all) => all.join(""));
    const maybe = (each: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.oneof(fc.constant(""), each);
    const parts = fc.tuple(
      maybe(number.map((epoch) => `${epoch}!`)),
      fc.array(number, { minLength: 1, maxLength: 2 }).map((parts) => parts.join(".")),
      maybe(mark("a", "b", "rc", "alpha", "BETA", "c", "pre", "preview")),
      maybe(
        fc.oneof(
          mark("post", "rev", "r"),
          number.map((post) => `-${post}`),
        ),
      ),
      maybe(mark("dev")),
      maybe(
        fc
          .array(fc.constantFrom("a", "abc", "1", "10", "02"), { minLength: 1, maxLength: 3 })
          .map((parts) => `+${parts.join(".")}`),
      ),
    );
    const version = parts.map((all) => all.join(""));
    // Two versions that differ in one part at most: what decides is met every time.
    const pair = fc
      .tuple(parts, parts, fc.nat({ max: 5 }))
      .map(([a, b, at]): [string, string] => [a.join(""), a.with(at, b[at] ?? "").join("")]);
    const pairs = [
      ...fc.sample(pair, { numRuns: 4000, seed: 440 }),
      ...fc.sample(fc.tuple(version, version), { numRuns: 1000, seed: 442 }),
    ];
    const near = fc.sample(fc.tuple(version, fc.string({ maxLength: 6 })), { numRuns: 300, seed: 441 });
    const all = [...pairs, ...near];
    const expected = oracle(all);
    expect(expected.filter((order) => order === 0).length).toBeGreaterThan(5);
    expect(all.map(([a, b]) => comparePep440(a, b) ?? null)).toEqual(expected);
  });
});
