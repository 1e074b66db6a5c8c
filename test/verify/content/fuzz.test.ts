import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holds, inputs, samples } from "./fuzz.ts";

describe("comparing contents", () => {
  it("never throws, says something of any two contents that differ, and nothing of equal ones", async () => {
    await fc.assert(fc.asyncProperty(inputs, holds), { numRuns: 3000 });
  });

  it("holds for each sample with itself, and with each other under its name", async () => {
    for (const { path, bytes } of samples)
      for (const other of samples) await expect(holds({ path, a: bytes, b: other.bytes })).resolves.toBeUndefined();
  });
});
