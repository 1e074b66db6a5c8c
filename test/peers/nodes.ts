/** Other versions of Node, and Node for other processors, as npm packages that carry the program. */
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createHost } from "../../pipeline/host/host.ts";
import { toolsDirectory } from "../tools.ts";

/** Path of a Node binary for Linux, installed when it is not there; undefined where npm or its registry is not to be had. */
export async function npmNode(version: string, architecture: "x64" | "arm64"): Promise<string | undefined> {
  const host = createHost();
  const name = `node-linux-${architecture}`;
  const home = join(toolsDirectory, `${name}-${version}`);
  const program = join(home, "node_modules", name, "bin", "node");
  if (existsSync(program)) return program;
  // Made aside and moved, so that a second process never meets half an installation.
  const unfinished = `${home}.${host.token(4)}`;
  const options = ["--ignore-scripts", "--force", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  // npm refuses packages for another processor unless it is told that it runs on one.
  const target = ["--os=linux", `--cpu=${architecture}`];
  try {
    await mkdir(unfinished, { recursive: true });
    const args = ["install", "--prefix", unfinished, ...options, ...target, `${name}@${version}`];
    const { code } = await host.run("npm", args, { cwd: unfinished });
    if (code !== 0) return undefined;
    await rm(home, { recursive: true, force: true });
    await rename(unfinished, home);
    return existsSync(program) ? program : undefined;
  } catch {
    return undefined;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
