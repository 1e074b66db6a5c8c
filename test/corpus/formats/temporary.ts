/** Directories for files that a program has to write before a case has their bytes; removed when the process ends. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made: string[] = [];

export function temporaryPath(): string {
  if (made.length === 0)
    process.once("exit", () => made.forEach((path) => rmSync(path, { recursive: true, force: true })));
  const path = mkdtempSync(join(tmpdir(), "lockstep-corpus-"));
  made.push(path);
  return path;
}
