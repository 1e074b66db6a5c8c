/** Writes ELF files of a few sections, as compilers make them in their form: 64 bits, little-endian, x86-64. */

export interface ElfOf {
  readonly text?: Uint8Array;
  readonly rodata?: string;
  readonly comment?: string;
  /** 20 bytes in hexadecimal. */
  readonly buildId?: string;
  readonly debugStrings?: string;
  readonly goBuildInfo?: string;
  readonly goBuildId?: string;
  /** 62 is x86-64, 183 is AArch64. */
  readonly machine?: number;
  readonly more?: Readonly<Record<string, Uint8Array>>;
}

function note(name: string, type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(name.length + 1, 0);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(type, 8);
  const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  return Buffer.concat([head, padded(Buffer.from(`${name}\0`)), padded(body)]);
}

export function elf(of: ElfOf): Buffer {
  const {
    text = Buffer.from("554889e5b800000000c9c3", "hex"),
    rodata = "hello\0",
    comment = "GCC: (Debian 14.2.0-19) 14.2.0\0",
  } = of;
  const sections: (readonly [string, number, number, Uint8Array])[] = [
    [".text", 1, 6, text],
    [".rodata", 1, 2, Buffer.from(rodata)],
    ...(of.buildId === undefined
      ? []
      : [[".note.gnu.build-id", 7, 2, note("GNU", 3, Buffer.from(of.buildId, "hex"))] as const]),
    ...(of.goBuildId === undefined
      ? []
      : [[".note.go.buildid", 7, 2, note("Go", 4, Buffer.from(of.goBuildId))] as const]),
    ...(of.goBuildInfo === undefined ? [] : [[".go.buildinfo", 1, 3, goInfo(of.goBuildInfo)] as const]),
    ...(of.debugStrings === undefined ? [] : [[".debug_str", 1, 0x30, Buffer.from(of.debugStrings)] as const]),
    ...Object.entries(of.more ?? {}).map(([name, bytes]) => [name, 1, 2, bytes] as const),
    [".comment", 1, 0x30, Buffer.from(comment)],
  ];
  const names = Buffer.from(`\0${[...sections.map(([name]) => name), ".shstrtab"].join("\0")}\0`);
  const all = [...sections, [".shstrtab", 3, 0, names] as const];
  let offset = 64;
  const pieces: Buffer[] = [];
  const headers = [Buffer.alloc(64)];
  for (const [name, type, flags, bytes] of all) {
    const header = Buffer.alloc(64);
    header.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, 0);
    header.writeUInt32LE(type, 4);
    header.writeBigUInt64LE(BigInt(flags), 8);
    header.writeBigUInt64LE((flags & 2) === 0 ? 0n : BigInt(0x400000 + offset), 16);
    header.writeBigUInt64LE(BigInt(offset), 24);
    header.writeBigUInt64LE(BigInt(bytes.length), 32);
    header.writeBigUInt64LE(16n, 48);
    headers.push(header);
    const padded = Buffer.concat([bytes, Buffer.alloc((16 - (bytes.length % 16)) % 16)]);
    pieces.push(padded);
    offset += padded.length;
  }
  const head = Buffer.alloc(64);
  Buffer.from("7f454c4602010100", "hex").copy(head);
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(of.machine ?? 62, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(0x400040n, 24);
  head.writeBigUInt64LE(BigInt(offset), 40);
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(64, 58);
  head.writeUInt16LE(headers.length, 60);
  head.writeUInt16LE(headers.length - 1, 62);
  return Buffer.concat([head, ...pieces, ...headers]);
}

/** The section of Go's build information in its form since 1.18: strings with their lengths, at byte 32. */
function goInfo(text: string): Buffer {
  const head = Buffer.alloc(32);
  Buffer.from("\xff Go buildinf:", "latin1").copy(head);
  head[14] = 8;
  head[15] = 2;
  const string = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    const length: number[] = [];
    for (let rest = bytes.length; ; rest >>>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    return Buffer.concat([Buffer.from(length), bytes]);
  };
  const mark = (value: string): string => `0w\xafkf\xb6\xd6\xa5${value}`;
  return Buffer.concat([head, string("go1.26.1"), string(mark(text))]);
}
