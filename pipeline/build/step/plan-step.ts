/** Steps in plans: everything that may decide what running code gives is written out (docs/format.md, "Steps"). */
import { LockstepError } from "../../host/errors.ts";
import type { DockerfileLayer, FilesLayer, RunLayer, StepLayerSpec } from "../../spec/types.ts";
import type { Digest } from "../../store/digest.ts";
import { comparePaths } from "../../tree/entry.ts";
import { readFileSet } from "../file-set.ts";
import { layerKey, type PlannedEntry, type PlannedImage, type StepLayer } from "../plan.ts";

export interface PlannedStep {
  readonly layer: StepLayer;
  /** By what names them in the plan. */
  readonly uses: ReadonlyMap<Digest, PlannedImage>;
  /** Paths on this machine by SHA-256 of content. */
  readonly sources: ReadonlyMap<string, string>;
}

/** What every step has: one time zone, one locale, one seed, and one processor for whoever asks the environment. */
function fixedEnvironment(epoch: number): Readonly<Record<string, string>> {
  return {
    CARGO_BUILD_JOBS: "1",
    CMAKE_BUILD_PARALLEL_LEVEL: "1",
    GOMAXPROCS: "1",
    LANG: "C.UTF-8",
    LC_ALL: "C.UTF-8",
    MAKEFLAGS: "-j1",
    OMP_NUM_THREADS: "1",
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONHASHSEED: "0",
    SOURCE_DATE_EPOCH: String(epoch),
    TZ: "UTC",
  };
}

/** Besides: who runs a program, and where it finds others. */
const user: Readonly<Record<string, string>> = {
  HOME: "/root",
  LOGNAME: "root",
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  SHELL: "/bin/sh",
  TMPDIR: "/tmp",
  USER: "root",
};

function inside(path: string): string {
  return path.replace(/^\/+|\/+$/g, "");
}

const longestTitle = 200;

/** One line, of a length that a history can have. */
function titleOf(kind: string, text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  const characters = [...line];
  return `lockstep: ${kind} ${characters.length > longestTitle ? `${characters.slice(0, longestTitle).join("")}…` : line}`;
}

/** The digest by which a plan names the layers of another. */
function treeDigest({ plan }: PlannedImage): Digest {
  return `sha256:${layerKey(plan, plan.layers.length - 1)}`;
}

/** Several file sets as one; LS2022 for a path that two of them have. */
function filesOf(root: string, sets: readonly FilesLayer[], sources: Map<string, string>): readonly PlannedEntry[] {
  const entries = new Map<string, PlannedEntry>();
  for (const set of sets) {
    const read = readFileSet(root, set);
    for (const entry of read.entries) {
      if (entries.has(entry.path) && entry.type !== "directory") {
        const message = `two of the step's files are /${entry.path}`;
        throw new LockstepError({ code: "LS2022", message, place: set.place, hint: "exclude one of them" });
      }
      entries.set(entry.path, entry);
    }
    for (const [sha256, path] of read.sources) sources.set(sha256, path);
  }
  return [...entries.values()].toSorted((a, b) => comparePaths(a.path, b.path));
}

function planRun(root: string, layer: RunLayer, epoch: number, imageOf: (name: string) => PlannedImage): PlannedStep {
  const { argv, workdir, tools } = layer;
  const env = { ...fixedEnvironment(epoch), ...user, ...layer.env };
  const run = {
    kind: "run",
    argv,
    env,
    workdir,
    hostname: "dagger",
    network: "none",
    umask: "0022",
    user: "0:0",
  } as const;
  const text = argv[0] === "/bin/sh" && argv[1] === "-e" ? argv.slice(3).join(" ") : argv.join(" ");
  const step = { kind: "step", title: titleOf("run", text), epoch, rules: 1 } as const;
  if (tools === undefined) return { layer: { ...step, command: run }, uses: new Map(), sources: new Map() };
  const image = imageOf(tools.image);
  const tree = treeDigest(image);
  const sources = new Map<string, string>();
  const files = filesOf(root, tools.files, sources);
  const outputs = tools.outputs.map(({ from, into }) => ({ from: inside(from), into: inside(into) }));
  return {
    layer: { ...step, command: { ...run, tools: { tree, files, outputs } } },
    uses: new Map([[tree, image]]),
    sources,
  };
}

/** Where the files of a context are read to, so that no name of theirs is taken for a path of an image. */
const contextRoot = "context";

function planDockerfile(
  root: string,
  layer: DockerfileLayer,
  epoch: number,
  imageOf: (name: string) => PlannedImage,
): PlannedStep {
  const { place, context: from, file, target, args, exclude } = layer;
  const owner = { uid: 0, gid: 0 };
  const read = readFileSet(root, { kind: "files", place, from, into: `/${contextRoot}`, exclude, owner, mode: [] });
  const context = read.entries
    .filter(({ path }) => path !== contextRoot)
    .map((entry) => ({ ...entry, path: entry.path.slice(contextRoot.length + 1) }));
  const used = layer.images.map((name) => [name, imageOf(name)] as const);
  const command = {
    kind: "dockerfile",
    file,
    ...(target === undefined ? {} : { target }),
    args,
    env: fixedEnvironment(epoch),
    network: "none",
    images: Object.fromEntries(used.map(([name, { hash }]) => [name, hash])),
    context,
  } as const;
  return {
    layer: { kind: "step", title: titleOf("dockerfile", `${from}/${file}`), epoch, rules: 1, command },
    uses: new Map(used.map(([, image]) => [image.hash, image])),
    sources: read.sources,
  };
}

/** Plans a step; `imageOf` gives an image of the repository for the platform. Throws what reading files gives. */
export function planStep(
  root: string,
  layer: StepLayerSpec,
  epoch: number,
  imageOf: (name: string) => PlannedImage,
): PlannedStep {
  return layer.kind === "run" ? planRun(root, layer, epoch, imageOf) : planDockerfile(root, layer, epoch, imageOf);
}
