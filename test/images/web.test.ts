import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { parseImage } from "../../pipeline/spec/parse.ts";
import { parseGlob } from "../../pipeline/tree/glob.ts";
import { readFile } from "node:fs/promises";

const folder = fileURLToPath(new URL("../../images/web", import.meta.url));

describe("the web sample", () => {
  const host = createHost();

  it("passes its own tests, which run with Node alone", async () => {
    const { NODE_TEST_CONTEXT: _, ...env } = host.environment();
    const { code, stdout, stderr } = await host.run(
      host.node,
      ["--test", "--test-reporter=tap", "--test-timeout=600000", "server.test.mjs"],
      {
        cwd: `${folder}/app`,
        env,
      },
    );
    expect({ code, failures: stdout.toString().match(/^not ok .*$/gm), stderr: stderr.toString() }).toEqual({
      code: 0,
      failures: null,
      stderr: "",
    });
    expect(stdout.toString()).toMatch(/^# pass 9$/m);
  });

  it("takes its code into the image and leaves its tests out", async () => {
    const spec = await parseImage(await readFile(`${folder}/image.yaml`, "utf8"), "images/web/image.yaml");
    const [layer] = spec.layers;
    if (layer?.kind !== "files") throw new Error("the web image has one layer of files");
    const exclude = layer.exclude.map(parseGlob);
    const kept = readdirSync(`${folder}/app`).filter((name) => !exclude.some((glob) => glob.test(name)));
    expect(kept.toSorted()).toEqual(["metrics.js", "package.json", "server.js", "service.js"]);
    expect(spec.config.entrypoint).toEqual(["/usr/bin/node", "/app/server.js"]);
  });
});
