/** Which program made a record: results are believed only by the program that made them, so a corrected one never serves old mistakes. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { comparePaths } from "../tree/entry.ts";

/** The rooms whose code decides bytes; a test holds that they import no other room, but for those of which it says why. */
const rooms = [
  "build",
  "dockerfile",
  "host",
  "image",
  "inside",
  "lock",
  "shell",
  "source",
  "spec",
  "store",
  "tree",
] as const;

const here = join(import.meta.dirname, "..");

/** Digest of the code in some rooms of the program: 64 hexadecimal digits. */
export function digestOfCode(which: readonly string[], pipeline = here): string {
  const hash = createHash("sha256");
  for (const room of which) {
    const names = readdirSync(join(pipeline, room), { recursive: true, encoding: "utf8" });
    for (const name of names.filter((path) => /\.(?:[jt]s|wasm)$/.test(path)).toSorted(comparePaths)) {
      hash.update(`${room}/${name}\0`);
      hash.update(readFileSync(join(pipeline, room, name)));
    }
  }
  return hash.digest("hex");
}

/** Digest of the code that decides bytes, and of the versions of what it builds on: 12 hexadecimal digits. */
export function generation(pipeline = here): string {
  const hash = createHash("sha256");
  hash.update(readFileSync(join(pipeline, "../package-lock.json")));
  hash.update(digestOfCode(rooms, pipeline));
  return hash.digest("hex").slice(0, 12);
}
