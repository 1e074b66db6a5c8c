/** Runs a small program whose output nobody needs. */
import { spawnSync } from "node:child_process";

/** Whether it could be started and ended with 0. */
export function succeeds(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): boolean {
  return spawnSync(program, args, { stdio: "ignore", env: { ...process.env, ...env } }).status === 0;
}
