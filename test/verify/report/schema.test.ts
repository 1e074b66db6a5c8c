import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { z } from "zod";
import type { Comparison } from "../../../pipeline/verify/compare/comparison.ts";
import { comparison as schema, comparisonSchema } from "../../../pipeline/verify/report/schema.ts";
import { anyComparison, equal, mixed } from "./comparisons.ts";

/** Types without regard to `readonly`, which a document cannot express. */
type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;

/** A validator of another make, given the committed file: what other programs do. */
async function committed(): Promise<(document: unknown) => boolean> {
  const file = fileURLToPath(new URL("../../../docs/comparison.schema.json", import.meta.url));
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { date: true } });
  return ajv.compile(JSON.parse(await readFile(file, "utf8")) as object);
}

const spoiled: readonly (readonly [string, unknown])[] = [
  ["another version", { ...mixed, schema: 2 }],
  ["a verdict that there is not", { ...mixed, verdict: "probably equal" }],
  ["no grade", { ...mixed, grade: undefined }],
  ["a member nobody knows", { ...mixed, note: "x" }],
  ["a count below zero", { ...mixed, more: -1 }],
  ["a digest without an algorithm", { ...mixed, a: { ...mixed.a, digest: "a".repeat(64) } }],
  ["a difference without a place", { ...mixed, differences: [{ grade: "clock", causes: [] }] }],
  [
    "a confidence of two",
    { ...mixed, differences: mixed.differences.map((one) => ({ ...one, causes: [{ id: "T1", confidence: 2 }] })) },
  ],
  [
    "a waiver without an end",
    {
      ...mixed,
      differences: mixed.differences.map((one) => ({ ...one, waived: { reason: "x", owner: "y", expires: "never" } })),
    },
  ],
];

describe("docs/comparison.schema.json", () => {
  // `npm test -- test/verify/report -u` writes it anew.
  it("is the schema of the type", async () => {
    expectTypeOf<Frozen<z.output<typeof schema>>>().toEqualTypeOf<Frozen<Comparison>>();
    await expect(`${JSON.stringify(comparisonSchema(), undefined, 2)}\n`).toMatchFileSnapshot(
      fileURLToPath(new URL("../../../docs/comparison.schema.json", import.meta.url)),
    );
  });

  it("is fulfilled by comparisons", async () => {
    const valid = await committed();
    expect(valid(equal)).toBe(true);
    expect(valid(mixed)).toBe(true);
    fc.assert(
      fc.property(anyComparison, (document) => {
        const written: unknown = JSON.parse(JSON.stringify(document));
        expect(valid(written)).toBe(true);
        expect(schema.safeParse(written).success).toBe(true);
      }),
    );
  });

  it.each(spoiled)("is not fulfilled by a document with %s", async (_, document) => {
    const valid = await committed();
    expect(valid(document)).toBe(false);
    expect(schema.safeParse(document).success).toBe(false);
  });
});
