import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants, createZstdCompress, deflateRawSync, gzipSync } from "node:zlib";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeFragment } from "../../../pipeline/image/fragment.ts";
import { endFragment, joinLayer } from "../../../pipeline/image/layer.ts";
import { NotDeflate } from "../../../pipeline/verify/encoder/deflate-codes.ts";
import { isMatch, lengthOf, trace } from "../../../pipeline/verify/encoder/inflate.ts";
import { recogniseEncoder } from "../../../pipeline/verify/encoder/recognise.ts";
import { encoders, type Recognised, recognisedText } from "../../../pipeline/verify/encoder/recognised.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { explain } from "../../../pipeline/verify/explain.ts";
import { tarOf } from "../tar-of.ts";
import { collect, root, scene } from "../../support.ts";
import { encodersOfTheWorld } from "./tools.ts";

const recognise = (bytes: Buffer): Promise<Recognised> =>
  recogniseEncoder(async function* () {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  });

const noise = (size: number): Buffer => {
  const bytes = Buffer.alloc(size);
  let state = 0x2545f491;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
};

/** Text that is the same in every commit: the types of Node, which the lock of npm pins. */
const types = join(root, "node_modules/@types/node");
const text = Buffer.concat(
  readdirSync(types)
    .filter((name) => name.endsWith(".d.ts"))
    .toSorted()
    .map((name) => readFileSync(join(types, name))),
);
/** The beginning of the runtime: machine code. */
const code = readFileSync(process.execPath).subarray(1 << 20, 5 << 20);
const contents: readonly (readonly [string, Buffer])[] = [
  ["text", text.subarray(0, 1_500_000)],
  [
    "machine code, noise and zeros",
    Buffer.concat([
      code.subarray(0, 700_000),
      noise(1 << 17),
      Buffer.alloc(1 << 17),
      code.subarray(700_000, 1_500_000),
    ]),
  ],
];

const tools = await encodersOfTheWorld();

describe.each(contents)("of %s", (_, content) => {
  for (const { name, encoder, levels, proven, encode, needs } of tools)
    it.skipIf(encode === undefined)(
      `${name} is named${proven ? ", with its level and for certain" : ""} (needs ${needs || "nothing"})`,
      async () => {
        for (const level of levels) {
          const answer = await recognise(encode?.(content, level) ?? Buffer.alloc(0));
          const own = answer.candidates.filter((candidate) => candidate.encoder === encoder);
          expect(
            own.map(({ encoder: found }) => found),
            `level ${level}: ${recognisedText(answer)}`,
          ).toEqual([encoder]);
          const named = own[0]?.levels ?? [];
          if (named.length > 0) expect(named, `level ${level}`).toContain(level);
          if (answer.certain) expect([answer.candidates.length, named]).toEqual([1, [level]]);
          if (proven) expect(named.length, `level ${level}: ${recognisedText(answer)}`).toBeLessThan(3);
        }
      },
    );

  it("Lockstep's layers are named for certain", async () => {
    const { store } = scene();
    const file = (path: string, bytes: Buffer) =>
      makeFragment(store, async (writer) => {
        await writer.entry({ type: "file", path, mode: 0o644, uid: 0, gid: 0, mtime: 0, size: bytes.length });
        await writer.content(bytes);
      });
    const fragments = [await file("a", content.subarray(0, 5000)), await file("b", content), await endFragment(store)];
    const layer = await joinLayer(store, fragments);
    const answer = await recognise(readFileSync(store.pathOf(layer.digest)));
    expect([answer.certain, recognisedText(answer)]).toEqual([true, "Lockstep (format 1)"]);
  });

  it("zstd of Node is named with its level", async () => {
    for (const level of [1, 3, 9]) {
      const stream = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } });
      stream.end(content);
      const answer = await recognise(await collect(stream));
      expect(answer.candidates[0]).toEqual({ encoder: "libzstd", levels: [level], by: "bytes" });
    }
  });
});

describe("what sets a stream apart", () => {
  const some = text.subarray(0, 400_000);

  it("is said: window, memory, flushes, several streams, stored blocks", async () => {
    const flushed = Buffer.concat([
      gzipSync(some).subarray(0, 10),
      deflateRawSync(some.subarray(0, 90_001), { finishFlush: constants.Z_SYNC_FLUSH }),
      deflateRawSync(some.subarray(90_001)),
      Buffer.alloc(8),
    ]);
    const said: readonly (readonly [Buffer, string])[] = [
      [gzipSync(some, { windowBits: 12 }), "zlib of Node (Chromium's), level 6 (window of 12 bits)"],
      [gzipSync(some, { memLevel: 9 }), "zlib of Node (Chromium's), level 6 (memory level 9)"],
      [flushed, "zlib of Node (Chromium's), level 6 (flushed in mid-stream)"],
      [
        Buffer.concat([gzipSync(some), gzipSync(some)]),
        "zlib of Node (Chromium's), level 6 (several gzip streams joined)",
      ],
    ];
    for (const [bytes, wanted] of said) expect(recognisedText(await recognise(bytes))).toBe(wanted);
    expect(recognisedText(await recognise(gzipSync(some, { level: 0 })))).toMatch(
      /^an encoder that is not known \(level 0, stored blocks of \d+ bytes\)$/,
    );
  });
});

describe("streams that end wherever they do", () => {
  for (const { name, encoder, levels, encode } of tools.filter(({ name }) => /^Go|^klauspost\/compress$/.test(name)))
    it.skipIf(encode === undefined)(`${name} is named at any length (needs go)`, async () => {
      for (const length of [600_000, 900_000, 1_200_000, 1_300_000, 1_700_000])
        for (const level of levels) {
          const { candidates } = await recognise(encode?.(text.subarray(0, length), level) ?? Buffer.alloc(0));
          expect([length, level, candidates.map((candidate) => candidate.encoder)]).toEqual([
            length,
            level,
            expect.arrayContaining([encoder]),
          ]);
        }
    });
});

describe("what does not tell", () => {
  it("is never named for certain: short content, noise, zeros, nothing", async () => {
    for (const content of [
      Buffer.from("hello\n"),
      noise(300_000),
      Buffer.alloc(1 << 20),
      Buffer.alloc(0),
      text.subarray(0, 700),
    ])
      for (const { encode, levels, name } of tools)
        for (const level of levels.slice(0, 2)) {
          if (encode === undefined) continue;
          const answer = await recognise(encode(content, level));
          expect([name, level, content.length, answer.certain && recognisedText(answer)]).toEqual([
            name,
            level,
            content.length,
            false,
          ]);
        }
  });

  it("names all levels and encoders that give the same", async () => {
    const answer = await recognise(gzipSync("one line, and no more\n", { level: 6 }));
    expect(answer.candidates.map(({ encoder }) => encoder)).toEqual(
      expect.arrayContaining(["node", "zlib", "pigz", "gnu-gzip"]),
    );
    expect(answer.certain).toBe(false);
  });

  it("is said to be no gzip or zstd, or to be broken", async () => {
    expect(await recognise(Buffer.from("plain"))).toMatchObject({ format: "other", candidates: [], certain: false });
    expect(await recognise(Buffer.alloc(0))).toMatchObject({ format: "other" });
    const broken = gzipSync(text.subarray(0, 100_000)).subarray(0, 5000);
    expect((await recognise(broken)).evidence).toEqual(["the content is not DEFLATE: the stream ends within a block"]);
    expect((await recognise(Buffer.from("28b52ffd00", "hex"))).candidates).toEqual([]);
  });

  it("never fails, whatever the bytes are", async () => {
    const whole = [
      gzipSync(text.subarray(0, 40_000)),
      tools.find(({ name }) => name === "zstd")?.encode?.(text.subarray(0, 40_000), 3),
    ];
    for (const stream of whole) {
      if (stream === undefined) continue;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(stream.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          fc.nat(stream.length),
          async (changes, size) => {
            const bytes = Buffer.from(stream);
            for (const [at, value] of changes) bytes[at] = value;
            expect((await recognise(bytes.subarray(0, size))).evidence).toBeDefined();
          },
        ),
        { numRuns: 60 },
      );
    }
  });
});

describe("reading DEFLATE", () => {
  it("gives the content that went in, and literals and matches that make it", () => {
    const options = fc.record({ level: fc.nat(9), memLevel: fc.integer({ min: 1, max: 9 }), strategy: fc.nat(4) });
    const content = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.constant(new Uint8Array(400)),
        fc.nat(50_000).map((at) => text.subarray(at, at + 3000)),
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(content, options, (pieces, settings) => {
        const bytes = Buffer.concat(pieces);
        const {
          blocks,
          tokens,
          complete,
          content: back,
        } = trace(deflateRawSync(bytes, settings), bytes.length, () => false);
        expect(back.equals(bytes)).toBe(true);
        expect(complete).toBe(true);
        const sizes = blocks.map(({ type, start, end, firstToken, endToken }) =>
          type === "stored"
            ? 0
            : end -
              start -
              tokens
                .subarray(firstToken, endToken)
                .reduce((sum, token) => sum + (isMatch(token) ? lengthOf(token) : 1), 0),
        );
        expect(sizes.every((rest) => rest === 0)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it("ends at what was asked for, not at what the stream claims", () => {
    const bomb = deflateRawSync(Buffer.alloc(64 << 20));
    expect(trace(bomb, 1 << 20, () => false).content.length).toBeLessThan((1 << 20) + 300);
  });

  it("refuses what is no DEFLATE", () => {
    for (const bytes of ["07", "05e0810800000000", "", "00ffff0000"])
      expect(() => trace(Buffer.from(bytes, "hex"), 1 << 20, () => false), bytes).toThrow(NotDeflate);
  });
});

describe("explain", () => {
  it("names the encoders of two layers that hold the same", async () => {
    const at = scene();
    const file = (name: string, bytes: Uint8Array): string => {
      const path = join(at.directory, name);
      writeFileSync(path, bytes);
      return path;
    };
    const tar = text.subarray(0, 400 * 512);
    const archive = Buffer.concat([tarOf([{ name: "sources", content: tar }])]);
    const context = { ...at, report: silent, signal: new AbortController().signal };
    const { differences } = await explain(
      context,
      file("a.gz", gzipSync(archive)),
      file("b.gz", gzipSync(archive, { level: 9 })),
    );
    expect(differences.find(({ where }) => where.field === "encoder")).toMatchObject({
      grade: "encoding",
      a: "zlib of Node (Chromium's), level 6",
      b: "zlib of Node (Chromium's), level 9",
    });
  });
});

describe("docs/commands/explain.md", () => {
  it("names every encoder that can be named", () => {
    const page = readFileSync(join(root, "docs/commands/explain.md"), "utf8");
    for (const name of Object.values(encoders)) expect(page).toContain(name);
  });
});
