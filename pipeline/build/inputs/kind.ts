/** Inputs besides Debian packages: what a kind of them has to say so that it is pinned, checked, planned and fetched like the others. */
import type { Place } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import type { InputSection, LockEntries } from "../../lock/types.ts";
import type { Report } from "../../report/report.ts";
import type { FetchOptions } from "../../source/fetch.ts";
import type { ImageSpec, Platform } from "../../spec/types.ts";
import type { Store } from "../../store/store.ts";

/** What specs are read from: the specs, and the directory that paths in them are below. */
export interface SpecSource {
  readonly root: string;
  /** Every image of the repository, bases before those that are `from` them. */
  readonly specs: readonly ImageSpec[];
}

/** One image asks for one entry of the lock. Kinds extend it with what they need to answer. */
export interface InputRequest {
  readonly image: string;
  /** Key of the entry. */
  readonly key: string;
  /** Platforms of the image that need it. */
  readonly platforms: readonly Platform[];
  readonly place: Place;
}

/** What pinning works with. */
export interface PinWork extends SpecSource {
  readonly host: Host;
  /** Gets what is downloaded. */
  readonly store: Store;
  readonly report: Report;
  readonly signal?: AbortSignal;
}

/** One entry that has to be found, with everybody who asks for it; never without a request. */
export interface Question<Request extends InputRequest, Entry> {
  readonly key: string;
  readonly requests: readonly Request[];
  /** What the lock has now, whether or not it is an answer. */
  readonly old?: Entry;
}

/**
 * A kind of input. Methods that are given a request get one that `requests` of the same kind made. All but `resolve` and `fetch` are
 * pure, or read the repository alone.
 */
export interface InputKind<Section extends InputSection, Request extends InputRequest = InputRequest> {
  /**
   * Everything that images ask for themselves, not through the images they are `from`; what an entry leads to is asked for as far as
   * the `locked` ones say it. Throws the kind's own problems of specs.
   */
  requests(source: SpecSource, locked: ReadonlyMap<string, LockEntries[Section]>): readonly Request[];
  /** Why an entry is not the answer to a request, as a clause that follows the entry's name; undefined when it is. */
  mismatch(request: Request, entry: LockEntries[Section]): string | undefined;
  /** Whether the answer may be another one tomorrow, so that `pin` asks again although the lock has one. */
  moves(request: Request): boolean;
  /** Finds the entries, and leaves what they name in the store where it had to be downloaded to know it. */
  resolve(
    work: PinWork,
    questions: readonly Question<Request, LockEntries[Section]>[],
  ): Promise<ReadonlyMap<string, LockEntries[Section]>>;
  /** Brings what the entries name into the store; touches no network when all is there. Checked by digest. LS31xx otherwise. */
  fetch(
    host: Host,
    store: Store,
    report: Report,
    source: SpecSource,
    entries: ReadonlyMap<string, LockEntries[Section]>,
    options: FetchOptions,
  ): Promise<void>;
}
