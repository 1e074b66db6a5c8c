import { spawnSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type VersionRelation,
  compareVersions,
  isVersion,
  satisfies,
} from "../../../pipeline/source/debian/version.ts";

const relations: readonly VersionRelation[] = ["<<", "<=", "=", ">=", ">>"];
const words: Readonly<Record<VersionRelation, string>> = { "<<": "lt", "<=": "le", "=": "eq", ">=": "ge", ">>": "gt" };

/** Asks dpkg about many pairs in one shell: 0 for yes, 1 for no. */
function askDpkg(questions: readonly (readonly [string, VersionRelation, string])[]): readonly boolean[] {
  const input = questions.map(([a, relation, b]) => `${a} ${words[relation]} ${b}\n`).join("");
  const script =
    'while read -r a r b; do if dpkg --compare-versions "$a" "$r" "$b"; then echo y; else echo n; fi; done';
  const { stdout } = spawnSync("sh", ["-c", script], { input, encoding: "utf8" });
  return stdout
    .trim()
    .split("\n")
    .map((line) => line === "y");
}

const noDpkg = spawnSync("dpkg", ["--version"]).status !== 0;

// Few characters, so that versions are often nearly equal.
const part = fc.string({ unit: fc.constantFrom("0", "1", "9", "a", "Z", ".", "+", "~"), maxLength: 6 });
const version = fc
  .tuple(
    fc.constantFrom("", "0:", "1:", "10:"),
    fc.constantFrom("0", "1", "01", "10"),
    part,
    fc.constantFrom("", "-", "-x"),
    part,
  )
  .map(([epoch, digit, rest, hyphen, revision]) => `${epoch}${digit}${rest}${hyphen === "" ? "" : `-${revision}0`}`);

describe("order of Debian versions", () => {
  it.each([
    ["1.0", "1.0-0", 0],
    ["1.0~rc1", "1.0", -1],
    ["1.0", "1.0+b1", -1],
    ["1:0.1", "9.9", 1],
    ["0:1", "1", 0],
    ["1.2.3", "1.2.10", -1],
    ["2.0-1", "2.0-1+deb13u1", -1],
    ["2.0-1~deb13u1", "2.0-1", -1],
    ["1.0a", "1.0.", -1],
    ["1.007", "1.7", 0],
    ["99999999999999999999999", "99999999999999999999998", 1],
    ["1-2-3", "1-2-4", -1],
  ] as const)("%s against %s is %d", (a, b, order) => {
    expect(compareVersions(a, b)).toBe(order);
    expect(compareVersions(b, a)).toBe(order === 0 ? 0 : -order);
  });

  it("is a total order", () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const sorted = [a, b, c].toSorted(compareVersions);
        for (const [i, x] of sorted.entries()) {
          for (const y of sorted.slice(i + 1)) expect(compareVersions(x, y)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });

  it.skipIf(noDpkg)(
    `agrees with dpkg --compare-versions on generated pairs${noDpkg ? " (skipped: no dpkg here)" : ""}`,
    () => {
      const questions = fc.sample(fc.tuple(version, fc.constantFrom(...relations), version), 250);
      const answers = askDpkg(questions);
      const ours = questions.map(([a, relation, b]) => satisfies(a, relation, b));
      expect(questions.filter((_, i) => ours[i] !== answers[i])).toEqual([]);
      expect(answers.filter(Boolean).length).toBeGreaterThan(50);
    },
  );

  it("knows what a version is", () => {
    for (const text of ["1", "1:2.3-4", "2026a+dfsg~1"]) expect(isVersion(text)).toBe(true);
    for (const text of ["", "a1", "1 2", "1/2", "-1", "x:1"]) expect(isVersion(text)).toBe(false);
  });
});
