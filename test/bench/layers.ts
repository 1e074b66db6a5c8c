/** Layers to measure on: those of the image of row 1. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "./lockstep.ts";
import type { Bench } from "./model.ts";
import { packagesOf, writeRepository } from "./repository.ts";
import { freshStore, gather } from "./stores.ts";

/** Builds the image of row 1 in the folder `name` of the scratch directory, and gives the path of its largest blob, a gzip layer. */
export async function largestLayer(bench: Bench, name: string): Promise<string> {
  const { host, scratch, lock } = bench;
  const packages = packagesOf(lock, "node");
  await gather(bench, packages);
  const directory = scratch.empty(name);
  await writeRepository(host, lock, directory, [{ name: "bench", packages }]);
  await build(bench, await freshStore(bench, `${name}-store`, packages), directory);
  const blobs = join(directory, "out", "images", "bench", "blobs", "sha256");
  const [layer] = readdirSync(blobs)
    .map((blob) => join(blobs, blob))
    .toSorted((a, b) => statSync(b).size - statSync(a).size);
  if (layer === undefined) throw new Error("the image has no layer");
  return layer;
}
