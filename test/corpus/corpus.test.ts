import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../support.ts";
import { cases } from "./all.ts";
import { causes } from "../../pipeline/verify/cause/table.ts";
import { compare, judge, type Measured, write } from "./measure.ts";
import { unseenScripts } from "./unseen/scripts.ts";
import { whenNew } from "./unseen/section.ts";

const measured: Measured[] = [];

/** The shares of pairs in which the first cause, or one of the first three, has to be right. */
const wanted = { first: 0.95, three: 0.99 };

describe("explain on the corpus", () => {
  it("has a pair for at least 150 causes and ways to them, each with a name of its own", () => {
    expect(cases.length).toBeGreaterThanOrEqual(150);
    expect(new Set(cases.map(({ what }) => what)).size).toBe(cases.length);
  });

  it("has unseen pairs, of each of which is kept what was named when it was new", () => {
    const unseen = Object.values(unseenScripts).flat();
    expect(unseen.length).toBeGreaterThanOrEqual(150);
    expect(new Set(unseen.map(({ what }) => what))).toEqual(new Set(whenNew.keys()));
    expect(new Set(unseen.map(({ what }) => what)).size).toBe(unseen.length);
    const rows = new Set([...causes.map(({ id }) => id), "none"]);
    expect(unseen.flatMap(({ cause, or = [] }) => [cause, ...or]).filter((id) => !rows.has(id))).toEqual([]);
  });

  it.each(cases)("$cause: $what: is told from equal, and from nothing else", async (known) => {
    const directory = temporaryDirectory();
    const [a, b] = write(directory, known);
    const result = judge(known, await compare(join(directory, "store"), a, b), 0);
    measured.push(result);
    expect([result.falseGreen, result.falseRed]).toEqual([false, false]);
  });

  it("names the right cause first in 95 of 100 pairs, and among the first three in 99", () => {
    const wrong = (right: (one: Measured) => boolean): readonly string[] =>
      measured
        .filter((one) => !right(one))
        .map(({ cause, what, named }) => `${cause}: ${what}: ${named.slice(0, 4).join(" ")}`);
    const [notFirst, notThree] = [wrong(({ first }) => first), wrong(({ three }) => three)];
    expect(measured.length).toBe(cases.length);
    expect(1 - notFirst.length / measured.length, notFirst.join("\n")).toBeGreaterThanOrEqual(wanted.first);
    expect(1 - notThree.length / measured.length, notThree.join("\n")).toBeGreaterThanOrEqual(wanted.three);
  });
});
