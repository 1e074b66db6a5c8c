/** Row 6: twenty images that share four fifths of their packages, against one of them; nothing made before, for either. */
import { type LockedPackage, packageKey } from "../../../pipeline/lock/types.ts";
import { build } from "../lockstep.ts";
import { interleave } from "../measure.ts";
import type { Bench, Contender, Experiment, Result } from "../model.ts";
import { type BenchImage, packagesOf, writeRepository } from "../repository.ts";
import { freshStore, gather } from "../stores.ts";

const images = 20;
const shared = 24;
const own = 6;

/** By size, and before all others what every image has. */
function rank({ name, size }: LockedPackage): number {
  return name === "base-files" || name === "base-passwd" ? Number.POSITIVE_INFINITY : size;
}

/**
 * The largest packages of `common` (and those that every image has) are in all images; each takes six more in turn from the others of
 * `common` and from `pool`, so that an image is about as large as the one of row 1.
 */
export function fleetOf(
  common: readonly LockedPackage[],
  pool: readonly LockedPackage[],
): readonly (readonly LockedPackage[])[] {
  const ordered = common.toSorted((a, b) => rank(b) - rank(a) || (packageKey(a) < packageKey(b) ? -1 : 1));
  const core = ordered.slice(0, shared);
  const names = new Set(ordered.map(({ name }) => name));
  const rest = [...ordered.slice(shared), ...pool.filter(({ name }) => !names.has(name))];
  return Array.from({ length: images }, (_, image) => [
    ...core,
    ...Array.from({ length: own }, (_, i) => rest[(image * own + i) % rest.length]).filter(
      (item) => item !== undefined,
    ),
  ]);
}

function megabytes(items: readonly LockedPackage[]): string {
  return (items.reduce((sum, { size }) => sum + size, 0) / 1e6).toFixed(1);
}

async function run(bench: Bench): Promise<readonly Result[]> {
  const { host, scratch, lock } = bench;
  const sets = fleetOf(packagesOf(lock, "node"), packagesOf(lock, "toolbox"));
  const all = [...new Set(sets.flat())];
  await gather(bench, all);
  const contender = async (name: string, folder: string, list: readonly BenchImage[]): Promise<Contender> => {
    const directory = scratch.empty(folder);
    await writeRepository(host, lock, directory, list);
    const packages = [...new Set(list.flatMap((image) => image.packages))];
    return {
      name,
      async run() {
        const store = await freshStore(bench, `${folder}-store`, packages);
        scratch.remove(scratch.path(folder, "out"));
        const { sample } = await build(bench, store, directory);
        scratch.remove(store.directory);
        return sample;
      },
    };
  };
  const list = sets.map((packages, index) => ({ name: `bench-${String(index + 1).padStart(2, "0")}`, packages }));
  const measured = await interleave(bench, [
    await contender("Lockstep, one image", "single", list.slice(0, 1)),
    await contender("Lockstep, twenty images", "fleet", list),
  ]);
  const [one, many] = measured;
  if (one === undefined || many === undefined) throw new Error("nothing was measured");
  return [
    {
      row: 6,
      title: `twenty images that share ${shared} of ${shared + own} packages`,
      figures: [
        { name: "twenty images ÷ one image", value: many.wall.median / one.wall.median, unit: "×", target: 2.5 },
      ],
      measured,
      notes: [
        `one image: ${shared + own} packages of ${megabytes(sets[0] ?? [])} MB; all: ${all.length} packages of ${megabytes(all)} MB`,
      ],
    },
  ];
}

export const fleet: Experiment = { name: "fleet", rows: [6], quick: false, run };
