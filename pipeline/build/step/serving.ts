/** What a step is served of the lock: the program that does it, with the Node and the libraries it runs on, and the files (docs/steps.md). */
import { constants } from "node:fs";
import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LockstepError } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { authority } from "../../inside/certificate.ts";
import { type ServedFiles, servedAt, servedPort, servedSettings } from "../../inside/served.ts";
import { type Store, writeFailure } from "../../store/store.ts";
import type { PlannedFetch, StepLayer } from "../plan.ts";

/** Where in the build context it is. */
const servedFrom = "lockstep-fetch";

/** An option of RUN. */
export const servedMount = `--mount=type=bind,source=${servedFrom},target=${servedAt}`;

const programs = ["serve.ts", "certificate.ts", "served.ts"] as const;

/** Files that anyone in a container may read, whatever the umask here is. */
async function put(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o644);
}

async function copy(from: string, to: string, mode: number): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, mode);
}

/** The list of files, the files, and the program with its settings. */
async function writeFiles(
  inputs: Store,
  { title, command }: Pick<StepLayer, "title" | "command">,
  fetch: readonly PlannedFetch[],
  at: string,
): Promise<void> {
  const blobs = join(at, "blobs");
  await mkdir(blobs, { recursive: true });
  for (const each of [at, blobs]) await chmod(each, 0o755);
  const files: ServedFiles["files"][number][] = [];
  for (const { url, sha256 } of fetch) {
    const pieces = inputs.stream(`sha256:${sha256}`);
    const path = join(blobs, sha256);
    await writeFile(path, pieces);
    await chmod(path, 0o644);
    files.push({ url, sha256, size: (await inputs.find(`sha256:${sha256}`))?.size ?? 0 });
  }
  const served: ServedFiles = { title, port: servedPort, files, every: command.kind === "run" };
  const texts = { ...servedSettings, "files.json": JSON.stringify(served), "package.json": '{"type":"module"}' };
  for (const [name, text] of Object.entries({ ...texts, "authority.pem": authority() }))
    await put(join(at, name), text);
  for (const name of programs)
    await copy(fileURLToPath(new URL(`../../inside/${name}`, import.meta.url)), join(at, name), 0o644);
}

/** The running Node with what it is made of; what starts the program with it. */
async function writeNode(host: Host, title: string, at: string): Promise<readonly string[]> {
  const libraries = host.libraries();
  const loader = libraries.find((path) => basename(path).startsWith("ld-"));
  if (loader === undefined) {
    const message = `${title}: the Node that should serve its files does not say what it is made of`;
    throw new LockstepError({ code: "LS9012", message, hint: "use a base image with glibc" });
  }
  await copy(host.node, join(at, "node"), 0o755);
  for (const path of libraries) await copy(path, join(at, basename(path)), 0o755);
  const node = [`${servedAt}/${basename(loader)}`, "--library-path", servedAt, `${servedAt}/node`];
  return [...node, `${servedAt}/serve.ts`];
}

/**
 * Writes what the proxy of a step is made of into the build context in `directory`, and gives what starts a program beside it; nothing when
 * the step fetches nothing. The loader is started by its path, so that nothing of the step's own libraries is used. Throws LS9012 when the
 * running Node does not say what it is made of, LS1004 without space, and what reading blobs gives.
 */
export async function writeServing(
  host: Host,
  inputs: Store,
  { title, command }: StepLayer,
  directory: string,
): Promise<readonly string[]> {
  const { fetch = [] } = command;
  if (fetch.length === 0) return [];
  const at = join(directory, servedFrom);
  try {
    await writeFiles(inputs, { title, command }, fetch, at);
    return await writeNode(host, title, at);
  } catch (error) {
    throw writeFailure(at, error);
  }
}
