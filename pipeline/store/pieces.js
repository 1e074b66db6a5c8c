/** Reading of files in threads. */
import { closeSync, openSync, readSync } from "node:fs";

const buffer = Buffer.allocUnsafeSlow(1 << 20);

/** Hands over a file piece by piece; each is gone with the next. @param {string} path @param {(piece: Buffer) => void} use */
export function readPieces(path, use) {
  const file = openSync(path, "r");
  try {
    for (let count = readSync(file, buffer); count > 0; count = readSync(file, buffer)) use(buffer.subarray(0, count));
  } finally {
    closeSync(file);
  }
}
