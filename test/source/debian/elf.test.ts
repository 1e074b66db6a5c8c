import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isElf, isLibraryName, partsOfElf, readElf } from "../../../pipeline/source/debian/elf.ts";
import { sharedObject as object } from "./shared-object.ts";

function has(program: string): boolean {
  return ["/usr/bin", "/usr/sbin"].some((directory) => existsSync(join(directory, program)));
}

/** Real libraries to compare with, on the most common machine. */
const libraries = "/usr/lib/x86_64-linux-gnu";

/** What is kept of a large object. */
function partly(whole: Uint8Array): Uint8Array {
  const kept = new Uint8Array(whole.length);
  const head = whole.subarray(0, 4096);
  for (const { from, to } of [{ from: 0, to: head.length }, ...partsOfElf(head, whole.length)])
    kept.set(whole.subarray(from, to), from);
  return kept;
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

  it("are read from the parts that their heads name, when they are large", () => {
    for (const [namesAt, dynamicAt] of [
      [5000, 300_000],
      [5000, 7_999_000],
      [400, 3_000_000],
    ] as const) {
      const whole = object({ wide: true, little: true, soname: "libz.so.1", namesAt, dynamicAt, size: 8_000_000 });
      const kept = partly(whole);
      expect(readElf(kept, "x")).toEqual(readElf(whole, "x"));
      expect(readElf(whole, "x")?.soname).toBe("libz.so.1");
      expect(kept.some((byte, at) => byte === 0 && whole[at] !== 0)).toBe(true);
    }
    expect(partsOfElf(Buffer.from("/* GNU ld script */"), 5_000_000)).toEqual([]);
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
      expect(readElf(partly(bytes), name), name).toEqual(readElf(bytes, name));
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
