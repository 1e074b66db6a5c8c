/** The other tools: how each makes the image of row 1 from the same packages, with one gzip layer, as an OCI layout on disk. */
import { readdirSync, statSync } from "node:fs";
import { link, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LockedPackage } from "../../pipeline/lock/types.ts";
import { timed } from "./measure.ts";
import type { Bench, Contender } from "./model.ts";
import { hasProgram, need } from "./programs.ts";
import { inputs } from "./stores.ts";
import { succeeds } from "./succeeds.ts";

interface Peer {
  readonly name: string;
  readonly programs: readonly string[];
  /** A POSIX shell script; `$debs` is a directory of packages, `$work` an empty one, the layout goes to `$work/layout`. */
  readonly script: string;
}

const umociConfig =
  'umoci config --image "$work/layout:bench" --config.entrypoint /usr/bin/node --config.user 65532:65532';

/** `$driver` is the storage driver. Unmounting and removing the container is not part of the work. */
const buildah = `
b="buildah --root $work/root --runroot $work/run --storage-driver $driver"
c=$($b from scratch)
m=$($b mount "$c")
for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$m"; done
$b config --entrypoint '["/usr/bin/node"]' --user 65532:65532 "$c"
$b commit --quiet --timestamp 0 --format oci --disable-compression=false "$c" "oci:$work/layout:bench"
`;

/** `raw add-layer` takes the tar as it is, which is faster than unpacking it for umoci or buildah. */
const mmdebstrap = `
SOURCE_DATE_EPOCH=0 mmdebstrap --quiet --mode=root --variant=extract --format=tar --include="$names" \\
  trixie "$work/root.tar" "deb [trusted=yes] copy:$debs ./"
umoci init --layout "$work/layout"
umoci new --image "$work/layout:bench"
umoci raw add-layer --image "$work/layout:bench" "$work/root.tar"
${umociConfig}
`;

const umoci = `
umoci init --layout "$work/layout"
umoci new --image "$work/layout:bench"
umoci unpack --image "$work/layout:bench" "$work/bundle"
for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$work/bundle/rootfs"; done
umoci repack --image "$work/layout:bench" "$work/bundle"
${umociConfig} --created 1970-01-01T00:00:00Z
`;

const peers: readonly Peer[] = [
  { name: "buildah + dpkg-deb", programs: ["buildah", "dpkg-deb"], script: buildah },
  { name: "mmdebstrap + umoci", programs: ["mmdebstrap", "umoci", "apt"], script: mmdebstrap },
  { name: "umoci + dpkg-deb", programs: ["umoci", "dpkg-deb"], script: umoci },
];

/** A flat repository of the packages (sources.list(5), "exact path"): apt resolves nothing, because the list is complete. */
async function writeArchive(bench: Bench, packages: readonly LockedPackage[]): Promise<string> {
  const directory = bench.scratch.empty("debs");
  const stanzas: string[] = [];
  for (const { name, version, architecture, size, sha256, path } of packages) {
    const file = path.slice(path.lastIndexOf("/") + 1);
    await link(inputs(bench).pathOf(`sha256:${sha256}`), join(directory, file));
    stanzas.push(
      `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nFilename: ./${file}\n` +
        `Size: ${size}\nSHA256: ${sha256}\nDescription: ${name}\n`,
    );
  }
  await writeFile(join(directory, "Packages"), stanzas.join("\n"));
  return directory;
}

/** Native overlay where the file system allows it; else whole copies, which is much slower. */
function storageDriver(bench: Bench): string {
  if (!hasProgram("buildah")) return "vfs";
  const directory = bench.scratch.empty("driver");
  const storage = [
    "--root",
    join(directory, "root"),
    "--runroot",
    join(directory, "run"),
    "--storage-driver",
    "overlay",
  ];
  const works = succeeds("buildah", [...storage, "info"]);
  bench.scratch.remove(directory);
  return works ? "overlay" : "vfs";
}

function layoutSize(directory: string): number {
  const blobs = join(directory, "blobs", "sha256");
  return readdirSync(blobs).reduce((sum, name) => sum + statSync(join(blobs, name)).size, 0);
}

export interface Peers {
  readonly contenders: readonly Contender[];
  /** Storage driver of buildah, peers that are absent, sizes of what the others made once they have run. */
  notes(): readonly string[];
}

/** The peers that can run here. They need root, as their owners recommend for keeping owners of files. */
export async function preparePeers(bench: Bench, packages: readonly LockedPackage[]): Promise<Peers> {
  const notes: string[] = [];
  const sizes = new Map<string, number>();
  const debs = await writeArchive(bench, packages);
  const present = peers.filter((peer) => {
    try {
      if (bench.host.uid !== 0) throw new Error("needs root");
      need(bench, peer.programs);
      return true;
    } catch (error) {
      notes.push(`skipped: ${peer.name} (${error instanceof Error ? error.message : String(error)})`);
      return false;
    }
  });
  const driver = storageDriver(bench);
  if (present.some(({ programs }) => programs.includes("buildah"))) notes.push(`buildah's storage driver: ${driver}`);
  const names = packages.map(({ name }) => name).join(",");
  const contenders = present.map(({ name, script }): Contender => ({
    name,
    async run() {
      const work = bench.scratch.empty("peer");
      const env = { work, debs, driver, names };
      const { sample } = await timed(bench, { program: "sh", args: ["-euc", script], cwd: work, env });
      sizes.set(name, layoutSize(join(work, "layout")));
      bench.scratch.remove(work);
      return sample;
    },
  }));
  const sizeNotes = (): readonly string[] =>
    [...sizes].map(([name, size]) => `${name}: layout of ${(size / 1e6).toFixed(1)} MB`);
  return { contenders, notes: () => [...notes, ...sizeNotes()] };
}
