import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeXz } from "../../pipeline/source/xz.ts";
import { collect, hasProgram, run } from "../support.ts";

async function* pieces(bytes: Uint8Array, size = 1 << 18): AsyncGenerator<Uint8Array, void> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

const decode = (bytes: Uint8Array, size?: number): Promise<Buffer> =>
  collect(decodeXz(pieces(bytes, size), bytes.length));

async function outcome(bytes: Uint8Array): Promise<Buffer | string> {
  return decode(bytes).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
}

const xz = (bytes: Uint8Array, ...args: readonly string[]): Buffer =>
  run("xz", ["-c", ...args], { input: bytes }).stdout;

/** Bytes with everything that LZMA has a symbol for: a program, text that comes again near and far, runs, and noise. */
const content = Buffer.concat([
  readFileSync(process.execPath).subarray(1 << 20, 3 << 20),
  Buffer.alloc(300_000, "a run of some length "),
  randomBytes(200_000),
  Buffer.alloc(70_000),
  readFileSync(import.meta.filename),
  readFileSync(process.execPath).subarray(1 << 20, (1 << 20) + 400_000),
]);

const settings: readonly (readonly string[])[] = [
  ["-0"],
  ["-6"],
  ["-9e"],
  ["--check=none"],
  ["--check=crc32"],
  ["--check=sha256"],
  ["--block-size=100000"],
  ["-T2", "--block-size=300000"],
  // A dictionary that is much smaller than the content goes round many times.
  ["--lzma2=dict=4KiB"],
  ["--lzma2=dict=65537,lc=0,lp=0,pb=0"],
  ["--lzma2=lc=4,lp=0,pb=4"],
  ["--lzma2=lc=0,lp=4,pb=2"],
  ["--lzma2=lc=2,lp=2,pb=1,dict=1MiB"],
  ["--lzma2=nice=273,mf=bt4,depth=1000,dict=8KiB"],
];

describe.skipIf(!hasProgram("xz"))("decodeXz (needs xz)", () => {
  it.each(settings)("gives what was compressed with %s", async (...args) => {
    const packed = xz(content, ...args);
    for (const size of [1 << 18, 65_521]) expect((await decode(packed, size)).equals(content)).toBe(true);
    const little = xz(content.subarray(0, 3000), ...args);
    expect((await decode(little, 1)).equals(content.subarray(0, 3000))).toBe(true);
  });

  it("gives what was compressed, whatever it is", async () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.tuple(fc.nat({ max: 255 }), fc.nat({ max: 5000 })).map(([byte, length]) => Buffer.alloc(length, byte)),
      fc
        .tuple(fc.nat({ max: content.length - 1 }), fc.nat({ max: 20_000 }))
        .map(([at, length]) => content.subarray(at, at + length)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), fc.constantFrom(...settings), async (parts, args) => {
        const whole = Buffer.concat(parts);
        expect((await decode(xz(whole, ...args))).equals(whole)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  describe("of what is not as it should be", () => {
    let good: Buffer;
    beforeAll(() => {
      good = xz(content.subarray(0, 300_000), "--block-size=70000");
    });

    it("gives an error, never other bytes, and the same verdict as xz", async () => {
      const plain = content.subarray(0, 300_000);
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: good.length - 1 }),
          fc.integer({ min: 1, max: 255 }),
          fc.constantFrom("change", "cut", "remove", "add"),
          async (at, mask, how) => {
            const bytes = Buffer.from(good);
            bytes[at] = (bytes[at] ?? 0) ^ mask;
            const bad = {
              change: bytes,
              cut: good.subarray(0, at),
              remove: Buffer.concat([good.subarray(0, at), good.subarray(at + (mask & 7) + 1)]),
              add: Buffer.concat([good.subarray(0, at), Buffer.alloc((mask & 7) + 1, mask), good.subarray(at)]),
            }[how];
            const answer = await outcome(bad);
            const oracle = run("xz", ["-dc"], { input: bad }).status === 0;
            // A block header may say less than it did and still be a good one.
            if (typeof answer === "string") expect(oracle, answer).toBe(false);
            else expect([oracle, answer.equals(plain)]).toEqual([true, true]);
          },
        ),
        { numRuns: 150 },
      );
    });

    it("says which", async () => {
      const header = (change: (bytes: Buffer) => void): Buffer => {
        const bytes = Buffer.from(good);
        change(bytes);
        return bytes;
      };
      expect(await outcome(Buffer.from("not at all"))).toBe("it is no .xz stream, or something follows its end");
      expect(await outcome(Buffer.concat([good, Buffer.from("garbage")]))).toBe(
        "it is no .xz stream, or something follows its end",
      );
      expect(await outcome(good.subarray(0, -1))).toBe("it ends in the middle");
      expect(await outcome(Buffer.alloc(0))).toBe("it ends in the middle");
      expect(await outcome(header((bytes) => bytes.writeUInt8(1, 8)))).toBe("it is damaged");
      for (const filter of [
        ["--x86", "--lzma2"],
        ["--delta=dist=4", "--lzma2"],
      ])
        expect(await outcome(xz(content.subarray(0, 1000), ...filter))).toBe("it uses what this decoder does not know");
      expect(await outcome(xz(Buffer.from("a"), "--lzma2=dict=192MiB"))).toBe("it needs more memory than is allowed");
    });

    it("and goes on with the next stream", async () => {
      await outcome(good.subarray(0, 20_000));
      expect((await decode(good)).length).toBe(300_000);
    });
  });
});
