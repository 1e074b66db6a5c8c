/** Zip archives for tests, sound ones and such that no program would write. */
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipItem {
  readonly name: string | Buffer;
  readonly content?: string | Uint8Array;
  /** Unix mode with its type bits; absent for archives that were not made on Unix. */
  readonly mode?: number;
  readonly stored?: boolean;
  readonly flags?: number;
  readonly method?: number;
  /** What the local header says instead. */
  readonly localName?: string;
  readonly localSize?: number;
  readonly size?: number;
  readonly crc?: number;
  readonly extra?: Buffer;
  /** Sums behind the content instead of in front of it. */
  readonly descriptor?: boolean;
  /** Bytes between this member and the next. */
  readonly gap?: Buffer;
  /** Number of an earlier item whose bytes this one names. */
  readonly sameAs?: number;
}

export interface ZipOptions {
  readonly front?: Buffer;
  readonly comment?: Buffer;
  /** Bytes in front of the list of contents. */
  readonly before?: Buffer;
  readonly entries?: number;
  readonly disk?: number;
}

function header(signature: number, fields: readonly (readonly [size: 2 | 4, value: number])[]): Buffer {
  const bytes = Buffer.alloc(4 + fields.reduce((sum, [size]) => sum + size, 0));
  let at = bytes.writeUInt32LE(signature);
  for (const [size, value] of fields) at = size === 2 ? bytes.writeUInt16LE(value, at) : bytes.writeUInt32LE(value, at);
  return bytes;
}

export function tinyZip(items: readonly ZipItem[], options: ZipOptions = {}): Buffer {
  const front = options.front ?? Buffer.alloc(0);
  const parts: Buffer[] = [front];
  const listed: Buffer[] = [];
  const offsets: number[] = [];
  let at = front.length;
  const push = (bytes: Buffer): void => {
    parts.push(bytes);
    at += bytes.length;
  };
  for (const item of items) {
    const content = Buffer.from(item.content ?? "");
    const packed = item.stored === true ? content : deflateRawSync(content);
    const name = Buffer.from(item.name);
    const flags = (item.flags ?? (name.some((byte) => byte > 0x7f) ? 0x800 : 0)) | (item.descriptor === true ? 8 : 0);
    const method = item.method ?? (item.stored === true ? 0 : 8);
    const crc = item.crc ?? crc32(content);
    const size = item.size ?? content.length;
    const extra = item.extra ?? Buffer.alloc(0);
    const sums = (described: boolean, stated: number): readonly (readonly [4, number])[] =>
      described
        ? [
            [4, 0],
            [4, 0],
            [4, 0],
          ]
        : [
            [4, crc],
            [4, packed.length],
            [4, stated],
          ];
    const offset = item.sameAs === undefined ? at : (offsets[item.sameAs] ?? 0);
    offsets.push(offset);
    if (item.sameAs === undefined) {
      const local = Buffer.from(item.localName ?? name);
      const described = item.descriptor === true;
      push(
        header(0x04034b50, [
          [2, 20],
          [2, flags],
          [2, method],
          [2, 0],
          [2, 0x5a21],
          ...sums(described, item.localSize ?? size),
          [2, local.length],
          [2, 0],
        ]),
      );
      push(local);
      push(packed);
      if (described)
        push(
          header(0x08074b50, [
            [4, crc],
            [4, packed.length],
            [4, size],
          ]),
        );
      push(item.gap ?? Buffer.alloc(0));
    }
    const made = item.mode === undefined ? 20 : (3 << 8) | 20;
    const external = ((item.mode ?? 0) << 16) >>> 0;
    listed.push(
      header(0x02014b50, [
        [2, made],
        [2, 20],
        [2, flags],
        [2, method],
        [2, 0],
        [2, 0x5a21],
        ...sums(false, size),
        [2, name.length],
        [2, extra.length],
        [2, 0],
        [2, 0],
        [2, 0],
        [4, external],
        [4, offset],
      ]),
    );
    listed.push(name, extra);
  }
  push(options.before ?? Buffer.alloc(0));
  const directory = Buffer.concat(listed);
  const comment = options.comment ?? Buffer.alloc(0);
  const count = options.entries ?? items.length;
  const disk = options.disk ?? 0;
  const end = header(0x06054b50, [
    [2, disk],
    [2, disk],
    [2, count],
    [2, count],
    [4, directory.length],
    [4, at],
    [2, comment.length],
  ]);
  return Buffer.concat([...parts, directory, end, comment]);
}
