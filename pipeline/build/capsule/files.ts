/** The files of a capsule, in a directory or in one tar archive, which anybody may have written. */
import { createReadStream } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, systemCode } from "../../host/errors.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { TarReader } from "../../tree/tar-reader.ts";

export interface CapsuleFiles {
  /** Path of the capsule, for messages. */
  readonly path: string;
  /** Whether the archive ends in the middle; what was before that is there. */
  readonly cut: boolean;
  /** Bytes of a file; undefined when it is not there, or not a file. */
  size(name: string): Promise<number | undefined>;
  read(name: string): AsyncIterable<Uint8Array>;
}

export function notCapsule(path: string, why: string): LockstepError {
  return new LockstepError({
    code: "LS3350",
    message: `is not a capsule: ${why}`,
    place: { file: path },
    hint: "make one with `lockstep capsule create`",
  });
}

function directoryFiles(path: string): CapsuleFiles {
  return {
    path,
    cut: false,
    size: async (name) => {
      const info = await lstat(join(path, name)).catch(() => undefined);
      return info?.isFile() === true ? info.size : undefined;
    },
    read: (name) => createReadStream(join(path, name), { highWaterMark: 1 << 20 }),
  };
}

/** Reads the archive once for where everything in it is. LS3350 when it is none. */
async function archiveFiles(path: string): Promise<CapsuleFiles> {
  const places = new Map<string, { readonly offset: number; readonly size: number }>();
  const bytes = new ByteReader(createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>, {
    file: path,
  });
  const reader = new TarReader(bytes);
  let cut = false;
  let last: string | undefined;
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      last = entry.type === "file" ? entry.path : undefined;
      // The first of two wins, whoever reads it.
      if (entry.type === "file" && !places.has(entry.path))
        places.set(entry.path, { offset: bytes.position, size: entry.size });
    }
  } catch (error) {
    if (!(error instanceof LockstepError) || !error.code.startsWith("LS40")) throw error;
    if (error.code !== "LS4001" || places.size === 0) throw notCapsule(path, error.message);
    // Whatever is not all there is as good as absent.
    cut = true;
    if (last !== undefined) places.delete(last);
  } finally {
    await bytes.close();
  }
  return {
    path,
    cut,
    size: (name) => Promise.resolve(places.get(name)?.size),
    read: (name) => {
      const { offset, size } = places.get(name) ?? { offset: 0, size: 0 };
      if (size === 0) return (async function* () {})();
      return createReadStream(path, { start: offset, end: offset + size - 1, highWaterMark: 1 << 20 });
    },
  };
}

/** Opens a capsule. LS3350 when there is none at the path. */
export async function openCapsuleFiles(path: string): Promise<CapsuleFiles> {
  try {
    return (await stat(path)).isDirectory() ? directoryFiles(path) : await archiveFiles(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") throw notCapsule(path, "it is not there");
    throw error;
  }
}
