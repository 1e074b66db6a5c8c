/** The schema of SARIF 2.1.0 and a validator, from PyPI, kept in a virtual environment of the user's cache: an oracle for the lint's log. */
import { existsSync, readdirSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createHost } from "../../pipeline/host/host.ts";
import { toolsDirectory } from "../tools.ts";

/** The object model of the SARIF project, whose source has the schema in it. */
const model = "sarif-om==1.0.4";
const validator = "jsonschema==4.26.0";

const program = `
import json, sys, tarfile, jsonschema
archive = tarfile.open(sys.argv[1])
name = next(name for name in archive.getnames() if name.endswith("/sarif-2.1.0-rtm.4.json"))
schema = json.load(archive.extractfile(name))
log = json.load(sys.stdin)
validator = jsonschema.validators.validator_for(schema)(schema)
for error in validator.iter_errors(log):
    print("/".join(map(str, error.absolute_path)), error.message[:200])
`;

export interface SarifValidator {
  readonly python: string;
  readonly args: readonly string[];
}

/** A program that prints what is wrong with the log on its input; undefined where Python or the packages are not to be had. */
export async function sarifValidator(): Promise<SarifValidator | undefined> {
  const host = createHost();
  const home = join(toolsDirectory, "sarif-1.0.4");
  const python = join(home, "bin", "python3");
  const unfinished = `${home}.${host.token(4)}`;
  const archive = (): string | undefined => readdirSync(home).find((name) => name.startsWith("sarif"));
  try {
    if (!existsSync(python)) {
      const made = await host.run("python3", ["-m", "venv", unfinished]);
      if (made.code !== 0) return undefined;
      await rm(home, { recursive: true, force: true });
      await rename(unfinished, home);
    }
    if (archive() === undefined) {
      const pip = ["-m", "pip", "--quiet"];
      await host.run(python, [...pip, "install", validator]);
      await host.run(python, [...pip, "download", "--no-deps", "--no-binary", ":all:", "--dest", home, model]);
    }
    const there = await host.run(python, ["-c", "import jsonschema"]);
    const file = archive();
    return there.code === 0 && file !== undefined ? { python, args: ["-c", program, join(home, file)] } : undefined;
  } catch {
    return undefined;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
