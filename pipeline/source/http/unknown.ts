/** Downloads a file of which nothing is known but its address, to find out what it is. */
import { backOff } from "../../host/back-off.ts";
import { LockstepError, messageOf, systemCode } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import type { LockedHttp } from "../../lock/types.ts";
import type { Report } from "../../report/report.ts";
import { hexOf } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import { shownAddress } from "../address.ts";
import { Transport } from "../http.ts";

/** Bytes of the largest file that is taken. */
const largest = 16 * 2 ** 30;
const tries = 4;

export interface UnknownOptions {
  readonly signal?: AbortSignal;
  /** The largest number of bytes that is taken; 16 GiB unless given. */
  readonly limit?: number;
}

/** What one try gave: the file, or why it is not there and whether another try may help. */
type Attempt = LockedHttp | { readonly reason: string; readonly final: boolean };

async function attempt(
  transport: Transport,
  store: Store,
  address: string,
  onBytes: (count: number, total?: number) => void,
  { signal, limit = largest }: UnknownOptions,
): Promise<Attempt> {
  const opened = await transport.open(address, 0, signal);
  if (opened.kind === "status") {
    const passing = opened.status === 408 || opened.status === 425 || opened.status === 429 || opened.status >= 500;
    return { reason: `answers ${opened.status}`, final: !passing };
  }
  if (opened.kind === "misled") return { reason: opened.reason, final: true };
  const writer = await store.writer();
  try {
    let size = 0;
    for await (const piece of opened.body) {
      size += piece.length;
      if (size > limit) return { reason: `has more than ${limit} bytes`, final: true };
      await writer.write(piece);
      onBytes(size, opened.size);
    }
    if (opened.size !== undefined && size !== opened.size) {
      return { reason: `ended after ${size} of ${opened.size} bytes`, final: false };
    }
    if (size === 0) return { reason: "has no content", final: true };
    const blob = await writer.commit();
    return { size: blob.size, sha256: hexOf(blob.digest) };
  } finally {
    await writer.abort();
  }
}

/**
 * The first of several copies of one file that can be had; it is in the store then. LS2702 when none can, with what each said; LS1003 on an
 * interrupt, LS1004 without space.
 */
export async function fetchUnknown(
  host: Host,
  store: Store,
  report: Report,
  addresses: readonly string[],
  options: UnknownOptions = {},
): Promise<LockedHttp> {
  const { signal } = options;
  const transport = new Transport(host);
  const task = report.task(`download ${addresses.at(-1) ?? ""}`, "bytes");
  const onBytes = (done: number, total = 0): void => task.progress(done, total);
  const refusals = new Map<string, { readonly reason: string; readonly final: boolean }>();
  const interrupted = (): LockstepError => new LockstepError({ code: "LS1003", message: "interrupted" });
  try {
    for (let round = 1; round <= tries; round++) {
      for (const address of addresses) {
        if (refusals.get(address)?.final === true) continue;
        const found = await attempt(transport, store, address, onBytes, options).catch((error: unknown) => {
          if (error instanceof LockstepError) throw error;
          return { reason: systemCode(error) ?? messageOf(error), final: false };
        });
        if (signal?.aborted === true) throw interrupted();
        if ("sha256" in found) return found;
        refusals.set(address, found);
      }
      if ([...refusals.values()].every(({ final }) => final)) break;
      if (round < tries) await host.sleep(backOff(host, round), signal);
    }
  } finally {
    transport.close();
    task.done();
  }
  throw new LockstepError({
    code: "LS2702",
    message: [...refusals].map(([address, { reason }]) => `${shownAddress(address)} ${reason}`).join("; "),
    hint: "check the URL in the spec, and whether this machine may reach it",
  });
}
