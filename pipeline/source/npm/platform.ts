/** Which packages are for a platform: npm's `os`, `cpu` and `libc` lists (package.json documentation, npm-install-checks). */
import type { Platform } from "../../spec/types.ts";
import type { NpmEntry } from "./package-lock.ts";

export type Libc = "glibc" | "musl";

export interface Target {
  readonly platform: Platform;
  readonly libc: Libc;
}

const cpus: Readonly<Record<Platform, string>> = { "linux/amd64": "x64", "linux/arm64": "arm64" };

/** None of the names that begin with `!`, and one of the others where there are others; `any` alone is all. */
function allows(list: readonly string[] | undefined, value: string): boolean {
  if (list === undefined || (list.length === 1 && list[0] === "any")) return true;
  if (list.includes(`!${value}`)) return false;
  return list.includes(value) || list.every((name) => name.startsWith("!"));
}

/** Whether a package may be installed on the target. */
export function isFor({ os, cpu, libc }: Pick<NpmEntry, "os" | "cpu" | "libc">, target: Target): boolean {
  return allows(os, "linux") && allows(cpu, cpus[target.platform]) && allows(libc, target.libc);
}
