import { describe, expect, it } from "vitest";
import { LockstepError, formatProblem } from "../../pipeline/host/errors.ts";
import { formatLock } from "../../pipeline/lock/format.ts";
import { parseLock } from "../../pipeline/lock/parse.ts";
import { salvageLock } from "../../pipeline/lock/salvage.ts";
import { sectionNames, sections } from "../../pipeline/lock/section.ts";
import { type Lock, emptyLock } from "../../pipeline/lock/types.ts";
import { inputSamples } from "./samples-of-inputs.ts";
import { lock as packagesLock } from "./sample.ts";

const file = "lockstep.lock";
const lock: Lock = { ...packagesLock, ...inputSamples };
const text = formatLock(lock);

type Json = Record<string, Record<string, Record<string, unknown>>>;
const value = JSON.parse(text) as Json;

function problemsOf(changed: string): readonly string[] {
  try {
    parseLock(changed, file);
    return [];
  } catch (error) {
    if (error instanceof LockstepError) return error.problems.map(formatProblem);
    throw error;
  }
}

function changed(change: (value: Json) => void): readonly string[] {
  const copy = JSON.parse(text) as Json;
  change(copy);
  return problemsOf(`${JSON.stringify(copy, undefined, 2)}\n`);
}

/** Everything that is like a value and not it: the same with one part changed, left out or added, and values of other types. */
function others(original: unknown): readonly unknown[] {
  const foreign: readonly unknown[] = [null, true, 0, 7, "changed", "", [], {}, ["netbase"], { "linux/amd64": [] }];
  const near: readonly unknown[] =
    typeof original === "string"
      ? [original.slice(1), `${original}0`, original.replace(/[0-9a-z]/i, (c) => (c === "1" ? "2" : "1"))]
      : typeof original === "number"
        ? [original + 1, original - 1, -original, original + 0.5, String(original)]
        : Array.isArray(original)
          ? [original.slice(1), [...original, "zz"], original.toReversed(), [...original, ...original]]
          : typeof original === "object" && original !== null
            ? Object.entries(original).flatMap(([name, member]: [string, unknown]) => [
                Object.fromEntries(Object.entries(original).filter(([other]) => other !== name)),
                ...others(member).map((other) => ({ ...original, [name]: other })),
              ])
            : [];
  const same = JSON.stringify(original);
  return [...foreign, ...near].filter((other) => JSON.stringify(other) !== same);
}

describe("the sections of a lock", () => {
  it("are in the file in the order of their names, those of inputs only when they have entries", () => {
    expect(Object.keys(JSON.parse(text) as Json).slice(1)).toEqual(Object.keys(value).slice(1).toSorted());
    expect(Object.keys(value).slice(1)).toEqual(sectionNames);
    expect(Object.keys(JSON.parse(formatLock(emptyLock)) as Json)).toEqual([
      "lockfileVersion",
      "images",
      "packages",
      "releases",
    ]);
    expect(parseLock(text, file)).toEqual(lock);
  });

  it.each(sectionNames)("have samples here with every field that an entry may have: %s", (section) => {
    const { fields, optional = {} } = sections[section];
    const seen = new Set(Object.values(value[section] ?? {}).flatMap((entry) => Object.keys(entry)));
    expect([...seen].toSorted()).toEqual([...Object.keys(fields), ...Object.keys(optional)].toSorted());
  });

  it.each(sectionNames)("tell every change of every field of every entry: %s", (section) => {
    let tried = 0;
    for (const [key, entry] of Object.entries(value[section] ?? {})) {
      for (const [field, original] of Object.entries(entry)) {
        for (const other of others(original)) {
          const found = changed((copy) => Object.assign(copy[section]?.[key] ?? {}, { [field]: other }));
          expect(found, `${section} ${key} ${field} = ${JSON.stringify(other)}`).not.toEqual([]);
          tried++;
        }
        const removed = changed((copy) => delete copy[section]?.[key]?.[field]);
        expect(removed, `${section} ${key} ${field} removed`).not.toEqual([]);
      }
      const more = changed((copy) => Object.assign(copy[section]?.[key] ?? {}, { more: 1 }));
      expect(more.join()).toContain('has the unknown field "more"');
      for (const other of [`${key}0`, key.replace(/[0-9a-z]/, (c) => (c === "1" ? "2" : "1")), "other"]) {
        const renamed = changed((copy) => {
          const { [key]: moved, ...rest } = copy[section] ?? {};
          copy[section] = Object.fromEntries(
            Object.entries({ ...rest, [other]: moved ?? {} }).toSorted(([a], [b]) => (a < b ? -1 : 1)),
          );
        });
        expect(renamed, `${section} ${key} renamed to ${other}`).not.toEqual([]);
      }
    }
    expect(tried).toBeGreaterThan(20);
  });

  it.each(sectionNames)("are not there without entries, or always: %s", (section) => {
    const found = changed((copy) => (copy[section] = {}));
    expect(found).not.toEqual([]);
    const left = problemsOf(formatLock({ ...lock, [section]: new Map() }));
    // Whether an input is asked for is between specs and lock; Debian's sections refer to each other.
    if (sections[section].always) expect(left).not.toEqual([]);
    else expect(left).toEqual([]);
  });

  it("LS2210: have one text, whatever the order of their members, in lists as well", () => {
    const turned = <T extends object>(object: T): T =>
      Object.fromEntries(Object.entries(object).toReversed()) as unknown as T;
    const bases = new Map(
      [...lock.bases].map(([key, base]) => {
        const platforms = Object.entries(base.platforms).map(([platform, pinned]) => [
          platform,
          { ...pinned, layers: pinned.layers.map(turned) },
        ]);
        return [key, { ...base, platforms: Object.fromEntries(platforms) as typeof base.platforms }] as const;
      }),
    );
    expect(formatLock({ ...lock, bases })).toBe(text);
    const two = /^( +"mediaType": .*),\n( +"size": .*)$/gm;
    const [within] = [...text.matchAll(two)].filter(([match]) => match.startsWith(" ".repeat(14)));
    const other = text.replace(within?.[0] ?? "", `${within?.[2]},\n${within?.[1]}`);
    expect(other).not.toBe(text);
    expect(problemsOf(other)).toEqual([expect.stringMatching(/^LS2210 .*"mediaType" in "layers" .*not in the order/)]);
  });

  it("keep what is intact when the rest is damaged", () => {
    const [url = "", other = ""] = lock.http.keys();
    const damaged = text.replace('"size": 5\n', '"size": 6\n');
    const { lock: saved, problems } = salvageLock(damaged, file);
    expect(problems.map(formatProblem).join("\n")).toContain(`file "${url}" was edited by hand`);
    expect([...saved.http.keys()]).toEqual([other]);
    expect(saved.images).toEqual(lock.images);
  });
});
