/** Shared objects for tests of what is read of them. */

interface Shape {
  readonly wide: boolean;
  readonly little: boolean;
  readonly soname: string;
  readonly type?: number;
  /** Where the names are, and the dynamic section, in an object of a size; right after the headers, without anything else, unless given. */
  readonly namesAt?: number;
  readonly dynamicAt?: number;
  readonly size?: number;
}

/**
 * The smallest shared object: one PT_LOAD at 0x400000, of the file up to the end of the names, and a dynamic section with DT_STRTAB and
 * DT_SONAME. What a larger one has besides is ones.
 */
export function sharedObject({ wide, little, soname, type = 3, ...at }: Shape): Uint8Array<ArrayBuffer> {
  const header = wide ? 64 : 52;
  const segment = wide ? 56 : 32;
  const dynamic = at.dynamicAt ?? header + 2 * segment;
  const step = wide ? 16 : 8;
  const strings = at.namesAt ?? dynamic + 3 * step;
  const name = Buffer.from(`\0${soname}\0`, "latin1");
  const bytes = new Uint8Array(at.size ?? strings + name.length).fill(1);
  bytes.fill(0, 0, header + 2 * segment);
  bytes.fill(0, dynamic, dynamic + 3 * step);
  bytes.set(name, strings);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const address = (place: number, value: number): void => {
    if (wide) view.setBigUint64(place, BigInt(value), little);
    else view.setUint32(place, value, little);
  };
  bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2, 1]);
  view.setUint16(16, type, little);
  view.setUint16(18, 183, little);
  address(wide ? 32 : 28, header);
  view.setUint16(wide ? 54 : 42, segment, little);
  view.setUint16(wide ? 56 : 44, 2, little);
  const base = 0x400000;
  for (const [place, kind, offset, size] of [
    [header, 1, 0, strings + name.length],
    [header + segment, 2, dynamic, 3 * step],
  ] as const) {
    view.setUint32(place, kind, little);
    address(place + (wide ? 8 : 4), offset);
    address(place + (wide ? 16 : 8), base + offset);
    address(place + (wide ? 32 : 16), size);
  }
  address(dynamic, 14);
  address(dynamic + step / 2, 1);
  address(dynamic + step, 5);
  address(dynamic + step + step / 2, base + strings);
  return bytes;
}
