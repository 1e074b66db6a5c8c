import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../pipeline/host/errors.ts";
import { createHost } from "../../pipeline/host/host.ts";
import { decompress, type Decoders, findDecoders } from "../../pipeline/source/decompress.ts";
import { collect, hasProgram, run } from "../support.ts";

const noise = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (Math.imul(i, 2654435761) >>> (i % 24)) & 0xff));
const place = { file: "d" };
const host = createHost();
const threads = findDecoders({ ...host, parallelism: 4 });
const hasXz = hasProgram("xz");

async function* pieces(bytes: Uint8Array, size = 10_007): AsyncGenerator<Uint8Array, void> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

const xz = (bytes: Uint8Array, ...args: readonly string[]): Buffer =>
  run("xz", ["-c", ...args], { input: bytes }).stdout;

interface Form {
  readonly form: string;
  readonly name: string;
  readonly bytes: Buffer;
  readonly decoders: Decoders;
}

const forms: readonly Form[] = [
  { form: "plain", name: "data.tar", bytes: noise, decoders: {} },
  { form: "gzip", name: "data.tar.gz", bytes: gzipSync(noise), decoders: {} },
  {
    form: "zstd",
    name: "data.tar.zst",
    bytes: zstdCompressSync(noise, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    decoders: {},
  },
  ...(hasXz
    ? [
        { form: "xz", name: "data.tar.xz", bytes: xz(noise), decoders: {} },
        { form: "xz in a thread", name: "data.tar.xz", bytes: xz(noise), decoders: threads },
        { form: "xz of many blocks", name: "data.tar.xz", bytes: xz(noise, "--block-size=65536", "-T2"), decoders: {} },
        {
          form: "xz of many blocks in a thread",
          name: "data.tar.xz",
          bytes: xz(noise, "--block-size=65536", "-T2"),
          decoders: threads,
        },
        { form: "xz with SHA-256", name: "data.tar.xz", bytes: xz(noise, "--check=sha256"), decoders: threads },
      ]
    : []),
];
const packed = forms.filter(({ form }) => form !== "plain");

async function code(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "done",
    (error: unknown) => (error instanceof LockstepError ? error.code : String(error)),
  );
}

describe("decompress", () => {
  it.each(forms)("gives the content ($form)", async ({ name, bytes, decoders }) => {
    for (const size of [bytes.length, 4099, 1 << 18])
      expect((await collect(decompress(pieces(bytes, size), name, place, 1 << 20, decoders))).equals(noise)).toBe(true);
    expect(await code(collect(decompress(pieces(bytes), name, place, noise.length, decoders)))).toBe("done");
  });

  it.each(forms)("ends at the limit ($form)", async ({ name, bytes, decoders }) => {
    const work = collect(decompress(pieces(bytes), name, place, noise.length - 1, decoders));
    await expect(work).rejects.toThrow(`LS4005 d decompresses to more than ${noise.length - 1} bytes`);
  });

  it.each(packed)("refuses what is cut or damaged ($form)", async ({ name, bytes, decoders }) => {
    const all = (from: Uint8Array): Promise<string> =>
      code(collect(decompress(pieces(from), name, place, 1 << 20, decoders)));
    for (const length of [0, 1, 5, 100, bytes.length >> 1, bytes.length - 1])
      expect(await all(bytes.subarray(0, length))).toBe("LS4002");
    for (const at of [0, 2, bytes.length >> 1, bytes.length - 3]) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x40;
      expect(await all(damaged)).toBe("LS4002");
    }
  });

  it.each(packed)("passes on the error of its source ($form)", async ({ name, bytes, decoders }) => {
    async function* cut(): AsyncGenerator<Uint8Array, void> {
      yield bytes.subarray(0, 50_000);
      throw new LockstepError({ code: "LS3001", message: "corrupt" });
    }
    expect(await code(collect(decompress(cut(), name, place, 1 << 20, decoders)))).toBe("LS3001");
  });

  it.each(packed)("lets go of everything when its reader gives up ($form)", async ({ name, bytes, decoders }) => {
    let ended = 0;
    async function* watched(): AsyncGenerator<Uint8Array, void> {
      try {
        yield* pieces(bytes);
      } finally {
        ended++;
      }
    }
    for await (const piece of decompress(watched(), name, place, 1 << 20, decoders)) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect(ended).toBe(1);
    // One that is never read takes nothing that another would wait for.
    decompress(pieces(bytes), name, place, 1 << 20, decoders);
    const both = await Promise.all(
      [1, 2, 3].map(() => collect(decompress(pieces(bytes), name, place, 1 << 20, decoders))),
    );
    expect(both.every((content) => content.equals(noise))).toBe(true);
  });

  it.skipIf(!hasXz).each([
    ["another stream", xz(Buffer.from("second")), "firstsecond"],
    ["padding and another stream", Buffer.concat([Buffer.alloc(8), xz(Buffer.from("second"))]), "firstsecond"],
    ["padding", Buffer.alloc(4), "first"],
    ["padding of an odd length", Buffer.alloc(3), "LS4002"],
    ["something else", Buffer.from("garbage!"), "LS4002"],
    ["half a stream", xz(Buffer.from("second")).subarray(0, 40), "LS4002"],
  ])("gives the same with every decoder of xz when it is followed by %s", async (_, after, expected) => {
    expect(threads.xz).toBeDefined();
    const bytes = Buffer.concat([xz(Buffer.from("first")), after]);
    for (const decoders of [{}, threads]) {
      const work = collect(decompress(pieces(bytes), "data.tar.xz", place, 1 << 20, decoders));
      if (expected === "LS4002") expect(await code(work)).toBe("LS4002");
      else expect((await work).toString()).toBe(expected);
    }
  });

  it.skipIf(!hasXz)("does not let a file of a few bytes ask for gigabytes of memory", async () => {
    const greedy = xz(Buffer.from("x"), "--lzma2=dict=1GiB");
    const before = process.memoryUsage().rss;
    // Read without taking what the header asks for, or refused.
    const read = (decoders: Decoders): Promise<Buffer> =>
      collect(decompress(pieces(greedy), "data.tar.xz", place, 1 << 20, decoders));
    expect(await code(read({}))).toMatch(/^(?:LS4002|done)$/);
    await expect(read(threads)).rejects.toThrow(
      "LS4002 d cannot be decompressed: it needs more memory than is allowed",
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
  });

  it.each(forms)("LS1003: ends when it is interrupted ($form)", async ({ name, bytes, decoders }) => {
    const stop = new AbortController();
    const all = { ...decoders, ...(decoders === threads ? findDecoders(host, stop.signal) : {}) };
    const reading = decompress(pieces(bytes), name, place, 1 << 20, { ...all, signal: stop.signal });
    stop.abort();
    expect(await code(collect(reading))).toBe("LS1003");
  });

  it.skipIf(!hasXz)("takes no more memory for a bomb than for anything else (needs xz)", async () => {
    const bomb = xz(Buffer.alloc(256 << 20));
    const before = process.memoryUsage().rss;
    let size = 0;
    for await (const piece of decompress(pieces(bomb, 1 << 20), "data.tar.xz", place, 1 << 30, threads))
      size += piece.length;
    expect(size).toBe(256 << 20);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 << 20);
    const work = collect(decompress(pieces(bomb, 1 << 20), "data.tar.xz", place, 1 << 20, threads));
    expect(await code(work)).toBe("LS4005");
  });

  it.skipIf(!hasXz)(
    "decodes more at once than there are threads, also after some that are damaged (needs xz)",
    async () => {
      const contents = Array.from({ length: 24 }, (_, i) => noise.subarray(0, 1 + i * 29_123));
      const read = (bytes: Uint8Array, size: number): Promise<Buffer> =>
        collect(decompress(pieces(bytes, size), "data.tar.xz", place, 1 << 20, threads));
      const results = await Promise.all(
        contents.map(async (content, i) => {
          const bytes = xz(content);
          if (i % 3 !== 2) return (await read(bytes, 500 + i * 7919)).equals(content);
          bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
          return await code(read(bytes, 500 + i * 7919));
        }),
      );
      expect(results).toEqual(contents.map((_, i) => (i % 3 === 2 ? "LS4002" : true)));
    },
  );

  it("uses no thread where another decoder is asked for", () => {
    const asked = (value: string | undefined): Decoders =>
      findDecoders({ ...host, env: (name) => (name === "LOCKSTEP_DECODER" ? value : undefined) });
    expect(asked("portable")).toEqual({});
    expect(asked(undefined).xz).toBeDefined();
  });

  it.each(["data.tar.lz4", "data.tar.lzma", "data.zip", "data"])("knows no %s (LS4002)", (name) => {
    expect(() => decompress(pieces(noise), name, place, 1 << 20)).toThrow(
      /^LS4002 d member ".*" has an unknown compression/,
    );
  });
});
