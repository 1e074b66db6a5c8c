/** The digest of a layer's tar from kept tars, computed by a thread while this one copies the compressed form. */
import { ask } from "../host/threads.ts";

/** A file with what it must be: bytes and CRC-32. */
export interface TarPart {
  readonly path: string;
  readonly size: number;
  readonly crc32: number;
}

const program = new URL("./tar-digest-thread.js", import.meta.url);

/** SHA-256 in hexadecimal of the parts, in their order; undefined when one is not there or not what it must be. */
export async function digestTars(parts: readonly TarPart[]): Promise<string | undefined> {
  // Without the thread there is another way, too.
  return ask(program, parts).catch(() => undefined) as Promise<string | undefined>;
}
