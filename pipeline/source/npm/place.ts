/** What is alike for all npm packages, wherever their files come from: directories, links to commands, first lines of scripts, install scripts. */
import { installScripts } from "../../lock/types.ts";
import { comparePaths, type Entry, parentOf } from "../../tree/entry.ts";
import { linkText } from "./bins.ts";
import { isObject } from "./package-lock.ts";

/** Gets the entries: directories sorted, then files in the order of the archive with their contents, then links. */
export interface NpmSink {
  entry(entry: Entry): Promise<void>;
  content(piece: Uint8Array): Promise<void>;
}

/** Where a package goes, and which of its files are commands. */
export interface NpmPlacement {
  /** Directory of the package below the project: `node_modules/a`. All paths that are given to the sink are below the project. */
  readonly location: string;
  readonly uid: number;
  readonly gid: number;
  /** Commands: a link is made where the file is there, and the file is made executable. `file` is below `location`. */
  readonly bins: readonly NpmBin[];
  /** Files of commands that have no link. */
  readonly executable: readonly string[];
  /** Paths below `location` at and below which nothing is unpacked. */
  readonly drop: readonly string[];
}

interface NpmBin {
  readonly link: string;
  readonly file: string;
}

/** Bytes of the largest package.json that is read. */
export const manifestLimit = 8 << 20;

/** Bytes in which npm looks for the end of a script's first line. */
export const firstLineLimit = 2048;

/** Whether another package is unpacked at a path, or above it. */
export function isDropped({ drop }: Pick<NpmPlacement, "drop">, path: string): boolean {
  return drop.some((place) => path === place || path.startsWith(`${place}/`));
}

/** Sends all directories from node_modules down; `directories` are below the package. Directories of images have the epoch: this time is never the newest. */
export async function sendDirectories(
  sink: NpmSink,
  { location, uid, gid }: NpmPlacement,
  directories: Iterable<string>,
  links: readonly NpmBin[],
): Promise<void> {
  const paths = [location, ...[...directories].map((path) => `${location}/${path}`)];
  const all = new Set<string>(paths);
  for (const path of [...paths, ...links.map(({ link }) => link)])
    for (let parent = parentOf(path); /(?:^|\/)node_modules(?:\/|$)/.test(parent); parent = parentOf(parent))
      all.add(parent);
  for (const path of [...all].toSorted(comparePaths))
    await sink.entry({ type: "directory", path, mode: 0o755, uid, gid, mtime: 0 });
}

/** Sends the links to commands. */
export async function sendLinks(
  sink: NpmSink,
  { location, uid, gid }: NpmPlacement,
  links: readonly NpmBin[],
  mtime: number,
): Promise<void> {
  for (const { link, file } of links) {
    const target = linkText(link, `${location}/${file}`);
    await sink.entry({ type: "symlink", path: link, mode: 0o777, uid, gid, mtime, target });
  }
}

/**
 * The begin of a command's file as npm leaves it: a script whose first line ends as on Windows would not find its interpreter, and loses its
 * carriage return.
 */
export function mendedBegin(begin: Buffer): Buffer {
  const end = begin.subarray(0, firstLineLimit).indexOf(0x0a);
  const windows = begin.toString("latin1", 0, 2) === "#!" && end >= 4 && begin[end - 1] === 0x0d;
  return windows ? Buffer.concat([begin.subarray(0, end - 1), begin.subarray(end)]) : begin;
}

/** What a package says of itself in its package.json. */
export interface NpmStated {
  /** Scripts that npm would run after unpacking it: `install: node build.js`. */
  readonly scripts: readonly string[];
  /** `license`, or the older forms of it: an object with `type`, and `licenses`, a list to choose from. Sorted. */
  readonly licences: readonly string[];
}

/** The members of a package.json; none where it cannot be read, as for npm. */
function membersOf(manifest: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(manifest?.replace(/^\ufeff/, "") ?? "{}");
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** The licences that a package.json states. */
export function licencesOf(manifest: string | undefined): readonly string[] {
  const { license, licenses } = membersOf(manifest);
  const stated: readonly unknown[] = license === undefined ? [licenses].flat() : [license];
  const names = stated.flatMap((value) => {
    const name = isObject(value) ? value["type"] : value;
    return typeof name === "string" && name.trim() !== "" ? [name.trim().replaceAll(/\s+/g, " ")] : [];
  });
  return [...new Set(names)].toSorted(comparePaths);
}

/** The scripts of a package.json that npm would run, of those named; a package with a binding.gyp and none of its own is compiled. */
export function scriptsOf(
  manifest: string | undefined,
  hasGyp: boolean,
  names: readonly string[] = installScripts,
): readonly string[] {
  const content = membersOf(manifest);
  const scripts = isObject(content["scripts"]) ? content["scripts"] : {};
  const own = names.flatMap((hook) => {
    const command = scripts[hook];
    return typeof command === "string" && command !== "" ? [`${hook}: ${command}`] : [];
  });
  const compiles = hasGyp && content["gypfile"] !== false && !own.some((script) => /^(?:pre)?install:/.test(script));
  return compiles ? ["install: node-gyp rebuild", ...own] : own;
}
