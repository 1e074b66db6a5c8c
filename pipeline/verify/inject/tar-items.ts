/** A tar archive as entries that can be changed and written again, for causes that are injected. It reads what Lockstep itself wrote. */

export interface TarItem {
  /** Records of the extended header before it. */
  readonly pax: ReadonlyMap<string, Uint8Array>;
  readonly paxName: string;
  /** Its 512 bytes. */
  readonly header: Buffer;
  readonly body: Buffer;
}

const block = 512;

/** Octal fields of a header. */
export const fields = {
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  major: [329, 8],
  minor: [337, 8],
} as const;

export type NumberField = keyof typeof fields;

export function numberOf({ header }: TarItem, field: NumberField): number {
  const [offset, length] = fields[field];
  return Number.parseInt(header.toString("latin1", offset, offset + length - 1), 8);
}

function textOf(header: Buffer, offset: number, length: number): string {
  const end = header.indexOf(0, offset);
  return header.toString("utf8", offset, end < 0 || end > offset + length ? offset + length : end);
}

export function nameOf({ header, pax }: TarItem): string {
  const long = pax.get("path");
  if (long !== undefined) return Buffer.from(long).toString("utf8");
  const prefix = textOf(header, 345, 155);
  return `${prefix}${prefix === "" ? "" : "/"}${textOf(header, 0, 100)}`;
}

export const flagOf = ({ header }: TarItem): string => String.fromCharCode(header[156] ?? 0);
export const isDirectory = (item: TarItem): boolean => flagOf(item) === "5";
export const isFile = (item: TarItem): boolean => flagOf(item) === "0";

function summed(header: Buffer): Buffer {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** A copy with other bytes at some offsets of the header. */
export function withBytes(item: TarItem, changes: Readonly<Record<number, string>>): TarItem {
  const header = Buffer.from(item.header);
  for (const [offset, text] of Object.entries(changes)) header.write(text, Number(offset), "latin1");
  return { ...item, header: summed(header) };
}

export function withNumber(item: TarItem, field: NumberField, value: number): TarItem {
  const [offset, length] = fields[field];
  return withBytes(item, { [offset]: `${value.toString(8).padStart(length - 1, "0")}\0` });
}

export function withPax(item: TarItem, records: Readonly<Record<string, string | Uint8Array>>): TarItem {
  const added = Object.entries(records).map(([key, value]) => [key, Buffer.from(value)] as const);
  return { ...item, pax: new Map([...item.pax, ...added]) };
}

/** A file, directory or link of the name, owned by 0:0, with the time of another entry. */
export function newItem(
  name: string,
  body: Uint8Array,
  mtime: number,
  flag = "0",
  mode = flag === "5" ? 0o755 : 0o644,
): TarItem {
  const header = Buffer.alloc(block);
  header.write(name, 0, 100, "utf8");
  header.write(flag, 156, "latin1");
  header.write("ustar\x0000", 257, "latin1");
  let item: TarItem = { pax: new Map(), paxName: "././@PaxHeader", header, body: Buffer.from(body) };
  const numbers = { mode, uid: 0, gid: 0, size: body.length, mtime, major: 0, minor: 0 };
  for (const [field, value] of Object.entries(numbers)) item = withNumber(item, field as NumberField, value);
  return item;
}

function recordsOf(body: Buffer): Map<string, Uint8Array> {
  const records = new Map<string, Uint8Array>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const length = Number(body.toString("latin1", at, space));
    if (space < 0 || !(length > 0)) break;
    const equals = body.indexOf(0x3d, space);
    records.set(body.toString("utf8", space + 1, equals), body.subarray(equals + 1, at + length - 1));
    at += length;
  }
  return records;
}

export function readItems(tar: Buffer): readonly TarItem[] {
  const items: TarItem[] = [];
  let extended: Pick<TarItem, "pax" | "paxName"> = { pax: new Map(), paxName: "././@PaxHeader" };
  for (let at = 0; at + block <= tar.length && tar[at] !== 0;) {
    const header = tar.subarray(at, at + block);
    const declared = Number.parseInt(header.toString("latin1", 124, 135), 8);
    const long = extended.pax.get("size");
    const size = long === undefined ? declared : Number(Buffer.from(long).toString("latin1"));
    const body = tar.subarray(at + block, at + block + size);
    at += block + Math.ceil(size / block) * block;
    if (header[156] === 0x78) {
      extended = { pax: recordsOf(body), paxName: textOf(header, 0, 100) };
      continue;
    }
    items.push({ ...extended, header, body });
    extended = { pax: new Map(), paxName: "././@PaxHeader" };
  }
  return items;
}

function record(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

const padding = (size: number): Buffer => Buffer.alloc((block - (size % block)) % block);

export function writeItems(items: readonly TarItem[], zeros = 2): Buffer {
  const pieces: Buffer[] = [];
  for (const { pax, paxName, header, body } of items) {
    if (pax.size > 0) {
      const records = Buffer.concat([...pax].map(([key, value]) => record(key, value)));
      pieces.push(newItem(paxName, records, 0, "x").header, records, padding(records.length));
    }
    pieces.push(header, body, padding(body.length));
  }
  return Buffer.concat([...pieces, Buffer.alloc(zeros * block)]);
}
