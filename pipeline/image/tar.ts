/** Tar headers with specified bytes (docs/format.md, "Tar"): POSIX ustar, with a PAX extended header exactly where ustar cannot hold a value. */
import { LockstepError } from "../host/errors.ts";
import type { Entry } from "../tree/entry.ts";

const tarBlock = 512;

/** Two zero blocks end an archive (POSIX.1-2017, pax, "ustar Interchange Format"). */
export const endOfArchive = new Uint8Array(2 * tarBlock);

const typeFlags = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
} as const satisfies Record<Entry["type"], string>;

/** A component that is empty, `.` or `..`: no path of a tree has one, and readers would follow it elsewhere. */
const outside = /(?:^|\/)\.{0,2}(?:\/|$)/;

const largestId = 0o7777777;
const largestTwelve = 0o77777777777;

function refuse(entry: Entry, why: string): LockstepError {
  return new LockstepError({ code: "LS4101", message: `${why}`, place: { file: entry.path } });
}

/** How many zero bytes follow `size` bytes of content. */
export function paddingOf(size: number): number {
  return (tarBlock - (size % tarBlock)) % tarBlock;
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

/** What stands in a field whose true value is in the extended header: printable, within the field, never read. */
function placeholder(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.subarray(0, length).map((byte) => (byte < 0x80 ? byte : 0x5f));
}

interface SplitName {
  readonly name: Uint8Array;
  readonly prefix: Uint8Array;
}

const nothing = new Uint8Array(0);

/** The name and prefix fields of a path; undefined when it does not fit: the split is at the first slash that leaves at most 100 bytes. */
function splitName(path: Uint8Array): SplitName | undefined {
  if (!isAscii(path)) return undefined;
  if (path.length <= 100) return { name: path, prefix: nothing };
  for (let i = path.indexOf(0x2f); i > 0 && i <= 155; i = path.indexOf(0x2f, i + 1)) {
    const rest = path.length - i - 1;
    if (rest >= 1 && rest <= 100) return { name: path.subarray(i + 1), prefix: path.subarray(0, i) };
  }
  return undefined;
}

function writeOctal(header: Buffer, value: number, offset: number, length: number): void {
  header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset, "latin1");
}

function writeChecksum(header: Buffer): void {
  header.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}

interface Fields {
  readonly split: SplitName;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly flag: string;
  readonly link: Uint8Array;
  readonly major: number;
  readonly minor: number;
}

function header(fields: Fields): Buffer {
  const block = Buffer.alloc(tarBlock);
  block.set(fields.split.name, 0);
  writeOctal(block, fields.mode, 100, 8);
  writeOctal(block, fields.uid, 108, 8);
  writeOctal(block, fields.gid, 116, 8);
  writeOctal(block, fields.size, 124, 12);
  writeOctal(block, fields.mtime, 136, 12);
  block.write(fields.flag, 156, "latin1");
  block.set(fields.link, 157);
  block.write("ustar\x0000", 257, "latin1");
  // uname (265) and gname (297) stay empty: names depend on a passwd file, numbers do not.
  writeOctal(block, fields.major, 329, 8);
  writeOctal(block, fields.minor, 337, 8);
  block.set(fields.split.prefix, 345);
  writeChecksum(block);
  return block;
}

/** One PAX record `length key=value\n`, where length counts itself (POSIX.1-2017, pax, "pax Header Block"). */
function paxRecord(key: string, value: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from("\n")]);
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

const paxName = Buffer.from("././@PaxHeader");

function paxBlocks(records: ReadonlyMap<string, Uint8Array>): Buffer[] {
  const keys = [...records.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const body = Buffer.concat(keys.map((key) => paxRecord(key, records.get(key) ?? nothing)));
  const head = header({
    split: { name: paxName, prefix: nothing },
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: 0,
    flag: "x",
    link: nothing,
    major: 0,
    minor: 0,
  });
  return [head, body, Buffer.alloc(paddingOf(body.length))];
}

/** A number that the field holds, or 0 with the true value in the extended header. */
function numeric(records: Map<string, Uint8Array>, key: string, value: number, largest: number): number {
  if (value >= 0 && value <= largest) return value;
  records.set(key, Buffer.from(String(value)));
  return 0;
}

/**
 * The header blocks of one entry: a multiple of 512 bytes; a file's content and its padding follow.
 * Throws LS4101 for what no tar can hold: a path out of the tree, a NUL in a name, numbers that are not whole, device numbers above 2097151.
 */
export function tarHeader(entry: Entry): Buffer {
  for (const number of [entry.mode, entry.uid, entry.gid, entry.mtime]) {
    if (!Number.isSafeInteger(number)) throw refuse(entry, `metadata is not a whole number: ${number}`);
  }
  if (entry.uid < 0 || entry.gid < 0) throw refuse(entry, "owner is negative");
  if (outside.test(entry.path) || entry.path.includes("\0")) throw refuse(entry, "name cannot be written");
  const records = new Map<string, Uint8Array>();
  const path = Buffer.from(entry.type === "directory" ? `${entry.path}/` : entry.path);
  let split = splitName(path);
  if (split === undefined) {
    records.set("path", path);
    split = { name: placeholder(path, 100), prefix: nothing };
  }
  let link: Uint8Array = nothing;
  if (entry.type === "symlink" || entry.type === "hardlink") {
    const leads = entry.type === "hardlink" && outside.test(entry.target);
    if (leads || entry.target === "" || entry.target.includes("\0"))
      throw refuse(entry, "link target cannot be written");
    link = Buffer.from(entry.target);
    if (link.length > 100 || !isAscii(link)) {
      records.set("linkpath", link);
      link = placeholder(link, 100);
    }
  }
  let size = 0;
  if (entry.type === "file") {
    if (!Number.isSafeInteger(entry.size) || entry.size < 0) throw refuse(entry, `size is not possible: ${entry.size}`);
    size = numeric(records, "size", entry.size, largestTwelve);
  }
  const device = entry.type === "character" || entry.type === "block" ? entry : { major: 0, minor: 0 };
  if (device.major < 0 || device.minor < 0 || device.major > largestId || device.minor > largestId) {
    throw refuse(entry, `device number ${device.major}:${device.minor} does not fit`);
  }
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) records.set(`SCHILY.xattr.${name}`, value);
  const head = header({
    split,
    // Linux gives every symbolic link mode 0777; other writers differ, so it is fixed.
    mode: entry.type === "symlink" ? 0o777 : entry.mode & 0o7777,
    uid: numeric(records, "uid", entry.uid, largestId),
    gid: numeric(records, "gid", entry.gid, largestId),
    size,
    mtime: numeric(records, "mtime", entry.mtime, largestTwelve),
    flag: typeFlags[entry.type],
    link,
    major: device.major,
    minor: device.minor,
  });
  return records.size === 0 ? head : Buffer.concat([...paxBlocks(records), head]);
}
