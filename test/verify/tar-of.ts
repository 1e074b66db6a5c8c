/** Writes tar archives in which every field can be set, for tests of what reads and compares them. */

export interface TarItem {
  readonly name: string;
  /** `0` a file, `1` a hard link, `2` a symbolic link, `3`/`4` devices, `5` a directory, `6` a pipe. */
  readonly flag?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly user?: string;
  readonly group?: string;
  readonly target?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly content?: string | Uint8Array;
  /** Records of an extended header before the entry, in this order. */
  readonly pax?: Readonly<Record<string, string | Uint8Array>>;
  readonly paxName?: string;
  readonly dialect?: "ustar" | "gnu" | "v7";
}

export interface TarOptions {
  /** Blocks of zeros at the end; 2 unless given. */
  readonly zeros?: number;
  readonly trailing?: Uint8Array;
}

const pad = (size: number): Buffer => Buffer.alloc((512 - (size % 512)) % 512);

function header(item: TarItem, flag: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, offset: number, length: number): void => {
    block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset, "latin1");
  };
  block.write(item.name, 0, 100, "utf8");
  octal(item.mode ?? (flag === "5" ? 0o755 : 0o644), 100, 8);
  octal(item.uid ?? 0, 108, 8);
  octal(item.gid ?? 0, 116, 8);
  octal(size, 124, 12);
  octal(item.mtime ?? 1_700_000_000, 136, 12);
  block.write(flag, 156, "latin1");
  block.write(item.target ?? "", 157, 100, "utf8");
  const dialect = item.dialect ?? "ustar";
  if (dialect !== "v7") {
    block.write(dialect === "gnu" ? "ustar  \0" : "ustar\x0000", 257, "latin1");
    block.write(item.user ?? "", 265, 32, "utf8");
    block.write(item.group ?? "", 297, 32, "utf8");
    octal(item.major ?? 0, 329, 8);
    octal(item.minor ?? 0, 337, 8);
  }
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function record(key: string, value: string | Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")]);
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

export function tarOf(items: readonly TarItem[], options: TarOptions = {}): Buffer {
  const pieces: Buffer[] = [];
  for (const item of items) {
    if (item.pax !== undefined) {
      const body = Buffer.concat(Object.entries(item.pax).map(([key, value]) => record(key, value)));
      const name = item.paxName ?? "././@PaxHeader";
      pieces.push(header({ name, mode: 0o644, dialect: "ustar" }, "x", body.length), body, pad(body.length));
    }
    const content = Buffer.from(item.content ?? "");
    const flag = item.flag ?? (item.name.endsWith("/") ? "5" : "0");
    pieces.push(header(item, flag, content.length), content, pad(content.length));
  }
  pieces.push(Buffer.alloc(512 * (options.zeros ?? 2)), Buffer.from(options.trailing ?? []));
  return Buffer.concat(pieces);
}
