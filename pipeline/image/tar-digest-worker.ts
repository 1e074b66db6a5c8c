/** The thread behind tar-digest.ts: hashes files one after the other as if they were one. It loads nothing else, so it starts quickly. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { crc32 } from "node:zlib";

/** A file with what it must be: bytes and CRC-32. */
export interface TarPart {
  readonly path: string;
  readonly size: number;
  readonly crc32: number;
}

export interface TarQuestion {
  readonly id: number;
  readonly parts: readonly TarPart[];
}

/** SHA-256 of all parts together in hexadecimal; undefined when one of them is not what it must be. */
export interface TarAnswer {
  readonly id: number;
  readonly sha256: string | undefined;
}

/** Tars that were found right since the program started: they are not checked again, only hashed. */
const checked = new Set<string>();
const buffer = Buffer.allocUnsafeSlow(1 << 20);

function digest(parts: readonly TarPart[]): string | undefined {
  const hash = createHash("sha256");
  for (const part of parts) {
    const file = openSync(part.path, "r");
    try {
      let crc = 0;
      let size = 0;
      for (let count = readSync(file, buffer); count > 0; count = readSync(file, buffer)) {
        const piece = buffer.subarray(0, count);
        hash.update(piece);
        if (!checked.has(part.path)) crc = crc32(piece, crc);
        size += count;
      }
      if (size !== part.size || (!checked.has(part.path) && crc !== part.crc32)) return undefined;
      checked.add(part.path);
    } finally {
      closeSync(file);
    }
  }
  return hash.digest("hex");
}

parentPort?.on("message", ({ id, parts }: TarQuestion) => {
  let sha256: string | undefined;
  try {
    sha256 = digest(parts);
  } catch {
    // A kept tar may go at any time; the asker has another way.
  }
  parentPort?.postMessage({ id, sha256 } satisfies TarAnswer);
});
