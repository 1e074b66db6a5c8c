/** Tar headers as they lie in an archive, for tests of single bytes. It shares nothing with the readers and writers of the program. */

export interface RawEntry {
  /** The entry's own header, 512 bytes. */
  readonly header: Buffer;
  /** The name that a reader gives it, with PAX and prefix applied; directories keep their slash. */
  readonly name: string;
  readonly link: string;
  readonly type: string;
  readonly size: number;
  readonly mtime: number;
  /** The extended header before it: its own header and its records in order. */
  readonly extended?: { readonly header: Buffer; readonly records: readonly (readonly [string, string])[] };
}

export interface RawArchive {
  readonly entries: readonly RawEntry[];
  /** Offset of the first block that is all zeros. */
  readonly end: number;
}

export function field(header: Buffer, offset: number, length: number): string {
  const bytes = header.subarray(offset, offset + length);
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? length : end);
}

function octal(header: Buffer, offset: number, length: number): number {
  return Number.parseInt(field(header, offset, length), 8);
}

function records(body: Buffer): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (let offset = 0; offset < body.length;) {
    const length = Number(body.toString("latin1", offset, body.indexOf(0x20, offset)));
    const text = body.toString("utf8", body.indexOf(0x20, offset) + 1, offset + length - 1);
    found.push([text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]);
    offset += length;
  }
  return found;
}

export function readRaw(tar: Buffer): RawArchive {
  const entries: RawEntry[] = [];
  let extended: RawEntry["extended"];
  let offset = 0;
  while (tar.subarray(offset, offset + 512).some((byte) => byte !== 0)) {
    // A copy: the archive itself need not be kept.
    const header = Buffer.from(tar.subarray(offset, offset + 512));
    const type = String.fromCharCode(header[156] ?? 0);
    const pax = new Map(extended?.records);
    const size = Number(pax.get("size") ?? octal(header, 124, 12));
    const body = offset + 512;
    offset = body + Math.ceil(size / 512) * 512;
    if (type === "x") {
      extended = { header, records: records(tar.subarray(body, body + size)) };
      continue;
    }
    const prefix = field(header, 345, 155);
    entries.push({
      header,
      name: pax.get("path") ?? `${prefix}${prefix === "" ? "" : "/"}${field(header, 0, 100)}`,
      link: pax.get("linkpath") ?? field(header, 157, 100),
      type,
      size,
      mtime: Number(pax.get("mtime") ?? octal(header, 136, 12)),
      ...(extended === undefined ? {} : { extended }),
    });
    extended = undefined;
  }
  return { entries, end: offset };
}
