/** What ldconfig needs to know of an ELF object: its class, machine and SONAME, read from bytes that may be hostile. */
import type { ElfLibrary } from "./facts.ts";

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const ET_DYN = 3;
const DT_NULL = 0n;
const DT_STRTAB = 5n;
const DT_SONAME = 14n;

/** The longest SONAME that is believed, in bytes: a file name's limit. */
const nameLimit = 255;
/** How many dynamic entries are read at most; libraries have dozens. */
const dynamicLimit = 4096;

/** Whether ldconfig looks into a file of this name: `lib*.so*`, and `ld-*.so*` for the dynamic loader (glibc, elf/dl-is_dso.h). */
export function isLibraryName(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return (name.startsWith("lib") || name.startsWith("ld-")) && name.includes(".so");
}

/** Whether bytes begin like an ELF object; four bytes are enough. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

interface Segment {
  readonly type: number;
  readonly offset: bigint;
  readonly address: bigint;
  readonly fileSize: bigint;
}

/** Reads fields of an ELF file of either class and byte order; every read outside the file gives undefined. */
class Reader {
  readonly #view: DataView;
  readonly #little: boolean;
  readonly wide: boolean;

  constructor(bytes: Uint8Array, wide: boolean, little: boolean) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.wide = wide;
    this.#little = little;
  }

  half(at: number): number | undefined {
    return at >= 0 && at + 2 <= this.#view.byteLength ? this.#view.getUint16(at, this.#little) : undefined;
  }

  word(at: number): number | undefined {
    return at >= 0 && at + 4 <= this.#view.byteLength ? this.#view.getUint32(at, this.#little) : undefined;
  }

  /** An address-sized field: 8 bytes in 64-bit files, 4 in 32-bit files. */
  address(at: number): bigint | undefined {
    if (!this.wide) {
      const word = this.word(at);
      return word === undefined ? undefined : BigInt(word);
    }
    return at >= 0 && at + 8 <= this.#view.byteLength ? this.#view.getBigUint64(at, this.#little) : undefined;
  }
}

function readerOf(bytes: Uint8Array): Reader | undefined {
  const [fileClass, data] = [bytes[4], bytes[5]];
  if (!isElf(bytes) || (fileClass !== 1 && fileClass !== 2) || (data !== 1 && data !== 2)) return undefined;
  return new Reader(bytes, fileClass === 2, data === 1);
}

/** The program headers (ELF gABI, "Program Header"); those that lie outside the file are left out. */
function readSegments(reader: Reader): readonly Segment[] {
  const { wide } = reader;
  const start = reader.address(wide ? 32 : 28);
  const size = reader.half(wide ? 54 : 42);
  const count = reader.half(wide ? 56 : 44);
  if (start === undefined || size === undefined || count === undefined) return [];
  if (size < (wide ? 56 : 32) || start > BigInt(Number.MAX_SAFE_INTEGER)) return [];
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const at = Number(start) + i * size;
    const type = reader.word(at);
    const offset = reader.address(at + (wide ? 8 : 4));
    const address = reader.address(at + (wide ? 16 : 8));
    const fileSize = reader.address(at + (wide ? 32 : 16));
    if (type === undefined || offset === undefined || address === undefined || fileSize === undefined) break;
    segments.push({ type, offset, address, fileSize });
  }
  return segments;
}

/** Where a virtual address lies in the file, through the segments that are loaded from it. */
function fileOffset(segments: readonly Segment[], address: bigint): number | undefined {
  for (const segment of segments) {
    if (segment.type !== PT_LOAD || address < segment.address || address >= segment.address + segment.fileSize)
      continue;
    const offset = address - segment.address + segment.offset;
    if (offset <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(offset);
  }
  return undefined;
}

/** A string that ends with a zero byte within the name limit and is plain enough to be a file name; else undefined. */
function readName(bytes: Uint8Array, at: number): string | undefined {
  const end = bytes.subarray(at, at + nameLimit + 1).indexOf(0);
  if (end <= 0) return undefined;
  const name = bytes.subarray(at, at + end);
  // A SONAME becomes the name of a link in the library's own directory: nothing that could lead elsewhere.
  if (name.some((byte) => byte <= 0x20 || byte >= 0x7f || byte === 0x2f)) return undefined;
  const text = String.fromCharCode(...name);
  return text === "." || text === ".." ? undefined : text;
}

function readSoname(bytes: Uint8Array, reader: Reader, segments: readonly Segment[]): string | undefined {
  const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
  if (dynamic === undefined || dynamic.offset > BigInt(bytes.length)) return undefined;
  const step = reader.wide ? 16 : 8;
  const count = Math.min(Number(dynamic.fileSize / BigInt(step)), dynamicLimit);
  let strings: bigint | undefined;
  let soname: bigint | undefined;
  for (let i = 0; i < count; i++) {
    const at = Number(dynamic.offset) + i * step;
    const tag = reader.address(at);
    const value = reader.address(at + step / 2);
    if (tag === undefined || value === undefined || tag === DT_NULL) break;
    if (tag === DT_STRTAB) strings ??= value;
    if (tag === DT_SONAME) soname ??= value;
  }
  if (strings === undefined || soname === undefined) return undefined;
  const at = fileOffset(segments, strings + soname);
  return at === undefined ? undefined : readName(bytes, at);
}

/** A part of a file, from a byte to before another. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** Of the segment where linkers put names, of the dynamic section, and of the end, where programs that change an object put what has become longer. */
const namesLimit = 24 << 20;
const dynamicSize = 1 << 20;
const endSize = 4 << 20;

/**
 * The parts of an object of `size` bytes that `readElf` needs beside the head: its first loaded segment, its dynamic section, its end. None of
 * what is no object, or has its program headers after the head.
 */
export function partsOfElf(head: Uint8Array, size: number): readonly Part[] {
  const reader = readerOf(head);
  const segments = reader === undefined ? [] : readSegments(reader);
  const part = (type: number, limit: number): readonly Part[] => {
    const found = segments.find((segment) => segment.type === type);
    if (found === undefined || found.offset > BigInt(size)) return [];
    const from = Number(found.offset);
    return [{ from, to: from + Math.min(Number(found.fileSize), limit) }];
  };
  if (segments.length === 0) return [];
  return [
    ...part(PT_LOAD, namesLimit),
    ...part(PT_DYNAMIC, dynamicSize),
    { from: Math.max(0, size - endSize), to: size },
  ];
}

/**
 * Reads a whole shared object (`bytes` is the file's content, or of a large one as much as `partsOfElf` says, the rest zero). Undefined when it is not
 * one: no ELF file, an executable or relocatable object, no dynamic section, or headers that make no sense. Never throws.
 * ELF gABI, "ELF Header", "Program Header", "Dynamic Section".
 */
export function readElf(bytes: Uint8Array, path: string): ElfLibrary | undefined {
  const reader = readerOf(bytes);
  const machine = reader?.half(18);
  if (reader?.half(16) !== ET_DYN || machine === undefined) return undefined;
  const segments = readSegments(reader);
  if (!segments.some((segment) => segment.type === PT_DYNAMIC && segment.fileSize > 0n)) return undefined;
  const soname = readSoname(bytes, reader, segments);
  return { path, bits: reader.wide ? 64 : 32, machine, ...(soname === undefined ? {} : { soname }) };
}
