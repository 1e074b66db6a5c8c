/** The header of a gzip member (RFC 1952, section 2.3): what it says, and where the compressed data begins. */

export interface GzipHeader {
  /** Bytes before the compressed data. */
  readonly length: number;
  readonly flags: number;
  /** Seconds since 1970; 0 where it says none. */
  readonly mtime: number;
  /** 2 where the encoder was told to be thorough, 4 where to be fast. */
  readonly extraFlags: number;
  /** 3 is Unix, 255 is unknown; see `systemName`. */
  readonly os: number;
  readonly extra: Buffer;
  /** Empty where there is none. */
  readonly name: string;
  readonly comment: string;
}

/** Enough for a whole header but one with a name or comment that no tool writes. */
export const gzipHeaderLimit = 1 << 17;

/** Operating systems (section 2.3.1). */
const systems: Readonly<Record<number, string>> = {
  0: "FAT (0)",
  3: "Unix (3)",
  7: "Macintosh (7)",
  10: "TOPS-20 (10)",
  11: "NTFS (11)",
  255: "unknown (255)",
};

/** `Unix (3)`; the number alone where the specification knows no name that matters. */
export function systemName({ os }: GzipHeader): string {
  return systems[os] ?? String(os);
}

/** Undefined when the bytes are not, or not in whole, a header. */
export function readGzipHeader(bytes: Buffer): GzipHeader | undefined {
  if (bytes.length < 10 || bytes.readUInt16BE(0) !== 0x1f8b || bytes[2] !== 8) return undefined;
  const flags = bytes.readUInt8(3);
  let at = 10;
  let extra = bytes.subarray(0, 0);
  if ((flags & 4) !== 0) {
    if (bytes.length < at + 2) return undefined;
    const start = at + 2;
    at = start + bytes.readUInt16LE(at);
    extra = bytes.subarray(start, at);
  }
  const texts = new Map<number, string>();
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) return undefined;
    texts.set(flag, bytes.toString("latin1", at, end));
    at = end + 1;
  }
  if ((flags & 2) !== 0) at += 2;
  if (at > bytes.length) return undefined;
  return {
    length: at,
    flags,
    mtime: bytes.readUInt32LE(4),
    extraFlags: bytes.readUInt8(8),
    os: bytes.readUInt8(9),
    extra,
    name: texts.get(8) ?? "",
    comment: texts.get(16) ?? "",
  };
}
