/** What unpackers of inputs read from and write to. */
import type { Place } from "../../host/errors.ts";
import type { Digest } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import type { Entry } from "../../tree/entry.ts";

/** A blob of the store, with what problems call it. */
export interface InputBlob {
  readonly store: Store;
  readonly digest: Digest;
  readonly place: Place;
}

/** Where entries go while they are unpacked, directories too. */
export interface EntrySink {
  entry(entry: Entry): Promise<void>;
  /** The content of the file entry that was sent last, piece by piece. */
  content(bytes: Uint8Array): Promise<void>;
}
