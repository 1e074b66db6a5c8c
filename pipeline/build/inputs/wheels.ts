/** Python packages from wheels: what files of requirements allow, chosen for each platform, pinned by file. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LockstepError, messageOf, type Problem } from "../../host/errors.ts";
import { memoize } from "../../host/memoize.ts";
import type { LockedWheel } from "../../lock/types.ts";
import { parseRequirements, type Requirement, requirementsFor } from "../../source/python/requirements.ts";
import { parseWheelName, rankingFor } from "../../source/python/select.ts";
import type { PythonTarget } from "../../source/python/target.ts";
import { sameVersion } from "../../source/python/version.ts";
import type { ImageSpec, Platform, PythonLayer } from "../../spec/types.ts";
import type { PlannedWheel } from "../plan.ts";
import type { InputKind, InputRequest, SpecSource } from "./kind.ts";

export interface WheelRequest extends InputRequest {
  readonly requirement: Requirement;
  readonly target: PythonTarget;
  /** All that the layer requires on the platform, by name. */
  readonly all: ReadonlyMap<string, Requirement>;
  readonly dependencies: PythonLayer["dependencies"];
}

/** The C library of Debian's releases: within one it never becomes another version. */
const glibcs: Readonly<Record<string, string>> = {
  buster: "2.28",
  bullseye: "2.31",
  bookworm: "2.36",
  trixie: "2.41",
};

/** The suite of an image's packages, its own or that of an image it is from. */
function suiteOf(specs: readonly ImageSpec[], spec: ImageSpec): string | undefined {
  const own = spec.layers.find((layer) => layer.kind === "debian")?.suite;
  if (own !== undefined) return own;
  const base = specs.find(({ name }) => name === spec.from);
  return base === undefined ? undefined : suiteOf(specs, base);
}

/** What wheels of a layer are chosen for; LS2045 when nothing says which C library the image has. */
function targetOf(specs: readonly ImageSpec[], spec: ImageSpec, layer: PythonLayer, platform: Platform): PythonTarget {
  const suite = suiteOf(specs, spec);
  const glibc = layer.glibc ?? glibcs[suite ?? ""];
  if (glibc !== undefined) return { platform, python: layer.python, glibc };
  const what = suite === undefined ? "the image has no Debian packages" : `the glibc of ${suite} is not known`;
  throw new LockstepError({
    code: "LS2045",
    message: `${what}, and the layer does not say which glibc its wheels are for`,
    place: layer.place,
    hint: 'write `glibc: "2.36"` with the version that `ldd --version` says in the image',
  });
}

const parsed = memoize((entry: string) => {
  const at = entry.indexOf("\0");
  return parseRequirements(entry.slice(at + 1), entry.slice(0, at));
}, 64);

/** Requirements of a layer that count on a platform. Throws LS2045, LS2601 to LS2607, LS1004. */
function wantedBy(
  { root, specs }: SpecSource,
  spec: ImageSpec,
  layer: PythonLayer,
  platform: Platform,
): readonly WheelRequest[] {
  const target = targetOf(specs, spec, layer, platform);
  let text: string;
  try {
    text = readFileSync(join(root, layer.requirements), "utf8");
  } catch (error) {
    throw new LockstepError(
      { code: "LS1004", message: `cannot read ${layer.requirements}: ${messageOf(error)}`, place: layer.place },
      { cause: error },
    );
  }
  const required = requirementsFor(parsed(`${layer.requirements}\0${text}`), target);
  const all = new Map(required.map((requirement) => [requirement.name, requirement]));
  return required.map((requirement) => ({
    image: spec.name,
    key: `${requirement.name}==${requirement.version}`,
    platforms: [platform],
    place: requirement.place,
    requirement,
    target,
    all,
    dependencies: layer.dependencies,
  }));
}

/** Wheels as they are chosen among, by name of the project: a lock may have thousands. */
function byProject(locked: ReadonlyMap<string, LockedWheel>) {
  const files = [...locked].map(([file, { sha256, name }]) => ({ file, sha256, name }));
  return Map.groupBy(files, ({ name }) => name);
}

export const wheelsKind: InputKind<"wheels", WheelRequest> = {
  requests(source, locked) {
    const files = byProject(locked);
    const problems: Problem[] = [];
    const requests = source.specs.flatMap((spec) =>
      spec.layers.flatMap((layer) => {
        if (layer.kind !== "python") return [];
        return spec.platforms.flatMap((platform) => {
          try {
            return wantedBy(source, spec, layer, platform);
          } catch (error) {
            if (!(error instanceof LockstepError)) throw error;
            problems.push(...error.problems);
            return [];
          }
        });
      }),
    );
    if (problems.length > 0) {
      // What is wrong with a file is wrong on every platform.
      throw new LockstepError([...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()]);
    }
    return requests.map((request) => {
      const chosen = rankingFor(request.target).choose(request.requirement, files.get(request.requirement.name) ?? []);
      return chosen === undefined ? request : { ...request, key: chosen.file };
    });
  },

  mismatch({ key, requirement }, { name, version }) {
    const says = parseWheelName(key);
    if (name === requirement.name && version === says?.version && sameVersion(version, requirement.version))
      return undefined;
    return `is locked as ${name} ${version}`;
  },

  moves: () => true,

  async resolve(work, questions) {
    const { resolveWheels } = await import("./wheels-resolve.ts");
    return resolveWheels(
      work,
      questions.flatMap(({ requests }) => requests),
    );
  },

  async fetch(host, store, report, _, entries, options) {
    const { fetchWheels } = await import("../../source/python/index-client.ts");
    await fetchWheels(host, store, report, entries, options);
  },
};

function inside(path: string): string {
  return path.replace(/^\/+|\/+$/g, "");
}

/** Directories of each kind of content below `into` (sysconfig's schemes of the same names; Debian's is `posix_local`). */
function schemeOf({ layout, python }: PythonLayer): Pick<PlannedWheel, "library" | "scripts" | "data" | "headers"> {
  const minor = python.split(".").slice(0, 2).join(".");
  switch (layout) {
    case "directory":
      return { library: "", scripts: "bin", data: "", headers: "include/python" };
    case "prefix":
      return {
        library: `lib/python${minor}/site-packages`,
        scripts: "bin",
        data: "",
        headers: `include/python${minor}`,
      };
    case "debian":
      return {
        library: `lib/python${minor}/dist-packages`,
        scripts: "bin",
        data: "",
        headers: `include/python${minor}`,
      };
  }
}

/** What one layer puts into the image of a platform; the caller has checked that the lock answers the spec. */
export function planWheels(
  source: SpecSource,
  spec: ImageSpec,
  layer: PythonLayer,
  platform: Platform,
  locked: ReadonlyMap<string, LockedWheel>,
): { readonly title: string; readonly inputs: readonly PlannedWheel[] } {
  const files = byProject(locked);
  const scheme = schemeOf(layer);
  const { interpreter, exclude, owner, python } = layer;
  const into = inside(layer.into);
  const inputs = wantedBy(source, spec, layer, platform).flatMap(({ requirement, target }): readonly PlannedWheel[] => {
    const { name, version } = requirement;
    const chosen = rankingFor(target).choose(requirement, files.get(name) ?? []);
    if (chosen === undefined) return [];
    const { file: key, sha256 } = chosen;
    const minor = python.split(".").slice(0, 2).join(".");
    const { uid, gid } = owner;
    return [
      {
        section: "wheels",
        key,
        sha256,
        into,
        unpack: "wheel",
        name,
        version,
        python: minor,
        ...scheme,
        interpreter,
        exclude,
        uid,
        gid,
      },
    ];
  });
  return { title: `lockstep: python ${layer.requirements} ${layer.into}`, inputs };
}
