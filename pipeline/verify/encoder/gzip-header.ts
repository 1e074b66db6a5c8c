/** The header of a gzip member (RFC 1952, section 2.3): what it says, and where the compressed data begins. */

export interface GzipHeader {
  /** Bytes before the compressed data. */
  readonly length: number;
  readonly flags: number;
  readonly mtime: number;
  /** 2 where the encoder was told to be thorough, 4 where to be fast. */
  readonly extraFlags: number;
  /** 3 is Unix, 255 is unknown. */
  readonly system: number;
  readonly name?: string;
}

/** Undefined when the bytes are not, or not in whole, a header. */
export function readGzipHeader(bytes: Buffer): GzipHeader | undefined {
  if (bytes.length < 10 || bytes.readUInt16BE(0) !== 0x1f8b || bytes[2] !== 8) return undefined;
  const flags = bytes.readUInt8(3);
  let at = 10;
  if ((flags & 4) !== 0) {
    if (bytes.length < at + 2) return undefined;
    at += 2 + bytes.readUInt16LE(at);
  }
  let name: string | undefined;
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) return undefined;
    if (flag === 8) name = bytes.toString("latin1", at, end);
    at = end + 1;
  }
  if ((flags & 2) !== 0) at += 2;
  if (at > bytes.length) return undefined;
  return {
    length: at,
    flags,
    mtime: bytes.readUInt32LE(4),
    extraFlags: bytes.readUInt8(8),
    system: bytes.readUInt8(9),
    ...(name === undefined ? {} : { name }),
  };
}
