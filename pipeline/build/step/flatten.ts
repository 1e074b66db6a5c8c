/** Tar files beside the store: trees and files as one archive, by the rules for tar of docs/format.md, for a step to find before it runs. */
import { createWriteStream, type WriteStream } from "node:fs";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { endOfArchive, paddingOf, tarHeader } from "../../image/tar.ts";
import { writeFailure, type Store } from "../../store/store.ts";
import { digestOf, hexOf } from "../../store/digest.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { comparePaths, type Entry } from "../../tree/entry.ts";
import { TarReader } from "../../tree/tar-reader.ts";
import { type PlacedLayer, tarOf } from "./below.ts";
import type { FileTree, Inode } from "./tree.ts";

const zeros = Buffer.alloc(512);

/** Hidden by the devices of the container, and not looked at. */
const treeFile = "dev/lockstep-tree";

export class TarFile {
  readonly #stream: WriteStream;

  constructor(path: string) {
    this.#stream = createWriteStream(path, { highWaterMark: 1 << 20 });
    // Errors are told by whoever waits for the stream.
    this.#stream.on("error", () => {});
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#stream.write(Uint8Array.from(bytes)) && this.#stream.errored === null) await once(this.#stream, "drain");
  }

  async end(): Promise<void> {
    this.#stream.end(endOfArchive);
    await finished(this.#stream);
  }

  destroy(): void {
    this.#stream.destroy();
  }
}

/** The entry of a path; content follows that of a file. */
function headerOf(path: string, inode: Inode): Uint8Array {
  const { type, mode, uid, gid, mtime, xattrs, size = 0, target = "", device = [0, 0] } = inode;
  const base = { path, mode, uid, gid, mtime, ...(Object.keys(xattrs).length === 0 ? {} : { xattrs }) };
  const entry: Entry =
    type === "file"
      ? { ...base, type, size }
      : type === "symlink"
        ? { ...base, type, target }
        : type === "character" || type === "block"
          ? { ...base, type, major: device[0], minor: device[1] }
          : { ...base, type };
  return tarHeader(entry);
}

function linkTo(path: string, target: string, { mode, uid, gid, mtime }: Inode): Uint8Array {
  return tarHeader({ type: "hardlink", path, target, mode, uid, gid, mtime });
}

/**
 * A file that is another one when times in the tree are others, or its layers. Engines take one tree for another of the same content, whatever
 * times are in it and however it was put together, so that a step would find one that was there before.
 */
function identityOf(entries: readonly (readonly [string, Inode])[], count: number): Uint8Array {
  const lines = entries.map(([path, { mtime }]) => `${mtime} ${path}\n`);
  const content = Buffer.from(hexOf(digestOf(`${count}\n${lines.join("")}`)));
  const entry = { type: "file", path: treeFile, mode: 0o644, uid: 0, gid: 0, mtime: 0, size: content.length } as const;
  return Buffer.concat([tarHeader(entry), content, Buffer.alloc(paddingOf(content.length))]);
}

/** All of a tree, or its directories and every `count`th of what else there is, from the one at `part` on. */
export interface Part {
  readonly part: number;
  readonly count: number;
}

async function writeTree(
  results: Store,
  layers: readonly PlacedLayer[],
  tree: FileTree,
  file: TarFile,
  { part, count }: Part,
): Promise<void> {
  const all = [...tree.entries()].toSorted(([a], [b]) => comparePaths(a, b));
  const inodes = new Set(all.map(([, inode]) => inode).filter(({ type }) => type !== "directory"));
  const own = new Set([...inodes].filter((_, index) => index % count === part));
  for (const [path, inode] of all) if (inode.type === "directory") await file.write(headerOf(path, inode));
  if ((tree.get("dev")?.type ?? "directory") === "directory") await file.write(identityOf(all, count));
  for (const [position, layer] of layers.entries()) {
    const wanted = new Map(
      [...own].flatMap((inode) =>
        inode.type === "file" && inode.origin.layer === position ? [[inode.origin.path, inode] as const] : [],
      ),
    );
    if (wanted.size === 0) continue;
    const bytes = new ByteReader(tarOf(results, layer), { file: layer.planned.title });
    const reader = new TarReader(bytes);
    try {
      for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
        const inode = entry.type === "file" ? wanted.get(entry.path) : undefined;
        if (inode === undefined) continue;
        const [first = "", ...others] = [...inode.names].toSorted(comparePaths);
        await file.write(headerOf(first, inode));
        for (let piece = await reader.read(); piece !== undefined; piece = await reader.read()) await file.write(piece);
        await file.write(zeros.subarray(0, paddingOf(inode.size ?? 0)));
        for (const name of others) await file.write(linkTo(name, first, inode));
      }
    } finally {
      await bytes.close();
    }
  }
  for (const [path, inode] of all) if (own.has(inode) && inode.type !== "file") await file.write(headerOf(path, inode));
}

/** Writes the tree that layers make together, or a part of it, as a tar archive. LS1004 when there is no space. */
export async function flatten(
  results: Store,
  layers: readonly PlacedLayer[],
  tree: FileTree,
  path: string,
  part: Part = { part: 0, count: 1 },
): Promise<void> {
  const file = new TarFile(path);
  try {
    await writeTree(results, layers, tree, file, part);
    await file.end();
  } catch (error) {
    file.destroy();
    throw writeFailure(path, error);
  }
}
