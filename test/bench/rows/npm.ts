/** Row 10: the dependencies of a large npm project, against `npm ci` from its cache: from tarballs alone, and with every package known. */
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Store } from "../../../pipeline/store/store.ts";
import { build, lockstep, onlyPlatform } from "../lockstep.ts";
import { interleave, timed } from "../measure.ts";
import { type Bench, type Contender, type Experiment, type Result, Skip } from "../model.ts";
import { hasProgram } from "../programs.ts";

const project = "test/source/npm/projects/large";
const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--os=linux", "--cpu=x64", "--libc=glibc"];

/** The packages of a lock file, as far as this row looks at them. */
interface LockFile {
  readonly packages: Record<string, { resolved?: string }>;
}

async function npm(bench: Bench, directory: string, ...args: readonly string[]) {
  return timed(bench, { program: "npm", args: [...args, ...quiet], cwd: directory });
}

/** A copy of the project for npm, with the addresses without which it would ask the registry about every package, and a warm cache. */
async function forNpm(bench: Bench): Promise<string> {
  const directory = bench.scratch.empty("npm-ci");
  await cp(join(bench.root, project), directory, { recursive: true });
  await npm(bench, directory, "ci", "--prefer-offline", "--omit-lockfile-registry-resolved=false");
  const lockFile = join(directory, "package-lock.json");
  const installed = JSON.parse(await readFile(join(directory, "node_modules/.package-lock.json"), "utf8")) as LockFile;
  const lock = JSON.parse(await readFile(lockFile, "utf8")) as LockFile;
  for (const [location, entry] of Object.entries(lock.packages)) {
    const resolved = installed.packages[location]?.resolved;
    if (resolved !== undefined) entry.resolved = resolved;
  }
  await writeFile(lockFile, JSON.stringify(lock));
  await npm(bench, directory, "ci", "--offline");
  return directory;
}

/** A repository with one image, pinned into a store that has nothing but tarballs then. */
async function forLockstep(bench: Bench): Promise<{ readonly directory: string; readonly pinned: Store }> {
  const directory = bench.scratch.empty("npm-layer");
  const image = join(directory, "images/bench");
  await cp(join(bench.root, project), join(image, "app"), { recursive: true });
  const layer = "layers:\n  - npm: { project: app, into: /app, omit: [] }\n";
  await writeFile(join(image, "image.yaml"), `name: bench\nplatforms: [linux/amd64]\n${layer}`);
  await mkdir(bench.scratch.path("npm-tarballs"), { recursive: true });
  const pinned = new Store(bench.host, bench.scratch.path("npm-tarballs"));
  await lockstep(bench, pinned, directory, ["pin", "--quiet"]);
  return { directory, pinned };
}

/** Forgets the layers that were made, and keeps what was made of each package. */
async function forgetLayers({ scratch }: Bench, store: Store): Promise<void> {
  const records = join(store.directory, "records");
  for (const generation of await readdir(records)) scratch.remove(join(records, generation, "result"));
}

async function run(bench: Bench): Promise<readonly Result[]> {
  if (!hasProgram("npm")) throw new Skip("npm not installed");
  const theirs = await forNpm(bench);
  const { directory, pinned } = await forLockstep(bench);
  const out = join(directory, "out");
  const made = async (store: Store) => {
    const built = await build(bench, store, directory);
    if (onlyPlatform(built).cached) throw new Error("the layer was known already");
    return built.sample;
  };
  const known = new Store(bench.host, bench.scratch.path("npm-known"));
  await cp(pinned.directory, known.directory, { recursive: true });
  await build(bench, known, directory);
  const contenders: readonly Contender[] = [
    {
      name: "Lockstep, packages known",
      async run() {
        await forgetLayers(bench, known);
        bench.scratch.remove(out);
        return made(known);
      },
    },
    {
      name: "Lockstep, tarballs alone",
      async run() {
        const store = new Store(bench.host, bench.scratch.path("npm-fresh"));
        bench.scratch.remove(store.directory);
        await cp(pinned.directory, store.directory, { recursive: true });
        bench.scratch.remove(out);
        return made(store);
      },
    },
    {
      name: "npm ci --offline",
      async run() {
        bench.scratch.remove(join(theirs, "node_modules"));
        return (await npm(bench, theirs, "ci", "--offline")).sample;
      },
    },
  ];
  const measured = await interleave(bench, contenders);
  const [warm, cold, other] = measured;
  if (warm === undefined || cold === undefined || other === undefined) throw new Error("nothing was measured");
  const lock = JSON.parse(await readFile(join(bench.root, project, "package-lock.json"), "utf8")) as LockFile;
  return [
    {
      row: 10,
      title: "dependencies of a large npm project",
      figures: [
        {
          name: "packages known ÷ npm ci --offline",
          value: warm.wall.median / other.wall.median,
          unit: "×",
          target: 0.25,
        },
        { name: "tarballs alone ÷ npm ci --offline", value: cold.wall.median / other.wall.median, unit: "×" },
      ],
      measured,
      notes: [
        `${Object.keys(lock.packages).length - 1} packages in the lock file; Lockstep leaves an OCI layout with a compressed layer, npm files on disk`,
      ],
    },
  ];
}

export const npmLayer: Experiment = { name: "npm", rows: [10], quick: false, run };
