/** Packages made for the benchmark with dpkg-deb: one under another version, and one with a file of any size. */
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LockedPackage } from "../../pipeline/lock/types.ts";
import { hexOf } from "../../pipeline/store/digest.ts";
import type { Store } from "../../pipeline/store/store.ts";
import { createReadStream } from "node:fs";
import { timed } from "./measure.ts";
import type { Bench } from "./model.ts";

/** Puts a .deb file into the store and gives the lock's entry for it. */
async function adopt(store: Store, file: string, like: LockedPackage, version: string): Promise<LockedPackage> {
  const writer = await store.writer();
  for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 })) await writer.write(piece as Buffer);
  const { digest, size } = await writer.commit();
  const { name, architecture } = like;
  return {
    ...like,
    version,
    sourceVersion: version,
    path: `pool/bench/${name}_${hexOf(digest).slice(0, 12)}_${architecture}.deb`,
    size,
    sha256: hexOf(digest),
  };
}

/** The same package under another version, in the store: what an upgrade of it looks like. */
export async function upgraded(
  bench: Bench,
  store: Store,
  item: LockedPackage,
  suffix: string,
): Promise<LockedPackage> {
  const { scratch } = bench;
  const tree = join(scratch.empty("repack"), "tree");
  await timed(bench, { program: "dpkg-deb", args: ["-R", store.pathOf(`sha256:${item.sha256}`), tree] });
  const control = join(tree, "DEBIAN", "control");
  const version = `${item.version}${suffix}`;
  await writeFile(control, (await readFile(control, "utf8")).replace(/^Version: .*$/m, `Version: ${version}`));
  const file = scratch.path("repack", "new.deb");
  await timed(bench, { program: "dpkg-deb", args: ["--root-owner-group", "-b", tree, file] });
  const made = await adopt(store, file, item, version);
  scratch.remove(scratch.path("repack"));
  return made;
}

/** A package with one file, in the store. `file` is moved into it. */
export async function packaged(
  bench: Bench,
  store: Store,
  name: string,
  directory: string,
  like: LockedPackage,
): Promise<LockedPackage> {
  const { scratch } = bench;
  const version = "1.0";
  const item: LockedPackage = { ...like, name, source: name, architecture: "all" };
  await timed(bench, { program: "mkdir", args: ["-p", join(directory, "DEBIAN")] });
  const bytes = await sizeOf(directory);
  await writeFile(
    join(directory, "DEBIAN", "control"),
    `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: Lockstep <bench@localhost>\n` +
      `Installed-Size: ${Math.ceil(bytes / 1024)}\nDescription: a package of the benchmark\n`,
  );
  const file = scratch.path(`${name}.deb`);
  // The fastest level: how hard it was compressed matters little to who reads it.
  await timed(bench, { program: "dpkg-deb", args: ["--root-owner-group", "-Zxz", "-z0", "-b", directory, file] });
  const made = await adopt(store, file, item, version);
  scratch.remove(file);
  return made;
}

async function sizeOf(directory: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) sum += (await stat(join(entry.parentPath, entry.name))).size;
  return sum;
}
