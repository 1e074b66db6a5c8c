/** `pin`: finds what the specs ask for, of every kind of input, and writes down exactly what was found. */
import type { Host } from "../host/host.ts";
import type { Lock } from "../lock/types.ts";
import type { Report } from "../report/report.ts";
import type { ImageSpec } from "../spec/types.ts";
import type { Store } from "../store/store.ts";
import { isInputName, pinInputs } from "./inputs/pin.ts";
import type { ArchiveOptions } from "./pin-archive.ts";
import { type PinDiff, diffLocks } from "./pin-diff.ts";
import { imagesOfInputs } from "./pin-items.ts";
import { pinPackages } from "./pin-debian.ts";
import { scopeOf } from "./pin-scope.ts";
import { packageRequests } from "./requests.ts";

export interface PinOptions extends ArchiveOptions {
  /** The repository's root directory: some inputs are asked for by files of the repository. */
  readonly root: string;
  /** Every image of the repository. */
  readonly specs: readonly ImageSpec[];
  readonly lock: Lock;
  /** Name of one image, of one package, or the key of one other input, that may move; everything else stays where it can. */
  readonly only?: string;
  /** Versions that packages are to have, by name; everything else stays where it can. Not together with `only`. */
  readonly exact?: ReadonlyMap<string, string>;
}

export interface Pinned {
  readonly lock: Lock;
  readonly diff: PinDiff;
  /** Bytes once installed, as the archive's indexes state them, by SHA-256 of packages that were resolved. */
  readonly installed: ReadonlyMap<string, number>;
}

const noVersions: ReadonlyMap<string, string> = new Map();

/**
 * The lock that answers the specs with what there is now, and how it differs from the old one. Nothing is written but blobs in the store.
 * What did not change keeps its entries, so pinning again with nothing new changes nothing. Throws LS21xx (resolving), LS23xx
 * (releases), LS27xx (files), LS31xx (mirrors and downloads), LS2106 when `only` is nothing that could be pinned, LS2108 when no
 * signed index offers a version that is asked for.
 */
export async function pin(host: Host, store: Store, report: Report, options: PinOptions): Promise<Pinned> {
  const { root, specs, lock, only, exact = noVersions, signal } = options;
  const source = { root, specs };
  const requests = packageRequests(specs);
  const isInput = only !== undefined && isInputName(source, lock, only);
  const scope = scopeOf(specs, requests, lock, { only, exact, isInput });
  const work = { ...source, host, store, report, ...(signal === undefined ? {} : { signal }) };
  // Where packages are to have exact versions, no other input moves; what does not answer a spec is found anew all the same.
  const moved = only ?? exact.keys().next().value;
  const inputs = await pinInputs(work, lock, moved);
  const { installed, ...packages } = await pinPackages(host, store, report, requests, scope, options);
  const pinned = { ...inputs, ...packages };
  return { lock: pinned, diff: diffLocks(lock, pinned, imagesOfInputs(source, pinned)), installed };
}
