/** BuildKit's own parser of Dockerfiles, as a package of PyPI brings it, kept in a virtual environment of the user's cache: an oracle. */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createHost } from "../../pipeline/host/host.ts";
import { toolsDirectory } from "../tools.ts";

const version = "3.4.0";

/** Reads a Dockerfile from its input and writes what the parser says of it. */
const program = `
import dockerfile, json, sys
known = "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split()
out = []
for command in dockerfile.parse_string(sys.stdin.buffer.read().decode()):
    onbuild = command.cmd.upper() == "ONBUILD"
    keyword = (command.sub_cmd if onbuild else command.cmd).upper()
    if keyword not in known:
        continue
    shell = keyword == "RUN" and not command.json
    out.append({
        "keyword": keyword,
        "onbuild": onbuild,
        "json": list(command.value) if command.json else None,
        "flags": list(command.flags),
        "body": command.value[0].strip() if shell else None,
        "line": command.start_line,
    })
json.dump(out, sys.stdout)
`;

/** Undefined where Python or the package is not to be had. */
export async function buildkitParser(): Promise<{ readonly python: string; readonly program: string } | undefined> {
  const host = createHost();
  const home = join(toolsDirectory, `dockerfile-${version}`);
  const python = join(home, "bin", "python3");
  const unfinished = `${home}.${host.token(4)}`;
  try {
    if (!existsSync(python)) {
      const made = await host.run("python3", ["-m", "venv", unfinished]);
      if (made.code !== 0) return undefined;
      await rm(home, { recursive: true, force: true });
      await rename(unfinished, home);
    }
    const there = await host.run(python, ["-c", "import dockerfile"]);
    if (there.code === 0) return { python, program };
    const install = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:", `dockerfile==${version}`];
    const installed = await host.run(python, install);
    return installed.code === 0 ? { python, program } : undefined;
  } catch {
    return undefined;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
