/** Runs the command line as a process of its own, the way a user does. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { root } from "../support.ts";

interface Options {
  readonly cwd: string;
  /** Added to an environment of nothing but PATH and a home of the test's own. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Said {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function startLockstep(
  args: readonly string[],
  { cwd, env }: Options,
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [join(root, "pipeline/cli/main.ts"), ...args], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", HOME: cwd, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export async function lockstep(args: readonly string[], options: Options): Promise<Said> {
  const child = startLockstep(args, options);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
  return await new Promise((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
