import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "../../pipeline/tree/bytes.ts";
import { comparePaths, parentOf } from "../../pipeline/tree/entry.ts";
import { parseGlob, matchesAny } from "../../pipeline/tree/glob.ts";

const text = fc.string({ unit: "binary", maxLength: 12 });

describe("comparePaths", () => {
  it("orders like the bytes of UTF-8", () => {
    const special = fc.constantFrom("\ud83d\ude00", "\uffff", "\ue000", "\ud7ff", "a", "/", "");
    const path = fc.array(fc.oneof(text, special), { maxLength: 4 }).map((parts) => parts.join("").toWellFormed());
    fc.assert(
      fc.property(path, path, (a, b) => {
        expect(Math.sign(comparePaths(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 2000 },
    );
    expect(["z", "é", "\u{1f600}", "\uffff", "a/b", "a", "a-b"].toSorted(comparePaths)).toEqual([
      "a",
      "a-b",
      "a/b",
      "z",
      "é",
      "\uffff",
      "\u{1f600}",
    ]);
  });
});

describe("parentOf", () => {
  it("is the directory a path is in", () => {
    expect(["a/b/c", "a/b", "a", ""].map(parentOf)).toEqual(["a/b", "a", "", ""]);
  });
});

describe("globs", () => {
  it.each([
    ["*.js", ["a.js", ".js"], ["a/b.js", "a.jsx", "ajs"]],
    ["**/*.test.*", ["a.test.js", "x/y/a.test.ts"], ["a.js", "test.js"]],
    ["lib/**", ["lib/a", "lib/a/b"], ["lib", "libs/a"]],
    ["a?c", ["abc", "a😀c"], ["ac", "a/c", "abbc"]],
    ["{a,b/c}.{js,ts}", ["a.js", "b/c.ts"], ["b.js", "a.md"]],
    ["a.b+c(d)[e]^$|\\", ["a.b+c(d)[e]^$|\\"], ["aXb+c(d)[e]^$|\\", "a.bbc(d)e"]],
    ["**", ["a", "a/b\nc"], []],
    ["x,y}", ["x,y}"], ["x"]],
  ] as const)("%s", (glob, yes, no) => {
    const pattern = parseGlob(glob);
    for (const path of yes) expect([path, pattern.test(path)]).toEqual([path, true]);
    for (const path of no) expect([path, pattern.test(path)]).toEqual([path, false]);
    expect(matchesAny([pattern], yes[0])).toBe(true);
  });

  it("of plain characters match themselves and nothing else", () => {
    const plain = text.map((each) => each.replaceAll(/[*?{},]/g, "")).filter((each) => each.isWellFormed());
    fc.assert(
      fc.property(plain, plain, (a, b) => {
        expect(parseGlob(a).test(a)).toBe(true);
        expect(parseGlob(a).test(b)).toBe(a === b);
      }),
    );
  });

  it("do not take long over hostile patterns", () => {
    const begin = performance.now();
    for (const glob of [`${"*a".repeat(30)}b`, `${"**/".repeat(30)}b`, "{a,aa}".repeat(30) + "b", "{".repeat(200)])
      expect(parseGlob(glob).test("a/".repeat(100))).toBe(false);
    expect(parseGlob(`${"*a".repeat(30)}b`).test(`${"a".repeat(300)}b`)).toBe(true);
    expect(performance.now() - begin).toBeLessThan(60_000);
  });
});

async function* parts(...sizes: readonly number[]): AsyncGenerator<Uint8Array, void> {
  let next = 0;
  for (const size of sizes) yield Uint8Array.from({ length: size }, () => next++ % 256);
}

describe("ByteReader", () => {
  it("gives exact amounts however the bytes come", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 9 })),
        fc.array(fc.integer({ min: 1, max: 11 })),
        async (sizes, wanted) => {
          const total = sizes.reduce((sum, size) => sum + size, 0);
          const reader = new ByteReader(parts(...sizes), { file: "f" });
          let position = 0;
          for (const length of wanted) {
            if (position + length > total) {
              if (position === total) expect(await reader.exactly(length)).toBeUndefined();
              else await expect(reader.exactly(length)).rejects.toThrow("LS4001 f ends in the middle");
              return;
            }
            const bytes = await reader.exactly(length);
            expect([...(bytes ?? [])]).toEqual(Array.from({ length }, (_, i) => (position + i) % 256));
            position += length;
            expect(reader.position).toBe(position);
          }
          await reader.drain();
          expect(reader.position).toBe(total);
        },
      ),
    );
  });

  it("skips, and lends a part as a stream of its own", async () => {
    const reader = new ByteReader(parts(5, 0, 5, 5), { file: "f" });
    await reader.skip(3);
    const part: number[] = [];
    for await (const piece of reader.part(9)) part.push(...piece);
    expect(part).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
    await expect(reader.skip(4)).rejects.toThrow(/^LS4001 f ends in the middle, after 15 bytes; fetch it again$/);
    await expect(
      (async () => {
        for await (const piece of new ByteReader(parts(3), { file: "f" }).part(4)) expect(piece.length).toBe(3);
      })(),
    ).rejects.toThrow(/^LS4001/);
  });

  it("tells its source when nothing more is wanted", async () => {
    let ended = false;
    async function* source(): AsyncGenerator<Uint8Array, void> {
      try {
        yield Uint8Array.of(1, 2);
        yield Uint8Array.of(3);
      } finally {
        ended = true;
      }
    }
    const reader = new ByteReader(source(), { file: "f" });
    await reader.exactly(1);
    await reader.close();
    expect(ended).toBe(true);
  });
});
