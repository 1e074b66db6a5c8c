/** Row 3: one package of an image is upgraded; only its fragment may be unpacked and compressed. */
import type { LockedPackage } from "../../../pipeline/lock/types.ts";
import { upgraded } from "../debs.ts";
import { build, fragmentsIn, onlyPlatform } from "../lockstep.ts";
import { interleave } from "../measure.ts";
import { type Bench, type Contender, type Experiment, type Result, Skip } from "../model.ts";
import { need } from "../programs.ts";
import { packagesOf, writeRepository } from "../repository.ts";
import { peakFigures } from "../statistics.ts";
import { freshStore, gather } from "../stores.ts";

/** Small, with a shared library, so that the linker's cache is made anew as for most upgrades. */
const name = "zlib1g";

async function run(bench: Bench): Promise<readonly Result[]> {
  need(bench, ["dpkg-deb"]);
  const { host, scratch, lock } = bench;
  const packages = packagesOf(lock, "node");
  const subject = packages.find((item) => item.name === name);
  if (subject === undefined) throw new Skip(`${name} is not among the packages of the image`);
  await gather(bench, packages);
  const store = await freshStore(bench, "upgrade-store", packages);
  const directory = scratch.empty("upgrade");
  const made = async (item: LockedPackage) => {
    const changed = packages.map((other) => (other === subject ? item : other));
    await writeRepository(host, lock, directory, [{ name: "bench", packages: changed }]);
    return build(bench, store, directory);
  };
  await made(subject);
  let fragments = 0;
  const contender: Contender = {
    name: "Lockstep, one package upgraded",
    async run(round) {
      const item = await upgraded(bench, store, subject, `+bench${round}`);
      const before = await fragmentsIn(store);
      const built = await made(item);
      if (onlyPlatform(built).cached) throw new Error("the upgraded image was known already");
      fragments = Math.max(fragments, (await fragmentsIn(store)) - before);
      return built.sample;
    },
  };
  const measured = await interleave(bench, [contender]);
  return [
    {
      row: 3,
      title: "one package upgraded",
      figures: [
        { name: "packages unpacked and compressed", value: fragments, unit: "fragments", target: 1 },
        ...measured.map(({ wall }) => ({ name: "whole process", value: wall.median, unit: "s" }) as const),
        ...peakFigures(measured, 300),
      ],
      measured,
      notes: [`${name}, repacked under another version each round, in an image of ${packages.length} packages`],
    },
  ];
}

export const upgrade: Experiment = { name: "upgrade", rows: [3], quick: false, run };
