/** Looking after the store: sizes, integrity, and removal of what nobody has used for a while. */
import { rm } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { Report } from "../report/report.ts";
import { type Digest, isDigest } from "./digest.ts";
import type { Store } from "./store.ts";

export interface PartSize {
  /** First component below the store: blobs, records, tmp, compiled, verify. */
  readonly part: string;
  readonly files: number;
  readonly bytes: number;
}

export async function measureStore(store: Store): Promise<readonly PartSize[]> {
  const parts = new Map<string, { files: number; bytes: number }>();
  for (const { path, size } of await store.files()) {
    const part = relative(store.directory, path).split(sep)[0] ?? "";
    const sum = parts.get(part) ?? { files: 0, bytes: 0 };
    parts.set(part, { files: sum.files + 1, bytes: sum.bytes + size });
  }
  return [...parts].map(([part, sum]) => ({ part, ...sum }));
}

export interface Checked {
  readonly checked: number;
  readonly corrupt: readonly Digest[];
}

/** Reads every blob; those whose content is not their name are removed and listed. */
export async function checkStore(store: Store, report: Report): Promise<Checked> {
  const blobs = (await store.files()).filter(({ path }) => path.startsWith(join(store.directory, "blobs")));
  const total = blobs.reduce((sum, { size }) => sum + size, 0);
  const task = report.task("check the store", "bytes");
  const corrupt: Digest[] = [];
  let done = 0;
  let checked = 0;
  for (const { path, size } of blobs) {
    const digest = `sha256:${path.slice(path.lastIndexOf(sep) + 1)}`;
    if (!isDigest(digest)) {
      // Nothing of ours has such a name; it would never be read either.
      await rm(path, { force: true });
      continue;
    }
    try {
      for await (const piece of store.stream(digest)) task.progress((done += piece.length), total);
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      // Another process may have removed it meanwhile; that is no corruption.
      if (error.code === "LS3001") corrupt.push(digest);
      done += size;
    }
    checked++;
  }
  task.done();
  return { checked, corrupt };
}

export interface Removed {
  readonly files: number;
  readonly bytes: number;
}

/** Temporary files this young may belong to a process that is at work, in milliseconds. */
const graceOfTemporary = 24 * 3_600_000;
/** Anything used this lately is kept whatever was asked: a build that is under way has just looked for it. */
const graceOfUse = 3_600_000;

/**
 * Removes what was not used for `days`, and temporary files that killed processes left. Safe while builds run: every use renews a
 * blob's time, and what goes missing all the same is fetched or made anew.
 */
export async function collectGarbage(host: Host, store: Store, days: number): Promise<Removed> {
  const now = host.now();
  let files = 0;
  let bytes = 0;
  for (const { path, size, used } of await store.files()) {
    const part = relative(store.directory, path).split(sep)[0] ?? "";
    const temporary = part === "tmp" || part === "verify" || path.endsWith(".tmp");
    const keep = temporary ? graceOfTemporary : Math.max(days * 86_400_000, graceOfUse);
    if (now - used <= keep) continue;
    await rm(path, { force: true });
    files++;
    bytes += size;
  }
  return { files, bytes };
}
