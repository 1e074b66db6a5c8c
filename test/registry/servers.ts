/** Real registries for tests, each on a free port of this machine and stopped when the test ends: Debian's docker-registry, and olareg. */
import { spawn } from "node:child_process";
import { onTestFinished } from "vitest";
import { goBuild } from "../deliver/go-tools.ts";
import {
  answers,
  dockerRegistryArguments,
  type DockerRegistryOptions,
  findDockerRegistry,
  freePort,
} from "./docker-registry.ts";

export const dockerRegistry = await findDockerRegistry();
export const olareg = await goBuild(
  "olareg",
  "github.com/olareg/olareg",
  "v0.2.2",
  "github.com/olareg/olareg/cmd/olareg",
);

/** Starts a program that serves on a port, waits until it answers, and gives its host. */
async function serve(program: string, args: readonly string[], port: number, scheme: string): Promise<string> {
  const child = spawn(program, args, { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  await answers(`${scheme}://127.0.0.1:${port}`, () => child.exitCode !== null);
  return `127.0.0.1:${port}`;
}

/** Debian's docker-registry with its files in `directory`. */
export async function startDockerRegistry(directory: string, options: DockerRegistryOptions = {}): Promise<string> {
  const port = await freePort();
  const args = await dockerRegistryArguments(directory, port, options);
  return serve(dockerRegistry ?? "", args, port, options.tls === undefined ? "http" : "https");
}

/** olareg, with the referrers API, in memory. */
export async function startOlareg(directory: string): Promise<string> {
  const port = await freePort();
  const args = ["serve", "--addr", "127.0.0.1", "--port", String(port), "--store-type", "mem", "--dir", directory];
  return serve(olareg ?? "", args, port, "http");
}
