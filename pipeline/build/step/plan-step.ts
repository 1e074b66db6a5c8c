/** Steps in plans: everything that may decide what running code gives is written out (docs/format.md, "Steps"). */
import { LockstepError } from "../../host/errors.ts";
import { servedEnvironment } from "../../inside/served.ts";
import type { LockedHttp } from "../../lock/types.ts";
import type { DockerfileLayer, FilesLayer, Platform, RunLayer, StepFetch, StepLayerSpec } from "../../spec/types.ts";
import type { Digest } from "../../store/digest.ts";
import { comparePaths } from "../../tree/entry.ts";
import { readFileSet } from "../file-set.ts";
import { layerKey, type PlannedEntry, type PlannedFetch, type PlannedImage, type StepLayer } from "../plan.ts";

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

/** Besides: who runs a program, and where it finds others. Others than root need not have a name, or a home that is there. */
function userEnvironment(uid: number): Readonly<Record<string, string>> {
  const name = uid === 0 ? "root" : String(uid);
  return {
    HOME: uid === 0 ? "/root" : "/tmp",
    LOGNAME: name,
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    SHELL: "/bin/sh",
    TMPDIR: "/tmp",
    USER: name,
  };
}

/** What steps are planned from. */
interface StepSource {
  readonly root: string;
  readonly platform: Platform;
  readonly http: ReadonlyMap<string, LockedHttp>;
}

/** What a step may ask for on a platform; the caller has checked that the lock answers the spec. */
function fetchesOf({ platform, http }: StepSource, fetch: readonly StepFetch[]): readonly PlannedFetch[] {
  return fetch
    .map(({ sources }) => sources[platform]?.url ?? "")
    .toSorted(comparePaths)
    .map((url) => ({ url, sha256: http.get(url)?.sha256 ?? "" }));
}

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

function planRun(
  source: StepSource,
  layer: RunLayer,
  epoch: number,
  imageOf: (name: string) => PlannedImage,
): PlannedStep {
  const { argv, workdir, tools, secrets } = layer;
  const { uid, gid } = layer.user;
  const fetch = fetchesOf(source, layer.fetch);
  const served = fetch.length === 0 ? {} : servedEnvironment;
  const env = { ...fixedEnvironment(epoch), ...userEnvironment(uid), ...served, ...layer.env };
  const run = {
    kind: "run",
    argv,
    env,
    workdir,
    hostname: "dagger",
    network: "none",
    ...(fetch.length === 0 ? {} : { fetch }),
    ...(secrets.length === 0 ? {} : { secrets }),
    umask: "0022",
    user: `${uid}:${gid}`,
  } as const;
  const text = argv[0] === "/bin/sh" && argv[1] === "-e" ? argv.slice(3).join(" ") : argv.join(" ");
  const step = { kind: "step", title: titleOf("run", text), epoch, rules: 1 } as const;
  if (tools === undefined) return { layer: { ...step, command: run }, uses: new Map(), sources: new Map() };
  const image = imageOf(tools.image);
  const tree = treeDigest(image);
  const sources = new Map<string, string>();
  const files = filesOf(source.root, tools.files, sources);
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
  source: StepSource,
  layer: DockerfileLayer,
  epoch: number,
  imageOf: (name: string) => PlannedImage,
): PlannedStep {
  const { place, context: from, file, target, args, exclude, secrets } = layer;
  const owner = { uid: 0, gid: 0 };
  const fetch = fetchesOf(source, layer.fetch);
  const read = readFileSet(source.root, {
    kind: "files",
    place,
    from,
    into: `/${contextRoot}`,
    exclude,
    owner,
    mode: [],
  });
  const context = read.entries
    .filter(({ path }) => path !== contextRoot)
    .map((entry) => ({ ...entry, path: entry.path.slice(contextRoot.length + 1) }));
  const used = layer.images.map((name) => [name, imageOf(name)] as const);
  const command = {
    kind: "dockerfile",
    file,
    ...(target === undefined ? {} : { target }),
    args,
    env: { ...fixedEnvironment(epoch), ...(fetch.length === 0 ? {} : servedEnvironment) },
    network: "none",
    ...(fetch.length === 0 ? {} : { fetch }),
    ...(secrets.length === 0 ? {} : { secrets }),
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
  source: StepSource,
  layer: StepLayerSpec,
  epoch: number,
  imageOf: (name: string) => PlannedImage,
): PlannedStep {
  return layer.kind === "run" ? planRun(source, layer, epoch, imageOf) : planDockerfile(source, layer, epoch, imageOf);
}
