/** Contents of members of zip archives: stored or deflated, of exactly the size and the checksum that the list of contents says. */
import { crc32, createInflateRaw, inflateRawSync } from "node:zlib";
import { LockstepError, messageOf, type Place } from "../host/errors.ts";
import type { RandomAccess } from "./random-access.ts";
import type { ZipMember } from "./zip-directory.ts";

const pieceSize = 1 << 18;
/** A member of at most this many bytes, packed and unpacked, is inflated in one go. */
const small = 1 << 20;

async function* packed(file: RandomAccess, { offset, compressedSize }: ZipMember): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < compressedSize;) {
    const piece = await file.read(offset + at, Math.min(pieceSize, compressedSize - at));
    if (piece.length === 0) return;
    at += piece.length;
    yield piece;
  }
}

/** What the decoder makes of a member that is large; it is fed by hand, so that nothing of it runs on when its reader gives up. */
async function* inflated(file: RandomAccess, member: ZipMember): AsyncGenerator<Buffer, void> {
  const decoder = createInflateRaw({ chunkSize: pieceSize });
  let wake: (() => void) | undefined;
  // A decoder that has failed or was given up says so to its reader, or to no one.
  decoder.on("error", () => {});
  decoder.on("close", () => wake?.());
  decoder.on("drain", () => wake?.());
  const feed = async (): Promise<void> => {
    try {
      for await (const piece of packed(file, member)) {
        if (decoder.destroyed) return;
        if (!decoder.write(piece) && !decoder.destroyed) await new Promise<void>((resolve) => (wake = resolve));
      }
      if (!decoder.destroyed) decoder.end();
    } catch (error) {
      decoder.destroy(error instanceof Error ? error : new Error(messageOf(error)));
    }
  };
  const feeding = feed();
  try {
    for await (const piece of decoder) yield piece as Buffer;
    await feeding;
    if (decoder.bytesWritten !== member.compressedSize) throw new Error("data after the end");
  } finally {
    decoder.destroy();
    await feeding;
  }
}

async function* unpacked(file: RandomAccess, member: ZipMember): AsyncGenerator<Buffer, void> {
  if (!member.deflated) yield* packed(file, member);
  else if (member.compressedSize > small || member.size > small) yield* inflated(file, member);
  else {
    const bytes = await file.read(member.offset, member.compressedSize);
    // The type of the library does not know what `info` makes of the answer.
    const { buffer, engine } = inflateRawSync(bytes, { info: true, maxOutputLength: member.size + 1 }) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    if (engine.bytesWritten !== bytes.length) throw new Error("data after the end");
    yield buffer;
  }
}

/** The content of a member, piece by piece. LS4002 at the latest after the last piece when it has another size or checksum, or cannot be inflated. */
export async function* zipContent(file: RandomAccess, member: ZipMember, place: Place): AsyncGenerator<Buffer, void> {
  const fail = (why: string, cause?: unknown): LockstepError =>
    new LockstepError({ code: "LS4002", message: `${member.path} ${why}`, place }, { cause });
  let sum = 0;
  let size = 0;
  try {
    for await (const piece of unpacked(file, member)) {
      size += piece.length;
      if (size > member.size) throw fail(`has more than the ${member.size} bytes that the archive says`);
      sum = crc32(piece, sum);
      yield piece;
    }
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw fail(`cannot be inflated: ${messageOf(error)}`, error);
  }
  if (size !== member.size) throw fail(`has ${size} bytes and not the ${member.size} that the archive says`);
  if (sum !== member.crc32) throw fail("has another checksum than the archive says");
}

/** The whole content of a member of at most `limit` bytes; LS4005 when it has more. */
export async function readZipMember(
  file: RandomAccess,
  member: ZipMember,
  place: Place,
  limit: number,
): Promise<Buffer> {
  if (member.size > limit) {
    const message = `${member.path} has ${member.size} bytes, at most ${limit} are read here`;
    throw new LockstepError({ code: "LS4005", message, place });
  }
  const pieces: Buffer[] = [];
  for await (const piece of zipContent(file, member, place)) pieces.push(piece);
  return Buffer.concat(pieces);
}
