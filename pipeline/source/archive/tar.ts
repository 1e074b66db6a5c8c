/** An input that is a tar archive, plain or compressed with gzip, xz or zstd: unpacked in one pass, with nothing of it believed. */
import { LockstepError } from "../../host/errors.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { TarReader } from "../../tree/tar-reader.ts";
import { type Decoders, decompress } from "../decompress.ts";
import { contentLimit, entryLimit } from "./limits.ts";
import { type Selection, selector } from "./select.ts";
import type { EntrySink, InputBlob } from "./sink.ts";

/** How archives begin, with the ending that names what decodes them. */
const beginnings: readonly (readonly [ending: "gz" | "xz" | "zst", bytes: readonly number[]])[] = [
  ["gz", [0x1f, 0x8b]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zst", [0x28, 0xb5, 0x2f, 0xfd]],
];

/** A blob read piece by piece, whose end is reached whatever a decoder makes of it: only there its digest is known. */
class Pieces {
  readonly #stream: AsyncGenerator<Uint8Array, void>;
  #failure: { readonly error: unknown } | undefined;

  constructor(stream: AsyncGenerator<Uint8Array, void>) {
    this.#stream = stream;
  }

  async next(): Promise<Uint8Array | undefined> {
    try {
      const next = await this.#stream.next();
      return next.done === true ? undefined : next.value;
    } catch (error) {
      // A decoder that has failed already does not hand on what it is told later.
      this.#failure = { error };
      throw error;
    }
  }

  async *after(head: Uint8Array): AsyncGenerator<Uint8Array, void> {
    if (head.length > 0) yield head;
    for (let piece = await this.next(); piece !== undefined; piece = await this.next()) yield piece;
  }

  /** Reads to the end; LS3001 when the blob is not what it is called. */
  async finish(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    while ((await this.next()) !== undefined);
  }

  async close(): Promise<void> {
    await this.#stream.return();
  }
}

/**
 * Unpacks a tar archive; the compression is told by its first bytes. Throws LS4001 to LS4007 for what is damaged or hostile, and LS3001
 * when the blob is not what it is called.
 */
export async function unpackTar(
  blob: InputBlob,
  sink: EntrySink,
  selection: Selection,
  decoders: Decoders,
): Promise<void> {
  const { place } = blob;
  const size = (await blob.store.find(blob.digest))?.size ?? 0;
  const pieces = new Pieces(blob.store.stream(blob.digest, 1 << 18));
  try {
    const head = (await pieces.next()) ?? Buffer.alloc(0);
    const ending = beginnings.find(([, bytes]) => bytes.every((byte, index) => head[index] === byte))?.[0] ?? "tar";
    const limit = contentLimit(size);
    const decoded = decompress(pieces.after(head), `tar.${ending}`, place, limit, decoders);
    const bytes = new ByteReader(decoded, place);
    try {
      await readEntries(
        new TarReader(bytes, { entries: entryLimit, content: limit }),
        sink,
        selector(selection, place),
      );
      await bytes.drain();
    } finally {
      await bytes.close();
    }
    await pieces.finish();
  } catch (error) {
    // A damaged blob looks like a malformed archive; reading it to its end tells which it is.
    if (error instanceof LockstepError) await pieces.finish();
    throw error;
  } finally {
    await pieces.close();
  }
}

async function readEntries(tar: TarReader, sink: EntrySink, select: ReturnType<typeof selector>): Promise<void> {
  for (let raw = await tar.next(); raw !== undefined; raw = await tar.next()) {
    const entry = raw.path === "" ? undefined : select(raw);
    if (entry === undefined) continue;
    await sink.entry(entry);
    if (entry.type !== "file") continue;
    for (let piece = await tar.read(); piece !== undefined; piece = await tar.read()) await sink.content(piece);
  }
}
