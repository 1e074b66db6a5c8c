/** The digest of a layer's tar from kept tars, computed by a thread of its own while this one copies the compressed form. */
import { Worker } from "node:worker_threads";

/** A file with what it must be: bytes and CRC-32. */
export interface TarPart {
  readonly path: string;
  readonly size: number;
  readonly crc32: number;
}

/** What the thread is asked. */
export interface TarQuestion {
  readonly id: number;
  readonly parts: readonly TarPart[];
}

/** SHA-256 of all parts together in hexadecimal; undefined when one of them is not what it must be. */
interface TarAnswer {
  readonly id: number;
  readonly sha256: string | undefined;
}

let worker: Worker | undefined;
let asked = 0;
const waiting = new Map<number, (sha256: string | undefined) => void>();

function settle(id: number, sha256: string | undefined): void {
  waiting.get(id)?.(sha256);
  waiting.delete(id);
  // Without a question under way the thread must not keep the program from ending.
  if (waiting.size === 0) worker?.unref();
}

/** Starts the thread, so that it is there when it is needed. */
export function startTarDigest(): Worker {
  if (worker !== undefined) return worker;
  const started = new Worker(new URL("./tar-digest-worker.js", import.meta.url));
  const lost = (): void => {
    worker = undefined;
    for (const id of waiting.keys()) settle(id, undefined);
  };
  started.on("message", ({ id, sha256 }: TarAnswer) => settle(id, sha256));
  started.on("error", lost);
  started.on("exit", lost);
  started.unref();
  worker = started;
  return started;
}

/** SHA-256 in hexadecimal of the parts, in their order; undefined when one is not there or not what it must be. */
export function digestTars(parts: readonly TarPart[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const thread = startTarDigest();
    const id = ++asked;
    waiting.set(id, resolve);
    thread.ref();
    thread.postMessage({ id, parts } satisfies TarQuestion);
  });
}
