/** The list of contents of a zip archive (APPNOTE 6.3.10, 4.3 and 4.4), read so that no two readers could see different archives in it. */
import type { Code } from "../host/codes.ts";
import { LockstepError, type Place } from "../host/errors.ts";
import type { RandomAccess } from "./random-access.ts";
import { readZipEnd, safeNumber } from "./zip-end.ts";

export interface ZipLimits {
  readonly entries: number;
  /** Bytes of content of all files together. */
  readonly content: number;
}

/** A file, directory or link of the archive, as its central directory says and its local header repeats. */
export interface ZipMember {
  /** Components joined by `/`, as in `Entry`. */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  /** Permission bits with setuid, setgid and sticky where the archive was made on Unix; 0644 and 0755 for directories otherwise. */
  readonly mode: number;
  /** Whether the archive has permission bits for it. */
  readonly unix: boolean;
  /** Whole seconds since 1970; what has no time zone is taken as UTC. */
  readonly mtime: number;
  /** Bytes of content. */
  readonly size: number;
  readonly crc32: number;
  readonly deflated: boolean;
  /** Where the stored or compressed bytes are. */
  readonly offset: number;
  readonly compressedSize: number;
}

/** The largest list of contents that is read, in bytes. */
const directoryLimit = 512 << 20;
/** Linux's PATH_MAX, in bytes, less the NUL. */
const pathLimit = 4095;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A member as the central directory has it, before its local header was looked at. */
interface Listed {
  readonly member: Omit<ZipMember, "offset">;
  readonly name: Buffer;
  readonly flags: number;
  readonly method: number;
  /** Where the local header is. */
  readonly header: number;
}

class DirectoryReader {
  readonly #file: RandomAccess;
  readonly #place: Place;
  readonly #limits: ZipLimits;

  constructor(file: RandomAccess, place: Place, limits: ZipLimits) {
    this.#file = file;
    this.#place = place;
    this.#limits = limits;
  }

  #fail(code: Code, message: string): LockstepError {
    return new LockstepError({ code, message, place: this.#place });
  }

  #malformed(message: string): LockstepError {
    return this.#fail("LS4002", message);
  }

  #name(raw: Buffer, flags: number): string {
    const ascii = raw.every((byte) => byte < 0x80);
    // Without the flag names are of the maker's code page, whichever that was.
    if (!ascii && (flags & 0x800) === 0)
      throw this.#fail("LS4007", `entry name ${JSON.stringify(raw.toString("latin1"))} does not say that it is UTF-8`);
    let name: string;
    try {
      name = utf8.decode(raw);
    } catch {
      throw this.#fail("LS4007", `entry name ${JSON.stringify(raw.toString("latin1"))} is not UTF-8`);
    }
    if (name === "" || name.includes("\0")) throw this.#fail("LS4007", `entry name ${JSON.stringify(name)} is no name`);
    if (raw.length > pathLimit) throw this.#fail("LS4005", `an entry name of ${raw.length} bytes`);
    return name;
  }

  #path(name: string): string {
    const shown = JSON.stringify(name);
    if (name.startsWith("/") || /^[A-Za-z]:/.test(name)) throw this.#fail("LS4003", `entry ${shown} is absolute`);
    if (name.includes("\\"))
      throw this.#fail("LS4003", `entry ${shown} has backslashes, which some readers take for slashes`);
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.length === 0 && !name.endsWith("/"))
      throw this.#fail("LS4003", `entry ${shown} is the root and no directory`);
    if (parts.includes("..")) throw this.#fail("LS4003", `entry ${shown} leads out of the tree`);
    return parts.join("/");
  }

  /** Fields of the extra area by id (4.5); LS4002 when it does not add up. */
  #extra(bytes: Buffer): ReadonlyMap<number, Buffer> {
    const fields = new Map<number, Buffer>();
    for (let at = 0; at < bytes.length;) {
      const end = at + 4 + (at + 4 <= bytes.length ? bytes.readUInt16LE(at + 2) : Number.MAX_SAFE_INTEGER);
      if (end > bytes.length) throw this.#malformed("an entry has malformed extra fields");
      const id = bytes.readUInt16LE(at);
      if (fields.has(id)) throw this.#malformed(`an entry has the extra field 0x${id.toString(16)} twice`);
      fields.set(id, bytes.subarray(at + 4, end));
      at = end;
    }
    return fields;
  }

  #type(name: string, unixType: number): ZipMember["type"] {
    const directory = name.endsWith("/");
    switch (unixType) {
      case 0:
        return directory ? "directory" : "file";
      case 0o100000:
        if (!directory) return "file";
        break;
      case 0o040000:
        return "directory";
      case 0o120000:
        if (!directory) return "symlink";
        break;
      default:
        throw this.#fail("LS4004", `entry ${JSON.stringify(name)} is a device, a pipe or a socket`);
    }
    throw this.#malformed(`entry ${JSON.stringify(name)} has the name of a directory and is none`);
  }

  /** One header of the central directory (4.3.12) at the start of `bytes`, and where the next is. */
  #listed(bytes: Buffer): { readonly listed: Listed; readonly length: number } {
    if (bytes.length < 46 || bytes.readUInt32LE(0) !== 0x02014b50)
      throw this.#malformed("has a malformed list of contents");
    const flags = bytes.readUInt16LE(8);
    const method = bytes.readUInt16LE(10);
    const [nameLength, extraLength, commentLength] = [
      bytes.readUInt16LE(28),
      bytes.readUInt16LE(30),
      bytes.readUInt16LE(32),
    ];
    const length = 46 + nameLength + extraLength + commentLength;
    if (length > bytes.length) throw this.#malformed("has a malformed list of contents");
    const raw = bytes.subarray(46, 46 + nameLength);
    const name = this.#name(raw, flags);
    const shown = JSON.stringify(name);
    const extra = this.#extra(bytes.subarray(46 + nameLength, 46 + nameLength + extraLength));
    if ((flags & 0x2041) !== 0) throw this.#fail("LS4004", `entry ${shown} is encrypted`);
    if (method !== 0 && method !== 8)
      throw this.#malformed(`entry ${shown} has the compression method ${method}; 0 and 8 are read`);
    const other = extra.get(0x7075);
    if (other !== undefined && !other.subarray(5).equals(raw))
      throw this.#malformed(`entry ${shown} has a second name`);

    let [compressedSize, size, header] = [bytes.readUInt32LE(20), bytes.readUInt32LE(24), bytes.readUInt32LE(42)];
    let disk = bytes.readUInt16LE(34);
    const wide = extra.get(1);
    let at = 0;
    const next = (): number => {
      if (wide === undefined || at + 8 > wide.length) throw this.#malformed(`entry ${shown} lacks its ZIP64 sizes`);
      at += 8;
      return safeNumber(wide.readBigUInt64LE(at - 8), this.#place);
    };
    if (size === 0xffffffff) size = next();
    if (compressedSize === 0xffffffff) compressedSize = next();
    if (header === 0xffffffff) header = next();
    if (disk === 0xffff && wide !== undefined && at + 4 <= wide.length) disk = wide.readUInt32LE(at);
    if (disk !== 0) throw this.#malformed("is a part of a zip archive in several files");

    const unix = bytes.readUInt8(5) === 3;
    const attributes = unix ? bytes.readUInt16LE(40) : 0;
    const type = this.#type(name, attributes & 0o170000);
    if (type === "directory" && size > 0) throw this.#malformed(`entry ${shown} is a directory with content`);
    if (method === 0 && size !== compressedSize) throw this.#malformed(`entry ${shown} is stored with two sizes`);
    const bits = attributes & 0o7777;
    const member = {
      path: this.#path(name),
      type,
      mode: type === "symlink" ? 0o777 : bits !== 0 ? bits : type === "directory" ? 0o755 : 0o644,
      unix: bits !== 0,
      mtime: timeOf(bytes.readUInt16LE(12), bytes.readUInt16LE(14), extra.get(0x5455)),
      size,
      crc32: bytes.readUInt32LE(16),
      deflated: method === 8,
      compressedSize,
    };
    return { listed: { member, name: raw, flags, method, header }, length };
  }

  /** Where the content of a member is, after its local header (4.3.7), which must not say anything else. */
  async #content(
    { member, name, flags, method, header }: Listed,
    end: number,
  ): Promise<{ readonly offset: number; readonly next: readonly number[] }> {
    const shown = JSON.stringify(name.toString("utf8"));
    const local = await this.#file.read(header, 30 + name.length);
    if (local.length < 30 + name.length || local.readUInt32LE(0) !== 0x04034b50)
      throw this.#malformed(`entry ${shown} is not where the list of contents says`);
    const described = (flags & 8) !== 0;
    const same =
      local.readUInt16LE(26) === name.length &&
      local.subarray(30).equals(name) &&
      local.readUInt16LE(8) === method &&
      (local.readUInt16LE(6) & 0x2849) === (flags & 0x2849) &&
      (described || local.readUInt32LE(14) === member.crc32) &&
      [local.readUInt32LE(18), local.readUInt32LE(22)].every(
        (value, index) =>
          value === [member.compressedSize, member.size][index] || value === 0xffffffff || (described && value === 0),
      );
    if (!same) throw this.#malformed(`entry ${shown} is another one in its own header than in the list of contents`);
    const offset = header + 30 + name.length + local.readUInt16LE(28);
    const after = offset + member.compressedSize;
    if (after > end) throw this.#malformed(`entry ${shown} reaches into the list of contents`);
    // A descriptor (4.3.9) repeats the sums, with or without a signature, in 4 or 8 bytes each.
    return { offset, next: described ? [after + 12, after + 16, after + 20, after + 24] : [after] };
  }

  async read(): Promise<readonly ZipMember[]> {
    const { start, end, entries } = await readZipEnd(this.#file, this.#place);
    if (entries > this.#limits.entries) throw this.#fail("LS4005", `more than ${this.#limits.entries} entries`);
    if (end - start > directoryLimit) throw this.#fail("LS4005", `a list of contents of ${end - start} bytes`);
    const bytes = await this.#file.read(start, end - start);
    const all: Listed[] = [];
    let at = 0;
    let total = 0;
    for (let i = 0; i < entries; i++) {
      const { listed, length } = this.#listed(bytes.subarray(at));
      at += length;
      total += listed.member.size;
      if (total > this.#limits.content)
        throw this.#fail("LS4005", `more than ${this.#limits.content} bytes of content`);
      all.push(listed);
    }
    if (at !== bytes.length) throw this.#malformed("has more in its list of contents than it says");
    this.#once(all);
    return this.#placed(all, start);
  }

  /** Names that are there once, and nothing below what is no directory. */
  #once(all: readonly Listed[]): void {
    const types = new Map<string, ZipMember["type"]>();
    for (const { member } of all) {
      if (types.has(member.path)) throw this.#fail("LS4006", `${JSON.stringify(member.path)} is in the archive twice`);
      types.set(member.path, member.type);
    }
    for (const path of types.keys()) {
      for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
        const above = types.get(path.slice(0, slash));
        if (above !== undefined && above !== "directory")
          throw this.#fail("LS4003", `${JSON.stringify(path)} lies below a ${above}`);
      }
    }
  }

  /** Members with where their content is. They must fill the archive without gaps and without lying in each other, which is what bombs do. */
  async #placed(all: readonly Listed[], end: number): Promise<readonly ZipMember[]> {
    const offsets = new Map<Listed, number>();
    let expected: readonly number[] = [0];
    for (const listed of all.toSorted((a, b) => a.header - b.header)) {
      if (!expected.includes(listed.header))
        throw this.#malformed(
          `entry ${JSON.stringify(listed.member.path)} overlaps another one, or has something unlisted in front of it`,
        );
      const { offset, next } = await this.#content(listed, end);
      offsets.set(listed, offset);
      expected = next;
    }
    if (!expected.includes(end)) throw this.#malformed("has something unlisted in front of its list of contents");
    return all.map((listed) => ({ ...listed.member, offset: offsets.get(listed) ?? 0 }));
  }
}

/** The time in UTC where the archive has it (extra field 0x5455), otherwise the one without a time zone, in steps of two seconds. */
function timeOf(time: number, date: number, extended: Buffer | undefined): number {
  if (extended !== undefined && extended.length >= 5 && (extended.readUInt8(0) & 1) === 1)
    return extended.readInt32LE(1);
  const [year, month, day] = [1980 + (date >> 9), (date >> 5) & 15, date & 31];
  const seconds =
    Date.UTC(year, Math.max(1, month) - 1, Math.max(1, day), time >> 11, (time >> 5) & 63, (time & 31) * 2) / 1000;
  return seconds;
}

const defaultLimits: ZipLimits = { entries: 1_000_000, content: 64 * 2 ** 30 };

/**
 * What is in a zip archive, in the order of its list of contents. Refused is all on which readers differ: data in front, between and
 * behind members, two lists of contents, headers that differ. Throws LS4001 (cut), LS4002 (malformed), LS4003 (leaves the tree), LS4004 (a kind, or
 * encrypted), LS4005 (limits), LS4006 (a name twice), LS4007 (a name).
 */
export function readZipDirectory(
  file: RandomAccess,
  place: Place,
  limits: ZipLimits = defaultLimits,
): Promise<readonly ZipMember[]> {
  return new DirectoryReader(file, place, limits).read();
}
