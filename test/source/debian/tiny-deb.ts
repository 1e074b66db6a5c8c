/** Packages made in memory for tests, sound or hostile: ar and tar written byte by byte, independent of the program's own writers. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf, hexOf } from "../../../pipeline/store/digest.ts";
import { run } from "../../support.ts";

/** One tar entry; every field can lie. */
export interface RawEntry {
  readonly name: string | Uint8Array;
  /** Type flag; `0` (file) unless given. */
  readonly flag?: string;
  readonly content?: string | Uint8Array;
  readonly link?: string | Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  /** The twelve bytes of the size field, when they are not those of the content's length. */
  readonly size?: Uint8Array | string;
  readonly major?: number;
  /** The checksum field, when it is not the right one. */
  readonly checksum?: string;
  /** Magic and version; POSIX unless given. */
  readonly magic?: string;
}

function octal(value: number, length: number): string {
  return value.toString(8).padStart(length - 1, "0");
}

/** Header and content of one entry, padded. */
export function rawEntry(entry: RawEntry): Buffer {
  const content = Buffer.from(entry.content ?? "");
  const header = Buffer.alloc(512);
  header.set(Buffer.from(entry.name).subarray(0, 100), 0);
  header.write(octal(entry.mode ?? 0o644, 8), 100);
  header.write(octal(entry.uid ?? 0, 8), 108);
  header.write(octal(entry.gid ?? 0, 8), 116);
  header.set(Buffer.from(entry.size ?? octal(content.length, 12)), 124);
  header.write(octal(entry.mtime ?? 1_600_000_000, 12), 136);
  header.write(entry.flag ?? "0", 156, "latin1");
  header.set(Buffer.from(entry.link ?? "").subarray(0, 100), 157);
  header.write(entry.magic ?? "ustar\x0000", 257, "latin1");
  header.write(octal(entry.major ?? 0, 8), 329);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(entry.checksum ?? `${octal(sum, 7)}\0 `, 148, "latin1");
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** A tar archive with its end. */
export function rawTar(entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.map(rawEntry), Buffer.alloc(1024)]);
}

/** A PAX extended header before the next entry; `g` makes it one for all. */
export function pax(records: Readonly<Record<string, string | Uint8Array>>, flag: "x" | "g" = "x"): RawEntry {
  const body = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")]);
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    return Buffer.concat([Buffer.from(String(length)), rest]);
  });
  return { name: "././@PaxHeader", flag, content: Buffer.concat(body) };
}

export interface RawMember {
  readonly name: string;
  readonly content: Uint8Array;
  /** The size field, when it is not the content's length. */
  readonly size?: string;
}

export function rawAr(members: readonly RawMember[]): Buffer {
  return Buffer.concat([
    Buffer.from("!<arch>\n"),
    ...members.flatMap(({ name, content, size }) => [
      Buffer.from(
        `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${(size ?? String(content.length)).padEnd(10)}\`\n`,
      ),
      content,
      Buffer.from(content.length % 2 === 1 ? "\n" : ""),
    ]),
  ]);
}

export type Compression = "none" | "gz" | "xz" | "zst";

/** Compressed bytes and the ending that says how; xz needs the program of that name. */
function compressed(bytes: Uint8Array, how: Compression): { readonly ending: string; readonly bytes: Buffer } {
  switch (how) {
    case "none":
      return { ending: "", bytes: Buffer.from(bytes) };
    case "gz":
      return { ending: ".gz", bytes: gzipSync(bytes) };
    case "zst":
      return { ending: ".zst", bytes: zstdCompressSync(bytes) };
    case "xz":
      return { ending: ".xz", bytes: run("xz", ["-c"], { input: bytes }).stdout };
  }
}

export interface TinyDeb {
  readonly name?: string;
  readonly version?: string;
  readonly architecture?: "amd64" | "arm64" | "all";
  /** Further fields of the control file. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Further members of control.tar. */
  readonly control?: Readonly<Record<string, string>>;
  /** Entries of data.tar. */
  readonly data?: readonly RawEntry[];
  /** data.tar itself, in place of `data`. */
  readonly tar?: Uint8Array;
  readonly compression?: Compression;
}

export function controlTar(deb: TinyDeb = {}): Buffer {
  const fields = {
    Package: deb.name ?? "tiny",
    Version: deb.version ?? "1.0",
    Architecture: deb.architecture ?? "all",
    Maintainer: "Nobody <nobody@example.invalid>",
    Description: "a package for tests",
    ...deb.fields,
  };
  const text = Object.entries(fields)
    .map(([field, value]) => `${field}: ${value}\n`)
    .join("");
  const members = Object.entries({ control: text, ...deb.control });
  return rawTar(members.map(([name, content]) => ({ name: `./${name}`, content })));
}

export function tinyDeb(deb: TinyDeb = {}): Buffer {
  const control = compressed(controlTar(deb), "gz");
  const data = compressed(deb.tar ?? rawTar(deb.data ?? []), deb.compression ?? "none");
  return rawAr([
    { name: "debian-binary", content: Buffer.from("2.0\n") },
    { name: `control.tar${control.ending}`, content: control.bytes },
    { name: `data.tar${data.ending}`, content: data.bytes },
  ]);
}

export function sha256Of(bytes: Uint8Array): string {
  return hexOf(digestOf(bytes));
}
