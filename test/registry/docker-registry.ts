/** Debian's docker-registry, for tests and for the benchmark: where it is, and how it is started. */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { createHost } from "../../pipeline/host/host.ts";
import { toolsDirectory } from "../tools.ts";

const host = createHost();

/**
 * Debian's docker-registry: the installed one, else the package of this machine's release, unpacked and not installed, because installing
 * it starts a service. Undefined where neither is to be had.
 */
export async function findDockerRegistry(): Promise<string | undefined> {
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

export interface DockerRegistryOptions {
  /** A file of htpasswd: Basic logins. */
  readonly htpasswd?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Arguments for one with its files in `directory`. */
export async function dockerRegistryArguments(
  directory: string,
  port: number,
  options: DockerRegistryOptions = {},
): Promise<readonly string[]> {
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
  return ["serve", file];
}

/** Whether anything answers there, whatever it says and whoever signed its certificate. */
function isThere(base: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = base.startsWith("https:")
      ? httpsRequest(`${base}/v2/`, { rejectUnauthorized: false })
      : httpRequest(`${base}/v2/`);
    request.on("response", (response) => {
      response.resume();
      resolve(true);
    });
    request.on("error", () => resolve(false));
    request.end();
  });
}

/** Waits until a registry answers; throws when it does not, or `ended` says that it never will. */
export async function answers(base: string, ended: () => boolean): Promise<void> {
  for (let round = 0; round < 400 && !ended(); round++) {
    if (await isThere(base)) return;
    await host.sleep(25);
  }
  throw new Error(`no registry answers at ${base}`);
}
