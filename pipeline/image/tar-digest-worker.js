/**
 * The thread behind tar-digest.ts: hashes files one after the other as if they were one. It loads nothing else, and is plain JavaScript,
 * so that it starts quickly.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { crc32 } from "node:zlib";

/** Tars that were found right since the program started: they are not checked again, only hashed. */
const checked = new Set();
const buffer = Buffer.allocUnsafeSlow(1 << 20);

/** @param {readonly import("./tar-digest.ts").TarPart[]} parts */
function digest(parts) {
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

/** @param {import("./tar-digest.ts").TarQuestion} question */
function answer({ id, parts }) {
  let sha256;
  try {
    sha256 = digest(parts);
  } catch {
    // A kept tar may go at any time; the asker has another way.
  }
  parentPort?.postMessage({ id, sha256 });
}

parentPort?.on("message", answer);
