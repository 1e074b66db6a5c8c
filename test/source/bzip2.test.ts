import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { bunzip2 } from "../../pipeline/source/bzip2.ts";
import { collect, hasProgram, run } from "../support.ts";

async function* pieces(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array, void> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

const decoded = (bytes: Uint8Array, size?: number): Promise<Buffer> => collect(bunzip2(pieces(bytes, size)));
const outcome = (bytes: Uint8Array): Promise<Buffer | string> =>
  decoded(bytes).catch((error: unknown) => (error as Error).message);

/** `hello\n`, as bzip2 makes it. */
const known = Buffer.from("QlpoOTFBWSZTWcHAgOIAAAFBAAAQAkSgADDNAMNGKZcXckU4UJDBwIDi", "base64");

const withBit = (bytes: Buffer, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return copy;
};

describe("bzip2", () => {
  it("is decoded, also when it comes byte by byte", async () => {
    expect((await decoded(known)).toString()).toBe("hello\n");
    expect((await decoded(known, 1)).toString()).toBe("hello\n");
    expect((await decoded(Buffer.concat([known, known]))).toString()).toBe("hello\nhello\n");
  });

  it("that was changed in any bit is refused, or was changed where nothing depends on it", async () => {
    let harmless = 0;
    for (let bit = 0; bit < known.length * 8; bit++) {
      const result = await outcome(withBit(known, bit));
      if (typeof result === "string") continue;
      expect(result.toString(), `bit ${bit}`).toBe("hello\n");
      harmless++;
    }
    // The size of blocks, a code that is not used, and what fills the last byte.
    expect(harmless).toBeLessThan(40);
  });

  it("that was cut anywhere is refused", async () => {
    for (let length = 0; length < known.length; length++)
      expect(await outcome(known.subarray(0, length)), `${length} bytes`).toBeTypeOf("string");
  });

  it("says what is wrong", async () => {
    expect(await outcome(Buffer.from("BZh0 and more"))).toMatch(/impossible size/);
    expect(await outcome(Buffer.from("BZh9 and then something else"))).toMatch(/begins as none does/);
    expect(await outcome(Buffer.concat([known, Buffer.from("hidden")]))).toMatch(/something follows its end/);
    expect(await outcome(withBit(known, 14 * 8))).toMatch(/before 0\.9\.5/);
    expect(await outcome(Buffer.alloc(0))).toMatch(/ends too early/);
  });

  it("never takes more than it should, whatever it is given", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 20 }), async (bytes, at) => {
        const broken = Buffer.concat([known.subarray(0, 4 + at), bytes]);
        expect(await outcome(broken)).toBeTypeOf("string");
      }),
      { numRuns: 500 },
    );
  });

  const contents: readonly (readonly [string, Buffer])[] = [
    ["nothing", Buffer.alloc(0)],
    ["one byte", Buffer.from("x")],
    ["runs of each length", Buffer.concat(Array.from({ length: 300 }, (_, n) => Buffer.alloc(n, 65 + (n % 7))))],
    ["zeros", Buffer.alloc(4 << 20)],
    ["text of several blocks", Buffer.from(Array.from({ length: 60_000 }, (_, n) => `line ${n * 7}\n`).join(""))],
    ["noise of several blocks", randomBytes(250_000)],
  ];
  it.skipIf(!hasProgram("bzip2")).each(contents)(
    "is decoded as bzip2 encoded it: %s (needs bzip2)",
    async (_, content) => {
      for (const level of ["-1", "-9"]) {
        const packed = run("bzip2", ["-c", level], { input: content }).stdout;
        expect((await decoded(packed, 10_007)).equals(content), level).toBe(true);
      }
    },
  );
});
