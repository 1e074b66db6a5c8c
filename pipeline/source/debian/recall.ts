/** Packages that a lock holds and the archive no longer lists: looked up in the indexes that the store still has from earlier. */
import { LockstepError } from "../../host/errors.ts";
import { type Lock, type LockedPackage, type LockedRelease, releaseKey } from "../../lock/types.ts";
import type { Digest } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import type { VerifiedRelease } from "./archive.ts";
import { readClearsigned } from "./clearsign.ts";
import { type BinaryArchitecture, indexesOf, readIndex } from "./indexes.ts";
import { parseRelease } from "./release.ts";
import type { IndexSource, Universe } from "./universe.ts";

/** A release that was verified when it was pinned; the lock's hash says that it is the same file. */
async function recallRelease(store: Store, locked: LockedRelease): Promise<VerifiedRelease | undefined> {
  const digest: Digest = `sha256:${locked.sha256}`;
  if ((await store.find(digest)) === undefined) return undefined;
  const framed = readClearsigned((await store.read(digest)).toString("utf8"));
  if (typeof framed === "string") return undefined;
  const release = parseRelease(framed.text, { file: `${locked.suite}@${locked.date}` });
  return { key: releaseKey(locked), locked, release };
}

/**
 * The universe with earlier indexes added for those of `packages` that it does not offer, and those of the lock's `releases`, as far as the
 * store has them.
 */
export async function withRecalled(
  store: Store,
  lock: Lock,
  universe: Universe,
  architecture: BinaryArchitecture,
  packages: readonly LockedPackage[],
  releases: readonly string[] = [],
): Promise<Universe> {
  const keys = new Set([
    ...packages.filter((item) => universe.find(item.name, item) === undefined).map(({ release }) => release),
    ...releases,
  ]);
  const sources: IndexSource[] = [];
  for (const key of keys) {
    const locked = lock.releases.get(key);
    if (locked === undefined) continue;
    try {
      const release = await recallRelease(store, locked);
      if (release === undefined) continue;
      for (const index of indexesOf(release, architecture)) {
        if ((await store.find(index.digest)) !== undefined) sources.push(await readIndex(store, index));
      }
    } catch (error) {
      // What cannot be recalled is not on offer, which the caller reports; it is no reason to stop here.
      if (!(error instanceof LockstepError)) throw error;
    }
  }
  return sources.length === 0 ? universe : universe.recalling(sources);
}
