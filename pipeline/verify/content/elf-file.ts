/** What an ELF file is made of (System V ABI, gABI chapter 4): header, program headers, sections by name. */
import type { Content } from "./format.ts";
import { Claims, partOf } from "./windows.ts";

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  /** Bytes in the file; none for what only takes memory. */
  readonly size: number;
  /** Numbers of its header that follow from where it lies: offset, size, address. */
  readonly place: string;
  /** The other numbers of its header: type, flags, link, info, alignment, size of entries. */
  readonly rest: string;
  readonly content: Content;
}

export interface ElfFile {
  readonly content: Content;
  readonly wide: boolean;
  readonly little: boolean;
  /** Fields of the header by name, without those that say where other things lie. */
  readonly header: ReadonlyMap<string, number>;
  /** Each program header as text. */
  readonly programs: readonly string[];
  readonly sections: ReadonlyMap<string, Section>;
  /** What belongs to nothing, without zero bytes between things: where it begins, and what it is. */
  readonly rest: () => Buffer;
  readonly read: ElfReader;
}

/** Numbers of one byte order and width. */
export class ElfReader {
  readonly #wide: boolean;
  readonly #little: boolean;

  constructor(wide: boolean, little: boolean) {
    this.#wide = wide;
    this.#little = little;
  }

  half(bytes: Buffer, at: number): number {
    return this.#little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  }

  word(bytes: Buffer, at: number): number {
    return this.#little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  }

  long(bytes: Buffer, at: number): number {
    return Number(this.#little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  }

  /** An address, an offset or a size. */
  native(bytes: Buffer, at: number): number {
    return this.#wide ? this.long(bytes, at) : this.word(bytes, at);
  }
}

const mostSections = 65_536;
const mostPrograms = 4096;
const restLimit = 16 << 20;
/** Section that takes no bytes of the file (SHT_NOBITS). */
const noBits = 8;

export function isElf(head: Buffer): boolean {
  return (
    head.length >= 20 &&
    head.readUInt32BE(0) === 0x7f454c46 &&
    [1, 2].includes(head[4] ?? 0) &&
    [1, 2].includes(head[5] ?? 0)
  );
}

function textAt(table: Buffer, at: number): string {
  const end = table.indexOf(0, at);
  return at >= table.length
    ? ""
    : table.toString("latin1", at, end < 0 ? Math.min(table.length, at + 256) : Math.min(end, at + 256));
}

/** Numbers of a header, at the offsets of its fields. */
interface Layout {
  readonly size: number;
  readonly shoff: number;
  readonly phoff: number;
  readonly flags: number;
}

const layouts: { readonly wide: Layout; readonly narrow: Layout } = {
  wide: { size: 64, phoff: 32, shoff: 40, flags: 48 },
  narrow: { size: 52, phoff: 28, shoff: 32, flags: 36 },
};

/** Reads the tables of an ELF file. Throws RangeError for what is none. */
export function readElf(content: Content): ElfFile {
  const ident = content.read(0, 16);
  const [wide, little] = [ident[4] === 2, ident[5] === 1];
  const layout = wide ? layouts.wide : layouts.narrow;
  const read = new ElfReader(wide, little);
  const head = content.read(0, layout.size);
  if (head.length < layout.size) throw new RangeError("its header is not whole");
  const at = layout.flags;
  const [phoff, shoff] = [read.native(head, layout.phoff), read.native(head, layout.shoff)];
  const [phentsize, phnum, shentsize] = [read.half(head, at + 6), read.half(head, at + 8), read.half(head, at + 10)];
  const shnum = read.half(head, at + 12);
  const names = read.half(head, at + 14);
  const header = new Map<string, number>([
    ["EI_CLASS", ident[4] ?? 0],
    ["EI_DATA", ident[5] ?? 0],
    ["EI_VERSION", ident[6] ?? 0],
    ["EI_OSABI", ident[7] ?? 0],
    ["EI_ABIVERSION", ident[8] ?? 0],
    ["EI_PAD", ident.readUIntBE(9, 6)],
    ["e_type", read.half(head, 16)],
    ["e_machine", read.half(head, 18)],
    ["e_version", read.word(head, 20)],
    ["e_entry", read.native(head, 24)],
    ["e_flags", read.word(head, at)],
    ["e_phnum", phnum],
    ["e_shnum", shnum],
  ]);
  const claims = new Claims(content);
  claims.add(0, layout.size);
  const programs: string[] = [];
  const programSize = wide ? 56 : 32;
  if (phnum > mostPrograms || (phnum > 0 && phentsize < programSize))
    throw new RangeError("its program headers are malformed");
  const table = content.read(phoff, phnum * phentsize);
  for (let index = 0; index < phnum; index++) {
    const entry = table.subarray(index * phentsize, (index + 1) * phentsize);
    if (entry.length < programSize) throw new RangeError("its program headers are not whole");
    programs.push(entry.toString("hex"));
  }
  claims.add(phoff, phnum * phentsize);
  const sections =
    shoff === 0
      ? new Map<string, Section>()
      : readSections(content, read, wide, shoff, shnum, shentsize, names, claims);
  return { content, wide, little, header, programs, sections, rest: () => claims.rest(restLimit), read };
}

function readSections(
  content: Content,
  read: ElfReader,
  wide: boolean,
  shoff: number,
  count: number,
  entrySize: number,
  nameIndex: number,
  claims: Claims,
): ReadonlyMap<string, Section> {
  const size = wide ? 64 : 40;
  if (count > mostSections || (count > 0 && entrySize < size))
    throw new RangeError("its section headers are malformed");
  const table = content.read(shoff, count * entrySize);
  if (table.length < count * entrySize) throw new RangeError("its section headers are not whole");
  claims.add(shoff, count * entrySize);
  const n = wide ? 8 : 4;
  const raw = Array.from({ length: count }, (_, index) => {
    const entry = table.subarray(index * entrySize);
    return {
      name: read.word(entry, 0),
      type: read.word(entry, 4),
      flags: read.native(entry, 8),
      address: read.native(entry, 8 + n),
      offset: read.native(entry, 8 + 2 * n),
      size: read.native(entry, 8 + 3 * n),
      link: read.word(entry, 8 + 4 * n),
      info: read.word(entry, 12 + 4 * n),
      align: read.native(entry, 16 + 4 * n),
      each: read.native(entry, 16 + 5 * n),
    };
  });
  const strings = raw[nameIndex];
  if (count > 0 && (strings === undefined || strings.size > 16 << 20))
    throw new RangeError("its sections have no names");
  const names = strings === undefined ? Buffer.alloc(0) : content.read(strings.offset, strings.size);
  const sections = new Map<string, Section>();
  const again = new Map<string, number>();
  for (const [index, one] of raw.entries()) {
    // The first header is of no section.
    if (index === 0 && one.type === 0) continue;
    const base = textAt(names, one.name) || `section ${index}`;
    const times = again.get(base) ?? 0;
    again.set(base, times + 1);
    const name = times === 0 ? base : `${base} (${times + 1})`;
    const bytes = one.type === noBits ? 0 : one.size;
    // Go's linker puts what has no bytes beyond the end of a stripped program.
    if (bytes > 0 && one.offset + bytes > content.size) throw new RangeError(`section ${name} is not whole`);
    claims.add(one.offset, bytes);
    const { link, info, align, each, type, flags, address, offset } = one;
    sections.set(name, {
      name,
      type,
      flags,
      address,
      offset,
      size: bytes,
      place: [offset, one.size, address].join(),
      rest: `sh_type ${type}, sh_flags ${flags}, sh_link ${link}, sh_info ${info}, sh_addralign ${align}, sh_entsize ${each}`,
      content: partOf(content, offset, bytes),
    });
  }
  return sections;
}
