import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { readDelivery } from "../../pipeline/deliver/read.ts";
import { loadImages } from "../../pipeline/spec/load.ts";
import { root, temporaryDirectory } from "../support.ts";

const text = readFileSync(join(root, "docs/getting-started.md"), "utf8");
/** What the reader is told to write: each YAML block, after the path that is named last before it. */
const files = [...text.matchAll(/`([\w/-]+\.yaml)`[^`]*```yaml\n([^]*?)```/g)];

describe("docs/getting-started.md", () => {
  it("has the reader write a spec, settings and an app that are accepted together", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "images/hello/site"), { recursive: true });
    writeFileSync(join(directory, "images/hello/site/index.html"), "");
    for (const [, path = "", content = ""] of files) {
      mkdirSync(join(directory, dirname(path)), { recursive: true });
      writeFileSync(join(directory, path), content);
    }
    expect(files.map(([, path]) => path)).toEqual([
      "images/hello/image.yaml",
      "manifests/delivery.yaml",
      "manifests/apps/hello.yaml",
    ]);
    const images = await loadImages(directory);
    const model = await readDelivery(directory, images);
    expect(model?.apps.map(({ name, image }) => `${name} ${image}`)).toEqual(["hello hello"]);
  });
});
