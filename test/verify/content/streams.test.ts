import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { hasProgram, run } from "../../support.ts";
import { compared, only, places } from "./compared.ts";

const plain = Buffer.from("some text that is long enough to be compressed, is it not\n".repeat(50));
const other = Buffer.concat([plain, Buffer.from("built 2026-11-26\n")]);
const third = Buffer.concat([plain, Buffer.from("built 2025-01-01\n")]);

function withBytes(bytes: Buffer, offset: number, ...values: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(values, offset);
  return copy;
}

describe("compressed streams", () => {
  it("of gzip have a time, a system and flags in their headers", async () => {
    const a = gzipSync(plain);
    expect(await only("x.gz", a, withBytes(a, 4, 1, 2, 3, 4))).toMatchObject({
      format: "gzip",
      place: "MTIME",
      grade: "clock",
    });
    expect(await only("x.gz", a, withBytes(a, 9, 11))).toMatchObject({
      place: "OS",
      grade: "encoding",
      b: "NTFS (11)",
    });
    expect(await only("x.gz", a, withBytes(a, 8, 2))).toMatchObject({ place: "XFL", grade: "encoding" });
  });

  it("of other levels hold the same", async () => {
    for (const compress of [
      (level: number) => withBytes(gzipSync(plain, { level }), 8, 0),
      (level: number) => zstdCompressSync(plain, { params: { 100: level } }),
    ])
      expect(await only("x", compress(1), compress(9))).toMatchObject({
        place: "encoder",
        grade: "encoding",
        natures: ["encoder"],
      });
  });

  it("are looked into, also when they lie within each other", async () => {
    expect(await places("doc/changelog.gz", gzipSync(other), gzipSync(third))).toEqual(["changelog > line 51: clock"]);
    expect(await places("a.zst", zstdCompressSync(gzipSync(other)), zstdCompressSync(gzipSync(third)))).toEqual([
      "a > a (decompressed) > line 51: clock",
    ]);
  });

  it("that are broken, or have something after their end, are compared by their bytes", async () => {
    const a = gzipSync(plain);
    const trailing = await compared("x.gz", a, Buffer.concat([a, Buffer.from("hidden")]));
    expect(trailing.findings).toMatchObject([{ format: "bytes", grade: "content" }]);
    expect(trailing.unread[0]).toMatch(/cannot be followed as gzip/);
    const cut = await compared("x.gz", a, a.subarray(0, 40));
    expect(cut.findings).toMatchObject([{ format: "bytes", grade: "content" }]);
  });

  it("that become too much, or lie too deep, are not followed to their end", async () => {
    let [a, b] = [Buffer.from("one thing"), Buffer.from("another thing")];
    for (let depth = 0; depth < 12; depth++) [a, b] = [gzipSync(a), gzipSync(b)];
    const { findings, unread } = await compared("x.gz", a, b);
    expect(findings).toMatchObject([{ grade: "content", format: "bytes" }]);
    expect(unread[0]).toMatch(/it lies too deep within others/);
    const bomb = gzipSync(Buffer.alloc(100 << 20), { level: 1 });
    expect((await compared("x.gz", bomb, gzipSync(Buffer.alloc(100 << 20, 1), { level: 1 }))).unread[0]).toMatch(
      /becomes more than/,
    );
  });

  it.skipIf(!hasProgram("gzip"))("of GNU gzip have the name and the time of a file (needs gzip)", async () => {
    const pack = (...args: readonly string[]): Buffer => run("gzip", ["-c", ...args], { input: plain }).stdout;
    expect((await compared("x.gz", pack("-1"), pack("-9"))).findings.map(({ place }) => place)).toContain("XFL");
  });

  it.skipIf(!hasProgram("xz"))("of xz have checks, presets and contents (needs xz)", async () => {
    const pack = (bytes: Buffer, ...args: readonly string[]): Buffer =>
      run("xz", ["-c", ...args], { input: bytes }).stdout;
    expect(await places("x.xz", pack(plain), pack(plain, "--check=crc32"))).toEqual(["Stream Flags: encoding"]);
    expect(await places("x.xz", pack(plain, "-0"), pack(plain, "-9"))).toEqual(["encoder: encoding"]);
    expect(await places("x.xz", pack(other), pack(third))).toEqual(["x > line 51: clock"]);
  });

  it("of brotli are told by their name, and looked into", async () => {
    const pack = (bytes: Buffer, quality: number): Buffer =>
      brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
    expect(await places("x.js.br", pack(plain, 2), pack(plain, 11))).toEqual(["encoder: encoding"]);
    expect(await places("x.txt.br", pack(other, 5), pack(third, 5))).toEqual(["x.txt > line 51: clock"]);
    const trailing = await compared("x.br", pack(plain, 5), Buffer.concat([pack(plain, 5), Buffer.from("hidden")]));
    expect(trailing.findings).toMatchObject([{ format: "bytes", grade: "content" }]);
  });

  it.skipIf(!hasProgram("bzip2"))("of bzip2 have sizes of blocks and contents (needs bzip2)", async () => {
    const pack = (bytes: Buffer, level: number): Buffer => run("bzip2", ["-c", `-${level}`], { input: bytes }).stdout;
    expect(await only("x.bz2", pack(plain, 1), pack(plain, 9))).toMatchObject({
      format: "bzip2",
      place: "level",
      grade: "encoding",
      a: "blocks of 100 kB",
      b: "blocks of 900 kB",
    });
    expect(await places("x.bz2", pack(other, 9), pack(third, 9))).toEqual(["x > line 51: clock"]);
    const trailing = await compared("x.bz2", pack(plain, 9), Buffer.concat([pack(plain, 9), Buffer.from("hidden")]));
    expect(trailing.findings).toMatchObject([{ format: "bytes", grade: "content" }]);
    expect(trailing.unread[0]).toMatch(/cannot be followed as bzip2.*something follows its end/);
  });
});
