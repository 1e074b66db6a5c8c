/** Which program made a record: results are believed only by the program that made them, so a corrected one never serves old mistakes. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { comparePaths } from "../tree/entry.ts";

/** The rooms whose code decides bytes. */
const rooms = ["build", "image", "source", "store", "tree"] as const;

/** Digest of the code that decides bytes, and of the versions of what it builds on: 12 hexadecimal digits. */
export function generation(): string {
  const hash = createHash("sha256");
  const pipeline = join(import.meta.dirname, "..");
  hash.update(readFileSync(join(pipeline, "../package-lock.json")));
  for (const room of rooms) {
    const names = readdirSync(join(pipeline, room), { recursive: true, encoding: "utf8" });
    for (const name of names.filter((path) => /\.[jt]s$/.test(path)).toSorted(comparePaths)) {
      hash.update(`${room}/${name}\0`);
      hash.update(readFileSync(join(pipeline, room, name)));
    }
  }
  return hash.digest("hex").slice(0, 12);
}
