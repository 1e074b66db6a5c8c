/** Kubernetes tools and schemas from the Go module proxy, kept by version in the user's cache: oracles for rendered manifests. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createHost } from "../../pipeline/host/host.ts";
import { toolsDirectory } from "../tools.ts";

const host = createHost();

async function go(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Buffer | undefined> {
  try {
    const result = await host.run("go", args, { env: { ...host.environment(), CGO_ENABLED: "0", ...env } });
    return result.code === 0 ? result.stdout : undefined;
  } catch {
    return undefined;
  }
}

/** Path of a program built with `go install <module>@<version>`; undefined where Go or the module is not to be had. */
export async function goTool(name: string, module: string, version: string): Promise<string | undefined> {
  const bin = join(toolsDirectory, `${name}-${version}`);
  const program = join(bin, name);
  if (existsSync(program)) return program;
  await mkdir(bin, { recursive: true });
  const built = await go(["install", "-trimpath", `${module}@${version}`], { GOBIN: bin });
  return built !== undefined && existsSync(program) ? program : undefined;
}

/** Directory of a module's files; undefined where Go or the module is not to be had. */
export async function goModule(module: string, version: string): Promise<string | undefined> {
  const answer = await go(["mod", "download", "-json", `${module}@${version}`]);
  if (answer === undefined) return undefined;
  const { Dir } = JSON.parse(answer.toString()) as { readonly Dir?: string };
  return Dir;
}
