/** Tar files beside the store: trees and files as one archive, by the rules for tar of docs/format.md, for a step to find before it runs. */
import { createWriteStream, type WriteStream } from "node:fs";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { endOfArchive, paddingOf, tarHeader } from "../../image/tar.ts";
import { writeFailure, type Store } from "../../store/store.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { comparePaths, type Entry } from "../../tree/entry.ts";
import { TarReader } from "../../tree/tar-reader.ts";
import { type PlacedLayer, tarOf } from "./below.ts";
import type { FileTree, Inode } from "./tree.ts";

const zeros = Buffer.alloc(512);

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

async function writeTree(results: Store, layers: readonly PlacedLayer[], tree: FileTree, file: TarFile): Promise<void> {
  const all = [...tree.entries()].toSorted(([a], [b]) => comparePaths(a, b));
  for (const [path, inode] of all) if (inode.type === "directory") await file.write(headerOf(path, inode));
  for (const [position, layer] of layers.entries()) {
    const wanted = new Map(
      all.flatMap(([, inode]) =>
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
  for (const [path, inode] of all)
    if (inode.type !== "directory" && inode.type !== "file") await file.write(headerOf(path, inode));
}

/** Writes the tree that layers make together as a tar archive. LS1004 when there is no space. */
export async function flatten(
  results: Store,
  layers: readonly PlacedLayer[],
  tree: FileTree,
  path: string,
): Promise<void> {
  const file = new TarFile(path);
  try {
    await writeTree(results, layers, tree, file);
    await file.end();
  } catch (error) {
    file.destroy();
    throw writeFailure(path, error);
  }
}
