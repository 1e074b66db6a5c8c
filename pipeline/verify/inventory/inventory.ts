/** What is in an image: its layers, files and packages, each with its size. */
import { LockstepError, messageOf } from "../../host/errors.ts";
import { counted } from "../../report/format.ts";
import { RawTarReader, type RawEntry } from "../archive/raw-tar.ts";
import { splitName } from "../archive/scan.ts";
import { compressionOf, decompressed } from "../compare/compression.ts";
import type { Unread } from "../compare/finding.ts";
import type { SubjectBlob, SubjectImage } from "../compare/subject.ts";
import { type PackageListing, packagesOf, tells } from "./packages.ts";
import { FileTree } from "./tree.ts";

export interface LayerSize {
  readonly digest: string;
  /** Bytes of the blob, as it is downloaded. */
  readonly download: number;
  /** Bytes of the files in it. */
  readonly size: number;
  readonly files: number;
}

export interface Inventory extends PackageListing {
  readonly platform?: string;
  readonly layers: readonly LayerSize[];
  readonly tree: FileTree;
  /** What could not be read, so that more may be there. */
  readonly missed: readonly Unread[];
}

/** Bytes of one file about packages that are read, and of all of them. */
const largestFile = 16 << 20;
const largestSum = 128 << 20;
/** Entries of one layer; with more of them an archive is an attack on memory. */
const mostEntries = 3_000_000;

/** The layers of one image while they are read, one on the other. */
class Reading {
  readonly tree = new FileTree();
  readonly layers: LayerSize[] = [];
  readonly missed: Unread[] = [];
  readonly #platform: { readonly platform?: string };
  #room = largestSum;

  constructor(platform: string | undefined) {
    this.#platform = platform === undefined ? {} : { platform };
  }

  #miss(layer: number, reason: string, path?: string): void {
    const at = path === undefined ? { part: "layer" as const } : { part: "entry" as const, path };
    this.missed.push({ where: { ...this.#platform, ...at, layer }, reason });
  }

  async #content(reader: RawTarReader, entry: RawEntry, path: string, layer: number): Promise<Buffer | undefined> {
    if (!tells(path) || entry.type !== "file") return undefined;
    if (entry.stored > largestFile || entry.stored > this.#room) {
      this.#miss(layer, "there is more about packages than is read", path);
      return undefined;
    }
    this.#room -= entry.stored;
    return reader.whole(entry);
  }

  async #entries(blob: SubjectBlob, layer: number): Promise<{ readonly size: number; readonly files: number }> {
    let [size, files, dropped] = [0, 0, 0];
    const compression = await compressionOf(blob.open());
    const reader = new RawTarReader(decompressed(blob.open(), compression, blob.name), blob.name);
    const put: (() => void)[] = [];
    try {
      for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
        const { path } = splitName(entry.name);
        // A layer takes away only from the layers below it, wherever in the archive it says so.
        if (this.tree.remove(path)) continue;
        const { type, stored } = entry;
        const content = await this.#content(reader, entry, path, layer);
        if (type !== "directory") {
          size += stored;
          files++;
        }
        if (put.length === mostEntries)
          throw new LockstepError({
            code: "LS4005",
            message: `more than ${mostEntries} entries`,
            place: { file: blob.name },
          });
        const file = { size: stored, layer, ...(content === undefined ? {} : { content }) };
        put.push(() => (this.tree.put(path, type === "directory" ? undefined : file) ? 0 : dropped++));
      }
    } finally {
      await reader.close();
      for (const one of put) one();
      if (dropped > 0)
        this.#miss(
          layer,
          `${counted(dropped, "entry", "entries")} left out: too many, or with names that no system opens`,
        );
    }
    return { size, files };
  }

  async layer(blob: SubjectBlob): Promise<void> {
    const number = this.layers.length + 1;
    const base = { digest: blob.digest, download: blob.size };
    // Attestations and other artefacts have blobs that are no archives.
    if (blob.mediaType !== "" && !/\btar\b/.test(blob.mediaType)) {
      this.layers.push({ ...base, size: 0, files: 0 });
      return;
    }
    try {
      this.layers.push({ ...base, ...(await this.#entries(blob, number)) });
    } catch (error) {
      this.#miss(number, messageOf(error).split("\n")[0] ?? "it cannot be read");
      this.layers.push({ ...base, size: 0, files: 0 });
    }
  }
}

/** Reads every layer once, from the lowest up. What cannot be read is in `missed`. */
export async function inventoryOf({ platform, layers }: Pick<SubjectImage, "platform" | "layers">): Promise<Inventory> {
  const reading = new Reading(platform);
  for (const blob of layers) await reading.layer(blob);
  const listing = packagesOf(reading.tree);
  const unread = listing.unread.map(({ path, reason }): Unread => {
    const layer = reading.tree.find(path)?.file?.layer;
    const where = { part: "entry" as const, path, ...(layer === undefined ? {} : { layer }) };
    return { where: platform === undefined ? where : { ...where, platform }, reason };
  });
  return {
    ...(platform === undefined ? {} : { platform }),
    layers: reading.layers,
    tree: reading.tree,
    ...listing,
    missed: [...reading.missed, ...unread],
  };
}
