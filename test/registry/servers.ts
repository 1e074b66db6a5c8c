/** Real registries for tests, each on a free port of this machine and stopped when the test ends: Debian's docker-registry, and olareg. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { toolsDirectory } from "../tools.ts";
import { goBuild } from "../deliver/go-tools.ts";

const host = createHost();

/**
 * Debian's docker-registry: the installed one, else the package of this machine's release, unpacked and not installed, because installing
 * it starts a service. Undefined where neither is to be had.
 */
async function findDockerRegistry(): Promise<string | undefined> {
  const installed = host.findProgram("docker-registry");
  if (installed !== undefined) return installed;
  const directory = join(toolsDirectory, "docker-registry");
  const program = join(directory, "usr/bin/docker-registry");
  if (existsSync(program)) return program;
  if (host.findProgram("apt-get") === undefined || host.findProgram("dpkg-deb") === undefined) return undefined;
  const scratch = `${directory}.${host.token(6)}`;
  await mkdir(scratch, { recursive: true });
  try {
    const fetched = await host.run("apt-get", ["-q", "download", "docker-registry"], { cwd: scratch });
    const [name] = (await readdir(scratch)).filter((file) => file.endsWith(".deb"));
    if (fetched.code !== 0 || name === undefined) return undefined;
    const unpacked = await host.run("dpkg-deb", ["-x", join(scratch, name), join(scratch, "root")]);
    if (unpacked.code !== 0) return undefined;
    await rename(join(scratch, "root"), directory).catch(() => {});
    return existsSync(program) ? program : undefined;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

export const dockerRegistry = await findDockerRegistry();
export const olareg = await goBuild(
  "olareg",
  "github.com/olareg/olareg",
  "v0.2.2",
  "github.com/olareg/olareg/cmd/olareg",
);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Starts a program that serves on a port, waits until it answers, and gives its host. */
async function serve(program: string, args: readonly string[], port: number, base: string): Promise<string> {
  const child = spawn(program, args, { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  for (let round = 0; round < 200 && child.exitCode === null; round++) {
    const there = await host.run("curl", ["-skf", "-o", "/dev/null", "-m", "2", `${base}/v2/`]).then(
      // 22: it answers, but not with success; a login is wanted.
      ({ code }) => code === 0 || code === 22,
      () => false,
    );
    if (there) return `127.0.0.1:${port}`;
    await host.sleep(25);
  }
  throw new Error(`${program} does not answer`);
}

export interface DockerRegistryOptions {
  /** A file of htpasswd: Basic logins. */
  readonly htpasswd?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Debian's docker-registry with its files in `directory`. */
export async function startDockerRegistry(directory: string, options: DockerRegistryOptions = {}): Promise<string> {
  const port = await freePort();
  const file = join(directory, "registry.json");
  await writeFile(
    file,
    JSON.stringify({
      version: "0.1",
      log: { level: "error" },
      storage: { filesystem: { rootdirectory: join(directory, "registry") } },
      http: {
        addr: `127.0.0.1:${port}`,
        ...(options.tls === undefined ? {} : { tls: { certificate: options.tls.cert, key: options.tls.key } }),
      },
      ...(options.htpasswd === undefined ? {} : { auth: { htpasswd: { realm: "tests", path: options.htpasswd } } }),
    }),
  );
  const scheme = options.tls === undefined ? "http" : "https";
  return serve(dockerRegistry ?? "", ["serve", file], port, `${scheme}://127.0.0.1:${port}`);
}

/** olareg, with the referrers API, in memory. */
export async function startOlareg(directory: string): Promise<string> {
  const port = await freePort();
  const args = ["serve", "--addr", "127.0.0.1", "--port", String(port), "--store-type", "mem", "--dir", directory];
  return serve(olareg ?? "", args, port, `http://127.0.0.1:${port}`);
}
