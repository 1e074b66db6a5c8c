import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parseApp, parseSettings } from "../../pipeline/deliver/read.ts";
import { appSchema, settingsSchema } from "../../pipeline/deliver/schema.ts";
import { images, repository } from "./samples.ts";

const text = await readFile(`${repository}/docs/deliver.md`, "utf8");
const examples = [...text.matchAll(/```yaml\n([^]*?)```/g)].map((match) => match[1] ?? "");

describe("docs/deliver.md", () => {
  it("shows an app and settings that are accepted", () => {
    expect(examples).toHaveLength(2);
    expect(parseApp(examples[0] ?? "", "manifests/apps/web.yaml", images).app.name).toBe("web");
    const settings = parseSettings(examples[1] ?? "", "manifests/delivery.yaml");
    const bare = `images: ${settings.images}\nrepository: { url: "${settings.repository.url}" }\nargocd: {}\nflux: {}\n`;
    expect(parseSettings(bare, "manifests/delivery.yaml")).toEqual(settings);
  });

  it("names every key", () => {
    for (const schema of [appSchema(), settingsSchema()]) {
      for (const key of Object.keys(schema["properties"] as object)) expect(text).toContain(`\`${key}`);
    }
  });
});
