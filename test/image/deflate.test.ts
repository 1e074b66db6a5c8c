import { createInflateRaw, constants, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockSize, deflate, dictionarySize } from "../../pipeline/image/deflate.ts";
import { referenceDeflate } from "./deflate-reference.ts";

const text = Buffer.from("The quick brown fox jumps over the lazy dog; pack my box with five dozen liquor jugs. ");

/** Bytes of a kind, from a fixed recurrence: noise, few values, text with changes, runs, a ramp of lengths, one value. */
function bytesOf(kind: number, length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const values = [
      state >>> 24,
      97 + ((state >>> 27) % 5),
      state >>> 29 === 0 ? state >>> 24 : (text[i % text.length] ?? 0),
      (i >>> (3 + ((seed >>> 5) & 7))) & 0xff,
      (i * i) >>> 9,
      seed & 0xff,
    ];
    bytes[i] = values[kind] ?? 0;
  }
  return bytes;
}

const piece = fc
  .tuple(fc.nat({ max: 5 }), fc.nat({ max: 9000 }), fc.nat({ max: 2 ** 31 }))
  .map(([kind, length, seed]) => bytesOf(kind, length, seed));
/** Pieces of several kinds, of which some come again. */
const content = fc
  .tuple(fc.array(piece, { minLength: 1, maxLength: 8 }), fc.array(fc.nat({ max: 7 }), { maxLength: 12 }))
  .map(([pieces, again]) => Buffer.concat([...pieces, ...again.map((index) => pieces[index % pieces.length] ?? text)]))
  .filter(({ length }) => length > 0);

/** What the output of one block, primed with what comes before it, becomes. */
function inflate(output: Uint8Array, dictionary: Uint8Array): Buffer {
  return inflateRawSync(Buffer.concat([output, Buffer.of(3, 0)]), dictionary.length === 0 ? {} : { dictionary });
}

async function check(data: Buffer, dictionary: number): Promise<void> {
  const output = await deflate(data, dictionary);
  expect(inflate(output, data.subarray(0, dictionary)).equals(data.subarray(dictionary))).toBe(true);
  expect(Buffer.compare(output, referenceDeflate(data, dictionary))).toBe(0);
}

describe("deflate", () => {
  it("gives what the specification says, and what it was given when it is inflated", async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.nat({ max: dictionarySize }), async (data, primed) => {
        await check(data, Math.min(primed, data.length - 1));
      }),
      { numRuns: 60 },
    );
  });

  it("of every short length", async () => {
    for (let length = 1; length < 40; length++) {
      for (const kind of [0, 2, 5]) {
        const data = bytesOf(kind, length + 20, length);
        for (const dictionary of [0, 1, 7, 8, 19]) await check(data.subarray(20 - dictionary), dictionary);
      }
    }
  });

  it("of whole blocks: text with more than 4096 matches, noise that is stored, one value, matches at the far end of the window", async () => {
    const far = Buffer.concat([bytesOf(0, 32_768, 1), bytesOf(0, 500, 1), bytesOf(0, 33_000, 2), bytesOf(0, 300, 2)]);
    for (const data of [bytesOf(2, 300_000, 7), bytesOf(0, 200_000, 7), bytesOf(5, 150_000, 9), far])
      for (const dictionary of [0, dictionarySize]) await check(data, dictionary);
    const largest = Buffer.concat([
      bytesOf(2, dictionarySize, 3),
      bytesOf(2, blockSize / 2, 4),
      bytesOf(0, blockSize / 2, 5),
    ]);
    await check(largest, dictionarySize);
  });

  it("of symbols whose codes would be longer than 15 bits", async () => {
    // Fibonacci numbers of each byte make the deepest tree; never two alike in a row, so that there is no match.
    const counts = [1, 1];
    while (counts.length < 24) counts.push((counts.at(-1) ?? 0) + (counts.at(-2) ?? 0));
    const bytes: number[] = [];
    for (const [value, count] of counts.entries()) for (let i = 0; i < count; i++) bytes.push(value);
    let state = 5;
    for (let i = bytes.length - 1; i > 0; i--) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      const j = state % (i + 1);
      [bytes[i], bytes[j]] = [bytes[j] ?? 0, bytes[i] ?? 0];
    }
    await check(Buffer.from(bytes), 0);
  });

  it("is never larger than if everything were stored", async () => {
    for (const seed of [1, 2, 3]) {
      const data = bytesOf(0, blockSize, seed);
      expect((await deflate(data, 0)).length).toBeLessThanOrEqual(blockSize + 5 * Math.ceil(blockSize / 65_535) + 5);
    }
  });

  it("ends on a byte, so that blocks joined are one stream", async () => {
    const blocks = [bytesOf(2, 70_000, 1), bytesOf(0, 999, 2), bytesOf(5, 3, 3)];
    const parts = await Promise.all(blocks.map((block) => deflate(block, 0)));
    const inflater = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
    inflater.end(Buffer.concat([...parts, Buffer.of(3, 0)]));
    const pieces: Buffer[] = [];
    for await (const one of inflater) pieces.push(one as Buffer);
    expect(Buffer.concat(pieces).equals(Buffer.concat(blocks))).toBe(true);
  });

  it("refuses more than a block or a window", async () => {
    await expect(deflate(Buffer.alloc(blockSize + 1), 0)).rejects.toThrow();
    await expect(deflate(Buffer.alloc(dictionarySize + 2), dictionarySize + 1)).rejects.toThrow();
  });
});
