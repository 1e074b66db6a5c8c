/** Fragments: the tar entries of one origin, compressed on their own (docs/format.md, "Fragments"). */
import { crc32 } from "node:zlib";
import { LockstepError } from "../host/errors.ts";
import type { Blob, BlobWriter, Store, TarWriter } from "../store/store.ts";
import type { Entry } from "../tree/entry.ts";
import { blockSize, deflate, dictionarySize } from "./deflate.ts";
import { paddingOf, tarHeader } from "./tar.ts";

export interface Fragment extends Blob {
  /** Bytes of tar that it decompresses to. */
  readonly tarSize: number;
  /** CRC-32 of those bytes. */
  readonly crc32: number;
}

/** Blocks that are compressed at once for one fragment, a few more than there are threads on small machines. The bytes do not depend on it. */
const inFlight = 4;

const zeros = Buffer.alloc(512);

/** Blocks that no writer uses: a build of many small packages would otherwise mostly make and collect them. */
const unused: Uint8Array[] = [];
const mostUnused = 8;

/** Memory for a block, with what it is primed with in front, which the threads that compress it share. */
function takeBlock(): Uint8Array {
  return unused.pop() ?? new Uint8Array(new SharedArrayBuffer(dictionarySize + blockSize));
}

function giveBlock(block: Uint8Array): void {
  if (unused.length < mostUnused) unused.push(block);
}

/** A fragment with more bytes of tar than this is inflated again when it is joined; writing it twice would cost more. */
const largestTar = 64 << 20;

/** Writes entries one after the other into a blob; memory stays at a few blocks however large the entries are. */
export class FragmentWriter {
  readonly #blob: BlobWriter;
  /** Gets the tar uncompressed as well. */
  #tar: TarWriter | undefined;
  readonly #queue: Promise<readonly [Uint8Array, void]>[] = [];
  /** Undefined once the writer has ended. */
  #block: Uint8Array | undefined = takeBlock();
  /** Bytes of it that have been written, and those in front of them that it is primed with. */
  #filled = 0;
  #dictionary = 0;
  #tarSize = 0;
  #crc = 0;
  /** Bytes of content the current entry still wants. */
  #wanted = 0;
  #padding = 0;
  #current: Entry | undefined;

  constructor(blob: BlobWriter, tar?: TarWriter) {
    this.#blob = blob;
    this.#tar = tar;
  }

  /** Starts an entry. A file's content must follow in full before the next one. */
  async entry(entry: Entry): Promise<void> {
    this.#endEntry();
    this.#current = entry;
    await this.#write(tarHeader(entry));
    if (entry.type === "file") {
      this.#wanted = entry.size;
      this.#padding = paddingOf(entry.size);
      if (entry.size === 0) await this.#pad();
    }
  }

  /** More content of the current file entry; throws LS4101 when it is more than its size. */
  async content(bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.#wanted) throw this.#sizeError();
    this.#wanted -= bytes.length;
    await this.#write(bytes);
    if (this.#wanted === 0) await this.#pad();
  }

  /** Bytes that are tar already, such as the end of the archive. */
  async raw(bytes: Uint8Array): Promise<void> {
    this.#endEntry();
    await this.#write(bytes);
  }

  /** Compresses and writes what is left. The blob is not committed yet: the caller may still find the input to be wrong. */
  async finish(): Promise<Pick<Fragment, "tarSize" | "crc32">> {
    this.#endEntry();
    if (this.#block !== undefined && this.#filled > 0) this.#submit(this.#block);
    while (this.#queue.length > 0) await this.#drain();
    this.#giveBack();
    return { tarSize: this.#tarSize, crc32: this.#crc };
  }

  /** Waits for what is being compressed, so that nothing runs on after a failure. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#queue);
    this.#giveBack();
  }

  #giveBack(): void {
    if (this.#block !== undefined) giveBlock(this.#block);
    this.#block = undefined;
  }

  #endEntry(): void {
    if (this.#wanted > 0) throw this.#sizeError();
  }

  #sizeError(): LockstepError {
    return new LockstepError({
      code: "LS4101",
      message: "content has another size than its entry says; was the file changed during the build?",
      place: { file: this.#current?.path ?? "" },
    });
  }

  async #pad(): Promise<void> {
    await this.#write(zeros.subarray(0, this.#padding));
    this.#padding = 0;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let offset = 0;
    while (offset < bytes.length) {
      const count = Math.min(bytes.length - offset, blockSize - this.#filled);
      const block = (this.#block ??= takeBlock());
      block.set(bytes.subarray(offset, offset + count), dictionarySize + this.#filled);
      this.#filled += count;
      offset += count;
      if (this.#filled === blockSize) {
        this.#submit(block);
        // The next is primed with the end of this one.
        this.#block = takeBlock();
        this.#block.set(block.subarray(blockSize), 0);
        this.#dictionary = dictionarySize;
        if (this.#queue.length >= inFlight) await this.#drain();
      }
    }
  }

  #submit(buffer: Uint8Array): void {
    const block = buffer.subarray(dictionarySize, dictionarySize + this.#filled);
    this.#crc = crc32(block, this.#crc);
    this.#tarSize += block.length;
    const primed = buffer.subarray(dictionarySize - this.#dictionary, dictionarySize + this.#filled);
    if (this.#tarSize > largestTar) this.#tar = undefined;
    const output = Promise.all([deflate(primed, this.#dictionary), this.#tar?.write(block)]);
    // The rejection is seen when the queue is drained; until then it must not count as unhandled.
    output.then(
      () => giveBlock(buffer),
      () => {},
    );
    this.#queue.push(output);
    this.#block = undefined;
    this.#filled = 0;
  }

  async #drain(): Promise<void> {
    const next = this.#queue.shift();
    if (next === undefined) return;
    const [compressed] = await next;
    await this.#blob.write(compressed);
  }
}

/**
 * Makes a fragment of the entries that `fill` writes. Nothing is kept when it throws. The tar is kept beside the fragment, so that joining
 * it into layers needs no inflating; it may go at any time.
 */
export async function makeFragment(store: Store, fill: (writer: FragmentWriter) => Promise<void>): Promise<Fragment> {
  const blob = await store.writer();
  let tar: TarWriter | undefined;
  let writer: FragmentWriter | undefined;
  try {
    tar = await store.tarWriter();
    writer = new FragmentWriter(blob, tar);
    await fill(writer);
    const sums = await writer.finish();
    const fragment = { ...(await blob.commit()), ...sums };
    if (sums.tarSize <= largestTar) await tar.keep(fragment.digest);
    return fragment;
  } finally {
    await writer?.abandon();
    await Promise.all([blob.abort(), tar?.drop()]);
  }
}
