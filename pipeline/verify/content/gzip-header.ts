/** The header of a gzip member (RFC 1952, section 2.3). */

export interface GzipHeader {
  readonly mtime: number;
  readonly flags: number;
  readonly extraFlags: number;
  readonly os: number;
  readonly extra: Buffer;
  readonly name: string;
  readonly comment: string;
  /** Bytes of it all. */
  readonly length: number;
}

/** Operating systems (section 2.3.1). */
export const systemNames: Readonly<Record<number, string>> = {
  0: "FAT (0)",
  3: "Unix (3)",
  7: "Macintosh (7)",
  10: "TOPS-20 (10)",
  11: "NTFS (11)",
  255: "unknown (255)",
};

/** Reads the header at the start of `head`. Throws when it is not whole. */
export function readGzipHeader(head: Buffer): GzipHeader {
  const flags = head.readUInt8(3);
  let at = 10;
  let extra: Buffer = Buffer.alloc(0);
  if ((flags & 4) !== 0) {
    const length = head.readUInt16LE(at);
    extra = head.subarray(at + 2, at + 2 + length);
    at += 2 + length;
  }
  const text = (present: boolean): string => {
    if (!present) return "";
    const end = head.indexOf(0, at);
    if (end < 0) throw new RangeError("its header does not end");
    const value = head.toString("latin1", at, end);
    at = end + 1;
    return value;
  };
  const name = text((flags & 8) !== 0);
  const comment = text((flags & 16) !== 0);
  if ((flags & 2) !== 0) at += 2;
  if (at > head.length) throw new RangeError("its header is not whole");
  return {
    mtime: head.readUInt32LE(4),
    flags,
    extraFlags: head.readUInt8(8),
    os: head.readUInt8(9),
    extra,
    name,
    comment,
    length: at,
  };
}
