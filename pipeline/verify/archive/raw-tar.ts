/**
 * Reads tar archives as they are, whoever wrote them: every header field and its notation, nothing normalised, nothing refused that can
 * be understood. For comparing only: nothing that is read here is ever written anywhere by its name.
 */
import { LockstepError } from "../../host/errors.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { checkTarSum, tarNumber, untilNul } from "../../tree/tar-fields.ts";

export type RawType =
  | "file"
  | "hard link"
  | "symbolic link"
  | "character device"
  | "block device"
  | "directory"
  | "pipe"
  | "other";

export interface RawEntry {
  /** As the archive has it, in UTF-8; bytes that are none are written `\xff`. */
  readonly name: string;
  readonly type: RawType;
  readonly flag: string;
  /** The whole field: some writers put bits of the file's type above the 12 of the mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Decimal seconds, with a fraction where the archive has one. */
  readonly mtime: string;
  readonly user: string;
  readonly group: string;
  readonly target: string;
  /** Of devices, and of other entries where it is not zero: `major,minor`; empty otherwise. */
  readonly device: string;
  /** Bytes of content as unpacked. */
  readonly size: number;
  readonly sparse: boolean;
  /** Records of extended headers that are none of the fields above, by key; values of attributes in hexadecimal. */
  readonly records: ReadonlyMap<string, string>;
  /** `v7`, `ustar`, `gnu`, with `+pax`, `+long names` where extended headers are used. */
  readonly dialect: string;
  /** How the numbers are written, the names of extended headers, their order: what readers do not see. */
  readonly notation: string;
  /** Bytes of content in the archive that follow; other than `size` for sparse files. */
  readonly stored: number;
}

/** The end of an archive. */
export interface RawEnd {
  /** Blocks of 512 zero bytes after the last entry. */
  readonly zeros: number;
  /** Whether something else follows the first of them. */
  readonly trailing: boolean;
}

/** The largest extended header that is read, in bytes. */
const headerLimit = 1 << 20;
const block = 512;

const types: Readonly<Record<string, RawType>> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hard link",
  "2": "symbolic link",
  "3": "character device",
  "4": "block device",
  "5": "directory",
  "6": "pipe",
  S: "file",
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as text that can be shown and told from any other bytes. */
function textOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return bytes.toString("latin1").replaceAll(/[\\\u0080-\u00ff]/g, (letter) => {
      return letter === "\\" ? "\\\\" : `\\x${letter.charCodeAt(0).toString(16)}`;
    });
  }
}

/** The notation of an octal field: digits as `0`, or base-256 as `b`. */
function notationOf(field: Buffer): string {
  if (((field[0] ?? 0) & 0x80) !== 0) return "b";
  return field
    .toString("latin1")
    .replaceAll(/[0-7]+/g, (digits) => (digits.startsWith("0") || digits.length === field.length - 1 ? "0" : "n"))
    .replaceAll("\0", "z")
    .replaceAll(" ", "s");
}

interface Extended {
  readonly values: ReadonlyMap<string, Buffer>;
  readonly name: string;
  /** Names and order of everything that came before the entry. */
  readonly shape: string;
}

const nothingExtended: Extended = { values: new Map(), name: "", shape: "" };

/** Keys of records that are fields of an entry. */
const fieldKeys = new Set(["path", "linkpath", "size", "uid", "gid", "mtime", "uname", "gname"]);

export class RawTarReader {
  readonly #bytes: ByteReader;
  #unread = 0;
  /** How many of these are not content. */
  #padding = 0;
  #global: ReadonlyMap<string, Buffer> = new Map();
  #end: RawEnd | undefined;

  /** `name` is what the archive is called in errors. */
  constructor(source: AsyncIterable<Uint8Array>, name: string) {
    this.#bytes = new ByteReader(source, { file: name });
  }

  /** What the archive ends in, once `next` gave undefined. */
  get end(): RawEnd {
    return this.#end ?? { zeros: 0, trailing: false };
  }

  /** Where in the archive the next byte that is read lies: after `next`, where the content of the entry begins. */
  get offset(): number {
    return this.#bytes.position;
  }

  #fail(message: string): LockstepError {
    return new LockstepError({ code: "LS4002", message, place: this.#bytes.place });
  }

  /** Whatever is wrong with a header, the archive cannot be followed. */
  readonly #malformed = (_: string, message: string): LockstepError => this.#fail(message);

  #number(header: Buffer, offset: number, length: number, what: string): number {
    return tarNumber(header, offset, length, what, this.#malformed);
  }

  #decimal(value: Buffer | undefined, fallback: number, what: string): number {
    if (value === undefined) return fallback;
    const number = Number(value.toString("latin1"));
    if (!Number.isSafeInteger(number)) throw this.#fail(`PAX ${what} is not a number`);
    return number;
  }

  async #body(size: number): Promise<Buffer> {
    if (size < 0 || size > headerLimit) throw this.#fail(`an extended tar header of ${size} bytes`);
    const body = Buffer.from((await this.#bytes.exactly(size)) ?? []);
    if (body.length < size) throw this.#bytes.truncated();
    await this.#bytes.skip((block - (size % block)) % block);
    return body;
  }

  #records(body: Buffer): ReadonlyMap<string, Buffer> {
    const values = new Map<string, Buffer>();
    for (let offset = 0; offset < body.length;) {
      const space = body.indexOf(0x20, offset);
      const text = space < 0 ? "" : body.toString("latin1", offset, space);
      const end = offset + (/^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : 0);
      const equals = body.indexOf(0x3d, space + 1);
      if (end === offset || end > body.length || equals < 0 || equals >= end)
        throw this.#fail("a PAX record is malformed");
      values.set(textOf(body.subarray(space + 1, equals)), body.subarray(equals + 1, end - 1));
      offset = end;
    }
    return values;
  }

  async #finish(): Promise<void> {
    let zeros = 1;
    let trailing = false;
    let rest = block;
    for (;;) {
      const piece = await this.#bytes.some(1 << 18);
      if (piece === undefined) break;
      rest += piece.length;
      if (!trailing && Buffer.from(piece.buffer, piece.byteOffset, piece.length).some((byte) => byte !== 0))
        trailing = true;
    }
    zeros = Math.floor(rest / block);
    this.#end = { zeros, trailing: trailing || rest % block !== 0 };
  }

  /** Passes over what was not read of the last entry. Some writers leave out what pads the last one: then there is nothing more. */
  async #passOver(): Promise<boolean> {
    await this.#bytes.skip(Math.max(0, this.#unread - this.#padding));
    for (let rest = Math.min(this.#unread, this.#padding); rest > 0;) {
      const piece = await this.#bytes.some(rest);
      if (piece === undefined) return false;
      rest -= piece.length;
    }
    this.#unread = 0;
    return true;
  }

  /** The next entry, after passing over what was not read of the last; undefined at the end. Throws LS4001 and LS4002 for what cannot be followed. */
  async next(): Promise<RawEntry | undefined> {
    if (this.#end !== undefined) return undefined;
    if (!(await this.#passOver())) {
      this.#end = { zeros: 0, trailing: false };
      return undefined;
    }
    let extended = nothingExtended;
    let longName: Buffer | undefined;
    let longLink: Buffer | undefined;
    for (;;) {
      const piece = await this.#bytes.exactly(block);
      if (piece === undefined) {
        this.#end = { zeros: 0, trailing: false };
        return undefined;
      }
      const header = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
      if (header[0] === 0 && header.every((byte) => byte === 0)) {
        await this.#finish();
        return undefined;
      }
      checkTarSum(header, this.#malformed);
      const flag = String.fromCharCode(header[156] ?? 0);
      const size = this.#number(header, 124, 12, "size");
      if (flag === "x" || flag === "g") {
        const values = this.#records(await this.#body(size));
        const name = textOf(untilNul(header.subarray(0, 100)));
        if (flag === "g") this.#global = new Map([...this.#global, ...values]);
        const shape = `${extended.shape}${flag}:${name}:${[...values.keys()].join(",")};`;
        extended = { values: flag === "g" ? extended.values : values, name, shape };
      } else if (flag === "L") {
        longName = untilNul(await this.#body(size));
        extended = { ...extended, shape: `${extended.shape}L;` };
      } else if (flag === "K") {
        longLink = untilNul(await this.#body(size));
        extended = { ...extended, shape: `${extended.shape}K;` };
      } else return this.#entry(header, flag, size, extended, longName, longLink);
    }
  }

  /** The old GNU form of sparse files (type S): further maps follow the header. Gives the real size. */
  async #oldSparse(header: Buffer): Promise<number> {
    for (let more = header[482] === 1; more;) {
      const map = await this.#bytes.exactly(block);
      if (map === undefined) throw this.#bytes.truncated();
      more = map[504] === 1;
    }
    return this.#number(header, 483, 12, "real size");
  }

  async #entry(
    header: Buffer,
    flag: string,
    headerSize: number,
    extended: Extended,
    longName: Buffer | undefined,
    longLink: Buffer | undefined,
  ): Promise<RawEntry> {
    const value = (key: string): Buffer | undefined => extended.values.get(key) ?? this.#global.get(key);
    const ustar = header.toString("latin1", 257, 262) === "ustar";
    const gnu = header.toString("latin1", 257, 265) === "ustar  \0";
    const prefix = ustar && !gnu ? untilNul(header.subarray(345, 500)) : Buffer.alloc(0);
    const short = untilNul(header.subarray(0, 100));
    const plain = prefix.length === 0 ? short : Buffer.concat([prefix, Buffer.from("/"), short]);
    const name = textOf(value("GNU.sparse.name") ?? value("path") ?? longName ?? plain);
    const stored = this.#decimal(value("size"), headerSize, "size");
    if (stored < 0) throw this.#fail("an entry of negative size");
    // Old archives mark directories by a slash; one with content is taken for what its flag says, as other readers do.
    const slash = (flag === "\0" || flag === "0") && stored === 0 && name.endsWith("/");
    const type = slash ? "directory" : (types[flag] ?? "other");
    // Links and directories of some writers state the size of what they name, and nothing follows.
    const follows = type === "file" || type === "other" ? stored : 0;
    const realSize = flag === "S" ? await this.#oldSparse(header) : undefined;
    const sparseSize = value("GNU.sparse.realsize") ?? value("GNU.sparse.size");
    const device = `${this.#number(header, 329, 8, "device")},${this.#number(header, 337, 8, "device")}`;
    const isDevice = type === "character device" || type === "block device";
    const records = new Map<string, string>();
    for (const [key, bytes] of [...this.#global, ...extended.values])
      if (!fieldKeys.has(key)) records.set(key, key.includes("xattr") ? bytes.toString("hex") : textOf(bytes));
    this.#padding = (block - (follows % block)) % block;
    this.#unread = follows + this.#padding;
    const mtime = value("mtime")?.toString("latin1");
    return {
      name,
      type,
      flag,
      mode: this.#number(header, 100, 8, "mode"),
      uid: this.#decimal(value("uid"), this.#number(header, 108, 8, "uid"), "uid"),
      gid: this.#decimal(value("gid"), this.#number(header, 116, 8, "gid"), "gid"),
      mtime: mtime ?? String(this.#number(header, 136, 12, "mtime")),
      user: textOf(value("uname") ?? (ustar ? untilNul(header.subarray(265, 297)) : Buffer.alloc(0))),
      group: textOf(value("gname") ?? (ustar ? untilNul(header.subarray(297, 329)) : Buffer.alloc(0))),
      target: textOf(value("linkpath") ?? longLink ?? untilNul(header.subarray(157, 257))),
      device: isDevice || device !== "0,0" ? device : "",
      size: realSize ?? this.#decimal(sparseSize, follows, "sparse size"),
      sparse: flag === "S" || [...extended.values.keys()].some((key) => key.startsWith("GNU.sparse.")),
      records,
      dialect: `${gnu ? "gnu" : ustar ? "ustar" : "v7"}${/[xg]:/.test(extended.shape) ? "+pax" : ""}${/[LK];/.test(extended.shape) ? "+long names" : ""}`,
      notation: [
        notationOf(header.subarray(100, 108)),
        notationOf(header.subarray(108, 116)),
        notationOf(header.subarray(124, 136)),
        notationOf(header.subarray(136, 148)),
        notationOf(header.subarray(148, 156)),
        notationOf(header.subarray(329, 337)),
        flag === "\0" ? "z" : flag,
        extended.shape,
        prefix.length,
        header.subarray(500).some((byte) => byte !== 0) ? "rest" : "",
        gnu && header.subarray(345, 482).some((byte) => byte !== 0) ? "gnu fields" : "",
      ].join("|"),
      stored: follows,
    };
  }

  /** The next piece of the content of the entry at hand, as the archive has it; undefined when there is no more. */
  async read(entry: RawEntry): Promise<Uint8Array | undefined> {
    const padding = (block - (entry.stored % block)) % block;
    const rest = this.#unread - padding;
    if (rest <= 0) return undefined;
    const piece = await this.#bytes.some(rest);
    if (piece === undefined) throw this.#bytes.truncated();
    this.#unread -= piece.length;
    return piece;
  }

  /** The whole content of the entry at hand, which whoever calls knows to be small enough. */
  async whole(entry: RawEntry): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    // The source may use its buffer again.
    for (let piece = await this.read(entry); piece !== undefined; piece = await this.read(entry))
      pieces.push(Uint8Array.from(piece));
    return Buffer.concat(pieces);
  }

  async close(): Promise<void> {
    await this.#bytes.close();
  }
}
