/** Which blobs of the store an entry of the lock names. */
import type { Digest } from "../store/digest.ts";
import type { InputEntry, LockedPackage } from "./types.ts";

export interface LockedBytes {
  readonly digest: Digest;
  readonly size: number;
}

/** Each blob once, in the order in which the entry names them. */
export function blobsOf(entry: InputEntry | LockedPackage): readonly LockedBytes[] {
  const all =
    "platforms" in entry
      ? [
          entry,
          ...Object.values(entry.platforms).flatMap(({ manifest, config, layers }) => [manifest, config, ...layers]),
        ]
      : [{ digest: `sha256:${entry.sha256}` as const, size: entry.size }];
  return [...new Map(all.map(({ digest, size }) => [digest, { digest, size }])).values()];
}
