/** Rows 1 and 2: an image from downloaded packages, made from nothing and as a new combination of known packages, against other tools. */
import { type LockedPackage, packageKey } from "../../../pipeline/lock/types.ts";
import { build, fragmentsIn, onlyPlatform } from "../lockstep.ts";
import { interleave } from "../measure.ts";
import type { Bench, Contender, Experiment, Figure, Result } from "../model.ts";
import { preparePeers } from "../peers.ts";
import { packagesOf, writeRepository } from "../repository.ts";
import { fastest, peakFigures } from "../statistics.ts";
import { freshStore, gather } from "../stores.ts";

const targets = { image: 0.55, combination: 0.15, memory: 300 } as const;

/** Packages that every image has. */
const implied = ["base-files", "base-passwd"];

/** The set without one of its packages, another one each round, the smallest first: as nearly the same work as a new plan can be. */
export function combination(packages: readonly LockedPackage[], round: number): readonly LockedPackage[] {
  const left = packages
    .filter(({ name }) => !implied.includes(name))
    .toSorted((a, b) => a.size - b.size || (packageKey(a) < packageKey(b) ? -1 : 1))[round];
  if (left === undefined) throw new RangeError("no package is left that could be left out");
  return packages.filter((item) => item !== left);
}

async function run(bench: Bench): Promise<readonly Result[]> {
  const { host, scratch, lock } = bench;
  const packages = packagesOf(lock, "node");
  await gather(bench, packages);
  const facts = { size: 0, tar: 0, fragments: 0 };

  const directory = scratch.empty("image");
  await writeRepository(host, lock, directory, [{ name: "bench", packages }]);
  const cold: Contender = {
    name: "Lockstep",
    async run() {
      const store = await freshStore(bench, "image-store", packages);
      scratch.remove(scratch.path("image", "out"));
      const built = await build(bench, store, directory);
      const platform = onlyPlatform(built);
      if (platform.cached) throw new Error("the results were there already");
      facts.size = platform.size;
      facts.tar = platform.layers.reduce((sum, { tarSize }) => sum + tarSize, 0);
      return built.sample;
    },
  };

  const known = scratch.empty("combination");
  const store = await freshStore(bench, "combination-store", packages);
  await writeRepository(host, lock, known, [{ name: "bench", packages }]);
  await build(bench, store, known);
  const combined: Contender = {
    name: "Lockstep, new combination",
    async run(round) {
      await writeRepository(host, lock, known, [{ name: "bench", packages: combination(packages, round) }]);
      const before = await fragmentsIn(store);
      const built = await build(bench, store, known);
      if (onlyPlatform(built).cached) throw new Error("the combination was known already");
      facts.fragments = Math.max(facts.fragments, (await fragmentsIn(store)) - before);
      return built.sample;
    },
  };

  const peers = await preparePeers(bench, packages);
  const measured = await interleave(bench, [cold, combined, ...peers.contenders]);
  const [first, second, ...others] = measured;
  if (first === undefined || second === undefined) throw new Error("nothing was measured");
  const best = fastest(others);
  const against = (name: string, ours: number, target: number): readonly Figure[] =>
    best === undefined ? [] : [{ name, value: ours / best.wall.median, unit: "×", target }];
  const same = `${packages.length} packages, ${(facts.tar / 1e6).toFixed(1)} MB of tar, layout of ${(facts.size / 1e6).toFixed(1)} MB`;
  return [
    {
      row: 1,
      title: "image of 30 packages, downloaded, nothing cached",
      figures: [
        ...against(`÷ the fastest other tool (${best?.name ?? "none"})`, first.wall.median, targets.image),
        ...others.map(({ name, wall }): Figure => ({
          name: `÷ ${name}`,
          value: first.wall.median / wall.median,
          unit: "×",
        })),
        ...peakFigures([first], targets.memory),
      ],
      measured: [first, ...others],
      notes: [same, ...peers.notes()],
    },
    {
      row: 2,
      title: "the same image in a new combination, all fragments known",
      figures: [
        ...against(`÷ the fastest other tool (${best?.name ?? "none"})`, second.wall.median, targets.combination),
        { name: "÷ our own row 1", value: second.wall.median / first.wall.median, unit: "×" },
        { name: "packages unpacked", value: facts.fragments, unit: "fragments", target: 0 },
        ...peakFigures([second], targets.memory),
      ],
      measured: [second],
      notes: [`one package fewer than row 1, another one each round`],
    },
  ];
}

export const image: Experiment = { name: "image", rows: [1, 2], quick: true, run };
