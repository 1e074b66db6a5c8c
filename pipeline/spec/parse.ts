/** Parses one image.yaml: from text to an ImageSpec with every default filled in, or all that is wrong with it. */
import { LockstepError, type Place, type Problem } from "../host/errors.ts";
import { comparePaths } from "../tree/entry.ts";
import { checkImage } from "./checks.ts";
import { type LocatedDocument, type Path, keyPlaceOf, placeOf, showPath, without, writtenAt } from "./located.ts";
import { byPlatform, signatureUrl, sourcesOf } from "./check-http.ts";
import { dockerfileLayerOf, type PlaceIn, runLayerOf } from "./parse-steps.ts";
import { inOrder, pathsOf, problemsOf, showValue, valueAt } from "./schema-problems.ts";
import type { RawImage, RawLayer } from "./schema.ts";
import { resolveSource } from "./sources.ts";
import type {
  ConfigSpec,
  FilesLayer,
  GitLayer,
  HttpLayer,
  ImageSpec,
  LayerSpec,
  Owner,
  Platform,
  UserSpec,
} from "./types.ts";

/** A spec with the means to say where each of its values is written. */
export interface ParsedImage {
  readonly spec: ImageSpec;
  readonly at: (path: Path) => Place;
}

function ownerOf(text: string): Owner {
  const [uid = "0", gid = "0"] = text.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

/** Names in the order they are written, which an object does not keep for names such as "8080". */
function inWrittenOrder<T>(document: LocatedDocument, path: Path, members: Readonly<Record<string, T>>): [string, T][] {
  const position = ([name]: [string, T]): Place => keyPlaceOf(document, [...path, name]);
  return Object.entries(members).toSorted((a, b) => {
    const [x, y] = [position(a), position(b)];
    return (x.line ?? 0) - (y.line ?? 0) || (x.column ?? 0) - (y.column ?? 0);
  });
}

/** Environment and labels as text: a plain scalar is taken as it is written, so that 1.10 does not become 1.1. */
function asText(document: LocatedDocument, path: Path, members: RawImage["config"]["env"]): Record<string, string> {
  const texts = inWrittenOrder(document, path, members).map(([name, value]): [string, string] => [
    name,
    typeof value === "string" ? value : (writtenAt(document, [...path, name]) ?? String(value)),
  ]);
  return Object.fromEntries(texts);
}

function layerOf(raw: RawLayer, document: LocatedDocument, path: Path): LayerSpec {
  const place = placeOf(document, path);
  if (raw.debian !== undefined) {
    const { suite, dependencies, split } = raw.debian;
    const packages = raw.debian.packages.map((name, index) => ({
      name,
      place: placeOf(document, [...path, "debian", "packages", index]),
    }));
    const sorted = packages.toSorted((a, b) => comparePaths(a.name, b.name));
    return { kind: "debian", place, suite, packages: sorted, dependencies, split };
  }
  if (raw.files !== undefined) {
    const { from, into, exclude, owner } = raw.files;
    const modes = inWrittenOrder(document, [...path, "files", "mode"], raw.files.mode);
    const mode: FilesLayer["mode"] = modes.map(([glob, bits]) => ({ glob, mode: Number.parseInt(bits, 8) }));
    const source = resolveSource(document.file, from);
    return { kind: "files", place, from: source ?? from, into, exclude, owner: ownerOf(owner), mode };
  }
  if (raw.directories !== undefined) {
    const directories = raw.directories.map((directory) => ({
      path: directory.path,
      owner: ownerOf(directory.owner),
      mode: Number.parseInt(directory.mode, 8),
    }));
    return { kind: "directories", place, directories };
  }
  if (raw.npm !== undefined) {
    const { project, into, omit, libc, owner } = raw.npm;
    const source = resolveSource(document.file, project) ?? project;
    return { kind: "npm", place, project: source, into, omit: omit.toSorted(), libc, owner: ownerOf(owner) };
  }
  if (raw.http !== undefined) return httpLayerOf(raw.http, document, path);
  if (raw.git !== undefined) return gitLayerOf(raw.git, document, path);
  if (raw.python !== undefined) {
    const { python, glibc, into, layout, exclude, dependencies, owner } = raw.python;
    const minor = python.split(".").slice(0, 2).join(".");
    const requirements = resolveSource(document.file, raw.python.requirements) ?? raw.python.requirements;
    const interpreter = raw.python.interpreter ?? `/usr/bin/python${minor}`;
    const libc = glibc === undefined ? {} : { glibc };
    return {
      kind: "python",
      place,
      requirements,
      python,
      ...libc,
      into,
      layout,
      exclude,
      dependencies,
      interpreter,
      owner: ownerOf(owner),
    };
  }
  if (raw.run !== undefined) {
    const env = asText(document, [...path, "run", "env"], raw.run.env);
    return runLayerOf(raw.run, place, env, (...at) => placeOf(document, [...path, "run", ...at]), document.file);
  }
  if (raw.dockerfile !== undefined) {
    const args = asText(document, [...path, "dockerfile", "args"], raw.dockerfile.args);
    const placeIn: PlaceIn = (...at) => placeOf(document, [...path, "dockerfile", ...at]);
    return dockerfileLayerOf(raw.dockerfile, place, args, placeIn, document.file);
  }
  return { kind: "symlinks", place, symlinks: raw.symlinks ?? [] };
}

function httpLayerOf(raw: NonNullable<RawLayer["http"]>, document: LocatedDocument, path: Path): HttpLayer {
  const { into, unpack, strip = 0, include = [], exclude = [], owner, mode = {} } = raw;
  const { signature } = raw;
  const sources = Object.entries(sourcesOf(raw)).map(([platform, source]) => {
    if (signature === undefined) return [platform, source] as const;
    const given = byPlatform(signature.url)[platform as Platform];
    return [platform, { ...source, signature: given ?? signatureUrl(source.url, signature.kind) }] as const;
  });
  const modes =
    typeof mode === "string" ? [["**", mode] as const] : inWrittenOrder(document, [...path, "http", "mode"], mode);
  return {
    kind: "http",
    place: placeOf(document, path),
    sources: Object.fromEntries(sources),
    ...(signature === undefined
      ? {}
      : { signature: { kind: signature.kind, key: resolveSource(document.file, signature.key) ?? signature.key } }),
    into,
    unpack,
    strip,
    include,
    exclude,
    owner: ownerOf(owner),
    mode: modes.map(([glob, bits]) => ({ glob, mode: Number.parseInt(bits, 8) })),
  };
}

function gitLayerOf(raw: NonNullable<RawLayer["git"]>, document: LocatedDocument, path: Path): GitLayer {
  const { repository, ref, into, exclude, owner, submodules } = raw;
  const below = raw.path?.replace(/\/+$/, "");
  const modes = inWrittenOrder(document, [...path, "git", "mode"], raw.mode);
  return {
    kind: "git",
    place: placeOf(document, path),
    repository,
    ref,
    ...(below === undefined ? {} : { path: below }),
    into,
    exclude,
    owner: ownerOf(owner),
    mode: modes.map(([glob, bits]) => ({ glob, mode: Number.parseInt(bits, 8) })),
    submodules,
  };
}

function userOf({ name, uid, gid, home, shell, gecos }: RawImage["users"][number]): UserSpec {
  return { name, uid, gid, home: home ?? `/home/${name}`, shell, gecos };
}

function configOf(raw: RawImage["config"], document: LocatedDocument): ConfigSpec {
  const { entrypoint, cmd, user, workdir, stopSignal } = raw;
  const ports = raw.ports.map((port) => (String(port).includes("/") ? String(port) : `${port}/tcp`));
  return {
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(cmd === undefined ? {} : { cmd }),
    ...(user === undefined ? {} : { user: String(user) }),
    ...(workdir === undefined ? {} : { workdir }),
    ports: ports.toSorted(comparePaths),
    env: asText(document, ["config", "env"], raw.env),
    labels: asText(document, ["config", "labels"], raw.labels),
    volumes: raw.volumes.toSorted(comparePaths),
    ...(stopSignal === undefined ? {} : { stopSignal }),
  };
}

function specOf(raw: RawImage, document: LocatedDocument): ImageSpec {
  return {
    name: raw.name,
    file: document.file,
    platforms: raw.platforms.toSorted(comparePaths),
    ...(typeof raw.from === "string" ? { from: raw.from } : {}),
    ...(typeof raw.from === "object"
      ? { base: { image: raw.from.image, place: placeOf(document, ["from", "image"]) } }
      : {}),
    layers: (raw.layers ?? []).map((layer, index) => layerOf(layer, document, ["layers", index])),
    users: raw.users.map(userOf),
    groups: raw.groups,
    config: configOf(raw.config, document),
  };
}

/** YAML reads 0755 as the number 755: the one trap of this format that deserves an error of its own. */
function modeProblem(document: LocatedDocument, path: Path): Problem | undefined {
  const ofLayer = path.includes("directories") || path.includes("http");
  const isMode = path.at(-1) === "mode" ? ofLayer : path.at(-2) === "mode";
  const value = valueAt(document, path);
  if (!isMode || value === undefined || typeof value === "object") return undefined;
  const written = writtenAt(document, path) ?? String(value);
  const octal = /^(0o?)?([0-7]{3,4})$/.exec(written)?.[2];
  const hint =
    typeof value !== "string" && octal !== undefined
      ? `write "${octal.padStart(4, "0")}" in quotes: without them YAML reads a decimal number`
      : 'write 3 or 4 digits from 0 to 7 in quotes, such as "0755"';
  const message = `${showPath(path)} must be an octal number in quotes, not ${showValue(document, path)}`;
  return { code: "LS2008", message, place: placeOf(document, path), hint };
}

export interface ParseResult {
  /** Present when the document has the right shape, even if there are problems besides. */
  readonly image?: ParsedImage;
  /** In the order of the file; none means that the spec is good as far as its text shows. */
  readonly problems: readonly Problem[];
}

/** Like `parseImage`, but gives the problems together with the spec and its places. Throws only when the text is not YAML. */
export async function parseLocated(text: string, file: string): Promise<ParseResult> {
  // Together they are two thirds of what parsing costs, and a command that reads no spec should not pay it.
  const [{ readYaml }, { checkShape, imageSchema }] = await Promise.all([import("./yaml.ts"), import("./schema.ts")]);
  const document = readYaml(text, file);
  const shape = checkShape(document.value);
  if (shape.ok) {
    const image = { spec: specOf(shape.value, document), at: (path: Path) => placeOf(document, path) };
    return { image, problems: inOrder(checkImage(shape.value, document)) };
  }
  const problems = problemsOf(shape.issues, document, imageSchema, (path) => modeProblem(document, path));
  // What remains without the wrong values is checked as well, so that everything is told at once.
  const rest = without(document, pathsOf(shape.issues));
  const second = checkShape(rest.value);
  return { problems: inOrder([...problems, ...(second.ok ? checkImage(second.value, rest) : [])]) };
}

/**
 * Parses the text of one spec. `file` is its path relative to the repository root: `images/web/image.yaml`.
 * Throws a LockstepError with all problems LS2001 to LS2008, LS2010, LS2016 to LS2019 and LS2021 to LS2023 that the text alone shows;
 * what needs other images or the file system is checked by `loadImages`.
 */
export async function parseImage(text: string, file: string): Promise<ImageSpec> {
  const { image, problems } = await parseLocated(text, file);
  if (image === undefined || problems.length > 0) throw new LockstepError(problems);
  return image.spec;
}
