/** Row 8: `pin` of the samples without lock and store: how much of it is the network, how much is reading indexes and resolving. */
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { mirrorVariable, securityMirrorVariable } from "../../../pipeline/source/debian/mirrors.ts";
import { loadImages } from "../../../pipeline/spec/load.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { lockstep } from "../lockstep.ts";
import { interleave } from "../measure.ts";
import type { Bench, Contender, Experiment, Result } from "../model.ts";
import { freshStore } from "../stores.ts";

/** The signed releases among the blobs of a store that has just been used to pin, laid out as an archive; its environment. */
async function localArchive(bench: Bench, store: Store): Promise<Readonly<Record<string, string>>> {
  const directory = bench.scratch.empty("archive");
  for (const { path } of await store.files()) {
    if (!path.startsWith(join(store.directory, "blobs"))) continue;
    const bytes = await readFile(path);
    if (bytes.toString("latin1", 0, 34) !== "-----BEGIN PGP SIGNED MESSAGE-----") continue;
    const suite = /^Codename: (\S+)$/m.exec(bytes.toString("utf8"))?.[1] ?? "";
    const archive = suite.endsWith("-security") ? "debian-security" : "debian";
    const target = join(directory, archive, "dists", suite, "InRelease");
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, bytes);
  }
  return {
    [mirrorVariable]: pathToFileURL(join(directory, "debian")).href,
    [securityMirrorVariable]: pathToFileURL(join(directory, "debian-security")).href,
  };
}

async function run(bench: Bench): Promise<readonly Result[]> {
  const { scratch, root } = bench;
  const directory = scratch.empty("pin");
  await cp(join(root, "images"), join(directory, "images"), { recursive: true });
  const specs = await loadImages(root);
  const suites = new Set(
    specs.flatMap(({ layers }) => layers.flatMap((it) => (it.kind === "debian" ? [it.suite] : []))),
  );
  const parts = suites.size * new Set(specs.flatMap(({ platforms }) => platforms)).size;
  const pin = async (store: Store, env: Readonly<Record<string, string>> = {}) => {
    scratch.remove(join(directory, "lockstep.lock"));
    return (await lockstep(bench, store, directory, ["pin", "--quiet"], env)).sample;
  };

  const cold: Contender = {
    name: "pin, from the network",
    run: async () => pin(await freshStore(bench, "pin-store", [])),
  };
  const filled = await freshStore(bench, "pin-filled", []);
  await pin(filled);
  const local = await localArchive(bench, filled);
  const warm: Contender = {
    name: "pin, everything on disk",
    async run() {
      const store = new Store(bench.host, scratch.empty("pin-warm"));
      await cp(join(filled.directory, "blobs"), join(store.directory, "blobs"), { recursive: true });
      await cp(join(filled.directory, "compiled"), join(store.directory, "compiled"), {
        recursive: true,
        verbatimSymlinks: true,
      });
      return pin(store, local);
    },
  };
  const start: Contender = {
    name: "start-up (--version)",
    run: async () => (await lockstep(bench, filled, directory, ["--version"])).sample,
  };
  const measured = await interleave(bench, [cold, warm, start]);
  const [network, disk, startUp] = measured;
  if (network === undefined || disk === undefined || startUp === undefined) throw new Error("nothing was measured");
  const reading = disk.wall.median - startUp.wall.median;
  return [
    {
      row: 8,
      title: "pin of the samples without lock and store",
      figures: [
        { name: "whole process", value: network.wall.median, unit: "s" },
        { name: "of it network", value: network.wall.median - disk.wall.median, unit: "s" },
        { name: "of it reading, checking and resolving", value: reading, unit: "s" },
        { name: "the same, for one suite and architecture", value: reading / parts, unit: "s", target: 1 },
      ],
      measured,
      notes: [`${suites.size} suite with its updates and security parts, ${parts / suites.size} architectures`],
    },
  ];
}

export const pin: Experiment = { name: "pin", rows: [8], quick: false, run };
