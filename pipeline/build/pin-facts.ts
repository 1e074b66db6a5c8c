/** What is known of locked packages beyond the lock: licence and installed size, read from the packages themselves. */
import { LockstepError } from "../host/errors.ts";
import type { Lock } from "../lock/types.ts";
import type { Report } from "../report/report.ts";
import { type PackageLicence, readLicence } from "../source/debian/copyright.ts";
import type { Store } from "../store/store.ts";
import type { PinDiff } from "./pin-diff.ts";
import type { LockedItem } from "./pin-items.ts";
import type { ItemFacts } from "./pin-report.ts";

/** How many links from documentation to documentation are followed. */
const mostLinks = 4;

async function readWheel(store: Store, name: string, sha256: string): Promise<PackageLicence | undefined> {
  const digest = `sha256:${sha256}` as const;
  if ((await store.find(digest)) === undefined) return undefined;
  const { readMetadata } = await import("../source/python/metadata.ts");
  const { licences } = await readMetadata(store, digest, name);
  return { licence: licences.length === 0 ? { kind: "unknown" } : { kind: "names", names: licences } };
}

class Facts {
  readonly #store: Store;
  readonly #report: Report;
  readonly #known = new Map<string, Promise<PackageLicence | undefined>>();

  constructor(store: Store, report: Report) {
    this.#store = store;
    this.#report = report;
  }

  /** What a package in the store says; undefined when it is not there or cannot be read. */
  async #read(kind: string, name: string, sha256: string): Promise<PackageLicence | undefined> {
    try {
      if (kind === "debian") return await readLicence(this.#store, name, sha256);
      if (kind === "wheels") return await readWheel(this.#store, name, sha256);
      if (kind !== "npm") return undefined;
      const { readNpmLicence } = await import("../source/npm/licence.ts");
      const licence = await readNpmLicence({ store: this.#store, digest: `sha256:${sha256}`, place: { file: name } });
      return licence === undefined ? undefined : { licence };
    } catch (error) {
      // A build will refuse it; here it means that nothing is known.
      if (!(error instanceof LockstepError)) throw error;
      this.#report.warn(error.message);
      return undefined;
    }
  }

  #remembered(kind: string, name: string, sha256: string): Promise<PackageLicence | undefined> {
    const known = this.#known.get(sha256) ?? this.#read(kind, name, sha256);
    this.#known.set(sha256, known);
    return known;
  }

  async of(item: LockedItem, lock: Lock): Promise<ItemFacts | undefined> {
    const own = await this.#remembered(item.kind, item.name, item.sha256);
    if (own === undefined) return undefined;
    let { licence, shared } = own;
    for (let links = 0; licence.kind === "unknown" && shared !== undefined && links < mostLinks; links++) {
      const other = sibling(lock, item, shared);
      const next = other === undefined ? undefined : await this.#remembered("debian", other.name, other.sha256);
      if (next === undefined) break;
      ({ licence, shared } = next);
    }
    return { licence, ...(own.installedSize === undefined ? {} : { installedSize: own.installedSize }) };
  }
}

/** The package of that name that is locked together with an item, in an image that has both. */
function sibling(
  lock: Lock,
  item: LockedItem,
  name: string,
): { readonly name: string; readonly sha256: string } | undefined {
  for (const { platforms } of lock.images.values()) {
    for (const keys of Object.values(platforms)) {
      const items = keys.flatMap((key) => lock.packages.get(key) ?? []);
      if (!items.some(({ sha256 }) => sha256 === item.sha256)) continue;
      const found = items.find((other) => other.name === name);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/**
 * Facts of what a difference names, by SHA-256. Packages are read where the store has both the old and the new one, because only then
 * there is something to compare; with `all` also those that were added or removed. `installed`: installed sizes that the archive's
 * indexes gave.
 */
export async function factsOfDiff(
  store: Store,
  report: Report,
  diff: PinDiff,
  locks: { readonly before: Lock; readonly after: Lock },
  installed: ReadonlyMap<string, number>,
  all = false,
): Promise<ReadonlyMap<string, ItemFacts>> {
  const facts = new Facts(store, report);
  const found = new Map<string, ItemFacts>();
  const add = async (item: LockedItem | undefined, lock: Lock): Promise<void> => {
    if (item === undefined || found.has(item.sha256)) return;
    const size = installed.get(item.sha256);
    const known = (await facts.of(item, lock)) ?? (size === undefined ? undefined : { installedSize: size });
    if (known !== undefined) found.set(item.sha256, known);
  };
  const isThere = async (item: LockedItem | undefined): Promise<boolean> =>
    item !== undefined && (await store.find(`sha256:${item.sha256}`)) !== undefined;
  for (const { from, to } of diff.changes) {
    if (!all && !((await isThere(from)) && (await isThere(to)))) {
      const size = to === undefined ? undefined : installed.get(to.sha256);
      if (to !== undefined && size !== undefined) found.set(to.sha256, { installedSize: size });
      continue;
    }
    await add(from, locks.before);
    await add(to, locks.after);
  }
  return found;
}
