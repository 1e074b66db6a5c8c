/** Reads tar archives (ustar, PAX, GNU long names) that may be hostile: nothing outside the tree, nothing twice, nothing without limit. */
import type { Code } from "../host/codes.ts";
import { LockstepError, type Place } from "../host/errors.ts";
import type { ByteReader } from "./bytes.ts";
import type { Entry } from "./entry.ts";
import { checkTarSum, tarNumber, untilNul } from "./tar-fields.ts";

export interface TarLimits {
  readonly entries: number;
  /** Bytes of content of all files together. */
  readonly content: number;
}

const defaultLimits: TarLimits = { entries: 2_000_000, content: 64 * 2 ** 30 };

/** The largest extended header or long name that is read, in bytes. */
const headerLimit = 1 << 20;
/** Linux's PATH_MAX, in bytes. */
const pathLimit = 4096;

/** PAX records with permissions or attributes in forms other than `SCHILY.xattr.`: ACLs, SELinux labels, libarchive's own. */
const lost = ["SCHILY.acl.", "LIBARCHIVE.xattr.", "RHT.security."] as const;

const zeros = Buffer.alloc(1 << 16);

interface Extended {
  readonly values: ReadonlyMap<string, Buffer>;
}

const nothingExtended: Extended = { values: new Map() };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class TarReader {
  readonly #bytes: ByteReader;
  readonly #limits: TarLimits;
  readonly #place: Place;
  #remaining = 0;
  #padding = 0;
  #entries = 0;
  #content = 0;
  #name = "";
  #global: Extended = nothingExtended;
  readonly #kept: boolean;

  /** `kept` says that the archive itself is kept as it is, so that nothing is lost where attributes are not read. */
  constructor(bytes: ByteReader, limits: TarLimits = defaultLimits, kept = false) {
    this.#kept = kept;
    this.#bytes = bytes;
    this.#limits = limits;
    this.#place = bytes.place;
  }

  /**
   * The next entry, after skipping what was not read of the last one; undefined at the end of the archive. The root directory has the
   * path "". Throws LS4001 (truncated), LS4002 (malformed), LS4003 (leaves the tree), LS4004 (kind), LS4005 (limits), LS4007 (name).
   */
  async next(): Promise<Entry | undefined> {
    await this.#bytes.skip(this.#remaining + this.#padding);
    this.#remaining = 0;
    this.#padding = 0;
    let extended: Extended | undefined;
    let pending = false;
    let longName: Buffer | undefined;
    let longLink: Buffer | undefined;
    for (;;) {
      const block = await this.#bytes.exactly(512);
      // The end may be missing altogether; dpkg-deb and GNU tar accept that too. A cut entry is caught by its size.
      if (block === undefined) {
        if (this.#entries === 0 || pending) throw this.#bytes.truncated();
        return undefined;
      }
      const header = Buffer.from(block.buffer, block.byteOffset, block.length);
      if (header.every((byte) => byte === 0)) {
        if (pending) throw this.#fail("LS4002", "an extended tar header belongs to no entry");
        await this.#onlyZeros();
        return undefined;
      }
      checkTarSum(header, this.#fail);
      const flag = String.fromCharCode(header[156] ?? 0);
      const size = this.#number(header, 124, 12, "size");
      if (flag === "x" || flag === "g" || flag === "L" || flag === "K") {
        const body = await this.#meta(size);
        if (flag === "g") {
          this.#count();
          this.#global = { values: new Map([...this.#global.values, ...this.#pax(body).values]) };
          continue;
        }
        pending = true;
        // Of several headers for one entry some readers take the first, others the last, and others join them.
        if ((flag === "x" ? extended : flag === "L" ? longName : longLink) !== undefined)
          throw this.#fail("LS4002", "an entry has two extended tar headers of one kind");
        if (flag === "x") extended = this.#pax(body);
        else if (flag === "L") longName = untilNul(body);
        else longLink = untilNul(body);
        continue;
      }
      return this.#entry(header, flag, size, extended ?? nothingExtended, longName, longLink);
    }
  }

  /** The current entry's name as the archive has it: some readers take parts such as `./` in it for directories. */
  get name(): string {
    return this.#name;
  }

  /** The next piece of the current file's content; undefined when there is no more. */
  async read(): Promise<Uint8Array | undefined> {
    if (this.#remaining === 0) return undefined;
    const piece = await this.#bytes.some(this.#remaining);
    if (piece === undefined) throw this.#bytes.truncated();
    this.#remaining -= piece.length;
    return piece;
  }

  /** The whole content of the current file when it has at most `limit` bytes; LS4005 otherwise. */
  async readAll(limit: number): Promise<Buffer> {
    if (this.#remaining > limit)
      throw this.#fail("LS4005", `a file of ${this.#remaining} bytes, at most ${limit} are read here`);
    const pieces: Uint8Array[] = [];
    for (let piece = await this.read(); piece !== undefined; piece = await this.read())
      pieces.push(Uint8Array.from(piece));
    return Buffer.concat(pieces);
  }

  /**
   * What follows the end must be padding: readers disagree on what a lone zero block means, and hidden entries live off that.
   * Reading it also lets a decompressor check its trailer.
   */
  async #onlyZeros(): Promise<void> {
    for (;;) {
      const piece = await this.#bytes.some(zeros.length);
      if (piece === undefined) return;
      if (zeros.compare(piece, 0, piece.length, 0, piece.length) !== 0)
        throw this.#fail("LS4002", "data after the end of the tar archive");
    }
  }

  #count(): void {
    if (++this.#entries > this.#limits.entries) throw this.#fail("LS4005", `more than ${this.#limits.entries} entries`);
  }

  readonly #fail = (code: Code, message: string): LockstepError =>
    new LockstepError({ code, message, place: this.#place });

  #number(header: Buffer, offset: number, length: number, name: string): number {
    return tarNumber(header, offset, length, name, this.#fail);
  }

  async #meta(size: number): Promise<Buffer> {
    if (size < 0 || size > headerLimit) throw this.#fail("LS4005", `an extended tar header of ${size} bytes`);
    const body = await this.#bytes.exactly(size);
    if (body === undefined) throw this.#bytes.truncated();
    const copy = Buffer.from(body);
    await this.#bytes.skip((512 - (size % 512)) % 512);
    return copy;
  }

  #pax(body: Buffer): Extended {
    const values = new Map<string, Buffer>();
    for (let offset = 0; offset < body.length;) {
      const space = body.indexOf(0x20, offset);
      const text = space < 0 ? "" : body.toString("latin1", offset, space);
      const length = /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : 0;
      const end = offset + length;
      const equals = body.indexOf(0x3d, space + 1);
      if (length === 0 || end > body.length || body[end - 1] !== 0x0a || equals < 0 || equals >= end) {
        throw this.#fail("LS4002", "a PAX record is malformed");
      }
      values.set(body.toString("latin1", space + 1, equals), body.subarray(equals + 1, end - 1));
      offset = end;
    }
    return { values };
  }

  #text(bytes: Buffer, what: string): string {
    if (bytes.includes(0)) throw this.#fail("LS4007", `${what} contains a NUL`);
    if (bytes.length > pathLimit) throw this.#fail("LS4005", `${what} of ${bytes.length} bytes`);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.#fail("LS4007", `${what} ${JSON.stringify(bytes.toString("latin1"))} is not UTF-8`);
    }
  }

  /** `./a/b/` and `a/b` are one path; anything that could lead out of the tree is refused rather than repaired. */
  #path(text: string, what: string): string {
    if (text.startsWith("/")) throw this.#fail("LS4003", `${what} ${JSON.stringify(text)} is absolute`);
    const parts = text.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..")) throw this.#fail("LS4003", `${what} ${JSON.stringify(text)} leads out of the tree`);
    return parts.join("/");
  }

  #entry(
    header: Buffer,
    flag: string,
    headerSize: number,
    own: Extended,
    longName: Buffer | undefined,
    longLink: Buffer | undefined,
  ): Entry {
    const value = (key: string): Buffer | undefined => own.values.get(key) ?? this.#global.values.get(key);
    const decimal = (key: string, fallback: number): number => {
      const text = value(key)?.toString("latin1");
      if (text === undefined) return fallback;
      if (!/^-?[0-9]{1,16}(\.[0-9]*)?$/.test(text)) throw this.#fail("LS4002", `PAX ${key} is not a number`);
      // Images carry whole seconds; a fraction rounds towards the past, as a clamp would.
      return Math.floor(Number(text));
    };
    for (const key of [...own.values.keys(), ...this.#global.values.keys()]) {
      if (key.startsWith("GNU.sparse.")) throw this.#fail("LS4004", "sparse files are not read");
      if (!this.#kept && lost.some((prefix) => key.startsWith(prefix)))
        throw this.#fail("LS4004", `PAX ${key} is not read, and without it something would be lost`);
    }
    const ustar = header.toString("latin1", 257, 262) === "ustar";
    // GNU's magic is "ustar  ": what POSIX calls prefix holds other things there.
    const gnu = header.toString("latin1", 257, 265) === "ustar  \0";
    const plainName = untilNul(header.subarray(0, 100));
    const prefix = ustar && !gnu ? untilNul(header.subarray(345, 500)) : Buffer.alloc(0);
    const rawName =
      value("path") ??
      longName ??
      (prefix.length === 0 ? plainName : Buffer.concat([prefix, Buffer.from("/"), plainName]));
    const rawLink = value("linkpath") ?? longLink ?? untilNul(header.subarray(157, 257));
    const name = this.#text(rawName, "entry name");
    const path = this.#path(name, "entry");
    this.#name = name;
    const size = decimal("size", headerSize);
    this.#count();
    const xattrs: Record<string, Uint8Array> = {};
    for (const [key, bytes] of own.values)
      if (key.startsWith("SCHILY.xattr.")) xattrs[key.slice("SCHILY.xattr.".length)] = Uint8Array.from(bytes);
    const base = {
      path,
      mode: this.#number(header, 100, 8, "mode") & 0o7777,
      uid: decimal("uid", this.#number(header, 108, 8, "uid")),
      gid: decimal("gid", this.#number(header, 116, 8, "gid")),
      mtime: decimal("mtime", this.#number(header, 136, 12, "mtime")),
      ...(Object.keys(xattrs).length === 0 ? {} : { xattrs }),
    };
    // Pre-POSIX archives mark a directory by its trailing slash.
    const kind = (flag === "\0" || flag === "0") && name.endsWith("/") ? "5" : flag;
    if (size !== 0 && "123456".includes(kind))
      throw this.#fail("LS4002", `entry ${path} is no file and has a size; readers disagree on what follows it`);
    if (path === "" && kind !== "5") throw this.#fail("LS4003", `entry ${JSON.stringify(name)} names the root`);
    switch (kind) {
      case "\0":
      case "0":
      case "7": {
        if (size < 0) throw this.#fail("LS4002", "a file of negative size");
        this.#content += size;
        if (this.#content > this.#limits.content)
          throw this.#fail("LS4005", `more than ${this.#limits.content} bytes of content`);
        this.#remaining = size;
        this.#padding = (512 - (size % 512)) % 512;
        return { ...base, type: "file", size };
      }
      case "1":
        return {
          ...base,
          type: "hardlink",
          target: this.#path(this.#text(rawLink, "link target"), "hard link target"),
        };
      case "2": {
        const target = this.#text(rawLink, "link target");
        if (target === "") throw this.#fail("LS4002", `symbolic link ${path} has no target`);
        return { ...base, type: "symlink", target };
      }
      case "3":
      case "4":
        return {
          ...base,
          type: kind === "3" ? "character" : "block",
          major: this.#number(header, 329, 8, "device number"),
          minor: this.#number(header, 337, 8, "device number"),
        };
      case "5":
        return { ...base, type: "directory" };
      case "6":
        return { ...base, type: "fifo" };
      default:
        throw this.#fail(
          "LS4004",
          `entry ${path} is of a kind that is not allowed (type flag ${JSON.stringify(flag)})`,
        );
    }
  }
}
