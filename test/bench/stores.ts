/** Stores of the benchmark: the packages are in each of them from the start, what was made of them is not. */
import { copyFile, link, mkdir, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import { findMirrors } from "../../pipeline/source/debian/mirrors.ts";
import { addressBelow } from "../../pipeline/source/address.ts";
import { fetchBlobs } from "../../pipeline/source/fetch.ts";
import type { LockedPackage } from "../../pipeline/lock/types.ts";
import { silent } from "../../pipeline/report/report.ts";
import { Store } from "../../pipeline/store/store.ts";
import type { Bench } from "./model.ts";

/** The store that has every package a row needs; other stores get links to its blobs. */
export function inputs(bench: Bench): Store {
  return new Store(bench.host, bench.scratch.path("inputs"));
}

/** Brings packages into the inputs: from the user's store where it has them, else from the mirrors. */
export async function gather(bench: Bench, packages: readonly LockedPackage[]): Promise<void> {
  const { host } = bench;
  const own = new Store(host);
  const store = inputs(bench);
  for (const { sha256 } of packages) {
    const digest = `sha256:${sha256}` as const;
    const path = store.pathOf(digest);
    await mkdir(dirname(path), { recursive: true });
    // Copied and not linked: a row must not touch the user's files, and may lie in another file system.
    await copyFile(own.pathOf(digest), path).catch(() => {});
  }
  const wanted = packages.map((item) => ({
    digest: `sha256:${item.sha256}` as const,
    size: item.size,
    name: item.path,
    item,
  }));
  await fetchBlobs(host, store, silent, wanted, async ({ item }) =>
    (await findMirrors(host))[item.archive].map((base) => addressBelow(base, item.path)),
  );
  // Reads and checks every package once, which also brings them into the page cache.
  for (const { digest } of wanted) for await (const _ of store.stream(digest));
}

/** An empty store but for links to these packages, and the compiled program, which is no result. */
export async function freshStore(bench: Bench, name: string, packages: readonly LockedPackage[]): Promise<Store> {
  const { host, scratch } = bench;
  const from = inputs(bench);
  const store = new Store(host, scratch.empty(name));
  for (const { sha256 } of packages) {
    const path = store.pathOf(`sha256:${sha256}`);
    await mkdir(dirname(path), { recursive: true });
    await link(from.pathOf(`sha256:${sha256}`), path);
  }
  await mkdir(scratch.path("compiled"), { recursive: true });
  await symlink(scratch.path("compiled"), scratch.path(name, "compiled"));
  return store;
}
