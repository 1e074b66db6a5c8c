/** Blobs of a repository: pulled into the store with their digests checked and gone on with after a break; pushed when they are missing. */
import { open } from "node:fs/promises";
import { LockstepError } from "../host/errors.ts";
import { type Digest, Digester } from "../store/digest.ts";
import { PartialFile } from "../store/partial.ts";
import type { Blob, Store } from "../store/store.ts";
import type { Client } from "./client.ts";
import { type Answer, TransferError } from "./connection.ts";

/** Told of bytes as they come; of negative ones when some have to come again. */
export type OnBytes = (count: number) => void;

const tries = 5;
const pieceSize = 1 << 20;
/** Bytes of small pieces that are written together. */
const gatherSize = 1 << 18;

function wrong(client: Client, digest: Digest, why: string): LockstepError {
  return new LockstepError({
    code: "LS3208",
    message: `${client.name}: blob ${digest}: ${why}`,
    hint: "nothing of it was kept; try another registry, or ask whoever runs this one",
  });
}

/** Where the bytes of an answer begin; undefined when it says so in no usable way. */
function startOf({ status, headers }: Answer): number | undefined {
  if (status === 200) return 0;
  const start = /^bytes (\d+)-/.exec(headers["content-range"] ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
}

async function receive(client: Client, { digest, size }: Blob, partial: PartialFile, onBytes: OnBytes): Promise<void> {
  const answer = await client.request({
    method: "GET",
    to: `blobs/${digest}`,
    what: `blob ${digest}`,
    headers: partial.size > 0 ? { range: `bytes=${partial.size}-` } : {},
    expected: [200, 206, 416],
    action: "pull",
  });
  const start = startOf(answer);
  if (answer.status === 416 || start === undefined || (start !== 0 && start !== partial.size)) {
    answer.body.destroy();
    onBytes(-partial.size);
    await partial.restart();
    throw new TransferError("the registry answers with another part than the one asked for");
  }
  if (start !== partial.size) {
    onBytes(-partial.size);
    await partial.restart();
  }
  const length = answer.headers["content-length"];
  if (length !== undefined && Number(length) !== size - start) {
    answer.body.destroy();
    throw wrong(client, digest, `the registry has ${Number(length) + start} bytes instead of ${size}`);
  }
  let pieces: Buffer[] = [];
  let gathered = 0;
  const write = async (): Promise<void> => {
    await partial.writeAll(pieces);
    onBytes(gathered);
    pieces = [];
    gathered = 0;
  };
  try {
    for await (const piece of answer.body as AsyncIterable<Buffer>) {
      pieces.push(piece);
      gathered += piece.length;
      if (partial.size + gathered > size) throw wrong(client, digest, `the registry sends more than ${size} bytes`);
      if (gathered >= gatherSize) await write();
    }
  } finally {
    // Also of a transfer that broke: it is gone on with.
    if (partial.size + gathered <= size) await write();
  }
  if (partial.size < size) throw new TransferError(`the answer ended after ${partial.size} of ${size} bytes`);
}

/**
 * Makes sure that a blob is in the store; whether it had to be fetched. Throws LS3208 when the registry has other bytes, LS3204 when the
 * transfer breaks again and again, and what `Client.request` throws.
 */
export async function pullBlob(
  client: Client,
  store: Store,
  blob: Blob,
  onBytes: OnBytes = () => {},
): Promise<boolean> {
  const { digest, size } = blob;
  const known = await store.find(digest);
  if (known?.size === size) return false;
  if (known !== undefined) await store.corrupt(digest);
  for (let attempt = 1; ; attempt++) {
    const partial = await PartialFile.open(client.host, store, digest, size);
    const resumed = partial.size > 0;
    onBytes(partial.size);
    try {
      await receive(client, blob, partial, onBytes);
    } catch (error) {
      if (error instanceof LockstepError) {
        await (error.code === "LS3208" ? partial.discard() : partial.layAside());
        throw error;
      }
      onBytes(-partial.size);
      await partial.layAside();
      if (client.signal?.aborted === true || attempt >= tries) throw client.unreachable(`blob ${digest}`, error);
      await client.pause(attempt, undefined);
      continue;
    }
    const found = await partial.finish(digest);
    if (found === digest) return true;
    onBytes(-size);
    // What was there from another time may be what is wrong: it gets a clean start.
    if (!resumed || attempt >= tries)
      throw wrong(client, digest, `the registry sends ${found ?? "nothing that could be kept"}`);
  }
}

/** Content to push, by what it is called. */
export interface BlobSource extends Blob {
  /** Bytes from `start` up to `end`. Throws when the whole is read and is not the digest. */
  open(start: number, end: number): AsyncIterable<Uint8Array>;
  /** Puts the whole at a path, where that is cheaper than reading it. */
  readonly place?: (path: string) => Promise<void>;
}

/** A document in memory as something to push. */
export function sourceOfBytes(digest: Digest, bytes: Uint8Array): BlobSource {
  return {
    digest,
    size: bytes.length,
    async *open(start, end) {
      yield bytes.subarray(start, end);
    },
  };
}

/** Reads a source whole, for what is sent in parts: `open` checks only what is read from start to end. */
export async function checkSource({ digest, size, open }: BlobSource): Promise<boolean> {
  const digester = new Digester();
  for await (const piece of open(0, size)) digester.update(piece);
  return digester.size === size && digester.finish() === digest;
}

/** Bytes of a file from `start` up to `end`, through one buffer: a piece is gone when the next one is asked for. */
export async function* readFilePart(path: string, start: number, end: number): AsyncGenerator<Buffer, void> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.min(pieceSize, Math.max(1, end - start)));
    for (let position = start; position < end;) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - position), position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
