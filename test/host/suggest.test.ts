import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { didYouMean, suggest } from "../../pipeline/host/suggest.ts";

const keys = ["name", "platforms", "from", "layers", "users", "groups", "config"];

describe("suggest", () => {
  it.each([
    ["nodjs", ["nodejs", "node-js-beautify", "njs"], "nodejs"],
    ["plattforms", keys, "platforms"],
    ["layesr", keys, "layers"],
    ["Config", keys, "config"],
    ["form", keys, "from"],
    ["usrs", keys, "users"],
    ["dependecies", ["dependencies"], "dependencies"],
  ])("finds for %s the word that was meant", (word, candidates, expected) => {
    expect(suggest(word, candidates)).toBe(expected);
  });

  it.each([
    ["healthcheck", keys],
    ["x", ["y", "z"]],
    ["", ["a"]],
    ["on", ["user", "port"]],
  ])("says nothing for %s rather than guess", (word, candidates) => {
    expect(suggest(word, candidates)).toBeUndefined();
  });

  it("does not depend on the order of the candidates", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-c]{2,6}$/), fc.array(fc.stringMatching(/^[a-c]{1,7}$/)), (word, list) => {
        expect(suggest(word, list)).toBe(suggest(word, list.toReversed()));
      }),
    );
  });

  it("finds a word again after one slip of any kind", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z]{3,12}$/),
        fc.nat(),
        fc.constantFrom("drop", "swap", "add"),
        (word, n, kind) => {
          const at = n % (word.length - 1);
          const slip = {
            drop: word.slice(0, at) + word.slice(at + 1),
            swap: word.slice(0, at) + (word[at + 1] ?? "") + (word[at] ?? "") + word.slice(at + 2),
            add: `${word.slice(0, at)}q${word.slice(at)}`,
          }[kind];
          expect(suggest(slip, [word])).toBe(slip === word ? undefined : word);
        },
      ),
    );
  });

  it("answers for 60 000 names without noticeable delay", () => {
    const names = Array.from({ length: 60_000 }, (_, i) => `lib${(i * 7919).toString(36)}-perl`);
    expect(suggest("libnodjs", [...names, "libnodejs"])).toBe("libnodejs");
  });

  it("phrases the hint", () => {
    expect(didYouMean("nodjs", ["nodejs"])).toBe('did you mean "nodejs"?');
    expect(didYouMean("frobnicate", ["nodejs"])).toBeUndefined();
  });
});
