/** A blob that is read at any offset, for archives whose list of contents is at their end. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { LockstepError, systemCode } from "../host/errors.ts";
import { type Digest, Digester } from "../store/digest.ts";
import type { Store } from "../store/store.ts";

export interface RandomAccess {
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes, in memory of their own; fewer only where the end is. */
  read(offset: number, length: number): Promise<Buffer>;
}

export interface OpenBlob extends RandomAccess {
  close(): Promise<void>;
}

/** Bytes that are in memory already. */
export function inMemory(bytes: Uint8Array): RandomAccess {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { size: buffer.length, read: async (offset, length) => buffer.subarray(offset, offset + length) };
}

/** Opens a blob after all of it was read and has its digest. LS3001 when it has another (and is forgotten), LS3002 when it is absent. */
export async function openBlob(store: Store, digest: Digest): Promise<OpenBlob> {
  const path = store.pathOf(digest);
  const file = await open(path, constants.O_RDONLY).catch((error: unknown) => {
    if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") throw error;
    throw new LockstepError({
      code: "LS3002",
      message: `blob ${digest} is not in the store`,
      hint: "run the command again with a network to fetch it",
    });
  });
  try {
    const digester = new Digester();
    const buffer = Buffer.allocUnsafeSlow(1 << 20);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, digester.size);
      if (bytesRead === 0) break;
      digester.update(buffer.subarray(0, bytesRead));
    }
    const { size } = digester;
    if (digester.finish() !== digest) throw await store.corrupt(digest);
    return {
      size,
      read: async (offset, length) => {
        const piece = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - offset)));
        let filled = 0;
        while (filled < piece.length) {
          const { bytesRead } = await file.read(piece, filled, piece.length - filled, offset + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return piece.subarray(0, filled);
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
