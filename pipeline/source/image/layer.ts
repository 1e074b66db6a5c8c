/** Reads the layers of base images: which paths each has and takes away, and what its bytes are when they are decompressed. */
import type { Code } from "../../host/codes.ts";
import { LockstepError, type Place } from "../../host/errors.ts";
import { type Digest, Digester } from "../../store/digest.ts";
import { ByteReader } from "../../tree/bytes.ts";
import type { Entry } from "../../tree/entry.ts";
import { TarReader } from "../../tree/tar-reader.ts";
import { type Whiteout, whiteoutOf } from "../../tree/whiteout.ts";
import { decompress } from "../decompress.ts";
import type { Compression } from "../../image/media-types.ts";

/** An entry as far as layers above care: contents are only kept of the files of accounts. */
export interface LayerEntry {
  readonly path: string;
  readonly type: "directory" | "file" | "symlink" | "other";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of the files in `accountFiles`, in base64. */
  readonly content?: string;
}

export interface LayerFacts {
  /** Digest of the uncompressed tar, and its bytes. */
  readonly diffId: Digest;
  readonly tarSize: number;
  /** In the order of the archive; each path once, but for directories. */
  readonly entries: readonly LayerEntry[];
  /** Paths of the layers below that are gone, with all that is in them (OCI image-spec, layer.md "Whiteouts"). */
  readonly removed: readonly string[];
  /** Directories of which nothing of the layers below is left. */
  readonly opaque: readonly string[];
}

/** Files that accounts of an image are added to. */
export const accountFiles: readonly string[] = ["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"];

const largestAccountFile = 1 << 20;
/** Bytes of tar that a layer may become: nothing of it is written, so this only ends what never would. */
const largestTar = 256 * 2 ** 30;

/** What is known of a layer is held in memory, and kept as one text. */
const limits = { entries: 1_000_000, content: largestTar };

const endings: Readonly<Record<Compression, string>> = { none: "layer.tar", gzip: "layer.gz", zstd: "layer.zst" };

function fail(code: Code, message: string, place: Place): LockstepError {
  return new LockstepError({ code, message, place });
}

function typeOf(entry: Entry): LayerEntry["type"] {
  if (entry.type === "directory" || entry.type === "symlink") return entry.type;
  return entry.type === "file" || entry.type === "hardlink" ? "file" : "other";
}

async function* digested(source: AsyncIterable<Uint8Array>, digester: Digester): AsyncGenerator<Uint8Array, void> {
  for await (const piece of source) {
    digester.update(piece);
    yield piece;
  }
}

/** The tar of a layer. Throws LS4002 for what cannot be decompressed, LS4005 for what never ends. */
export function tarOfLayer(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  place: Place,
): AsyncIterable<Uint8Array> {
  return decompress(source, endings[compression], place, largestTar);
}

/** A whiteout of a layer that is built on; undefined for an entry like any other. LS4003 when it names no file. */
export function strictWhiteoutOf(path: string, place: Place): Whiteout | undefined {
  const found = whiteoutOf(path);
  if (found === "nothing") throw fail("LS4003", `whiteout ${JSON.stringify(path)} names no file`, place);
  return found;
}

/**
 * Reads a compressed layer to its end. `name` is what problems call it. Throws what hostile archives give (LS4001 to LS4007), LS4006 for
 * a path that is there twice.
 */
export async function readLayer(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  name: string,
): Promise<LayerFacts> {
  const place: Place = { file: name };
  const digester = new Digester();
  const bytes = new ByteReader(digested(tarOfLayer(source, compression, place), digester), place);
  const reader = new TarReader(bytes, limits, true);
  const entries: LayerEntry[] = [];
  const removed: string[] = [];
  const emptied: string[] = [];
  const seen = new Map<string, LayerEntry["type"]>();
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      const { path, mode, uid, gid } = entry;
      if (path === "") continue;
      const gone = strictWhiteoutOf(path, place);
      if (gone !== undefined) {
        if (gone.removed !== undefined) removed.push(gone.removed);
        if (gone.opaque !== undefined) emptied.push(gone.opaque);
        continue;
      }
      const type = typeOf(entry);
      const before = seen.get(path);
      if (before !== undefined && (before !== "directory" || type !== "directory"))
        throw fail("LS4006", `${path} is there twice`, place);
      seen.set(path, type);
      const content =
        accountFiles.includes(path) && entry.type === "file" ? await reader.readAll(largestAccountFile) : undefined;
      entries.push({
        path,
        type,
        mode,
        uid,
        gid,
        ...(content === undefined ? {} : { content: content.toString("base64") }),
      });
    }
  } finally {
    await bytes.close();
  }
  const tarSize = digester.size;
  return { diffId: digester.finish(), tarSize, entries, removed, opaque: emptied };
}
