/**
 * Compares compressed streams: the fields of their headers (RFC 1952, RFC 8878, the .xz format, bzip2, RFC 7932), what they hold, and how it was compressed.
 *
 * Fields: of gzip `MTIME`, `FNAME`, `FCOMMENT`, `FEXTRA`, `XFL`, `OS`, `FLG`; of zstd `Frame_Header`; of xz `Stream Flags`; of bzip2 `level`; `encoder` when the
 * contents are equal and the compressed bytes are not.
 * Facts: of `MTIME` `valueA` and `valueB` (seconds since 1970); of `encoder` `sizeA`, `sizeB`; of `XFL` and `OS` `valueA`, `valueB`.
 */
import { gunzipSync } from "node:zlib";
import type { Finding } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import { type GzipHeader, gzipHeaderLimit, readGzipHeader, systemName } from "../encoder/gzip-header.ts";
import { decompress } from "../../source/decompress.ts";
import { type Content, contentOf, type Format, type Looker, type Pair } from "./format.ts";
import { partOf, piecesOf, sameContent } from "./windows.ts";

/** What becomes no larger is kept in memory while it is compared. */
const small = 8 << 20;
/** What becomes larger is not looked into. */
const largest = 4 * 2 ** 30;

function startsWith({ a, b }: Pair, ...magic: readonly number[]): boolean {
  return [a, b].every((side) => side.read(0, magic.length).equals(Buffer.from(magic)));
}

/** The name of what lies within: the path without its ending. */
function innerName(path: string, endings: RegExp): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const shortened = /\.t(?:gz|xz|zst|bz2?)$/;
  if (shortened.test(name)) return name.replace(shortened, ".tar");
  return endings.test(name) ? name.replace(endings, "") : `${name} (decompressed)`;
}

async function opened(content: Content, ending: string, looker: Looker): Promise<Content> {
  if (ending === "gz" && content.size <= small)
    try {
      const whole = content.read(0, content.size);
      const { buffer, engine } = gunzipSync(whole, { maxOutputLength: small, info: true }) as unknown as {
        readonly buffer: Buffer;
        readonly engine: { readonly bytesWritten: number };
      };
      if (engine.bytesWritten === whole.length) return contentOf(buffer);
    } catch {
      // Too large for this way, or broken: the other way tells.
    }
  return looker.keep(decompress(piecesOf(content), `content.${ending}`, { file: "content" }, largest));
}

function encoder({ a, b }: Pair, looker: Looker): void {
  looker.found("encoder", {
    grade: "encoding",
    natures: ["encoder"],
    a: `${a.size} bytes for the same content`,
    b: `${b.size} bytes for the same content`,
    facts: { sizeA: a.size, sizeB: b.size },
  });
}

function gzipHeaders(a: GzipHeader, b: GzipHeader, looker: Looker): boolean {
  let count = 0;
  const found = (field: string, x: string, y: string, finding: Partial<Finding> = {}): void => {
    if (x === y) return;
    count++;
    looker.found(field, { grade: "encoding", a: shown(x), b: shown(y), ...finding });
  };
  const values = (valueA: number, valueB: number): Partial<Finding> => ({ facts: { valueA, valueB } });
  found("MTIME", String(a.mtime), String(b.mtime), { grade: "clock", natures: ["time"], ...values(a.mtime, b.mtime) });
  found("FNAME", a.name, b.name);
  found("FCOMMENT", a.comment, b.comment);
  found("FEXTRA", a.extra.toString("hex"), b.extra.toString("hex"));
  found("XFL", String(a.extraFlags), String(b.extraFlags), values(a.extraFlags, b.extraFlags));
  found("OS", systemName(a), systemName(b), values(a.os, b.os));
  // The flags for name, comment and extra field say nothing that these do not.
  found("FLG", String(a.flags & 0xe3), String(b.flags & 0xe3));
  return count > 0;
}

export const gzip: Format = {
  name: "gzip",
  accepts: (pair) => startsWith(pair, 0x1f, 0x8b, 8),
  compare: async (pair, looker) => {
    const [x, y] = [await opened(pair.a, "gz", looker), await opened(pair.b, "gz", looker)];
    const [left, right] = [pair.a, pair.b].map((side) => readGzipHeader(side.read(0, gzipHeaderLimit)));
    if (left === undefined || right === undefined) throw new RangeError("its header is not whole");
    const headers = gzipHeaders(left, right, looker);
    if (!sameContent(x, y)) await looker.inside(innerName(pair.path, /\.gz$/), x, y);
    else if (
      !headers ||
      !sameContent(partOf(pair.a, left.length, pair.a.size), partOf(pair.b, right.length, pair.b.size))
    )
      encoder(pair, looker);
  },
};

/** The first header of a zstd frame (RFC 8878, section 3.1.1.1), as far as it is an option of the encoder. */
function zstdHeader(head: Buffer): string {
  const descriptor = head[4] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  const size = descriptor >> 6 !== 0 || single;
  const window = single ? "" : `, window ${head[5] ?? 0}`;
  return `${(descriptor & 4) !== 0 ? "with" : "without"} checksum, ${size ? "with" : "without"} content size${window}`;
}

/** Check types of .xz (section 2.1.1.2). */
const checks: Readonly<Record<number, string>> = { 0: "none", 1: "CRC32", 4: "CRC64", 10: "SHA-256" };

function stream(
  name: string,
  ending: string,
  magic: readonly number[],
  field: string,
  header: (head: Buffer) => string,
): Format {
  return {
    name,
    accepts: (pair) => startsWith(pair, ...magic),
    compare: async (pair, looker) => {
      const [x, y] = [await opened(pair.a, ending, looker), await opened(pair.b, ending, looker)];
      const [left, right] = [header(pair.a.read(0, 32)), header(pair.b.read(0, 32))];
      if (left !== right) looker.found(field, { grade: "encoding", a: left, b: right, natures: ["encoder"] });
      if (!sameContent(x, y)) await looker.inside(innerName(pair.path, new RegExp(`\\.${ending}$`)), x, y);
      else if (left === right) encoder(pair, looker);
    },
  };
}

export const zstd = stream("zstd", "zst", [0x28, 0xb5, 0x2f, 0xfd], "Frame_Header", zstdHeader);
export const xz = stream("xz", "xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "Stream Flags", (head) => {
  const check = (head[7] ?? 0) & 15;
  return `check ${checks[check] ?? check}`;
});
/** Has no mark of its own: told by its name. */
export const brotli: Format = {
  ...stream("brotli", "br", [], "", () => ""),
  accepts: ({ path }) => path.endsWith(".br"),
};

export const bzip2 = stream(
  "bzip2",
  "bz2",
  [0x42, 0x5a, 0x68],
  "level",
  (head) => `blocks of ${(head[3] ?? 0) - 0x30}00 kB`,
);
