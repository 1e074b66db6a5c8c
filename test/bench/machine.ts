/** What the figures were taken on: machine, versions, state of the checkout. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem, type as systemName } from "node:os";
import type { Bench } from "./model.ts";
import { versions } from "./programs.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly system: string;
  readonly architecture: string;
  /** File system of the directory for temporary files, where everything happens. */
  readonly fileSystem: string;
  readonly node: string;
  readonly programs: Readonly<Record<string, string>>;
  /** Commit of the checkout; `+` when files differ from it. */
  readonly commit: string;
  /** Time of the run, ISO 8601 in UTC. */
  readonly date: string;
  /** Processes that wanted to run in the last minute, before anything was measured: far above 0, the figures are noisy. */
  readonly load: number;
}

function output(program: string, args: readonly string[], cwd?: string): string {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8", ...(cwd === undefined ? {} : { cwd }) });
  return status === 0 ? stdout.trim() : "";
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}

export function describeMachine({ host, scratch, root }: Bench): Machine {
  const commit = output("git", ["rev-parse", "--short=12", "HEAD"], root);
  const changed = output("git", ["status", "--porcelain", "--untracked-files=no", "--", "pipeline"], root) !== "";
  return {
    cpu: cpus()[0]?.model ?? "",
    cores: host.parallelism,
    memory: totalmem(),
    system: [distribution(), systemName(), release()].filter(Boolean).join(", "),
    architecture: arch(),
    fileSystem: output("df", ["--output=fstype", scratch.directory]).split("\n").at(-1) ?? "",
    node: process.version,
    programs: versions(),
    commit: `${commit}${changed ? "+" : ""}`,
    date: new Date(host.now()).toISOString().slice(0, 19).concat("Z"),
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
