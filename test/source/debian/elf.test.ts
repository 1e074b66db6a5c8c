import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isElf, isLibraryName, readElf } from "../../../pipeline/source/debian/elf.ts";

function has(program: string): boolean {
  return ["/usr/bin", "/usr/sbin"].some((directory) => existsSync(join(directory, program)));
}

/** Real libraries to compare with, on the most common machine. */
const libraries = "/usr/lib/x86_64-linux-gnu";

interface Shape {
  readonly wide: boolean;
  readonly little: boolean;
  readonly soname: string;
  readonly type?: number;
}

/** The smallest shared object: one PT_LOAD of the whole file at 0x400000 and a dynamic section with DT_STRTAB and DT_SONAME. */
function object({ wide, little, soname, type = 3 }: Shape): Uint8Array {
  const header = wide ? 64 : 52;
  const segment = wide ? 56 : 32;
  const dynamic = header + 2 * segment;
  const step = wide ? 16 : 8;
  const strings = dynamic + 3 * step;
  const name = Buffer.from(`\0${soname}\0`, "latin1");
  const bytes = Buffer.alloc(strings + name.length);
  name.copy(bytes, strings);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const address = (at: number, value: number): void => {
    if (wide) view.setBigUint64(at, BigInt(value), little);
    else view.setUint32(at, value, little);
  };
  bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2, 1]);
  view.setUint16(16, type, little);
  view.setUint16(18, 183, little);
  address(wide ? 32 : 28, header);
  view.setUint16(wide ? 54 : 42, segment, little);
  view.setUint16(wide ? 56 : 44, 2, little);
  const base = 0x400000;
  for (const [at, kind, offset, size] of [
    [header, 1, 0, bytes.length],
    [header + segment, 2, dynamic, 3 * step],
  ] as const) {
    view.setUint32(at, kind, little);
    address(at + (wide ? 8 : 4), offset);
    address(at + (wide ? 16 : 8), base + offset);
    address(at + (wide ? 32 : 16), size);
  }
  address(dynamic, 14);
  address(dynamic + step / 2, 1);
  address(dynamic + step, 5);
  address(dynamic + step + step / 2, base + strings);
  return bytes;
}

describe("shared objects", () => {
  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])("are read in 64 bits %s, little endian %s", (wide, little) => {
    const bytes = object({ wide, little, soname: "libz.so.1" });
    expect(readElf(bytes, "usr/lib/libz.so.1.2")).toEqual({
      path: "usr/lib/libz.so.1.2",
      bits: wide ? 64 : 32,
      machine: 183,
      soname: "libz.so.1",
    });
  });

  it("are told from executables and other files", () => {
    expect(readElf(object({ wide: true, little: true, soname: "a", type: 2 }), "x")).toBeUndefined();
    expect(readElf(Buffer.from("/* GNU ld script */"), "x")).toBeUndefined();
    expect(isElf(Buffer.from("\x7fEL", "latin1"))).toBe(false);
  });

  it.each(["../../etc/passwd", "a/b", "..", ".", "", "a b", "x".repeat(256)])("do not get the SONAME %j", (soname) => {
    expect(readElf(object({ wide: true, little: true, soname }), "x")?.soname).toBeUndefined();
  });

  it("never throw, however they are cut or changed", () => {
    const good = object({ wide: true, little: true, soname: "libz.so.1" });
    for (let end = 0; end <= good.length; end++) readElf(good.subarray(0, end), "x");
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.tuple(fc.nat(230), fc.nat(255)), { minLength: 1, maxLength: 12 }),
        (wide, little, changes) => {
          const bytes = object({ wide, little, soname: "libz.so.1" });
          for (const [at, value] of changes) if (at >= 6 && at < bytes.length) bytes[at] = value;
          readElf(bytes, "x");
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.skipIf(!has("objdump") || !existsSync(libraries))("have the SONAME that objdump shows (needs binutils)", () => {
    const directory = realpathSync(libraries);
    const names = readdirSync(directory).filter((name) => isLibraryName(name));
    let compared = 0;
    for (const name of names.toSorted().slice(0, 30)) {
      const path = join(directory, name);
      if (!statSync(path).isFile()) continue;
      const bytes = readFileSync(path);
      if (!isElf(bytes)) continue;
      const expected = /^\s*SONAME\s+(\S+)$/m.exec(
        execFileSync("/usr/bin/objdump", ["-p", path], { encoding: "utf8" }),
      );
      expect(readElf(bytes, name)?.soname, name).toBe(expected?.[1]);
      compared++;
    }
    expect(compared).toBeGreaterThan(0);
  });
});

describe("names that ldconfig looks at", () => {
  it.each([
    ["usr/lib/libz.so.1", true],
    ["usr/lib64/ld-linux-x86-64.so.2", true],
    ["usr/lib/libz.a", false],
    ["usr/lib/pam_unix.so", false],
    ["usr/lib/lib.so/readme", false],
  ])("%s: %s", (path, expected) => {
    expect(isLibraryName(path)).toBe(expected);
  });
});
