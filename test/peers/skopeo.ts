/** skopeo as the oracle for layouts: what registries' tools read, copy and name. Rows I and Z10 of docs/catalogue.md. */
import { readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { digestOf, hexOf } from "../../pipeline/store/digest.ts";
import { hasProgram, run } from "../support.ts";
import type { ConfigDocument, Samples } from "./samples.ts";

function skopeo(...args: readonly string[]): Buffer {
  const { status, stdout, stderr } = run("skopeo", ["--insecure-policy", ...args]);
  if (status !== 0) throw new Error(`skopeo ${args.join(" ")}: ${stderr.toString()}`);
  return stdout;
}

async function blobs(layout: string): Promise<readonly string[]> {
  return (await readdir(join(layout, "blobs/sha256"))).toSorted();
}

export function skopeoTests(samples: () => Samples): void {
  const here = hasProgram("skopeo");

  it.skipIf(!here)("inspects every index and manifest by its name, with the digests we state (needs skopeo)", () => {
    for (const { image, digest, layout, platforms } of samples().images) {
      expect(digestOf(skopeo("inspect", "--raw", `oci:${layout}:${image}`)), image).toBe(digest);
      for (const built of platforms) {
        const name = `oci:${layout}:${image}-${built.platform.replace("/", "-")}`;
        expect(digestOf(skopeo("inspect", "--raw", name)), name).toBe(built.digest);
        expect(digestOf(skopeo("inspect", "--raw", "--config", name)), name).toBe(built.config);
      }
    }
  });

  it.skipIf(!here)(
    "finds the right platform in an index and reads its layers, environment and date (needs skopeo)",
    async () => {
      for (const image of samples().images) {
        for (const built of image.platforms) {
          const [os = "", architecture = ""] = built.platform.split("/");
          const choice = ["--override-os", os, "--override-arch", architecture];
          const seen = JSON.parse(
            skopeo(...choice, "inspect", "--no-tags", `oci:${image.layout}:${image.image}`).toString(),
          ) as Readonly<Record<"Digest" | "Architecture" | "Os" | "Created" | "Layers" | "Env", unknown>>;
          const config: ConfigDocument = await samples().config(image, built);
          expect(seen).toMatchObject({
            Architecture: architecture,
            Os: os,
            Created: config.created,
            Layers: built.layers.map(({ digest }) => digest),
            Env: config.config.Env ?? [],
          });
        }
      }
    },
  );

  it.skipIf(!here)("copies every layout to a directory and back without changing a byte (needs skopeo)", async () => {
    for (const { image, digest, layout, platforms } of samples().images) {
      const directory = samples().path(`dir-${image}`);
      skopeo("copy", "--quiet", "--all", `oci:${layout}:${image}`, `dir:${directory}`);
      expect(digestOf(readFileSync(join(directory, "manifest.json"))), image).toBe(digest);
      const names = await readdir(directory);
      for (const built of platforms) {
        expect(names).toContain(`${hexOf(built.digest)}.manifest.json`);
        for (const layer of built.layers) {
          expect((await stat(join(directory, hexOf(layer.digest)))).size, image).toBe(layer.size);
        }
      }
      const back = samples().path(`back-${image}`);
      skopeo("copy", "--quiet", "--all", `dir:${directory}`, `oci:${back}:${image}`);
      expect(digestOf(skopeo("inspect", "--raw", `oci:${back}:${image}`)), image).toBe(digest);
      expect(await blobs(back), image).toEqual(await blobs(layout));
    }
  });
}
