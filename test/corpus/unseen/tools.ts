/** Tools that scripts of unseen pairs are run with, in fixed versions: installed at the first use, outside of the checkout. */
import { existsSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { createHost } from "../../../pipeline/host/host.ts";
import { toolsDirectory } from "../../tools.ts";

const host = createHost();
const kit = join(toolsDirectory, "corpus-1");
const bin = join(kit, "bin");

/** The environment in which what was installed is found: `PATH`, and `KIT` for the directory. */
export function kitEnvironment(): Record<string, string> {
  const inherited = host.environment();
  // Scripts have a home of their own; what the tools of Rust have is in the real one.
  const rust = { RUSTUP_HOME: join(homedir(), ".rustup"), CARGO_HOME: join(homedir(), ".cargo") };
  return {
    ...rust,
    ...inherited,
    KIT: kit,
    PATH: `${bin}:${join(kit, "node_modules/.bin")}:${inherited["PATH"] ?? ""}`,
  };
}

async function run(command: string, ...args: readonly string[]): Promise<boolean> {
  try {
    const env = { ...host.environment(), GOBIN: bin, GOFLAGS: "-mod=mod", CGO_ENABLED: "0" };
    return (await host.run(command, args, { cwd: kit, env })).code === 0;
  } catch {
    return false;
  }
}

const npm = ["esbuild@0.28.2", "rollup@4.68.8", "webpack@5.112.2", "webpack-cli@7.3.1", "terser@5.51.4"];
/** Its compiler is a program in JavaScript. */
const compiler = "typescript@5.9.3";
const python = [
  "setuptools==84.2.1",
  "flit-core==4.2.0",
  "poetry-core==2.5.0",
  "hatchling==1.33.0",
  "fonttools==4.68.0",
  "pillow==13.0.0",
];
const go = ["github.com/google/go-containerregistry/cmd/crane@v0.22.1", "github.com/google/ko@v0.19.1"];

const parts: Readonly<Record<string, () => Promise<boolean>>> = {
  npm: async () => {
    await writeFile(join(kit, "package.json"), "{}");
    return run("npm", "install", "--silent", "--no-audit", "--no-fund", ...npm, compiler);
  },
  python: async () => {
    if (!(await run("python3", "-m", "venv", "python"))) return false;
    const program = join(kit, "python/bin/python3");
    if (!(await run(program, "-m", "pip", "install", "--quiet", ...python))) return false;
    await writeFile(join(bin, "kit-python"), `#!/bin/sh\nexec "${program}" "$@"\n`);
    await chmod(join(bin, "kit-python"), 0o755);
    return true;
  },
  go: async () => {
    for (const module of go) if (!(await run("go", "install", module))) return false;
    return true;
  },
};

/** Installs what is not there yet; what cannot be is missing, and the pairs that need it are left out. */
export async function installKit(): Promise<void> {
  await mkdir(bin, { recursive: true });
  for (const [name, install] of Object.entries(parts)) {
    const mark = join(kit, `${name}.complete`);
    if (existsSync(mark)) continue;
    if (name === "python") await rm(join(kit, "python"), { recursive: true, force: true });
    if (await install()) await writeFile(mark, "");
  }
}
