/** The records at the end of a zip archive that say where its list of contents is (APPNOTE 6.3.10, 4.3.14 to 4.3.16). */
import { LockstepError, type Place } from "../host/errors.ts";
import type { RandomAccess } from "./random-access.ts";

export interface ZipEnd {
  /** Where the central directory begins and ends. */
  readonly start: number;
  readonly end: number;
  readonly entries: number;
}

function malformed(message: string, place: Place): LockstepError {
  return new LockstepError({ code: "LS4002", message, place });
}

/** A field of eight bytes; LS4002 beyond what can be counted. */
export function safeNumber(value: bigint, place: Place): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw malformed("a size or an offset in the zip archive is absurd", place);
  return number;
}

/** The record at the very end. A comment that looks like another such record is one to some readers, so it is refused. */
export async function readZipEnd(file: RandomAccess, place: Place): Promise<ZipEnd> {
  const { size } = file;
  const tail = await file.read(Math.max(0, size - 65557), 65557);
  const base = size - tail.length;
  const found: number[] = [];
  for (let at = tail.indexOf("PK\x05\x06", 0, "latin1"); at >= 0; at = tail.indexOf("PK\x05\x06", at + 1, "latin1")) {
    if (at + 22 <= tail.length && at + 22 + tail.readUInt16LE(at + 20) === tail.length) found.push(at);
  }
  const [at] = found;
  if (at === undefined) {
    const cut = tail.subarray(0, 2).toString("latin1") === "PK" || base > 0;
    if (cut)
      throw new LockstepError({
        code: "LS4001",
        message: "is no whole zip archive: its list of contents is missing",
        place,
        hint: "fetch it again",
      });
    throw malformed("is not a zip archive", place);
  }
  if (found.length > 1) throw malformed("has a comment that reads as a second list of contents", place);
  const record = tail.subarray(at);
  const position = base + at;
  const values = {
    disk: record.readUInt16LE(4),
    directoryDisk: record.readUInt16LE(6),
    here: record.readUInt16LE(8),
    entries: record.readUInt16LE(10),
    length: record.readUInt32LE(12),
    start: record.readUInt32LE(16),
  };
  const wide = position >= 20 ? await readWide(file, position, place) : undefined;
  if (wide !== undefined) {
    // What does not need the wide record must say the same in both.
    const agrees =
      (values.entries === 0xffff || values.entries === wide.entries) &&
      (values.length === 0xffffffff || values.length === wide.end - wide.start) &&
      (values.start === 0xffffffff || values.start === wide.start);
    if (!agrees) throw malformed("has two lists of contents that differ", place);
    return wide;
  }
  if (values.disk !== 0 || values.directoryDisk !== 0 || values.here !== values.entries)
    throw malformed("is a part of a zip archive in several files", place);
  if (values.start + values.length !== position)
    throw malformed("has other data in front of it, or behind its list of contents", place);
  return { start: values.start, end: position, entries: values.entries };
}

/** The ZIP64 record, when its locator stands in front of the usual one. */
async function readWide(file: RandomAccess, position: number, place: Place): Promise<ZipEnd | undefined> {
  const locator = await file.read(position - 20, 20);
  if (locator.length < 20 || locator.readUInt32LE(0) !== 0x07064b50) return undefined;
  const at = safeNumber(locator.readBigUInt64LE(8), place);
  if (locator.readUInt32LE(4) !== 0 || locator.readUInt32LE(16) > 1)
    throw malformed("is a part of a zip archive in several files", place);
  const record = await file.read(at, 56);
  if (
    record.length < 56 ||
    record.readUInt32LE(0) !== 0x06064b50 ||
    at + 12 + safeNumber(record.readBigUInt64LE(4), place) !== position - 20
  )
    throw malformed("has a ZIP64 record that is not where its locator says", place);
  if (record.readUInt32LE(16) !== 0 || record.readUInt32LE(20) !== 0)
    throw malformed("is a part of a zip archive in several files", place);
  const start = safeNumber(record.readBigUInt64LE(48), place);
  const length = safeNumber(record.readBigUInt64LE(40), place);
  if (start + length !== at) throw malformed("has other data in front of it, or behind its list of contents", place);
  return { start, end: at, entries: safeNumber(record.readBigUInt64LE(32), place) };
}
