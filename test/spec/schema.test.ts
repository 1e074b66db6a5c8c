import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { imageSchema } from "../../pipeline/spec/schema.ts";

describe("docs/image.schema.json", () => {
  // `vitest run test/spec --update` writes it anew.
  it("is the schema that specs are checked with", async () => {
    const file = fileURLToPath(new URL("../../docs/image.schema.json", import.meta.url));
    await expect(`${JSON.stringify(imageSchema(), undefined, 2)}\n`).toMatchFileSnapshot(file);
  });

  it("allows no key that docs/image-spec.md does not explain", async () => {
    const guide = await readFile(fileURLToPath(new URL("../../docs/image-spec.md", import.meta.url)), "utf8");
    const names = new Set<string>();
    const collect = (schema: unknown): void => {
      if (typeof schema !== "object" || schema === null) return;
      for (const [key, value] of Object.entries(schema)) {
        if (key === "properties") for (const name of Object.keys(value as object)) names.add(name);
        collect(value);
      }
    };
    collect(imageSchema());
    expect(names.size).toBeGreaterThan(25);
    expect([...names].filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
  });
});
