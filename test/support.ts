/** What tests share: temporary directories, a store of their own, and ways to find other programs. */
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { createHost, type Host } from "../pipeline/host/host.ts";
import { Store } from "../pipeline/store/store.ts";

export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** A directory that is removed when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface Scene {
  readonly host: Host;
  readonly store: Store;
  readonly directory: string;
}

/** A host whose caches and settings are the test's own, and an empty store. */
export function scene(environment: Readonly<Record<string, string>> = {}): Scene {
  const directory = temporaryDirectory();
  const host: Host = {
    ...createHost(),
    env: (name) => environment[name],
    environment: () => environment,
    cacheDirectory: join(directory, "cache"),
    configDirectory: join(directory, "config"),
    temporaryDirectory: directory,
  };
  return { host, store: new Store(host), directory };
}

/** Runs a program and waits; for oracles. */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly input?: Uint8Array; readonly cwd?: string; readonly env?: Record<string, string> } = {},
): SpawnSyncReturns<Buffer> {
  return spawnSync(program, args, { maxBuffer: 1 << 30, ...options });
}

/** Whether a program can be started at all. */
export function hasProgram(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

/** Everything an async iterable gives, joined. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}
