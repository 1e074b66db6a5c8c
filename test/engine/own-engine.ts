/** Engines of the tests' own, where there is none to use: each with its own root, socket, mounts, processes and network, gone when this process is. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasProgram, run } from "../support.ts";

/** What an engine is started with. All but the first are in Debian; the engine's image has some of them beside it. */
const programs = ["dagger-engine", "slirp4netns", "unshare", "ip", "runc", "dnsmasq", "xtables-nft-multi"] as const;
/** The engine's image says in its configuration which of its content is the SDK of modules in TypeScript. */
const sdk = "DAGGER_TYPESCRIPT_SDK_MANIFEST_DIGEST";

/** What is missing to start an engine of a version; undefined when nothing is. */
export function cannotStart(version: string): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "root on Linux, to start an engine";
  const without = programs.filter((program) => !hasProgram(program));
  if (without.length > 0) return `${without.join(", ")} on PATH, to start an engine`;
  const said = run("dagger-engine", ["--version"]).stdout.toString("utf8");
  const found = /v\d+\.\d+\.\d+\S*/.exec(said)?.[0];
  if (found !== version) return `dagger-engine ${version} on PATH, not ${found ?? "one of no version"}`;
  const namespaces = ["--mount", "--net", "--pid", "--fork", "test", "-c", "/dev/net/tun"];
  if (run("unshare", namespaces).status !== 0)
    return "the right to make namespaces, and /dev/net/tun, to start an engine";
  return (process.env[sdk] ?? "") === "" ? `${sdk}, as the engine's image has it, to start an engine` : undefined;
}

export interface OwnEngine {
  readonly address: string;
  readonly directory: string;
  /** Ends it as when power fails: nothing of it is written or told any more. */
  lose(): Promise<void>;
  /** Ends it, and waits until it and its directory are gone. */
  stop(): Promise<void>;
}

/** Waits at most so many seconds for something to become true. */
async function within(seconds: number, what: () => boolean): Promise<boolean> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    if (what()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return what();
}

/** Starts an engine that has nothing in it. Throws what it said when it does not come up. */
export async function startEngine(): Promise<OwnEngine> {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-engine-"));
  const script = fileURLToPath(new URL("own-engine.sh", import.meta.url));
  // It ends when its stdin is closed, which the kernel does when this process ends, however it does.
  const child = spawn("sh", [script, directory], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  let ended = false;
  child.stdin.on("error", () => undefined);
  child.on("close", () => (ended = true));
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const socket = join(directory, "engine.sock");
  const stop = async (): Promise<void> => {
    child.stdin.end();
    if (!(await within(180, () => ended))) throw new Error(`the engine of ${directory} does not end: ${said}`);
  };
  if (!(await within(180, () => ended || existsSync(socket))) || ended) {
    await stop();
    throw new Error(`no engine came up: ${said}`);
  }
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref();
  const lose = async (): Promise<void> => {
    process.kill(Number(/^engine (\d+)$/m.exec(said)?.[1]), "SIGKILL");
    await stop();
  };
  return { address: `unix://${socket}`, directory, lose, stop };
}
