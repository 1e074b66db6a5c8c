/** The benchmark's own directory and processes: nothing of either is left when it ends, also when it ends by Ctrl-C. */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { succeeds } from "./succeeds.ts";

/** Mount points below a directory, the innermost first. */
function mountsBelow(directory: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync("/proc/self/mounts", "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .map((line) => (line.split(" ")[1] ?? "").replaceAll("\\040", " "))
    .filter((path) => path.startsWith(`${directory}/`))
    .toSorted((a, b) => b.length - a.length);
}

export class Scratch {
  readonly directory: string;
  readonly #running = new Set<ChildProcess>();

  constructor() {
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), "lockstep-bench-")));
  }

  /** Remembers a child that leads a process group of its own, to end it with its descendants. */
  track(child: ChildProcess): void {
    this.#running.add(child);
    child.once("close", () => this.#running.delete(child));
  }

  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  /** A directory that is there and empty. */
  empty(...names: readonly string[]): string {
    const path = this.path(...names);
    this.remove(path);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Removes a path of the scratch directory with what is mounted below it (buildah mounts its storage). */
  remove(path: string): void {
    for (const mount of mountsBelow(path)) succeeds("umount", [mount]);
    rmSync(path, { recursive: true, force: true });
  }

  /** Ends what still runs and removes everything. */
  close(): void {
    for (const { pid } of this.#running) {
      if (pid === undefined) continue;
      try {
        process.kill(-pid, "SIGKILL");
      } catch {
        // It has ended in the meantime.
      }
    }
    this.remove(this.directory);
  }
}
