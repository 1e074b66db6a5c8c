/** What an engine gets to run a step: a build context with a Dockerfile, and the trees and files that it needs (docs/steps.md). */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { paddingOf, tarHeader } from "../../image/tar.ts";
import { digestOf, hexOf } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import type { PreparedStep } from "../build.ts";
import type { PlannedDockerfile, PlannedRun, StepLayer } from "../plan.ts";
import { add, inArchives, writeFiles } from "./archives.ts";
import { treeOf } from "./below.ts";
import { contextStage, hermeticDockerfile } from "./dockerfile.ts";
import { flatten, TarFile } from "./flatten.ts";
import { servedMount, writeServing } from "./serving.ts";
import { clauses, launcherOf, launcherStage, type Otherwise } from "./surroundings.ts";
import type { FileTree } from "./tree.ts";

/** How a step is run: another `nonce` makes an engine run it again, and is not seen by it. */
export interface Running {
  readonly nonce: string;
  readonly otherwise: Otherwise;
}

/** What starts a step: a shell for what only a shell sets, and programs of coreutils, or of busybox. */
const starters = ["bin/sh", "usr/bin/env", "usr/bin/timeout"] as const;

/** Whether there is something at a path, links followed as a kernel would. */
function isThere(tree: FileTree, path: string, links = 0): boolean {
  const parts = path.split("/");
  for (const end of parts.keys()) {
    const here = parts.slice(0, end + 1).join("/");
    const inode = tree.get(here);
    if (inode === undefined) return false;
    if (inode.type !== "symlink") continue;
    const target = inode.target ?? "";
    const from = target.startsWith("/") ? [] : parts.slice(0, end);
    const next: string[] = [];
    for (const part of [...from, ...target.split("/"), ...parts.slice(end + 1)]) {
      if (part === "..") next.pop();
      else if (part !== "" && part !== ".") next.push(part);
    }
    return links < 40 && isThere(tree, next.join("/"), links + 1);
  }
  return true;
}

/** LS9011 for a tree without what starts a step. */
function checkStarters(tree: FileTree, { title }: StepLayer): void {
  const missing = starters.filter((path) => !isThere(tree, path));
  if (missing.length === 0) return;
  const names = missing.map((path) => `/${path}`).join(" and ");
  const message = `${title}: where the step runs there is no ${names}`;
  const hint = "add the packages dash and coreutils, or run it in an image with tools";
  throw new LockstepError({ code: "LS9011", message, hint });
}

/**
 * The command line of a step. The shell sets what is inherited otherwise and makes way, to the `proxy` where there is one; `nonce` is in no
 * process that the step can see, and makes an engine run it again.
 */
function commandLine(
  run: PlannedRun,
  proxy: readonly string[],
  timeout: number,
  { nonce, otherwise }: Running,
): readonly string[] {
  const start = [
    'read -r name < /proc/sys/kernel/hostname && [ "$name" = "$1" ]',
    `umask ${run.umask}`,
    ...clauses(otherwise),
    'cd "$2" && shift 2 && exec "$@"',
  ].join(" && ");
  const env = Object.entries(run.env).map(([name, value]) => `${name}=${value}`);
  const shell = ["/bin/sh", "-c", start, `lockstep-${nonce}`, run.hostname, run.workdir];
  return [
    ...shell,
    ...proxy,
    "/usr/bin/timeout",
    "-k",
    "10",
    String(timeout),
    "/usr/bin/env",
    "-i",
    ...env,
    ...run.argv,
  ];
}

/** As an instruction has it: nothing in it looks like a here-document. */
function jsonForm(args: readonly string[]): string {
  return JSON.stringify(args).replaceAll("<", "\\u003c");
}

/** Writes the archive with what starts a step otherwise, where there is such a thing. */
async function writeLauncher({ image: { plan } }: PreparedStep, { otherwise }: Running, directory: string) {
  const launcher = launcherOf(plan.platform, otherwise);
  if (launcher === undefined) return undefined;
  const file = new TarFile(join(directory, `${launcherStage}.tar`));
  const size = launcher.file.length;
  const program = { path: "one-processor", type: "file", mode: 0o755, uid: 0, gid: 0, mtime: 0, size } as const;
  await file.write(Buffer.concat([tarHeader(program), launcher.file, Buffer.alloc(paddingOf(size))]));
  await file.end();
  return launcher;
}

async function writeRun(
  host: Host,
  results: Store,
  step: PreparedStep,
  layer: StepLayer,
  run: PlannedRun,
  directory: string,
  running: Running,
): Promise<void> {
  const { image, index, below, used } = step;
  const { otherwise } = running;
  const layers = run.tools === undefined ? below : (used.get(run.tools.tree) ?? []);
  const tree = await treeOf(results, layers);
  checkStarters(tree, layer);
  const trees = await inArchives(directory, "tree", otherwise, (...part) => flatten(results, layers, tree, ...part));
  const entries = run.tools?.files ?? [];
  const files =
    entries.length === 0
      ? []
      : await inArchives(directory, "files", otherwise, (...part) => writeFiles(entries, image.sources, ...part));
  const proxy = await writeServing(host, results, layer, directory);
  const launcher = await writeLauncher(step, running, directory);
  const command = commandLine(run, proxy, image.origins.get(index)?.timeout ?? 0, running);
  const words = launcher === undefined ? command : [launcher.command, ...command];
  const options = ["--network=none", ...(launcher === undefined ? [] : [launcher.mount])];
  if (proxy.length > 0) options.push(servedMount);
  const [uid = "", gid = ""] = run.user.split(":");
  for (const id of run.secrets ?? []) options.push(`--mount=type=secret,id=${id},required=true,uid=${uid},gid=${gid}`);
  const user = run.user === "0:0" ? [] : [`USER ${run.user}`];
  const lines = ["FROM scratch", ...add(trees), ...add(files), ...user, `RUN ${options.join(" ")} ${jsonForm(words)}`];
  await writeFile(join(directory, "Dockerfile"), `${launcher?.stage ?? ""}${lines.join("\n")}\n`);
}

/** The trees of the images that a Dockerfile is from, and what their configs say of how programs run in them. */
async function writeImages(
  results: Store,
  { image, used }: PreparedStep,
  command: PlannedDockerfile,
  directory: string,
  otherwise: Otherwise,
) {
  const images = [];
  for (const [name, digest] of Object.entries(command.images)) {
    const layers = used.get(digest) ?? [];
    const tree = await treeOf(results, layers);
    const archives = await inArchives(directory, name, otherwise, (...part) => flatten(results, layers, tree, ...part));
    const { Env = [], WorkingDir: workdir, User: user } = image.uses.get(digest)?.plan.config ?? {};
    images.push({
      name,
      add: add(archives),
      env: Env,
      ...(workdir === undefined ? {} : { workdir }),
      ...(user === undefined ? {} : { user }),
    });
  }
  return images;
}

async function writeDockerfile(
  host: Host,
  results: Store,
  step: PreparedStep,
  command: PlannedDockerfile,
  directory: string,
  running: Running,
): Promise<readonly string[]> {
  const { image, index } = step;
  const { nonce, otherwise } = running;
  const written = command.context.find(({ path }) => path === command.file);
  const source = image.sources.get(written?.sha256 ?? "");
  const place = { file: `images/${image.image}/image.yaml` };
  if (source === undefined) {
    const message = `there is no ${command.file} in the context`;
    throw new LockstepError({ code: "LS2058", message, place, hint: "name it with file:" });
  }
  if (command.context.some(({ path }) => /(?:^|\/|\.)\.?dockerignore$/.test(path))) {
    const message = "the context has a .dockerignore, which says what is in it besides image.yaml";
    throw new LockstepError({ code: "LS2059", message, place, hint: "write exclude: in its place, and exclude it" });
  }
  const timeout = image.origins.get(index)?.timeout ?? 0;
  const images = await writeImages(results, step, command, directory, otherwise);
  const text = await readFile(source, "utf8");
  if (hexOf(digestOf(text)) !== written?.sha256) {
    const message = "changed while the step was prepared";
    throw new LockstepError({ code: "LS4101", message, place: { file: command.file }, hint: "run it again" });
  }
  const file = image.plan.layers[index]?.title.replace("lockstep: dockerfile ", "") ?? command.file;
  const launcher = await writeLauncher(step, running, directory);
  const archives = await inArchives(directory, contextStage, otherwise, (...part) =>
    writeFiles(command.context, image.sources, ...part),
  );
  const layer = image.plan.layers[index];
  const proxy = layer?.kind === "step" ? await writeServing(host, results, layer, directory) : [];
  const mounts = proxy.length > 0 ? [servedMount] : [];
  const start = { timeout, nonce, launcher, clauses: clauses(otherwise), proxy, mounts };
  const hermetic = hermeticDockerfile(text, file, command, command.env, images, add(archives), start);
  await writeFile(join(directory, "Dockerfile"), hermetic.text);
  return hermetic.notTaken.map((keyword) => `${keyword} of the Dockerfile is not taken: config: of image.yaml says it`);
}

/**
 * Writes the build context of a step into `directory`, and gives what a person should know of it. Throws LS9011 where the step could not be
 * started, LS2058 and LS2059 for Dockerfiles that cannot be built so.
 */
export async function writeContext(
  host: Host,
  results: Store,
  step: PreparedStep,
  directory: string,
  running: Running,
): Promise<readonly string[]> {
  const layer = step.image.plan.layers[step.index];
  if (layer?.kind !== "step") throw new LockstepError({ code: "LS1000", message: "this layer is no step" });
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const { command } = layer;
  if (command.kind === "dockerfile") return writeDockerfile(host, results, step, command, directory, running);
  await writeRun(host, results, step, layer, command, directory, running);
  return [];
}
