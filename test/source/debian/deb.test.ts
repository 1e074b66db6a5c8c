import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { type EntrySink, unpackDeb, type UnpackOptions } from "../../../pipeline/source/debian/deb.ts";
import type { PackageFacts } from "../../../pipeline/source/debian/facts.ts";
import { ByteReader } from "../../../pipeline/tree/bytes.ts";
import type { Entry } from "../../../pipeline/tree/entry.ts";
import { hasProgram } from "../../support.ts";
import { hostileDebs } from "./hostile-debs.ts";
import { sharedObject } from "./shared-object.ts";
import { type Compression, pax, rawEntry, rawTar, tinyDeb } from "./tiny-deb.ts";

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

interface Unpacked {
  readonly facts: PackageFacts;
  readonly sent: readonly Entry[];
  readonly content: Readonly<Record<string, string>>;
}

async function unpack(deb: Uint8Array, options: UnpackOptions = {}, pieceSize = 1 << 16): Promise<Unpacked> {
  const sent: Entry[] = [];
  const content: Record<string, string> = {};
  const sink: EntrySink = {
    entry: async (entry) => {
      sent.push(entry);
      if (entry.type === "file") content[entry.path] = "";
    },
    content: async (bytes) => {
      const path = sent.at(-1)?.path ?? "";
      // A bomb must not be kept by the test either.
      if ((content[path] ?? "").length < 1 << 20) content[path] += Buffer.from(bytes).toString("latin1");
    },
  };
  const facts = await unpackDeb(new ByteReader(pieces(deb, pieceSize), { file: "tiny" }), sink, options);
  return { facts, sent, content };
}

async function failure(deb: Uint8Array, pieceSize?: number): Promise<LockstepError> {
  try {
    await unpack(deb, {}, pieceSize);
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw new Error("was refused without a code", { cause: error });
  }
  throw new Error("was accepted");
}

const sound = [
  { name: "./", flag: "5" },
  { name: "./bin/", flag: "5" },
  { name: "./bin/sh", content: "#!", mode: 0o755 },
  { name: "./etc/tiny.conf", content: "a=1\n", mtime: 1_500_000_000 },
  { name: "./usr/share/doc/tiny/", flag: "5", mode: 0o750, uid: 4, gid: 5 },
  { name: "./usr/share/doc/tiny/copyright", content: "free\n" },
  { name: "./usr/share/doc/tiny/again", flag: "1", link: "./usr/share/doc/tiny/copyright" },
  { name: "./usr/lib/tiny", flag: "2", link: "../share/doc/tiny" },
  { name: "./run/tiny", flag: "6" },
];

describe("unpackDeb", () => {
  it("gives entries, contents and facts", async () => {
    const deb = tinyDeb({
      data: sound,
      control: {
        conffiles: "/etc/tiny.conf\n",
        md5sums: `${"0".repeat(32)}  bin/sh\n`,
        postinst: "#!/bin/sh\nexit 0\n",
      },
    });
    const { facts, sent, content } = await unpack(deb);
    expect(sent.map(({ path, type }) => `${type} ${path}`)).toEqual([
      "file usr/bin/sh",
      "file etc/tiny.conf",
      "file usr/share/doc/tiny/copyright",
      "hardlink usr/share/doc/tiny/again",
      "symlink usr/lib/tiny",
      "fifo run/tiny",
    ]);
    expect(content).toEqual({ "usr/bin/sh": "#!", "etc/tiny.conf": "a=1\n", "usr/share/doc/tiny/copyright": "free\n" });
    expect(facts.entries.map(({ path }) => path)).toEqual([
      "etc/tiny.conf",
      "run/tiny",
      "usr/bin",
      "usr/bin/sh",
      "usr/lib/tiny",
      "usr/share/doc/tiny",
      "usr/share/doc/tiny/again",
      "usr/share/doc/tiny/copyright",
    ]);
    expect(facts.entries.find(({ path }) => path === "usr/share/doc/tiny")).toMatchObject({
      mode: 0o750,
      uid: 4,
      gid: 5,
    });
    expect(facts.conffiles).toEqual(["/etc/tiny.conf"]);
    expect(facts.scripts).toEqual({ postinst: "#!/bin/sh\nexit 0\n" });
    expect(facts.control["Package"]).toBe("tiny");
    // The package's own sum where it has one, the real one elsewhere.
    expect(facts.md5).toEqual({
      "etc/tiny.conf": createHash("md5").update("a=1\n").digest("hex"),
      "usr/bin/sh": "0".repeat(32),
      "usr/share/doc/tiny/copyright": createHash("md5").update("free\n").digest("hex"),
    });
  });

  it.each(["none", "gz", "zst", "xz"] satisfies Compression[])("reads data.tar with compression %s", async (how) => {
    if (how === "xz" && !hasProgram("xz")) return;
    const plain = await unpack(tinyDeb({ data: sound }));
    const other = await unpack(tinyDeb({ data: sound, compression: how }));
    expect(other).toEqual(plain);
  });

  it("does not depend on how the bytes arrive", async () => {
    const deb = tinyDeb({ data: sound, compression: "gz" });
    const whole = await unpack(deb);
    for (const size of [1, 7, 512, 513]) expect(await unpack(deb, {}, size)).toEqual(whole);
  });

  it("knows large libraries by parts of them, however the bytes arrive", async () => {
    const shape = { wide: true, little: true, soname: "libz.so.1", namesAt: 70_000, dynamicAt: 4_500_000 };
    const content = sharedObject({ ...shape, size: 9_000_000 });
    const deb = tinyDeb({ data: [{ name: "./usr/lib/libz.so.1.2", content }] });
    for (const size of [1 << 20, 65_537, 4096]) {
      const { facts } = await unpack(deb, {}, size);
      expect(facts.libraries).toEqual([{ path: "usr/lib/libz.so.1.2", bits: 64, machine: 183, soname: "libz.so.1" }]);
    }
  });

  it("keeps what must not be lost: setuid, owners, large ids, capabilities, times before 1970", async () => {
    const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
    const deb = tinyDeb({
      data: [
        { name: "./usr/bin/su", mode: 0o4755, uid: 0, gid: 42 },
        pax({ "SCHILY.xattr.security.capability": capability, uid: "4000000000", mtime: "-5.5" }),
        { name: "./usr/bin/ping", mode: 0o755 },
      ],
    });
    const { sent } = await unpack(deb);
    expect(sent[0]).toMatchObject({ path: "usr/bin/su", mode: 0o4755, gid: 42 });
    expect(sent[1]).toMatchObject({
      uid: 4_000_000_000,
      mtime: -6,
      xattrs: { "security.capability": Uint8Array.from(capability) },
    });
  });

  it("leaves out what is dropped and moves what is diverted", async () => {
    const { sent, facts } = await unpack(tinyDeb({ data: sound }), {
      drop: new Set(["etc/tiny.conf"]),
      divert: new Map([["usr/bin/sh", "usr/bin/sh.distrib"]]),
    });
    expect(sent.map(({ path }) => path)).not.toContain("etc/tiny.conf");
    expect(facts.entries.map(({ path }) => path)).toContain("usr/bin/sh.distrib");
    expect(facts.entries.map(({ path }) => path)).not.toContain("usr/bin/sh");
  });

  it("ignores members that deb(5) says are for others", async () => {
    const deb = tinyDeb({ data: sound });
    const extra = Buffer.concat([deb, Buffer.from(`${"_gpgorigin".padEnd(48)}${"2".padEnd(10)}\`\n..`)]);
    expect(await unpack(extra)).toEqual(await unpack(deb));
  });
});

describe("unpackDeb refuses", () => {
  it.each(hostileDebs)("$what ($code)", async ({ code, make }) => {
    const deb = make();
    const before = process.memoryUsage().rss;
    const begin = performance.now();
    const error = await failure(deb);
    expect(error.problems.map((problem) => problem.code)).toEqual([code]);
    expect(error.exitCode).toBe(3);
    expect(error.problems[0]?.place?.file).toBe("tiny");
    // Bombs end by their limit, long before they have been unpacked, and never lie in memory.
    expect(performance.now() - begin).toBeLessThan(120_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 << 20);
  });

  it("what a limit of the caller does not allow", async () => {
    const deb = tinyDeb({ data: [{ name: "./usr/a", content: Buffer.alloc(100_000) }] });
    await expect(unpack(deb, { limit: 50_000 })).rejects.toThrow(/^LS4005 tiny /);
    await expect(unpack(deb, { limit: 200_000 })).resolves.toBeDefined();
  });

  it.each(["none", "gz", "zst", "xz"] satisfies Compression[])("what is cut anywhere (%s)", async (how) => {
    if (how === "xz" && !hasProgram("xz")) return;
    const noise = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 0xff));
    const deb = tinyDeb({ data: [...sound, { name: "./usr/noise", content: noise }], compression: how });
    for (let length = 0; length < deb.length; length += length < 400 ? 31 : 997) {
      const { code } = await failure(deb.subarray(0, length), 4096);
      // Before the magic line is complete it is no archive at all.
      expect(`${length} ${code}`).toBe(`${length} ${length < 8 ? (length === 0 ? "LS4002" : "LS4001") : "LS4001"}`);
    }
    // The last byte may be the padding of ar.
    expect((await failure(deb.subarray(0, deb.length - 2))).code).toBe("LS4001");
  });

  it("with a code whatever bit is wrong, or reads what is still a package", async () => {
    const deb = tinyDeb({
      data: [pax({ path: "usr/share/tiny/a" }), { name: "x", content: "hello" }, ...sound],
      compression: "none",
    });
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: deb.length * 8 - 1 }), async (bit) => {
        const damaged = Buffer.from(deb);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        try {
          await unpack(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(LockstepError);
          expect((error as LockstepError).code).toMatch(/^LS400[1-7]$/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each(["gz", "zst", "xz"] satisfies Compression[])("with a code whatever bit of %s is wrong", async (how) => {
    if (how === "xz" && !hasProgram("xz")) return;
    const deb = tinyDeb({ data: sound, compression: how });
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: deb.length * 8 - 1 }), async (bit) => {
        const damaged = Buffer.from(deb);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await unpack(damaged).catch((error: unknown) => {
          expect(error).toBeInstanceOf(LockstepError);
          expect((error as LockstepError).code).toMatch(/^LS400[1-7]$/);
        });
      }),
      { numRuns: 150 },
    );
  });

  it("with a code any headers that look like tar", async () => {
    const flags = [..."0123456789xgLKSMVDNAXIE\0"];
    const anything = fc.record({
      name: fc.oneof(fc.string({ maxLength: 99 }), fc.uint8Array({ maxLength: 99 })),
      flag: fc.constantFrom(...flags),
      content: fc.oneof(fc.constant(""), fc.string({ maxLength: 600 })),
      link: fc.string({ maxLength: 90 }),
      size: fc.option(fc.uint8Array({ minLength: 12, maxLength: 12 }), { nil: undefined, freq: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { maxLength: 6 }), async (list) => {
        const tar = Buffer.concat(
          list.map(({ size, ...entry }) => rawEntry({ ...entry, ...(size === undefined ? {} : { size }) })),
        );
        await unpack(tinyDeb({ tar: Buffer.concat([tar, rawTar([])]) })).catch((error: unknown) => {
          expect(error).toBeInstanceOf(LockstepError);
          expect((error as LockstepError).code).toMatch(/^LS400[1-7]$/);
        });
      }),
      { numRuns: 400 },
    );
  });
});
