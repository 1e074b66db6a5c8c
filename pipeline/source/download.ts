/** Downloads one blob: every address in turn, again after a wait, going on where a break left off. */
import { backOff } from "../host/back-off.ts";
import { LockstepError, messageOf, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { Digest } from "../store/digest.ts";
import { PartialFile } from "../store/partial.ts";
import type { Store } from "../store/store.ts";
import type { Transport } from "./http.ts";

/** A blob that is needed, with what it is called in messages. */
export interface Wanted {
  readonly digest: Digest;
  /** Bytes, exactly. */
  readonly size: number;
  readonly name: string;
}

/** What one address said. */
export interface Refusal {
  readonly address: string;
  /** `gone`: 404 or 410. `refused`: another answer that will not change. `wrong`: other bytes. `broken`: worth another try. */
  readonly kind: "gone" | "refused" | "wrong" | "broken";
  readonly reason: string;
}

export type Outcome = { readonly kind: "done" } | { readonly kind: "failed"; readonly refusals: readonly Refusal[] };

/** What the downloads of one run share. */
export interface Run {
  readonly host: Host;
  readonly store: Store;
  readonly transport: Transport;
  /** How often each address is tried. */
  readonly tries: number;
  readonly signal?: AbortSignal;
  /** Whether any server has answered anything. */
  answered: boolean;
  /** Set once a download had no answer in all its tries and no other had one: the others then do not wait in turn. */
  unreachable: boolean;
}

type Attempt = { readonly kind: "done" } | (Pick<Refusal, "kind" | "reason"> & { readonly resumed?: boolean });

function refusalOfStatus(status: number): Attempt {
  if (status === 404 || status === 410) return { kind: "gone", reason: `answers ${status}` };
  // Too many requests, timeouts and server errors pass; any other refusal stays.
  const passing = status === 408 || status === 425 || status === 429 || status >= 500;
  return { kind: passing ? "broken" : "refused", reason: `answers ${status}` };
}

async function receive(
  run: Run,
  wanted: Wanted,
  address: string,
  partial: PartialFile,
  onBytes: (count: number) => void,
): Promise<Attempt | undefined> {
  const opened = await run.transport.open(address, partial.size, run.signal);
  run.answered = true;
  if (opened.kind === "status") {
    if (opened.status === 416) await partial.restart();
    return opened.status === 416 ? { kind: "broken", reason: "answers 416" } : refusalOfStatus(opened.status);
  }
  if (opened.kind === "misled") return { kind: "refused", reason: opened.reason };
  if (opened.size !== undefined && opened.size !== wanted.size) {
    return { kind: "wrong", reason: `has ${opened.size} bytes instead of ${wanted.size}` };
  }
  if (opened.start !== partial.size) {
    if (opened.start !== 0) return { kind: "broken", reason: "answers with another range" };
    onBytes(-partial.size);
    await partial.restart();
  }
  for await (const chunk of opened.body) {
    if (partial.size + chunk.length > wanted.size) {
      return { kind: "wrong", reason: `has more than ${wanted.size} bytes` };
    }
    await partial.write(chunk);
    onBytes(chunk.length);
  }
  if (partial.size < wanted.size)
    return { kind: "broken", reason: `ended after ${partial.size} of ${wanted.size} bytes` };
  return undefined;
}

async function attempt(run: Run, wanted: Wanted, address: string, onBytes: (count: number) => void): Promise<Attempt> {
  const partial = await PartialFile.open(run.host, run.store, wanted.digest, wanted.size);
  const resumed = partial.size > 0;
  onBytes(partial.size);
  let counted = partial.size;
  const count = (bytes: number): void => {
    counted += bytes;
    onBytes(bytes);
  };
  let ended: Attempt | undefined;
  try {
    ended = partial.size === wanted.size ? undefined : await receive(run, wanted, address, partial, count);
  } catch (error) {
    if (error instanceof LockstepError) {
      await partial.discard();
      throw error;
    }
    ended = { kind: "broken", reason: systemCode(error) ?? messageOf(error) };
  }
  if (ended === undefined) {
    const found = await partial.finish(wanted.digest);
    if (found === wanted.digest) return { kind: "done" };
    ended =
      found === undefined
        ? { kind: "broken", reason: "was lost to another process that took it for abandoned" }
        : { kind: "wrong", reason: `has ${found} instead of ${wanted.digest}`, resumed };
  } else if (ended.kind === "wrong") {
    await partial.discard();
  } else {
    await partial.layAside();
  }
  onBytes(-counted);
  return ended;
}

/** Downloads one blob into the store. Throws only what no other address could mend: no space (LS1004), an interrupt (LS1003). */
export async function download(
  run: Run,
  wanted: Wanted,
  addresses: readonly string[],
  onBytes: (count: number) => void,
): Promise<Outcome> {
  const refusals = new Map<string, Refusal>();
  const failed = (): Outcome => ({ kind: "failed", refusals: [...refusals.values()] });
  for (let round = 1; round <= run.tries; round++) {
    for (const address of addresses) {
      const known = refusals.get(address);
      if (known !== undefined && known.kind !== "broken") continue;
      if (run.unreachable) return failed();
      let result = await attempt(run, wanted, address, onBytes);
      // What was there from another time or mirror may be what is wrong, so the address gets a clean start.
      if (result.kind === "wrong" && result.resumed === true) result = await attempt(run, wanted, address, onBytes);
      if (run.signal?.aborted === true) throw new LockstepError({ code: "LS1003", message: "interrupted" });
      if (result.kind === "done") return result;
      refusals.set(address, { address, kind: result.kind, reason: result.reason });
    }
    if (![...refusals.values()].some(({ kind }) => kind === "broken")) return failed();
    if (round < run.tries) await run.host.sleep(backOff(run.host, round), run.signal);
  }
  run.unreachable = !run.answered;
  return failed();
}
