/** The bytes of /etc/ld.so.cache: "glibc-ld.so.cache1.1" for little-endian machines (glibc, sysdeps/generic/dl-cache.h, elf/cache.c). */

export interface CacheEntry {
  /** The SONAME that programs ask for. */
  readonly name: string;
  /** Absolute path of the file. */
  readonly path: string;
  readonly flags: number;
  /** Name of the glibc-hwcaps subdirectory the file is in. */
  readonly hwcaps?: string;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Order of library names: digits as numbers, everything else by bytes (_dl_cache_libcmp); the loader searches by it. */
export function compareLibraries(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length) {
    const x = a.charCodeAt(i);
    const y = j < b.length ? b.charCodeAt(j) : 0;
    if (isDigit(x)) {
      if (!isDigit(y)) return 1;
      const left = /^\d+/.exec(a.slice(i))?.[0] ?? "";
      const right = /^\d+/.exec(b.slice(j))?.[0] ?? "";
      const difference = BigInt(left) - BigInt(right);
      if (difference !== 0n) return difference < 0n ? -1 : 1;
      i += left.length;
      j += right.length;
    } else if (isDigit(y)) return -1;
    else if (x !== y) return x - y;
    else {
      i++;
      j++;
    }
  }
  return j < b.length ? -b.charCodeAt(j) : 0;
}

/** Newest name first; of one name glibc-hwcaps first, by name of the subdirectory (compare in elf/cache.c). */
function compareEntries(a: CacheEntry, b: CacheEntry): number {
  const names = compareLibraries(b.name, a.name);
  if (names !== 0) return names;
  if (a.flags !== b.flags) return b.flags - a.flags;
  if (a.hwcaps === b.hwcaps) return 0;
  if (a.hwcaps === undefined) return 1;
  if (b.hwcaps === undefined) return -1;
  return a.hwcaps < b.hwcaps ? -1 : 1;
}

/** The bytes of a text from the last to the first. */
function reversed(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8")).toReversed();
}

/** Strings one after the other, each ended by zero; a string that another one ends with shares its bytes (elf/stringtable.c). */
function stringTable(strings: Iterable<string>): {
  readonly bytes: Buffer;
  readonly offsets: ReadonlyMap<string, number>;
} {
  // Reverse order of reversed strings: what ends like another comes right behind it.
  const sorted = [...new Set(strings)]
    .map((text) => ({ text, key: reversed(text) }))
    .toSorted((a, b) => Buffer.compare(b.key, a.key));
  const offsets = new Map<string, number>();
  const pieces: Buffer[] = [];
  let size = 0;
  let previous: { readonly text: string; readonly end: number } | undefined;
  for (const { text, key } of sorted) {
    if (previous?.text.endsWith(text) === true) {
      offsets.set(text, previous.end - key.length);
    } else {
      offsets.set(text, size);
      pieces.push(Buffer.from(`${text}\0`, "utf8"));
      size += key.length + 1;
    }
    previous = { text, end: size - 1 };
  }
  return { bytes: Buffer.concat(pieces), offsets };
}

const headerSize = 48;
const entrySize = 24;
const extensionMagic = 0xeaa42174;
/** Set in the hwcap field of entries from glibc-hwcaps; the low half is an index into the list of names. */
const hwcapExtension = 1n << 62n;
/** Who wrote the file, for `ldconfig -p`. */
const generator = "lockstep";

function align(value: number): number {
  return (value + 3) & ~3;
}

function extension(start: number, hwcaps: readonly number[]): Buffer {
  const count = hwcaps.length === 0 ? 1 : 2;
  const data = start + 8 + 16 * count;
  const words = [extensionMagic, count, 0, 0, data, generator.length];
  const names = align(data + generator.length);
  if (count === 2) words.push(1, 0, names, 4 * hwcaps.length);
  const bytes = Buffer.alloc((count === 2 ? names + 4 * hwcaps.length : data + generator.length) - start);
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, 4 * index);
  bytes.write(generator, data - start, "latin1");
  for (const [index, offset] of hwcaps.entries()) bytes.writeUInt32LE(offset, names - start + 4 * index);
  return bytes;
}

/** The whole cache; entries may come in any order but those of one name and flags keep theirs, which is that of the directories. */
export function formatCache(entries: readonly CacheEntry[]): Buffer {
  const sorted = entries.toSorted(compareEntries);
  const hwcaps = [...new Set(sorted.flatMap((entry) => entry.hwcaps ?? []))].toSorted();
  const { bytes: strings, offsets } = stringTable([...sorted.flatMap(({ name, path }) => [name, path]), ...hwcaps]);
  const base = headerSize + entrySize * sorted.length;
  const at = (text: string): number => base + (offsets.get(text) ?? 0);
  const head = Buffer.alloc(base);
  head.write("glibc-ld.so.cache1.1", "latin1");
  head.writeUInt32LE(sorted.length, 20);
  head.writeUInt32LE(strings.length, 24);
  // cache_file_new_flags_endian_little
  head.writeUInt8(2, 28);
  const extensionStart = align(base + strings.length);
  head.writeUInt32LE(extensionStart, 32);
  for (const [index, entry] of sorted.entries()) {
    const start = headerSize + entrySize * index;
    head.writeInt32LE(entry.flags, start);
    head.writeUInt32LE(at(entry.name), start + 4);
    head.writeUInt32LE(at(entry.path), start + 8);
    const hwcap = entry.hwcaps === undefined ? 0n : hwcapExtension | BigInt(hwcaps.indexOf(entry.hwcaps));
    head.writeBigUInt64LE(hwcap, start + 16);
  }
  const padding = Buffer.alloc(extensionStart - base - strings.length);
  return Buffer.concat([head, strings, padding, extension(extensionStart, hwcaps.map(at))]);
}
