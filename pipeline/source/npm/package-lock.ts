/** Reads package-lock.json of lockfileVersion 2 and 3: which packages are where, from text to checked entries with their places. */
import { LockstepError, type Place, type Problem } from "../../host/errors.ts";
import { findKeys, joinPath, positionAt, type Positions } from "../../lock/positions.ts";
import { integrityProblem } from "./integrity.ts";
import { whiteoutPrefix } from "../../tree/whiteout.ts";

/** Names of dependencies to what is asked for: `{ "debug": "^4.0.0" }`. */
export type Dependencies = Readonly<Record<string, string>>;

/** What an entry of a package lock and a package.json have in common. */
export interface Dependent {
  readonly dependencies: Dependencies;
  readonly devDependencies: Dependencies;
  readonly optionalDependencies: Dependencies;
  readonly peerDependencies: Dependencies;
}

export interface NpmEntry extends Dependent {
  /** Where the package is below the project: `node_modules/a/node_modules/@s/b`, `packages/core`; the project itself is "". */
  readonly location: string;
  /** The package's own name, which an alias differs from. */
  readonly name: string;
  readonly version?: string;
  /** Location of the entry that this is a symbolic link to. */
  readonly link?: string;
  readonly resolved?: string;
  /** Subresource Integrity: `sha512-…`, or several of them. */
  readonly integrity?: string;
  readonly dev: boolean;
  readonly optional: boolean;
  /** Needed by development and optional dependencies, and by no other. */
  readonly devOptional: boolean;
  readonly peer: boolean;
  /** Comes within the tarball of a package further up. */
  readonly inBundle: boolean;
  /** Names of commands to paths within the package, normalised. */
  readonly bin: Readonly<Record<string, string>>;
  /** Peer dependencies that may be missing. */
  readonly optionalPeers: ReadonlySet<string>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  /** Globs of the project's own packages. */
  readonly workspaces: readonly string[];
}

export interface PackageLock {
  readonly file: string;
  /** By location, in the order of the file. */
  readonly entries: ReadonlyMap<string, NpmEntry>;
  /** Where an entry, or a field of it, is written. */
  readonly at: (location: string, ...field: readonly string[]) => Place;
}

type Content = Readonly<Record<string, unknown>>;

/** Characters of the largest package lock that is read. */
const maxLength = 64 * 1024 * 1024;

/** Problems that are told one by one. */
const maxProblems = 50;

export const relock = "run `npm install --package-lock-only` with npm 7 or newer, and commit what it writes";

export function isObject(value: unknown): value is Content {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The JSON of one of npm's files, which must be an object; LS2501 with the place where it is not JSON. */
export function parseNpmJson(text: string, file: string): Content {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    const offset = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
    const place = { file, ...positionAt(text, offset === undefined ? text.length : Number(offset)) };
    const merge = /^(?:<{7}|={7}|>{7})/m.test(text);
    const hint = merge ? "finish the merge: `npm install --package-lock-only` resolves this file's conflicts" : relock;
    throw new LockstepError({ code: "LS2501", message: "is not JSON from here on", place, hint });
  }
  if (isObject(value)) return value;
  throw new LockstepError({ code: "LS2501", message: "is not a JSON object", place: { file }, hint: relock });
}

/** What is wrong with a location; undefined when it is a path that stays below the project, with names that npm would install. */
function locationProblem(location: string): string | undefined {
  const parts = location.split("/");
  if (location.length > 4096) return "is too long";
  // oxlint-disable-next-line no-control-regex -- exactly those characters are refused
  if (/[\\\u0000-\u001f\u007f]/.test(location)) return "has a character that no path here has";
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.startsWith(whiteoutPrefix)))
    return "is not a plain path below the project";
  for (let i = 0; i < parts.length; i++) {
    if (parts[i] !== "node_modules") continue;
    const scoped = parts[i + 1]?.startsWith("@") === true;
    const names = parts.slice(i + 1, i + (scoped ? 3 : 2));
    if (names.length < (scoped ? 2 : 1)) return "ends before the name of a package";
    if (names.some((name) => name.startsWith(".") || name === "node_modules")) return "has no name of a package in it";
    i += names.length;
    if (i + 1 < parts.length && parts[i + 1] !== "node_modules") return "is inside a package";
  }
  return undefined;
}

/** `node_modules/a/node_modules/@s/b` → `@s/b`: the name that the package is found under. */
export function folderName(location: string): string {
  const start = location.lastIndexOf("node_modules/");
  return start < 0 ? location.slice(location.lastIndexOf("/") + 1) : location.slice(start + "node_modules/".length);
}

/**
 * Commands as npm links them: the last part of each name, to a path that cannot leave the package. A text is the command named as the
 * package, without its scope.
 */
export function normaliseBin(bin: unknown, name: string): Readonly<Record<string, string>> {
  const list = Array.isArray(bin) ? bin.map((path: unknown) => [String(path), path] as const) : undefined;
  const declared = typeof bin === "string" ? { [name]: bin } : isObject(bin) ? bin : Object.fromEntries(list ?? []);
  const clean = new Map<string, string>();
  for (const [key, value] of Object.entries(declared)) {
    const command =
      key
        .replaceAll(/[\\:]/g, "/")
        .split("/")
        .findLast((part) => part !== "") ?? "";
    if (command === "" || command === "." || command === ".." || typeof value !== "string") continue;
    const target: string[] = [];
    for (const part of value.replaceAll("\\", "/").split("/")) {
      if (part === "..") target.pop();
      else if (part !== "" && part !== ".") target.push(part);
    }
    if (target.length > 0) clean.set(command, target.join("/"));
  }
  return Object.fromEntries(clean);
}

/** Reads the fields of one entry, and collects what is wrong with them. */
class Fields {
  readonly #content: Content;
  readonly #wrong: (field: string, must: string) => void;

  constructor(content: Content, wrong: (field: string, must: string) => void) {
    this.#content = content;
    this.#wrong = wrong;
  }

  text(field: string): string | undefined {
    const value = this.#content[field];
    if (value === undefined || (typeof value === "string" && value.length <= 8192 && value !== "")) return value;
    this.#wrong(field, "must be a text");
    return undefined;
  }

  flag(field: string): boolean {
    const value = this.#content[field];
    if (value !== undefined && typeof value !== "boolean") this.#wrong(field, "must be true or false");
    return value === true;
  }

  names(field: string): Dependencies {
    const value = this.#content[field];
    if (value === undefined) return {};
    if (isObject(value) && Object.values(value).every((item) => typeof item === "string")) return value as Dependencies;
    this.#wrong(field, "must be a mapping of names to texts");
    return {};
  }

  list(field: string): readonly string[] | undefined {
    const value = this.#content[field];
    if (value === undefined) return undefined;
    if (typeof value === "string") return [value];
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value as readonly string[];
    this.#wrong(field, "must be a list of texts");
    return undefined;
  }

  optionalPeers(): ReadonlySet<string> {
    const value = this.#content["peerDependenciesMeta"];
    if (value !== undefined && !isObject(value)) this.#wrong("peerDependenciesMeta", "must be a mapping");
    const meta = isObject(value) ? Object.entries(value) : [];
    return new Set(meta.flatMap(([name, each]) => (isObject(each) && each["optional"] === true ? [name] : [])));
  }

  workspaces(): readonly string[] {
    const value = this.#content["workspaces"];
    const globs: unknown = isObject(value) ? value["packages"] : value;
    if (globs === undefined) return [];
    if (Array.isArray(globs) && globs.every((item) => typeof item === "string")) return globs as readonly string[];
    this.#wrong("workspaces", "must be a list of globs");
    return [];
  }
}

export function dependenciesOf(content: Content, wrong: (field: string, must: string) => void): Dependent {
  const fields = new Fields(content, wrong);
  const optionalDependencies = fields.names("optionalDependencies");
  // npm takes what is in both as optional.
  const dependencies = Object.entries(fields.names("dependencies")).filter(
    ([name]) => !Object.hasOwn(optionalDependencies, name),
  );
  return {
    dependencies: Object.fromEntries(dependencies),
    devDependencies: fields.names("devDependencies"),
    optionalDependencies,
    peerDependencies: fields.names("peerDependencies"),
  };
}

function entryOf(location: string, content: Content, wrong: (field: string, must: string) => void): NpmEntry {
  const fields = new Fields(content, wrong);
  const name = fields.text("name") ?? folderName(location);
  const version = fields.text("version");
  const resolved = fields.text("resolved");
  const integrity = fields.text("integrity");
  const isLink = fields.flag("link");
  if (isLink && resolved === undefined) wrong("resolved", "must say where the link leads");
  if (integrity !== undefined) {
    const problem = integrityProblem(integrity);
    if (problem !== undefined) wrong("integrity", problem);
  }
  const [os, cpu, libc] = [fields.list("os"), fields.list("cpu"), fields.list("libc")];
  return {
    location,
    name,
    ...(version === undefined ? {} : { version }),
    ...(isLink && resolved !== undefined ? { link: resolved } : resolved === undefined ? {} : { resolved }),
    ...(integrity === undefined ? {} : { integrity }),
    dev: fields.flag("dev"),
    optional: fields.flag("optional"),
    devOptional: fields.flag("devOptional"),
    peer: fields.flag("peer"),
    inBundle: fields.flag("inBundle"),
    bin: normaliseBin(content["bin"], name),
    ...dependenciesOf(content, wrong),
    optionalPeers: fields.optionalPeers(),
    ...(os === undefined ? {} : { os }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(libc === undefined ? {} : { libc }),
    workspaces: fields.workspaces(),
  };
}

/** Problems in the order of the file. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted(
    (a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0),
  );
}

function versionProblem(version: unknown, place: Place): Problem | undefined {
  if (version === 2 || version === 3) return undefined;
  const known = typeof version === "number" && Number.isInteger(version);
  const message = known
    ? `has lockfileVersion ${version}; versions 2 and 3 are read`
    : "has no lockfileVersion; versions 2 and 3 are read";
  const newer = known && version > 3;
  return {
    code: "LS2502",
    message,
    place,
    hint: newer ? "write it with npm 7 to 11, or use a newer Lockstep" : relock,
  };
}

/**
 * Reads the text of a package lock. `file` is its name for messages. Throws, with line and column and for all entries at once, LS2501 (not
 * JSON, not of this shape), LS2502 (another version), LS2503 (an entry or a location that is not usable).
 */
export function parsePackageLock(text: string, file: string): PackageLock {
  if (text.length > maxLength) {
    throw new LockstepError({ code: "LS2501", message: "is larger than 64 MiB", place: { file } });
  }
  const value = parseNpmJson(text, file);
  // Only asked when something is wrong.
  let positions: Positions | undefined;
  const at = (...path: readonly string[]): Place => {
    positions ??= findKeys(text);
    for (let length = path.length; length > 0; length--) {
      const found = positions.keys.get(joinPath(path.slice(0, length)));
      if (found !== undefined) return { file, ...found };
    }
    return { file, line: 1, column: 1 };
  };
  const wrongVersion = versionProblem(value["lockfileVersion"], at("lockfileVersion"));
  if (wrongVersion !== undefined) throw new LockstepError(wrongVersion);
  const packages = value["packages"];
  if (!isObject(packages) || !isObject(packages[""])) {
    const message = "has no entry of the project itself in its packages";
    throw new LockstepError({ code: "LS2501", message, place: at("packages"), hint: relock });
  }
  const problems: Problem[] = [];
  const entries = new Map<string, NpmEntry>();
  for (const [location, content] of Object.entries(packages)) {
    const problem = (message: string, ...field: readonly string[]): void => {
      problems.push({ code: "LS2503", message, place: at("packages", location, ...field), hint: relock });
    };
    const misplaced = location === "" ? undefined : locationProblem(location);
    if (misplaced !== undefined) problem(`location ${JSON.stringify(location)} ${misplaced}`);
    else if (!isObject(content)) problem(`entry "${location}" must be a mapping`);
    else {
      const named = location === "" ? "entry of the project" : `entry "${location}"`;
      entries.set(
        location,
        entryOf(location, content, (field, must) => problem(`${named}: ${field} ${must}`, field)),
      );
    }
  }
  for (const { location, link } of entries.values()) {
    if (link === undefined) continue;
    const target = entries.get(link);
    const place = at("packages", location, "resolved");
    if (link.startsWith("../") || link.startsWith("/"))
      problems.push({
        code: "LS2503",
        message: `"${location}" is a link out of the project, to ${link}`,
        place,
        hint: "make the project one that holds what it links to",
      });
    else if (target === undefined || target.link !== undefined || link === "")
      problems.push({
        code: "LS2503",
        message: `"${location}" is a link to "${link}", which is no package of the lock file`,
        place,
        hint: relock,
      });
  }
  if (problems.length > 0) throw new LockstepError(inOrder(problems).slice(0, maxProblems));
  return { file, entries, at: (location, ...field) => at("packages", location, ...field) };
}
