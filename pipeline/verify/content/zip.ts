/**
 * Compares zip archives, as .jar and .whl files are (APPNOTE 6.3.10): the list of contents, the headers of members, and what they hold.
 *
 * The names within are those of members. Fields: `last mod file time` (date and time as DOS has them), `extra field 0xNNNN` (0x5455: times of
 * Unix), `version made by`, `version needed`, `general purpose bit flag`, `compression method`, `external file attributes`, `internal file
 * attributes`, `file comment`, `presence`, `local header`, `encoder`; of the archive `order`, `archive comment`, `bytes between members`.
 * Facts: of times `valueA`, `valueB` (`2026-01-02 03:04:06`); of attributes `modeA`, `modeB` (octal) where made on Unix.
 */
import { createInflateRaw, inflateRawSync } from "node:zlib";
import type { Finding, Grade, Nature } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import { type Content, contentOf, type Format, type Looker, type Pair } from "./format.ts";
import { compareOrder } from "./order.ts";
import { Claims, partOf, piecesOf, sameContent } from "./windows.ts";

const mostMembers = 200_000;
const largestList = 256 << 20;
/** Members that become no larger are kept in memory while they are compared. */
const small = 8 << 20;
const restLimit = 16 << 20;

interface Member {
  readonly name: string;
  readonly numbers: ReadonlyMap<string, number>;
  readonly extras: ReadonlyMap<string, string>;
  readonly comment: string;
  readonly method: number;
  readonly size: number;
  /** Of the local header, without what the list of contents says too. */
  readonly local: string;
  readonly stored: Content;
}

interface Archive {
  readonly members: ReadonlyMap<string, Member>;
  readonly comment: string;
  readonly rest: Buffer;
}

/** Extra fields by id, as hex; sizes and offsets of ZIP64 follow from what is stored. */
function extrasOf(bytes: Buffer): ReadonlyMap<string, string> {
  const extras = new Map<string, string>();
  for (let at = 0; at + 4 <= bytes.length;) {
    const [id, size] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)];
    const key = `extra field 0x${id.toString(16).padStart(4, "0")}`;
    if (id !== 1) extras.set(key, `${extras.get(key) ?? ""}${bytes.toString("hex", at + 4, at + 4 + size)}`);
    at += 4 + size;
  }
  return extras;
}

/** The offset and the size of the list of contents, its number of entries, and where the record that says so lies. */
function endOf(content: Content): {
  readonly at: number;
  readonly count: number;
  readonly offset: number;
  readonly size: number;
} {
  const tailSize = Math.min(content.size, 65_557);
  const tail = content.read(content.size - tailSize, tailSize);
  for (let at = tail.length - 22; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== 0x06054b50 || at + 22 + tail.readUInt16LE(at + 20) !== tail.length) continue;
    return {
      at: content.size - tailSize + at,
      count: tail.readUInt16LE(at + 10),
      size: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
    };
  }
  throw new RangeError("its list of contents is missing");
}

/** The value of a ZIP64 extra field, where the field itself is full (4.5.3). */
function wideOffset(extra: Buffer, sizes: number): number {
  for (let at = 0; at + 4 <= extra.length;) {
    const [id, size] = [extra.readUInt16LE(at), extra.readUInt16LE(at + 2)];
    if (id === 1) return Number(extra.readBigUInt64LE(at + 4 + 8 * sizes));
    at += 4 + size;
  }
  throw new RangeError("a large offset is missing");
}

function readZip(content: Content): Archive {
  const end = endOf(content);
  if (end.offset === 0xffffffff || end.count === 0xffff) throw new RangeError("it has more than is looked into");
  if (end.size > largestList || end.offset + end.size > end.at)
    throw new RangeError("its list of contents is malformed");
  const list = content.read(end.offset, end.size);
  const claims = new Claims(content);
  claims.add(end.offset, end.size);
  claims.add(end.at, content.size - end.at);
  const members = new Map<string, Member>();
  let at = 0;
  for (let index = 0; index < end.count; index++) {
    if (list.readUInt32LE(at) !== 0x02014b50 || members.size > mostMembers)
      throw new RangeError("its list of contents is malformed");
    const [nameSize, extraSize, commentSize] = [
      list.readUInt16LE(at + 28),
      list.readUInt16LE(at + 30),
      list.readUInt16LE(at + 32),
    ];
    const next = at + 46 + nameSize + extraSize + commentSize;
    if (next > list.length) throw new RangeError("its list of contents is not whole");
    const extra = list.subarray(at + 46 + nameSize, at + 46 + nameSize + extraSize);
    const [packed, size, localAt] = [
      list.readUInt32LE(at + 20),
      list.readUInt32LE(at + 24),
      list.readUInt32LE(at + 42),
    ];
    if (packed === 0xffffffff || size === 0xffffffff) throw new RangeError("a member is larger than is looked into");
    const start = localAt === 0xffffffff ? wideOffset(extra, 0) : localAt;
    const name = list.toString("utf8", at + 46, at + 46 + nameSize);
    const { local, length, end: after } = localOf(content, start, packed, claims);
    let key = name;
    for (let again = 2; members.has(key); again++) {
      if (again > 100) throw new RangeError("too many members have one name");
      key = `${name} (${again})`;
    }
    members.set(key, {
      name: key,
      numbers: new Map([
        ["version made by", list.readUInt16LE(at + 4)],
        ["version needed", list.readUInt16LE(at + 6)],
        ["general purpose bit flag", list.readUInt16LE(at + 8)],
        ["compression method", list.readUInt16LE(at + 10)],
        ["last mod file time", list.readUInt16LE(at + 14) * 65_536 + list.readUInt16LE(at + 12)],
        ["internal file attributes", list.readUInt16LE(at + 36)],
        ["external file attributes", list.readUInt32LE(at + 38)],
      ]),
      extras: extrasOf(extra),
      comment: list.toString("latin1", next - commentSize, next),
      method: list.readUInt16LE(at + 10),
      size,
      local,
      stored: partOf(content, start + length, packed),
    });
    claims.add(start, after - start);
    at = next;
  }
  return { members, comment: content.read(end.at + 22, 65_535).toString("latin1"), rest: claims.rest(restLimit) };
}

/** The local header of a member: what only it says, its length, and the end of the member with its data descriptor. */
function localOf(
  content: Content,
  start: number,
  packed: number,
  claims: Claims,
): { readonly local: string; readonly length: number; readonly end: number } {
  const head = content.read(start, 30);
  if (head.length < 30 || head.readUInt32LE(0) !== 0x04034b50)
    throw new RangeError("the header of a member is missing");
  const length = 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
  if (start + length + packed > content.size) throw new RangeError("a member is not whole");
  claims.add(start, length + packed);
  const names = content.read(start + 30, length - 30);
  const extra = names.subarray(head.readUInt16LE(26));
  const local = [
    head.toString("hex", 4, 14),
    names.toString("latin1", 0, head.readUInt16LE(26)),
    ...[...extrasOf(extra)].flat(),
  ].join("|");
  let end = start + length + packed;
  if ((head.readUInt16LE(6) & 8) !== 0) end += content.read(end, 4).toString("latin1") === "PK\x07\x08" ? 16 : 12;
  return { local, length, end };
}

/** A date and a time as DOS has them, two seconds apart (4.4.6). */
function dosTime(value: number): string {
  const [date, time] = [Math.floor(value / 65_536), value % 65_536];
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${1980 + (date >> 9)}-${two((date >> 5) & 15)}-${two(date & 31)} ${two(time >> 11)}:${two((time >> 5) & 63)}:${two((time & 31) * 2)}`;
}

/** Extra fields that hold times: of Unix, of NTFS, and of Unix of old. */
const timeExtras = /0x(?:5455|000a|5855|000d)$/;

function found(
  looker: Looker,
  field: string,
  grade: Grade,
  a: string,
  b: string,
  natures: readonly Nature[] = [],
  facts?: Finding["facts"],
): void {
  looker.found(field, {
    grade,
    a: shown(a),
    b: shown(b),
    ...(natures.length > 0 ? { natures } : {}),
    ...(facts === undefined ? {} : { facts }),
  });
}

function compareAttributes(a: number, b: number, looker: Looker): void {
  const [x, y] = [(a >>> 16).toString(8).padStart(6, "0"), (b >>> 16).toString(8).padStart(6, "0")];
  // Those who unpack obey setuid and setgid, if they do, and what may be executed.
  const grade = (((a ^ b) >>> 16) & 0o6000) !== 0 ? "privilege" : "content";
  found(
    looker,
    "external file attributes",
    grade,
    x === y ? `0x${a.toString(16)}` : x,
    x === y ? `0x${b.toString(16)}` : y,
    ["number"],
    { modeA: x, modeB: y },
  );
}

function compareEntries(a: Member, b: Member, looker: Looker): boolean {
  let any = false;
  for (const [field, x] of a.numbers) {
    const y = b.numbers.get(field) ?? 0;
    if (x === y) continue;
    any = true;
    if (field === "last mod file time") {
      const [valueA, valueB] = [dosTime(x), dosTime(y)];
      found(looker, field, "clock", valueA, valueB, ["time"], { valueA, valueB });
    } else if (field === "external file attributes") compareAttributes(x, y, looker);
    else found(looker, field, "encoding", String(x), String(y), ["number"]);
  }
  for (const key of new Set([...a.extras.keys(), ...b.extras.keys()])) {
    const [x, y] = [a.extras.get(key) ?? "none", b.extras.get(key) ?? "none"];
    if (x === y) continue;
    any = true;
    const time = timeExtras.test(key) && x !== "none" && y !== "none";
    found(looker, key, time ? "clock" : "encoding", x, y, time ? ["time"] : key.endsWith("0x7875") ? ["identity"] : []);
  }
  if (a.comment !== b.comment) {
    any = true;
    found(looker, "file comment", "cosmetic", a.comment, b.comment);
  }
  // The local header has times and flags of its own, which usually are the same.
  if (!any && a.local !== b.local) found(looker, "local header", "encoding", "one", "another");
  return any;
}

async function* inflated(content: Content): AsyncGenerator<Uint8Array, void> {
  const decoder = createInflateRaw();
  const fed = (async () => {
    for await (const piece of piecesOf(content))
      if (!decoder.write(piece))
        await new Promise<void>((resolve) => decoder.once("drain", resolve).once("close", resolve));
    decoder.end();
  })();
  try {
    for await (const piece of decoder) yield piece as Buffer;
    await fed;
  } finally {
    decoder.destroy();
  }
}

/** What a member holds; undefined for methods that are not known. */
async function opened({ method, size, stored }: Member, looker: Looker): Promise<Content | undefined> {
  if (method === 0) return stored;
  if (method !== 8) return undefined;
  if (stored.size <= small && size <= small)
    return contentOf(inflateRawSync(stored.read(0, stored.size), { maxOutputLength: small }));
  return looker.keep(inflated(stored));
}

async function compareMember(a: Member, b: Member, looker: Looker): Promise<void> {
  const inner = looker.within(a.name);
  compareEntries(a, b, inner);
  if (a.method === b.method && sameContent(a.stored, b.stored)) return;
  const [x, y] = [await opened(a, looker), await opened(b, looker)];
  if (x === undefined || y === undefined) {
    inner.unread(`compression method ${x === undefined ? a.method : b.method} is not known`);
    found(inner, "content", "content", `${a.size} bytes`, `${b.size} bytes`);
  } else if (!sameContent(x, y)) await looker.inside(a.name, x, y);
  else if (a.method === b.method)
    found(
      inner,
      "encoder",
      "encoding",
      `${a.stored.size} bytes for the same content`,
      `${b.stored.size} bytes for the same content`,
      ["encoder"],
      { sizeA: a.stored.size, sizeB: b.stored.size },
    );
}

async function compareZip({ a, b }: Pair, looker: Looker): Promise<void> {
  const [left, right] = [readZip(a), readZip(b)];
  for (const [name, member] of left.members) {
    const other = right.members.get(name);
    if (other === undefined) looker.within(name).found("presence", { grade: "content", a: `${member.size} bytes` });
    else await compareMember(member, other, looker);
  }
  for (const [name, member] of right.members)
    if (!left.members.has(name)) looker.within(name).found("presence", { grade: "content", b: `${member.size} bytes` });
  compareOrder(left.members, right.members, looker, "encoding");
  if (left.comment !== right.comment) found(looker, "archive comment", "cosmetic", left.comment, right.comment);
  if (!left.rest.equals(right.rest))
    found(looker, "bytes between members", "content", `${left.rest.length} bytes`, `${right.rest.length} bytes`);
}

export const zip: Format = {
  name: "zip",
  accepts: ({ a, b }) =>
    [a, b].every((side) => ["PK\x03\x04", "PK\x05\x06"].includes(side.read(0, 4).toString("latin1"))),
  compare: compareZip,
};
