/** Kubernetes tools and schemas from the Go module proxy, kept by version in the user's cache: oracles for rendered manifests. */
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createHost } from "../../pipeline/host/host.ts";
import { toolsDirectory } from "../tools.ts";

const host = createHost();

async function go(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd: string = host.cwd,
): Promise<Buffer | undefined> {
  try {
    const result = await host.run("go", args, { cwd, env: { ...host.environment(), CGO_ENABLED: "0", ...env } });
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

/** The same for a module that `go install` does not take, such as one with replacements: built from a module of its own. */
export async function goBuild(
  name: string,
  module: string,
  version: string,
  path: string,
): Promise<string | undefined> {
  const bin = join(toolsDirectory, `${name}-${version}`);
  const program = join(bin, name);
  if (existsSync(program)) return program;
  const scratch = join(bin, `module-${host.token(6)}`);
  try {
    await mkdir(scratch, { recursive: true });
    await writeFile(join(scratch, "go.mod"), `module tools\n\ngo 1.24\n\nrequire ${module} ${version}\n`);
    await writeFile(join(scratch, "tools.go"), `//go:build tools\n\npackage tools\n\nimport _ "${path}"\n`);
    if ((await go(["mod", "tidy"], {}, scratch)) === undefined) return undefined;
    await go(["build", "-trimpath", "-o", program, path], {}, scratch);
    return existsSync(program) ? program : undefined;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Directory of a module's files; undefined where Go or the module is not to be had. */
export async function goModule(module: string, version: string): Promise<string | undefined> {
  const answer = await go(["mod", "download", "-json", `${module}@${version}`]);
  if (answer === undefined) return undefined;
  const { Dir } = JSON.parse(answer.toString()) as { readonly Dir?: string };
  return Dir;
}
