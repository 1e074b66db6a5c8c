/** Row 5: one file changed in the last layer of an image; only that layer may be made again. */
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build, onlyPlatform } from "../lockstep.ts";
import { interleave } from "../measure.ts";
import type { Bench, Contender, Experiment, Result } from "../model.ts";
import { packagesOf, writeRepository } from "../repository.ts";
import { peakFigures } from "../statistics.ts";
import { freshStore, gather } from "../stores.ts";

async function run(bench: Bench): Promise<readonly Result[]> {
  const { host, scratch, lock, root } = bench;
  const packages = packagesOf(lock, "node");
  await gather(bench, packages);
  const store = await freshStore(bench, "file-store", packages);
  const directory = scratch.empty("file");
  await writeRepository(host, lock, directory, [
    { name: "base", packages },
    { name: "web", packages, from: "base", files: "app" },
  ]);
  const app = join(directory, "images", "web", "app");
  await cp(join(root, "images", "web", "app"), app, { recursive: true });
  let before = onlyPlatform(await build(bench, store, directory, ["web"])).layers.map(({ digest }) => digest);
  let others = 0;
  let last = 0;
  const contender: Contender = {
    name: "Lockstep, one file changed",
    async run(round) {
      await writeFile(join(app, "changed.txt"), `round ${round}\n`);
      const built = await build(bench, store, directory, ["web"]);
      const layers = onlyPlatform(built).layers.map(({ digest }) => digest);
      const differing = layers.flatMap((digest, index) => (digest === before[index] ? [] : [index]));
      last = Math.max(last, differing.filter((index) => index === layers.length - 1).length);
      others = Math.max(others, differing.filter((index) => index !== layers.length - 1).length);
      before = layers;
      return built.sample;
    },
  };
  const measured = await interleave(bench, [contender]);
  if (last !== 1) throw new Error("the changed file is not in the last layer");
  return [
    {
      row: 5,
      title: "one file changed in the last layer",
      figures: [
        { name: "other layers made again", value: others, unit: "layers", target: 0 },
        ...measured.map(({ wall }) => ({ name: "whole process", value: wall.median, unit: "s" }) as const),
        ...peakFigures(measured, 300),
      ],
      measured,
      notes: [`${before.length} layers, one with ${packages.length} packages, the last with the files of the sample`],
    },
  ];
}

export const file: Experiment = { name: "file", rows: [5], quick: false, run };
