/** What lies below a directory, for comparing what a failure left behind. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The path of every file below a directory, relative to it and sorted; nothing when there is no such directory. */
export function filesBelow(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((item) => !item.isDirectory())
      .map((item) => join(item.parentPath, item.name).slice(directory.length + 1))
      .toSorted();
  } catch {
    return [];
  }
}
