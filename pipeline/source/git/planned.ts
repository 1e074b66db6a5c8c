/** Reads a commit that is in the store: proven to be the one of the plan, with the tree and the time that the lock says. */
import { LockstepError } from "../../host/errors.ts";
import { ByteReader } from "../../tree/bytes.ts";
import type { InputBlob } from "../archive/sink.ts";
import { type CommitLimits, type CommitSink, readCommit } from "./objects.ts";

/** Id of the commit, which proves what the blob is; id of its tree, and its time in seconds since 1970, for the lock to be true. */
export interface PlannedFacts {
  readonly commit: string;
  readonly tree: string;
  readonly time: number;
}

/** LS2907 for a commit that is another than the lock says. */
export function untrue({ place }: InputBlob, message: string): LockstepError {
  const hint = "the lock was changed by hand: run `lockstep pin`, and review the difference";
  return new LockstepError({ code: "LS2907", message, place, hint });
}

/**
 * Reads the archive of a commit to its end; `end` is called before the digest of the blob is known, and may refuse what was read. Throws
 * LS2907 and LS40xx as `readCommit` does, LS3001 and LS3002 as the store gives them.
 */
export async function readPlannedCommit(
  blob: InputBlob,
  planned: PlannedFacts,
  sink: Omit<CommitSink, "commit"> & { readonly end?: () => void },
  limits?: CommitLimits,
): Promise<void> {
  const bytes = new ByteReader(blob.store.stream(blob.digest, 1 << 18), blob.place);
  try {
    await readCommit(
      bytes,
      planned.commit,
      {
        commit: (facts) => {
          const time = Math.max(0, facts.time);
          if (facts.tree === planned.tree && time === planned.time) return;
          throw untrue(
            blob,
            `is a commit of the tree ${facts.tree} and the time ${time}, and the lock says ${planned.tree} and ${planned.time}`,
          );
        },
        entry: (entry) => sink.entry(entry),
        content: (piece) => sink.content(piece),
      },
      limits,
    );
    sink.end?.();
    // The digest of the blob is known at its very end.
    await bytes.drain();
  } catch (error) {
    // A damaged blob looks like other objects; reading it to its end tells which it is.
    if (error instanceof LockstepError) await bytes.drain();
    throw error;
  } finally {
    await bytes.close();
  }
}
