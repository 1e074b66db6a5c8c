/** The lock as a file: lockstep.lock at the root of the repository. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { writeFileAtomically } from "../store/store.ts";
import { formatLock } from "./format.ts";
import { parseLock } from "./parse.ts";
import { type Lock, emptyLock } from "./types.ts";

export const lockFile = "lockstep.lock";

/** The text of the lock below `root`; undefined when there is none. Throws LS2203 when it is not UTF-8. */
export async function readLockText(root: string): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(join(root, lockFile));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  return decodeLock(bytes, lockFile);
}

/** The text of bytes. `file` is its name for messages. Throws LS2203 when it is not UTF-8. */
export function decodeLock(bytes: Buffer, file: string): string {
  const text = bytes.toString("utf8");
  // Faster than a decoder that throws, and only as strict: bytes that are not UTF-8 do not come back.
  if (text.includes("\ufffd") && !Buffer.from(text, "utf8").equals(bytes)) {
    throw new LockstepError({ code: "LS2203", message: "is not UTF-8 text", place: { file } });
  }
  return text;
}

/** The lock below `root`, the empty one when there is no file. Throws like `parseLock`. */
export async function readLock(root: string): Promise<Lock> {
  const text = await readLockText(root);
  return text === undefined ? emptyLock : parseLock(text, lockFile);
}

/**
 * Writes the lock below `root`, whole or not at all, unless it has this text already; returns whether anything was written.
 * Throws like `parseLock` before anything is written when the lock is one that could not be read again.
 */
export async function writeLock(host: Host, root: string, lock: Lock): Promise<boolean> {
  const text = formatLock(lock);
  parseLock(text, lockFile);
  if ((await readLockText(root).catch(() => undefined)) === text) return false;
  await writeFileAtomically(host, join(root, lockFile), text);
  return true;
}
