/** Row 4: nothing changed since the last run: `build` of one image, and `ship` of all samples. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { build, lockstep, onlyPlatform } from "../lockstep.ts";
import { interleave } from "../measure.ts";
import type { Bench, Contender, Experiment, Result } from "../model.ts";
import { packagesOf, writeRepository } from "../repository.ts";
import { freshStore, gather } from "../stores.ts";

/** A process that lasts tenths of a second is cheap to repeat, and its spread matters. */
const repeats = 3;

async function run(bench: Bench): Promise<readonly Result[]> {
  const { host, scratch, lock, root } = bench;
  const all = [...lock.packages.values()];
  await gather(bench, all);
  const store = await freshStore(bench, "unchanged-store", all);

  const single = scratch.empty("unchanged");
  await writeRepository(host, lock, single, [{ name: "bench", packages: packagesOf(lock, "node") }]);
  await build(bench, store, single);
  const one: Contender = {
    name: "build of one image",
    async run() {
      const built = await build(bench, store, single);
      if (!onlyPlatform(built).cached) throw new Error("an unchanged image was built again");
      return built.sample;
    },
  };

  const samples = scratch.empty("samples");
  for (const name of ["images", "manifests", "lockstep.lock"])
    await cp(join(root, name), join(samples, name), { recursive: true });
  bench.say("  building, verifying and signing the samples once");
  await lockstep(bench, store, samples, ["ship", "--quiet"]);
  const ship: Contender = {
    name: "ship of the samples",
    async run() {
      const { sample, stdout } = await lockstep(bench, store, samples, ["ship", "--json", "--quiet"]);
      const document = JSON.parse(stdout) as { readonly result: { readonly unchanged: boolean } };
      if (!document.result.unchanged) throw new Error("ship did work although nothing changed");
      return sample;
    },
  };
  const start: Contender = {
    name: "start-up (--version)",
    run: async () => (await lockstep(bench, store, single, ["--version"])).sample,
  };

  const measured = await interleave(bench, [one, ship, start], bench.rounds * repeats);
  const [first, second, third] = measured;
  if (first === undefined || second === undefined || third === undefined) throw new Error("nothing was measured");
  return [
    {
      row: 4,
      title: "nothing changed",
      figures: [
        { name: "build of one image, whole process", value: first.wall.median, unit: "s", target: 0.3 },
        {
          name: "ship of the samples, after start-up",
          value: second.wall.median - third.wall.median,
          unit: "s",
          target: 0.5,
        },
        { name: "ship of the samples, whole process", value: second.wall.median, unit: "s" },
      ],
      measured,
      notes: ["whole processes from the launcher on; start-up is what `lockstep --version` takes"],
    },
  ];
}

export const unchanged: Experiment = { name: "unchanged", rows: [4], quick: true, run };
