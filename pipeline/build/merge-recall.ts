/** What the archive offered when two locks were made, from releases and indexes that the store still has: nothing is asked of a network. */
import type { Key } from "openpgp";
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { Lock, LockedRelease } from "../lock/types.ts";
import { releaseKey } from "../lock/types.ts";
import { type VerifiedRelease, partsOf } from "../source/debian/archive.ts";
import { indexesOf, readIndex } from "../source/debian/indexes.ts";
import { readKeyring } from "../source/debian/keys.ts";
import { parseRelease } from "../source/debian/release.ts";
import { verifyClearsigned } from "../source/debian/signature.ts";
import { type IndexSource, Universe } from "../source/debian/universe.ts";
import type { Platform } from "../spec/types.ts";
import type { Store } from "../store/store.ts";
import { architectureOf } from "./architecture.ts";

/** What cannot be known, as a clause. */
export class NotRecalled extends Error {}

/** The releases of a suite that a lock names: by part in the order in which parts win, the newest of each first. */
function releasesOf(lock: Lock, suite: string): readonly (readonly LockedRelease[])[] {
  const all = [...lock.releases.values()];
  const order = (release: LockedRelease): string => `${release.date} ${release.sha256}`;
  return partsOf(suite).map((part) =>
    all
      .filter((release) => release.suite === part.suite && release.archive === part.archive)
      .toSorted((a, b) => (order(a) < order(b) ? 1 : -1)),
  );
}

/** Reads releases and indexes again, signatures and hashes checked as when they were fetched. */
export class Recall {
  readonly #host: Host;
  readonly #store: Store;
  readonly #lock: Lock;
  #keys: readonly Key[] | undefined;
  readonly #releases = new Map<string, VerifiedRelease>();

  /** `lock`: the releases of both sides. `keys`: instead of those of Debian's archive. */
  constructor(host: Host, store: Store, lock: Lock, keys?: readonly Key[]) {
    this.#host = host;
    this.#store = store;
    this.#lock = lock;
    this.#keys = keys;
  }

  async #release(locked: LockedRelease): Promise<VerifiedRelease> {
    const key = releaseKey(locked);
    const known = this.#releases.get(key);
    if (known !== undefined) return known;
    const digest = `sha256:${locked.sha256}` as const;
    if ((await this.#store.find(digest)) === undefined) throw new NotRecalled(`the store does not have ${key}`);
    this.#keys ??= await readKeyring();
    const place = { file: key };
    const { text } = await verifyClearsigned(await this.#store.read(digest), this.#keys, this.#host.now(), place);
    const release = { key, locked, release: parseRelease(text, place) };
    this.#releases.set(key, release);
    return release;
  }

  /**
   * What a suite offered: the newest release of each part is on offer, older ones are there for what is asked for exactly. Throws
   * NotRecalled unless the store has every release and every index, so that the answer is the same wherever there is one.
   */
  async universe(suite: string, platform: Platform): Promise<Universe> {
    const architecture = architectureOf(platform);
    const read = async (locked: LockedRelease): Promise<readonly IndexSource[]> => {
      const sources: IndexSource[] = [];
      for (const index of indexesOf(await this.#release(locked), architecture)) {
        if ((await this.#store.find(index.digest)) === undefined)
          throw new NotRecalled(`the store does not have ${index.name} of ${releaseKey(locked)}`);
        sources.push(await readIndex(this.#store, index));
      }
      return sources;
    };
    const offered: IndexSource[] = [];
    const earlier: IndexSource[] = [];
    try {
      for (const [newest, ...others] of releasesOf(this.#lock, suite)) {
        if (newest !== undefined) offered.push(...(await read(newest)));
        for (const other of others) earlier.push(...(await read(other)));
      }
    } catch (error) {
      if (error instanceof LockstepError) throw new NotRecalled(error.message, { cause: error });
      throw error;
    }
    return new Universe(suite, architecture, offered, earlier);
  }
}
