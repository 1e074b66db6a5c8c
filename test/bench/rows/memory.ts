/** Row 7: peak memory with a layer of 2 GiB, once from a file of the repository and once from a package. */
import { createCipheriv } from "node:crypto";
import { mkdir, open, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { packaged } from "../debs.ts";
import { build, onlyPlatform } from "../lockstep.ts";
import { interleave } from "../measure.ts";
import { type Bench, type Contender, type Experiment, type Result, Skip } from "../model.ts";
import { need, wantTime } from "../programs.ts";
import { packagesOf, writeRepository } from "../repository.ts";
import { peakFigures } from "../statistics.ts";
import { freshStore, gather } from "../stores.ts";

const fileSize = 2 * 2 ** 30;
/** File, package, fragment, layer and the copies in between. */
const space = 10 * 2 ** 30;
const piece = 1 << 20;

/** A file of which every second MiB is noise and every other one text; the same each time. */
async function writeLarge(path: string): Promise<void> {
  const noise = createCipheriv("aes-128-ctr", Buffer.alloc(16, 1), Buffer.alloc(16));
  const zeros = Buffer.alloc(piece);
  const sentence = "Of every second piece of this file a compressor can make something, and of the others nothing. ";
  const file = await open(path, "wx", 0o644);
  try {
    for (let i = 0; i < fileSize / piece; i++)
      await file.writeFile(i % 2 === 0 ? noise.update(zeros) : Buffer.alloc(piece, `${i} ${sentence}`));
  } finally {
    await file.close();
  }
}

async function run(bench: Bench): Promise<readonly Result[]> {
  const { host, scratch, lock } = bench;
  need(bench, ["dpkg-deb"]);
  if (!wantTime(bench)) throw new Skip("GNU time not installed");
  const { bavail, bsize } = await statfs(scratch.directory);
  if (bavail * bsize < space) throw new Skip(`${scratch.directory} has less than 10 GiB free`);
  const base = packagesOf(lock, "node").filter(({ name }) => name === "base-files" || name === "base-passwd");
  const [like] = base;
  if (like === undefined) throw new Skip("base-files is not in the lock");
  await gather(bench, base);
  const once = async (name: string, contender: () => Promise<Contender>) => {
    const [measured] = await interleave(bench, [await contender()], 1);
    scratch.remove(scratch.path(name));
    scratch.remove(scratch.path(`${name}-store`));
    if (measured === undefined) throw new Error("nothing was measured");
    return measured;
  };
  const built = async (store: Parameters<typeof build>[1], directory: string) => {
    const result = await build(bench, store, directory, ["large"]);
    if (onlyPlatform(result).layers.every(({ tarSize }) => tarSize < fileSize))
      throw new Error("no layer is as large as its file");
    return result.sample;
  };

  const fromFile = await once("large-file", async () => {
    const directory = scratch.empty("large-file");
    await writeRepository(host, lock, directory, [
      { name: "base", packages: base },
      { name: "large", packages: base, from: "base", files: "data" },
    ]);
    await mkdir(join(directory, "images", "large", "data"));
    await writeLarge(join(directory, "images", "large", "data", "large.bin"));
    const store = await freshStore(bench, "large-file-store", base);
    return { name: "Lockstep, a file of 2 GiB", run: () => built(store, directory) };
  });

  const fromPackage = await once("large-package", async () => {
    const directory = scratch.empty("large-package");
    const tree = scratch.empty("tree");
    const path = join(tree, "usr", "share", "large.bin");
    await mkdir(dirname(path), { recursive: true });
    await writeLarge(path);
    const store = await freshStore(bench, "large-package-store", base);
    const item = await packaged(bench, store, "bench-large", tree, like);
    scratch.remove(tree);
    await writeRepository(host, lock, directory, [{ name: "large", packages: [...base, item] }]);
    return { name: "Lockstep, a package with a file of 2 GiB", run: () => built(store, directory) };
  });

  return [
    {
      row: 7,
      title: "a layer of 2 GiB",
      figures: peakFigures([fromFile, fromPackage], 300),
      measured: [fromFile, fromPackage],
      notes: ["one round: half of the file is noise, half is text; the package is compressed with xz"],
    },
  ];
}

export const memory: Experiment = { name: "memory", rows: [7], quick: false, run };
