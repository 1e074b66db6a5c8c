/** What the store asks threads: writes a blob that is made of bytes and of other blobs, each of which is checked on the way. */
import { createHash } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

/**
 * `parts` are bytes, or the file of a blob with its SHA-256 in hexadecimal; `file` is the descriptor of what is written.
 * @typedef {{ file: number, parts: readonly (Uint8Array | { path: string, sha256: string })[] }} Question
 *
 * What was written, or which part is not there or is another.
 * @typedef {{ sha256: string, size: number } | { absent: number } | { corrupt: number }} Answer
 */

const buffer = Buffer.allocUnsafeSlow(1 << 20);
/** CRC-32 of blobs that were found right: images that share one read it again and again, and then this tells as well that it is the same. */
const checked = new Map();

/** A descriptor, or undefined where there is no file. @param {string} path */
function open(path) {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && ["ENOENT", "ENOTDIR"].includes(String(error.code)))
      return undefined;
    throw error;
  }
}

/** @param {Question} question @returns {Answer} */
function join({ file, parts }) {
  const whole = createHash("sha256");
  let size = 0;
  /** @param {Uint8Array} bytes */
  const write = (bytes) => {
    whole.update(bytes);
    size += bytes.length;
    for (let offset = 0; offset < bytes.length;) offset += writeSync(file, bytes, offset);
  };
  for (const [index, part] of parts.entries()) {
    if (part instanceof Uint8Array) {
      write(part);
      continue;
    }
    const blob = open(part.path);
    if (blob === undefined) return { absent: index };
    try {
      const known = checked.get(part.sha256);
      const own = known === undefined ? createHash("sha256") : undefined;
      let crc = 0;
      for (let count = readSync(blob, buffer); count > 0; count = readSync(blob, buffer)) {
        const piece = buffer.subarray(0, count);
        own?.update(piece);
        crc = crc32(piece, crc);
        write(piece);
      }
      if (own === undefined ? crc !== known : own.digest("hex") !== part.sha256) return { corrupt: index };
      checked.set(part.sha256, crc);
    } finally {
      closeSync(blob);
    }
  }
  fdatasyncSync(file);
  return { sha256: whole.digest("hex"), size };
}

/** @param {Question} question */
export function answer(question) {
  return { content: join(question) };
}
