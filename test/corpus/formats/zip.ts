/** Writes zip archives (APPNOTE 6.3) in which every member is stored and has a time. */
import { crc32, deflateRawSync } from "node:zlib";

export type ZipMember = readonly [name: string, content: string | Uint8Array, mtime: number];

export interface ZipOptions {
  readonly deflateLevel?: number;
  /** File modes, by name. */
  readonly modes?: Readonly<Record<string, number>>;
}

function dosTime(seconds: number): number {
  const date = new Date(seconds * 1000);
  const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  return ((day << 16) | (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1)) >>> 0;
}

export function zip(members: readonly ZipMember[], { deflateLevel, modes = {} }: ZipOptions = {}): Buffer {
  const pieces: Buffer[] = [];
  const list: Buffer[] = [];
  let offset = 0;
  for (const [name, value, mtime] of members) {
    const content = Buffer.from(value);
    const data = deflateLevel === undefined ? content : deflateRawSync(content, { level: deflateLevel });
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(deflateLevel === undefined ? 0 : 8, 4);
    common.writeUInt32LE(dosTime(mtime), 6);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, Buffer.from(name), data]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(((modes[name] ?? 0o100644) << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    list.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), common, rest, Buffer.from(name)]));
    pieces.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(list);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...pieces, directory, end]);
}
