/** The ar archives that .deb files are (deb(5); ar(5), "common" format): a magic line, then members with 60-byte headers. */
import { LockstepError } from "../host/errors.ts";
import type { ByteReader } from "../tree/bytes.ts";

const magic = "!<arch>\n";

export interface ArMember {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The member's content; what is not read of it is skipped by `nextMember`. */
  readonly content: AsyncIterable<Uint8Array>;
}

function malformed(bytes: ByteReader, message: string): LockstepError {
  return new LockstepError({ code: "LS4002", message, place: bytes.place });
}

/** The members in order, one at a time: each must be read, or left, before the next is asked for. LS4001 and LS4002 as they apply. */
export async function* arMembers(bytes: ByteReader): AsyncGenerator<ArMember, void> {
  const start = await bytes.exactly(magic.length);
  if (start === undefined || Buffer.from(start).toString("latin1") !== magic)
    throw malformed(bytes, "is not an ar archive");
  for (;;) {
    const raw = await bytes.exactly(60);
    if (raw === undefined) return;
    const header = Buffer.from(raw);
    const sizeText = header.toString("latin1", 48, 58).trim();
    if (header.toString("latin1", 58, 60) !== "`\n" || !/^[0-9]{1,10}$/.test(sizeText))
      throw malformed(bytes, "an ar header is malformed");
    const size = Number(sizeText);
    const name = header.toString("latin1", 0, 16).trimEnd().replace(/\/$/, "");
    const begin = bytes.position;
    yield { name, size, content: bytes.part(size) };
    await bytes.skip(begin + size - bytes.position);
    if (size % 2 === 1) await bytes.some(1);
  }
}
