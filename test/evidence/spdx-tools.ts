/** The SPDX project's own validator, from PyPI, kept in a virtual environment of the user's cache: an oracle for SBOMs. */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createHost } from "../../pipeline/host/host.ts";
import { toolsDirectory } from "../tools.ts";

const version = "0.8.5";

/** Path of `pyspdxtools`, installed when it is not there; undefined where Python or its packages are not to be had. */
export async function spdxTools(): Promise<string | undefined> {
  const host = createHost();
  const home = join(toolsDirectory, `spdx-tools-${version}`);
  const program = join(home, "bin", "pyspdxtools");
  if (existsSync(program)) return program;
  // Made aside and moved, so that a second process never meets half an environment; pip runs after that, because scripts hold the path.
  const unfinished = `${home}.${host.token(4)}`;
  try {
    const made = await host.run("python3", ["-m", "venv", unfinished]);
    if (made.code !== 0) return undefined;
    await rm(home, { recursive: true, force: true });
    await rename(unfinished, home);
    const python = join(home, "bin", "python3");
    const installed = await host.run(python, ["-m", "pip", "install", "--quiet", `spdx-tools==${version}`]);
    return installed.code === 0 ? program : undefined;
  } catch {
    return undefined;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
