/** What the store asks threads: writes a blob that is made of bytes and of other blobs, each of which is checked on the way. */
import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { readPieces } from "./pieces.js";

/**
 * `parts` are bytes, or the file of a blob with its SHA-256 in hexadecimal; `file` is the descriptor of what is written.
 * @typedef {{ file: number, parts: readonly (Uint8Array | { path: string, sha256: string })[] }} Question
 *
 * What was written, or which part is not there or is another.
 * @typedef {{ sha256: string, size: number } | { absent: number } | { corrupt: number }} Answer
 */

/** CRC-32 of blobs that were found right: images that share one read it again and again, and then this tells as well that it is the same. */
const checked = new Map();

/** Whether there is no such file. @param {unknown} error */
function isAbsent(error) {
  return error instanceof Error && "code" in error && ["ENOENT", "ENOTDIR"].includes(String(error.code));
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
    const known = checked.get(part.sha256);
    const own = known === undefined ? createHash("sha256") : undefined;
    let crc = 0;
    try {
      readPieces(part.path, (piece) => {
        own?.update(piece);
        crc = crc32(piece, crc);
        write(piece);
      });
    } catch (error) {
      if (isAbsent(error)) return { absent: index };
      throw error;
    }
    if (own === undefined ? crc !== known : own.digest("hex") !== part.sha256) return { corrupt: index };
    checked.set(part.sha256, crc);
  }
  return { sha256: whole.digest("hex"), size };
}

/** @param {Question} question */
export function answer(question) {
  return { content: join(question) };
}
