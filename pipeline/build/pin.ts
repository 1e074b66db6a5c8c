/** `pin`: finds what the specs ask for, of every kind of input, and writes down exactly what was found. */
import type { Key } from "openpgp";
import type { Host } from "../host/host.ts";
import type { Lock } from "../lock/types.ts";
import type { Report } from "../report/report.ts";
import type { Mirrors } from "../source/debian/mirrors.ts";
import type { ImageSpec } from "../spec/types.ts";
import type { Store } from "../store/store.ts";
import { isInputName, pinInputs } from "./inputs/pin.ts";
import { type PinDiff, diffLocks } from "./pin-diff.ts";
import { pinPackages } from "./pin-debian.ts";
import { scopeOf } from "./pin-scope.ts";
import { packageRequests } from "./requests.ts";

export interface PinOptions {
  /** The repository's root directory: some inputs are asked for by files of the repository. */
  readonly root: string;
  /** Every image of the repository. */
  readonly specs: readonly ImageSpec[];
  readonly lock: Lock;
  /** Name of one image, of one package, or the key of one other input, that may move; everything else stays where it can. */
  readonly only?: string;
  readonly signal?: AbortSignal;
  /** Instead of the mirrors that the machine or its user has configured. */
  readonly mirrors?: Mirrors;
  /** Instead of Debian's archive keys. */
  readonly keys?: readonly Key[];
}

export interface Pinned {
  readonly lock: Lock;
  readonly diff: PinDiff;
}

/**
 * The lock that answers the specs with what there is now, and how it differs from the old one. Nothing is written but blobs in the store.
 * What did not change keeps its entries, so pinning again with nothing new changes nothing. Throws LS21xx (resolving), LS23xx
 * (releases), LS27xx (files), LS31xx (mirrors and downloads), LS2106 when `only` is nothing that could be pinned.
 */
export async function pin(host: Host, store: Store, report: Report, options: PinOptions): Promise<Pinned> {
  const { root, specs, lock, only, signal } = options;
  const source = { root, specs };
  const requests = packageRequests(specs);
  const scope = scopeOf(specs, requests, lock, only, only !== undefined && isInputName(source, only));
  const work = { ...source, host, store, report, ...(signal === undefined ? {} : { signal }) };
  const inputs = await pinInputs(work, lock, only);
  const pinned = { ...inputs, ...(await pinPackages(host, store, report, requests, scope, options)) };
  return { lock: pinned, diff: diffLocks(lock, pinned) };
}
