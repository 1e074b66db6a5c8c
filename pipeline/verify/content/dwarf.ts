/** Compares debug information (DWARF 2 to 5): the names of directories and of compilers in each unit, and how much of the rest differs. */
import { inflateSync, zstdDecompressSync } from "node:zlib";
import type { Nature } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import type { ElfFile, Section } from "./elf-file.ts";
import type { Looker } from "./format.ts";
import { judge } from "./tokens.ts";

const largest = 32 << 20;
const mostUnits = 20_000;
const mostTold = 10;
const compressedFlag = 0x800;

/** The bytes of a section, decompressed (gABI, "Section Compression"; `.zdebug_`). */
function bytesOf(file: ElfFile, name: string): Buffer {
  const section = file.sections.get(`.${name}`) ?? file.sections.get(`.z${name}`);
  if (section === undefined) return Buffer.alloc(0);
  if (section.size > largest) throw new RangeError(`.${name} is too large`);
  const bytes = section.content.read(0, section.size);
  if (section.name.startsWith(".z") && bytes.toString("latin1", 0, 4) === "ZLIB")
    return inflateSync(bytes.subarray(12), { maxOutputLength: largest });
  if ((section.flags & compressedFlag) === 0) return bytes;
  const data = bytes.subarray(file.wide ? 24 : 12);
  return file.read.word(bytes, 0) === 2
    ? zstdDecompressSync(data, { maxOutputLength: largest })
    : inflateSync(data, { maxOutputLength: largest });
}

/** Reads numbers one after the other. */
class Cursor {
  at: number;
  readonly bytes: Buffer;
  readonly #file: ElfFile;

  constructor(bytes: Buffer, file: ElfFile, at: number) {
    this.bytes = bytes;
    this.#file = file;
    this.at = at;
  }

  byte(): number {
    return this.bytes.readUInt8(this.at++);
  }

  half(): number {
    this.at += 2;
    return this.#file.read.half(this.bytes, this.at - 2);
  }

  word(): number {
    this.at += 4;
    return this.#file.read.word(this.bytes, this.at - 4);
  }

  offset(wide: boolean): number {
    if (!wide) return this.word();
    this.at += 8;
    return this.#file.read.long(this.bytes, this.at - 8);
  }

  /** LEB128; beyond 53 bits only its length matters. */
  leb(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a number is malformed");
  }

  text(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw new RangeError("a text does not end");
    const value = this.bytes.toString("utf8", this.at, end);
    this.at = end + 1;
    return value;
  }
}

/** Attributes that are looked at (DWARF 5, table 7.5). */
const wanted: ReadonlyMap<number, string> = new Map([
  [0x03, "DW_AT_name"],
  [0x1b, "DW_AT_comp_dir"],
  [0x25, "DW_AT_producer"],
]);

interface Form {
  readonly attribute: number;
  readonly form: number;
}

interface Texts {
  readonly str: Buffer;
  readonly lineStr: Buffer;
}

function textAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return at >= bytes.length || end < 0 ? "" : bytes.toString("utf8", at, end);
}

/** Passes over one value, or reads it where it is text (DWARF 5, section 7.5.6). Throws for forms that are not known. */
function value(cursor: Cursor, form: number, wide: boolean, addressSize: number, texts: Texts): string | undefined {
  const skip = (count: number): undefined => {
    cursor.at += count;
    return undefined;
  };
  switch (form) {
    case 0x08:
      return cursor.text();
    case 0x0e:
      return textAt(texts.str, cursor.offset(wide));
    case 0x1f:
      return textAt(texts.lineStr, cursor.offset(wide));
    case 0x01:
      return skip(addressSize);
    case 0x0b:
    case 0x0c:
    case 0x11:
    case 0x25:
    case 0x29:
      return skip(1);
    case 0x05:
    case 0x12:
    case 0x26:
    case 0x2a:
      return skip(2);
    case 0x27:
    case 0x2b:
      return skip(3);
    case 0x06:
    case 0x13:
    case 0x1c:
    case 0x28:
    case 0x2c:
      return skip(4);
    case 0x07:
    case 0x14:
    case 0x20:
    case 0x24:
      return skip(8);
    case 0x1e:
      return skip(16);
    case 0x0d:
    case 0x0f:
    case 0x15:
    case 0x1a:
    case 0x1b:
    case 0x22:
    case 0x23:
      cursor.leb();
      return undefined;
    case 0x10:
    case 0x17:
    case 0x1d:
      cursor.offset(wide);
      return undefined;
    case 0x19:
    case 0x21:
      return undefined;
    case 0x09:
    case 0x18:
      return skip(cursor.leb());
    case 0x0a:
      return skip(cursor.byte());
    case 0x03:
      return skip(cursor.half());
    case 0x04:
      return skip(cursor.word());
    default:
      throw new RangeError(`form ${form} is not known`);
  }
}

/** The attributes of an abbreviation. */
function formsOf(abbrev: Cursor, code: number): readonly Form[] {
  for (;;) {
    const found = abbrev.leb();
    if (found === 0) throw new RangeError("an abbreviation is missing");
    abbrev.leb();
    abbrev.byte();
    const forms: Form[] = [];
    for (;;) {
      const [attribute, form] = [abbrev.leb(), abbrev.leb()];
      if (form === 0x21) abbrev.leb();
      if (attribute === 0 && form === 0) break;
      forms.push({ attribute, form });
    }
    if (found === code) return forms;
  }
}

type Unit = ReadonlyMap<string, string>;

/** The texts that the first entry of each unit has (DWARF 5, section 7.5.1). */
function unitsOf(file: ElfFile): readonly Unit[] {
  const info = bytesOf(file, "debug_info");
  const abbrevs = bytesOf(file, "debug_abbrev");
  const texts: Texts = { str: bytesOf(file, "debug_str"), lineStr: bytesOf(file, "debug_line_str") };
  const units: Unit[] = [];
  for (let start = 0; start < info.length && units.length < mostUnits;) {
    const cursor = new Cursor(info, file, start);
    let length = cursor.word();
    const wide = length === 0xffffffff;
    if (wide) length = cursor.offset(true);
    start = cursor.at + length;
    const version = cursor.half();
    let addressSize: number;
    let abbrevAt: number;
    let type = 1;
    if (version >= 5) {
      type = cursor.byte();
      addressSize = cursor.byte();
      abbrevAt = cursor.offset(wide);
      if (type === 4 || type === 5) cursor.at += 8;
      if (type === 2 || type === 6) cursor.at += wide ? 16 : 12;
    } else {
      abbrevAt = cursor.offset(wide);
      addressSize = cursor.byte();
    }
    if (type === 2 || type === 6) continue;
    const code = cursor.leb();
    if (code === 0) continue;
    const unit = new Map<string, string>();
    for (const { attribute, form } of formsOf(new Cursor(abbrevs, file, abbrevAt), code)) {
      const text = value(cursor, form, wide, addressSize, texts);
      const name = wanted.get(attribute);
      if (name !== undefined && text !== undefined) unit.set(name, text);
    }
    units.push(unit);
  }
  return units;
}

/** Says which directories and compilers differ; whether there were any. */
function compareUnits(fileA: ElfFile, fileB: ElfFile, looker: Looker): boolean {
  const [a, b] = [unitsOf(fileA), unitsOf(fileB)];
  const told = new Set<string>();
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    for (const name of wanted.values()) {
      const [x, y] = [a[index]?.get(name) ?? "", b[index]?.get(name) ?? ""];
      // Units of one directory say the same.
      if (x === y || told.has(`${name}\0${x}\0${y}`) || told.size >= mostTold) continue;
      told.add(`${name}\0${x}\0${y}`);
      const verdict = judge(x, y);
      const natures: readonly Nature[] = name === "DW_AT_comp_dir" ? ["path"] : verdict.natures;
      looker.found(name, {
        grade: "cosmetic",
        a: shown(x),
        b: shown(y),
        natures,
        facts: { section: ".debug_info", loaded: false, kinds: verdict.kinds.join(" ") },
      });
    }
  }
  return told.size > 0;
}

/** Compares the debug sections of two files; `sections` are those that differ. */
export function compareDebug(
  fileA: ElfFile,
  fileB: ElfFile,
  sections: readonly { readonly a: Section; readonly b: Section }[],
  looker: Looker,
): void {
  let explained = false;
  const info = looker.within(".debug_info");
  try {
    explained = compareUnits(fileA, fileB, info);
  } catch (error) {
    info.unread(`the debug information cannot be followed: ${error instanceof Error ? error.message : "unknown"}`);
  }
  const [sizeA, sizeB] = [
    sections.reduce((sum, { a }) => sum + a.size, 0),
    sections.reduce((sum, { b }) => sum + b.size, 0),
  ];
  looker.found("debug information", {
    grade: "cosmetic",
    natures: explained ? [] : textNatures(fileA, fileB),
    a: `${sizeA} bytes in ${sections.length} sections that differ`,
    b: `${sizeB} bytes in ${sections.length} sections that differ`,
    facts: { loaded: false, count: sections.length, sizeA, sizeB, section: sections[0]?.a.name ?? "" },
  });
}

/** What kinds of texts the tables of texts have of their own. */
function textNatures(fileA: ElfFile, fileB: ElfFile): readonly Nature[] {
  try {
    const texts = (file: ElfFile): readonly string[] =>
      ["debug_str", "debug_line_str"].flatMap((name) => bytesOf(file, name).toString("latin1").split("\0"));
    const [x, y] = [texts(fileA), texts(fileB)];
    const [inA, inB] = [new Set(x), new Set(y)];
    const [onlyA, onlyB] = [x.filter((text) => !inB.has(text)), y.filter((text) => !inA.has(text))];
    return [...new Set(onlyA.slice(0, 100).flatMap((text, index) => judge(text, onlyB[index] ?? "").natures))];
  } catch {
    return [];
  }
}
