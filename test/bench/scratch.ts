/** The benchmark's own directory and processes: nothing of either is left when it ends, also when it ends by Ctrl-C. */
import type { ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  truncateSync,
} from "node:fs";
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

function unmountBelow(directory: string): void {
  for (const mount of mountsBelow(directory)) succeeds("umount", [mount]);
}

/** Frees the space of files that have no other name: with one, they may be another directory's too. */
function emptyFiles(path: string): void {
  const info = lstatSync(path);
  if (info.isDirectory()) for (const name of readdirSync(path)) emptyFiles(join(path, name));
  else if (info.isFile() && info.nlink === 1 && info.size > 0) {
    // Blobs of a store are not to be written, which only root may all the same.
    chmodSync(path, 0o600);
    truncateSync(path);
  }
}

export class Scratch {
  readonly directory: string;
  #removed = 0;
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

  /**
   * Takes a path of the scratch directory away, with what is mounted below it (buildah mounts its storage). Its files are emptied, but not
   * removed before the end: for minutes after many were, ext4 without a journal makes new ones slowly (linux, fs/ext4/ialloc.c,
   * `recently_deleted`), and who makes the most files would be slowed down the most.
   */
  remove(path: string): void {
    unmountBelow(path);
    if (!existsSync(path)) return;
    const away = this.path("removed");
    mkdirSync(away, { recursive: true });
    const to = join(away, String(this.#removed++));
    renameSync(path, to);
    emptyFiles(to);
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
    unmountBelow(this.directory);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
