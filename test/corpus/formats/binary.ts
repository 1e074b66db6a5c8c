/** Writes small binary files of several kinds: the linker's cache, `ar` archives, PNG pictures, PDF documents, SQLite databases. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32, deflateSync } from "node:zlib";
import { temporaryPath } from "./temporary.ts";

/** `/etc/ld.so.cache` in glibc's new format, with libraries in the order given. */
export function linkerCache(libraries: readonly (readonly [name: string, path: string])[]): Buffer {
  const head = Buffer.alloc(48);
  head.write("glibc-ld.so.cache1.1", 0, "latin1");
  head.writeUInt32LE(libraries.length, 20);
  head.writeUInt8(2, 28);
  const entries: Buffer[] = [];
  const strings: Buffer[] = [];
  let offset = 48 + libraries.length * 24;
  for (const [name, path] of libraries) {
    const entry = Buffer.alloc(24);
    entry.writeInt32LE(0x0303, 0);
    entry.writeUInt32LE(offset, 4);
    offset += name.length + 1;
    entry.writeUInt32LE(offset, 8);
    offset += path.length + 1;
    entries.push(entry);
    strings.push(Buffer.from(`${name}\0${path}\0`));
  }
  const text = Buffer.concat(strings);
  head.writeUInt32LE(text.length, 24);
  return Buffer.concat([head, ...entries, text]);
}

export interface Member {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly mtime?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** An archive of `ar`. */
export function ar(members: readonly Member[]): Buffer {
  const pieces = [Buffer.from("!<arch>\n")];
  for (const { name, content, mtime = 0, uid = 0, gid = 0 } of members) {
    const bytes = Buffer.from(content);
    const field = (value: string | number, size: number): string => String(value).padEnd(size);
    pieces.push(
      Buffer.from(
        `${field(`${name}/`, 16)}${field(mtime, 12)}${field(uid, 6)}${field(gid, 6)}${field("100644", 8)}${field(bytes.length, 10)}\`\n`,
      ),
      bytes,
      Buffer.alloc(bytes.length % 2, "\n"),
    );
  }
  return Buffer.concat(pieces);
}

/** A picture of 8 × 8 grey pixels with texts in it. */
export function png(texts: Readonly<Record<string, string>>): Buffer {
  const chunk = (type: string, body: Uint8Array): Buffer => {
    const data = Buffer.concat([Buffer.from(type, "latin1"), body]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(body.length);
    sum.writeUInt32BE(crc32(data));
    return Buffer.concat([length, data, sum]);
  };
  const header = Buffer.from("00000008000000080800000000", "hex");
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    ...Object.entries(texts).map(([key, value]) => chunk("tEXt", Buffer.from(`${key}\0${value}`, "latin1"))),
    chunk("IDAT", deflateSync(Buffer.alloc(72, 127))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A document of one empty page, as a typesetter wrote it then. */
export function pdf(date: string, id: string): Buffer {
  return Buffer.from(
    `%PDF-1.5\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>\nendobj\n4 0 obj\n<< /Producer (pdfTeX-1.40.26) /CreationDate (D:${date}) /ModDate (D:${date}) >>\nendobj\nxref\n0 5\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n0000000115 00000 n \n0000000186 00000 n \ntrailer\n<< /Size 5 /Root 1 0 R /Info 4 0 R /ID [<${id}> <${id}>] >>\nstartxref\n310\n%%EOF\n`,
    "latin1",
  );
}

/** A database made by these statements. */
export function sqlite(...statements: readonly string[]): Buffer {
  const directory = temporaryPath();
  const path = join(directory, "made.sqlite");
  const database = new DatabaseSync(path);
  for (const statement of statements) database.exec(statement);
  database.close();
  return readFileSync(path);
}
