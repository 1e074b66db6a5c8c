/** Trees of node_modules: as npm leaves them on disk, and as Lockstep unpacks them, in one form to compare. */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { NpmPlace, NpmTree } from "../../../pipeline/source/npm/layout.ts";
import { unpackNpm } from "../../../pipeline/source/npm/unpack.ts";
import type { Entry } from "../../../pipeline/tree/entry.ts";

/** `file 755 <sha256>`, `directory 755`, `symlink ../a` by path below the project. */
export type Tree = Readonly<Record<string, string>>;

function sorted(items: Iterable<readonly [string, string]>): Tree {
  return Object.fromEntries([...items].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** All that is in every node_modules of a project on disk, but for the copy of the lock file that npm keeps there. */
export function treeOnDisk(project: string): Tree {
  const found = new Map<string, string>();
  const walk = (path: string, inside: boolean): void => {
    for (const item of readdirSync(join(project, path), { withFileTypes: true })) {
      const below = path === "" ? item.name : `${path}/${item.name}`;
      const within = inside || item.name === "node_modules";
      if (below === "node_modules/.package-lock.json") continue;
      const mode = (lstatSync(join(project, below)).mode & 0o7777).toString(8);
      if (item.isSymbolicLink()) {
        if (within) found.set(below, `symlink ${readlinkSync(join(project, below))}`);
      } else if (item.isDirectory()) {
        if (within) found.set(below, `directory ${mode}`);
        walk(below, within);
      } else if (within) found.set(below, `file ${mode} ${hashOf(readFileSync(join(project, below)))}`);
    }
  };
  walk("", false);
  return sorted(found);
}

/** One tarball unpacked in its place; directories too. */
export async function unpackPlace(
  place: Pick<NpmPlace, "location" | "bins" | "executable" | "drop" | "bundled">,
  tarball: Uint8Array,
): Promise<{ readonly tree: Tree; readonly scripts: readonly string[] }> {
  const tar = gunzipSync(tarball);
  const tree = new Map<string, string>();
  let current: { readonly entry: Entry; readonly pieces: Uint8Array[] } | undefined;
  const end = (): void => {
    if (current === undefined) return;
    const { entry, pieces } = current;
    const content = Buffer.concat(pieces);
    if (entry.type === "file" && content.length !== entry.size) throw new Error(`${entry.path}: size`);
    const mode = entry.mode.toString(8);
    const text = entry.type === "symlink" ? entry.target : entry.type === "file" ? `${mode} ${hashOf(content)}` : mode;
    tree.set(entry.path, `${entry.type} ${text}`);
  };
  const sink = {
    entry: (entry: Entry) => {
      end();
      current = { entry, pieces: [] };
      return Promise.resolve();
    },
    content: (piece: Uint8Array) => {
      current?.pieces.push(Uint8Array.from(piece));
      return Promise.resolve();
    },
  };
  const open = async function* (): AsyncGenerator<Uint8Array, void> {
    yield tar;
  };
  const { location, bins, executable, drop, bundled } = place;
  const options = { location, uid: 0, gid: 0, bins, executable, drop, bundled };
  const { scripts } = await unpackNpm(open, { file: location }, sink, options);
  end();
  return { tree: sorted(tree), scripts };
}

/** The tree of a package lock, from the tarballs by their integrity; `has` tells which files of the project are there. */
export async function unpackedTree(
  { places, links, linkedBins }: NpmTree,
  tarballOf: (place: NpmPlace) => Uint8Array,
  has: (file: string) => boolean,
): Promise<Tree> {
  const found = new Map<string, string>();
  const parents = (path: string): void => {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const parent = path.slice(0, end);
      if (/(?:^|\/)node_modules(?:\/|$)/.test(parent) && !found.has(parent)) found.set(parent, "directory 755");
    }
  };
  for (const place of places) {
    const { tree } = await unpackPlace(place, tarballOf(place));
    for (const [path, text] of Object.entries(tree)) found.set(path, text);
  }
  for (const { path, target } of links) {
    found.set(path, `symlink ${target}`);
    parents(path);
  }
  for (const { path, target, file } of linkedBins) {
    if (!has(file)) continue;
    found.set(path, `symlink ${target}`);
    parents(path);
  }
  return sorted(found);
}
