/** Which files of a directory npm packs into a tarball: the rules of npm-packlist 10.0.4, on a tree that is in memory. */
import { posix } from "node:path";
import { Minimatch } from "minimatch";
import { LockstepError, type Place } from "../../host/errors.ts";
import { isObject, normaliseBin } from "./package-lock.ts";

/** A directory that may become a package; paths are relative to it. */
export interface PackTree {
  /** Kinds of what is there by path, without the directory itself; `other` is what is never packed, such as a link. */
  readonly kinds: ReadonlyMap<string, "file" | "directory" | "other">;
  /** Texts of the files whose names are `isRuleFile`, as far as `package.json` of the directory itself and ignore files are concerned. */
  readonly texts: ReadonlyMap<string, string>;
}

const ignoreFiles = [".npmignore", ".gitignore"] as const;

/** Whether the text of a file is needed to tell what is packed. */
export function isRuleFile(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return path === "package.json" || ignoreFiles.some((file) => file === name);
}

/** Left out wherever nothing else takes them in. */
const usually = [
  ".npmignore",
  ".gitignore",
  "**/.git",
  "**/.svn",
  "**/.hg",
  "**/CVS",
  "**/.git/**",
  "**/.svn/**",
  "**/.hg/**",
  "**/CVS/**",
  "/.lock-wscript",
  "/.wafpickle-*",
  "/build/config.gypi",
  "npm-debug.log",
  "**/.npmrc",
  ".*.swp",
  ".DS_Store",
  "**/.DS_Store/**",
  "._*",
  "**/._*/**",
  "*.orig",
  "/archived-packages/**",
];

/** Said last, about the package itself: what is always in, and what never is. */
const always = [
  "/.git",
  "!/package.json",
  "!/readme{,.*[^~$]}",
  "!/copying{,.*[^~$]}",
  "!/license{,.*[^~$]}",
  "!/licence{,.*[^~$]}",
  "/.git",
  "/node_modules",
  ".npmrc",
  "/package-lock.json",
  "/yarn.lock",
  "/pnpm-lock.yaml",
  "/bun.lockb",
];

/** Where rules come from, in the order in which they are asked; the last one that matches counts. */
type Origin = "usual" | "files" | ".npmignore" | ".gitignore" | "strict";
const origins: readonly Origin[] = ["usual", "files", ".npmignore", ".gitignore", "strict"];

/** Rules that cost more than this are refused: a pattern is matched by trying, and a hostile one would be tried for years. */
const limits = { length: 1024, wildcards: 16, inOnePart: 4, alternatives: 1000, rules: 10_000, name: 255 };

function refusal(message: string, place: Place): LockstepError {
  const hint = "depend on a published version, or on a tarball of the package in the repository";
  return new LockstepError({ code: "LS2512", message, place, hint });
}

/** What of a package.json decides what is packed. */
interface PackManifest {
  readonly files?: readonly string[];
  /** Files that are in without being named: of `main`, `browser` and `bin`. */
  readonly needed: readonly string[];
}

/** Whether npm goes by a value as if it were not there. */
function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === false || value === "" || value === 0;
}

/** Reads a package.json; LS2512 for what npm cannot pack, or packs with more than what the commit has. */
function readManifest(text: string, place: Place): PackManifest {
  let content: unknown;
  try {
    content = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    // Said below.
  }
  if (!isObject(content)) throw refusal("has a package.json that is not JSON", place);
  const { files, main, browser, bin, name, directories } = content;
  const bundled = content["bundleDependencies"] ?? content["bundledDependencies"];
  if (!isUnset(bundled) && (typeof bundled !== "object" || Object.keys(bundled ?? {}).length > 0))
    throw refusal("bundles packages, which its commit does not have", place);
  if (!isUnset(content["workspaces"])) throw refusal("has workspaces", place);
  if (isUnset(bin) && isObject(directories) && !isUnset(directories["bin"]))
    throw refusal("names its commands by a directory", place);
  if (!isUnset(main) && typeof main !== "string")
    throw refusal("has a main in its package.json that is no text", place);
  if (!isUnset(browser) && typeof browser !== "string" && !isObject(browser))
    throw refusal("has a browser in its package.json that is neither a text nor a mapping", place);
  const isList = Array.isArray(files) && files.every((each) => typeof each === "string");
  if (!isUnset(files) && !isList) throw refusal("has files in its package.json that are no list of texts", place);
  return {
    // An empty list is one too: it takes nothing that is not always in.
    ...(isList ? { files: files as readonly string[] } : {}),
    needed: [
      // npm makes a text of a mapping without looking into it.
      ...(isUnset(browser) ? [] : [typeof browser === "string" ? browser : "[object Object]"]),
      ...(isUnset(main) ? [] : [String(main)]),
      ...Object.values(normaliseBin(bin, typeof name === "string" ? name : "")),
    ],
  };
}

/** A directory on the way down, with the rules that begin in it. */
class Directory {
  readonly path: string;
  readonly #above: Directory | undefined;
  readonly #name: string;
  /** Whether the directory itself is taken, so that what is in it needs no leave from above. */
  readonly #exact: boolean;
  readonly #rules = new Map<Origin, readonly Minimatch[]>();
  /** Files right in this directory, or right in one of it, that `files` of the package names. */
  readonly required: string[];

  constructor(path: string, above: Directory | undefined, exact: boolean, required: readonly string[]) {
    this.path = path;
    this.#above = above;
    this.#name = path.slice(path.lastIndexOf("/") + 1);
    this.#exact = exact;
    this.required = [...required];
  }

  add(origin: Origin, rules: readonly Minimatch[]): void {
    this.#rules.set(origin, rules);
  }

  /** Of the rules of ignore files only those of the first count, and none where `files` says what is in. */
  settle(): void {
    if (this.#rules.has("files")) this.#rules.delete(".npmignore");
    if (this.#rules.has("files") || this.#rules.has(".npmignore")) this.#rules.delete(".gitignore");
  }

  /** Whether an entry is taken; `partial`: whether something in it may be. `base` is its name, when `entry` has directories before it. */
  takes(entry: string, partial: boolean, base?: string): boolean {
    let taken = true;
    if (this.#above !== undefined) {
      taken = this.#above.takes(`${this.#name}/${entry}`, partial, base ?? entry);
      if (!taken && !this.#exact) return false;
    }
    for (const origin of origins) {
      for (const rule of this.#rules.get(origin) ?? []) {
        if (rule.negate !== taken && matches(rule, entry, partial, base)) taken = rule.negate;
      }
    }
    return taken;
  }
}

/** Whether a rule is about an entry, which it may name from its directory on, or by what it ends with. */
function matches(rule: Minimatch, entry: string, partial: boolean, base: string | undefined): boolean {
  const somehow = (path: string): boolean => rule.match(`${path}/`) || (rule.negate && rule.match(path, true));
  if (rule.match(`/${entry}`) || rule.match(entry)) return true;
  if (!partial) return false;
  if (somehow(`/${entry}`) || somehow(entry)) return true;
  if (base === undefined) return false;
  const oneName = rule.globParts.some((parts) => parts.length <= (parts.at(-1) === "" ? 2 : 1));
  return oneName && (somehow(`/${base}`) || somehow(base));
}

class Packer {
  readonly #tree: PackTree;
  readonly #place: Place;
  readonly #names = new Map<string, string[]>();
  readonly #usual: readonly Minimatch[];
  readonly #packed = new Set<string>();
  #count = 0;

  constructor(tree: PackTree, place: Place) {
    this.#tree = tree;
    this.#place = place;
    for (const path of tree.kinds.keys()) {
      const end = path.lastIndexOf("/");
      const above = end < 0 ? "" : path.slice(0, end);
      const names = this.#names.get(above);
      if (names === undefined) this.#names.set(above, [path.slice(end + 1)]);
      else names.push(path.slice(end + 1));
    }
    this.#usual = this.#rules(usually);
  }

  run(): ReadonlySet<string> {
    const text = this.#tree.texts.get("package.json");
    if (text === undefined) throw refusal("has no package.json", this.#place);
    const top = new Directory("", undefined, false, []);
    this.#addManifest(top, readManifest(text, this.#place));
    this.#walk(top);
    return this.#packed;
  }

  #rule(text: string): Minimatch {
    const shown = JSON.stringify(text.slice(0, 80));
    const costly = (why: string): LockstepError => refusal(`has the pattern ${shown}, which ${why}`, this.#place);
    if (text.length > limits.length) throw costly(`has more than ${limits.length} characters`);
    if (/[*+]\(/.test(text)) throw costly("has a group that repeats");
    const parts = text.split("/").map((part) => part.match(/\*+|[?@!]\(/g)?.length ?? 0);
    if (parts.some((number) => number > limits.inOnePart))
      throw costly(`has more than ${limits.inOnePart} wildcards in a name`);
    if (parts.reduce((sum, number) => sum + number, 0) > limits.wildcards)
      throw costly(`has more than ${limits.wildcards} wildcards`);
    if (++this.#count > limits.rules) throw refusal(`has more than ${limits.rules} patterns`, this.#place);
    const rule = new Minimatch(text, { matchBase: true, dot: true, flipNegate: true, nocase: true });
    if (rule.set.length > limits.alternatives) throw costly(`has more than ${limits.alternatives} alternatives`);
    return rule;
  }

  #rules(lines: readonly string[]): readonly Minimatch[] {
    return lines
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => this.#rule(line));
  }

  /** What is at a path that `files` names; it may have slashes and dots too many. */
  #kindAt(path: string): "file" | "directory" | "other" | undefined {
    const parts: string[] = [];
    for (const part of path.split("/")) {
      if (part === "..") {
        if (parts.pop() === undefined) return undefined;
      } else if (part !== "" && part !== ".") parts.push(part);
    }
    const kind = parts.length === 0 ? "directory" : this.#tree.kinds.get(parts.join("/"));
    return path.endsWith("/") && kind === "file" ? undefined : kind;
  }

  #addManifest(top: Directory, { files, needed }: PackManifest): void {
    const strict = [...always, ...needed.map((path) => `!/${path}`)];
    if (files !== undefined) {
      const taken: string[] = ["*"];
      for (const listed of files) {
        const from = listed.startsWith("./") ? listed.slice(1) : listed;
        const file = from.endsWith("/*") ? `${from}*` : from;
        const kind = this.#kindAt(file.replace(/^!+/, ""));
        if (kind === "file") {
          strict.unshift(`!${file}`);
          top.required.push(file.startsWith("/") ? file.slice(1) : file);
        } else if (kind === "directory") taken.push(`!${file}`, `!${file}/**`);
        else if (kind === undefined) taken.push(`!${file}`);
      }
      top.add("files", this.#rules(taken.flatMap(lines)));
    }
    top.add("strict", this.#rules(strict.flatMap(lines)));
  }

  #walk(directory: Directory): void {
    const at = (name: string): string => (directory.path === "" ? name : `${directory.path}/${name}`);
    directory.add("usual", this.#usual);
    for (const file of ignoreFiles) {
      const kind = this.#tree.kinds.get(at(file));
      if (kind === undefined) continue;
      if (kind !== "file") throw refusal(`has ${at(file)}, which is no file`, this.#place);
      directory.add(file, this.#rules(lines(this.#tree.texts.get(at(file)) ?? "")));
    }
    directory.settle();
    for (const name of this.#names.get(directory.path) ?? []) {
      if (Buffer.byteLength(name) > limits.name)
        throw refusal(`has ${at(name).slice(0, 200)}…, a name of more than ${limits.name} bytes`, this.#place);
      const [file, inside] = [directory.takes(name, false), directory.takes(name, true)];
      // Names that Windows could not have are never packed.
      if ((!file && !inside) || name.includes("*")) continue;
      const kind = this.#tree.kinds.get(at(name));
      if (kind === "file" && file) this.#packed.add(at(name));
      if (kind === "directory" && inside) {
        const required = directory.required.flatMap((path) => requiredIn(name, path));
        const below = new Directory(at(name), directory, file || directory.takes(`${name}/`, false), required);
        below.add("strict", this.#rules(["/.git", ...required.map((path) => `!${path}`)]));
        this.#walk(below);
      }
    }
  }
}

function lines(text: string): readonly string[] {
  return text.split(/\r?\n/);
}

/** A file that is named from one directory on, as named from `name` in it; none where it is not right in there. */
function requiredIn(name: string, path: string): readonly string[] {
  const [first, second, ...rest] = posix.normalize(path).split("/");
  return first === name && second !== undefined && rest.length === 0 ? [second] : [];
}

/**
 * The files that npm packs. `place` is what problems call the directory. Throws LS2512 for what npm cannot pack from the files alone: bundled
 * packages, workspaces, a package.json or a rule that is not usable.
 */
export function packList(tree: PackTree, place: Place): ReadonlySet<string> {
  return new Packer(tree, place).run();
}
