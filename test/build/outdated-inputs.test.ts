import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type OutdatedItem, findOutdated } from "../../pipeline/build/outdated.ts";
import { pin } from "../../pipeline/build/pin.ts";
import { readSpecs } from "../../pipeline/build/repository.ts";
import { emptyLock } from "../../pipeline/lock/types.ts";
import { silent } from "../../pipeline/report/report.ts";
import { sha256Of } from "../source/debian/tiny-deb.ts";
import { startWebServer, type WebServer } from "../source/web-server.ts";
import { scene } from "../support.ts";

interface Site {
  readonly web: WebServer;
  readonly warnings: readonly string[];
  readonly ask: (...names: readonly string[]) => Promise<readonly OutdatedItem[]>;
}

/** Two images, each with one file that may move and one whose hash the spec has, pinned. */
async function pinned(): Promise<Site> {
  const at = scene();
  const root = join(at.directory, "repository");
  const web = await startWebServer();
  onTestFinished(() => web.close());
  const fixed = Buffer.from("fixed\n");
  web.files.set("/fixed", fixed).set("/moving", Buffer.from("1\n")).set("/other", Buffer.from("1\n"));
  for (const [image, moving] of [
    ["app", "moving"],
    ["tools", "other"],
  ] as const) {
    mkdirSync(join(root, "images", image), { recursive: true });
    const layers = [
      `http: { url: "${web.base}/fixed", into: /fixed, sha256: "${sha256Of(fixed)}" }`,
      `http: { url: "${web.base}/${moving}", into: /moving }`,
    ];
    const text = `name: ${image}\nplatforms: [linux/amd64]\nlayers:\n${layers.map((layer) => `  - ${layer}\n`).join("")}`;
    writeFileSync(join(root, "images", image, "image.yaml"), text);
  }
  const specs = await readSpecs(at.store, root);
  const { lock } = await pin(at.host, at.store, silent, { root, specs, lock: emptyLock });
  const warnings: string[] = [];
  const report = { ...silent, warn: (line: string) => void warnings.push(line) };
  return {
    web,
    warnings,
    ask: (...names) => findOutdated(at.host, at.store, report, { root, specs, lock, names }),
  };
}

describe("outdated", () => {
  it("asks again for files that may move, and for no others", async () => {
    const { web, ask, warnings } = await pinned();
    expect(await ask()).toEqual([]);
    web.files.set("/fixed", Buffer.from("replaced\n")).set("/moving", Buffer.from("two\n"));
    web.requests.length = 0;
    const [old, now] = ["1\n", "two\n"].map((text) => sha256Of(Buffer.from(text)));
    expect(await ask()).toEqual([
      {
        kind: "http",
        name: `${web.base}/moving`,
        current: { version: old?.slice(0, 12), size: 2, sha256: old },
        newest: { version: now?.slice(0, 12), size: 4, sha256: now },
        platforms: ["linux/amd64"],
        images: ["app"],
      },
    ]);
    expect(web.requests.filter((request) => request.includes("fixed"))).toEqual([]);
    // Nothing was pinned, so nothing is said of it.
    expect(warnings).toEqual([]);
  });

  it("asks about what is named alone, by image or by key", async () => {
    const { web, ask } = await pinned();
    web.files.set("/moving", Buffer.from("two\n")).set("/other", Buffer.from("two\n"));
    expect((await ask("tools")).map(({ name }) => name)).toEqual([`${web.base}/other`]);
    expect((await ask(`${web.base}/moving`)).map(({ name }) => name)).toEqual([`${web.base}/moving`]);
    await expect(ask(`${web.base}/movin`)).rejects.toThrow(
      `LS1002 "${web.base}/movin" is neither an image with locked inputs, nor a package or another input in the lock; did you mean "${web.base}/moving"?`,
    );
  });

  it("fails when what may have moved cannot be asked", async () => {
    const { web, ask } = await pinned();
    web.files.delete("/moving");
    await expect(ask()).rejects.toThrow("LS2702");
  });
});
