import fc from "fast-check";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../pipeline/host/errors.ts";
import { endOfArchive, paddingOf, tarHeader } from "../../pipeline/image/tar.ts";
import { ByteReader } from "../../pipeline/tree/bytes.ts";
import type { Entry } from "../../pipeline/tree/entry.ts";
import { TarReader } from "../../pipeline/tree/tar-reader.ts";
import { hasProgram, run } from "../support.ts";

const python = hasProgram("python3");
const gnuTar = hasProgram("tar");
const meta = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };

interface Item {
  readonly entry: Entry;
  readonly content?: Buffer;
}

function archive(items: readonly Item[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { entry, content = Buffer.alloc(0) } of items) {
    parts.push(tarHeader(entry), content, Buffer.alloc(paddingOf(content.length)));
  }
  return Buffer.concat([...parts, endOfArchive]);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** The entries that a faithful tar has to carry (libraries.md's eighteen). */
const long = (length: number, letter: string): string => letter.repeat(length);
const fidelity: readonly Item[] = [
  { entry: { ...meta, type: "directory", path: "tmp", mode: 0o1777 } },
  { entry: { ...meta, type: "file", path: "usr/bin/su", mode: 0o4755, size: 3 }, content: Buffer.from("su\n") },
  { entry: { ...meta, type: "file", path: long(180, "n"), size: 0 } },
  { entry: { ...meta, type: "file", path: `${long(90, "a")}/${long(60, "b")}/${long(90, "c")}`, size: 0 } },
  { entry: { ...meta, type: "file", path: "etc/grüße-日本", size: 5 }, content: Buffer.from("hallo") },
  { entry: { ...meta, type: "file", path: "big-uid", uid: 300000, gid: 300001, size: 0 } },
  { entry: { ...meta, type: "file", path: "huge-uid", uid: 3_000_000_000, gid: 2_097_152, size: 0 } },
  { entry: { ...meta, type: "hardlink", path: "su-too", target: "usr/bin/su", mode: 0o4755 } },
  { entry: { ...meta, type: "hardlink", path: "long-link", target: long(180, "n") } },
  { entry: { ...meta, type: "symlink", path: "short", target: "../x", mode: 0o777 } },
  { entry: { ...meta, type: "symlink", path: "long", target: `/${long(150, "t")}`, mode: 0o777 } },
  { entry: { ...meta, type: "character", path: "dev/null", major: 1, minor: 3, mode: 0o666 } },
  { entry: { ...meta, type: "block", path: "dev/sda", major: 8, minor: 0 } },
  { entry: { ...meta, type: "fifo", path: "run/pipe" } },
  {
    entry: {
      ...meta,
      type: "file",
      path: "ping",
      mode: 0o755,
      size: 0,
      xattrs: {
        "security.capability": Uint8Array.of(1, 0, 0, 2, 0, 0x20, 0xff, 0, 0, 0, 10, 0x3d, 0, 0, 0, 0, 0, 0, 0, 0),
      },
    },
  },
  { entry: { ...meta, type: "file", path: "y2040", mtime: 2_208_988_800, size: 0 } },
  { entry: { ...meta, type: "file", path: "y2300", mtime: 10_413_792_000, size: 0 } },
  { entry: { ...meta, type: "file", path: "y1969", mtime: -86_400, size: 0 } },
];

const pythonReader = `
import sys, json, tarfile
types = {b"0": "file", b"1": "hardlink", b"2": "symlink", b"3": "character", b"4": "block", b"5": "directory", b"6": "fifo"}
out = []
for m in tarfile.open(fileobj=sys.stdin.buffer, mode="r|*", encoding="utf-8", errors="strict"):
    x = {k[13:]: list(v.encode("utf-8", "surrogateescape")) for k, v in m.pax_headers.items() if k.startswith("SCHILY.xattr.")}
    out.append([types[m.type], m.name, m.mode, m.uid, m.gid, m.mtime, m.linkname, m.size, m.devmajor, m.devminor, m.uname, m.gname])
print(json.dumps(out))
`;

function asPythonSees({ entry }: Item): unknown {
  const link = entry.type === "symlink" || entry.type === "hardlink" ? entry.target : "";
  const device = entry.type === "character" || entry.type === "block" ? entry : { major: 0, minor: 0 };
  return [
    entry.type,
    entry.path,
    entry.mode,
    entry.uid,
    entry.gid,
    entry.mtime,
    link,
    entry.type === "file" ? entry.size : 0,
    device.major,
    device.minor,
    "",
    "",
  ];
}

describe("tarHeader", () => {
  it.skipIf(!python)("is read by Python's tarfile with everything intact (needs python3)", () => {
    const items = fidelity.filter(({ entry }) => entry.xattrs === undefined);
    const result = run("python3", ["-c", pythonReader], { input: gzipSync(archive(items)) });
    expect(result.stderr.toString()).toBe("");
    expect(JSON.parse(result.stdout.toString())).toEqual(items.map(asPythonSees));
  });

  it.skipIf(!gnuTar)("is read by GNU tar without a complaint (needs tar)", () => {
    const result = run(
      "tar",
      ["--list", "--verbose", "--numeric-owner", "--utc", "--full-time", "--xattrs", "--file=-"],
      {
        input: archive(fidelity),
        env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C.UTF-8" },
      },
    );
    expect(result.stderr.toString()).toBe("");
    const lines = result.stdout.toString().trim().split("\n");
    expect(lines).toHaveLength(fidelity.length);
    expect(lines[1]).toContain("-rwsr-xr-x");
    expect(lines[6]).toContain("3000000000/2097152");
    expect(lines.at(-2)).toContain("2300-01-01");
    expect(lines.at(-1)).toContain("1969-12-31");
  });

  it("is read back by our own reader", async () => {
    const reader = new TarReader(new ByteReader(once(archive(fidelity)), { file: "x" }));
    const read: Entry[] = [];
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) read.push(entry);
    expect(read).toEqual(fidelity.map(({ entry }) => entry));
  });

  it("switches to PAX exactly at the limits of ustar", () => {
    const pax = (entry: Entry): boolean => tarHeader(entry).length > 512;
    const file = (path: string, more: Partial<Entry> = {}): Entry =>
      ({ ...meta, type: "file", path, size: 0, ...more }) as Entry;
    expect(pax(file(long(100, "x")))).toBe(false);
    expect(pax(file(long(101, "x")))).toBe(true);
    expect(pax(file(`${long(155, "p")}/${long(100, "x")}`))).toBe(false);
    expect(pax(file(`${long(156, "p")}/${long(100, "x")}`))).toBe(true);
    expect(pax(file(`${long(155, "p")}/${long(101, "x")}`))).toBe(true);
    expect(pax(file("a", { uid: 2_097_151 }))).toBe(false);
    expect(pax(file("a", { uid: 2_097_152 }))).toBe(true);
    expect(pax(file("a", { mtime: 8_589_934_591 }))).toBe(false);
    expect(pax(file("a", { mtime: 8_589_934_592 }))).toBe(true);
    expect(pax(file("a", { mtime: -1 }))).toBe(true);
    expect(pax({ ...meta, type: "file", path: "a", size: 8_589_934_591 })).toBe(false);
    expect(pax({ ...meta, type: "file", path: "a", size: 8_589_934_592 })).toBe(true);
    expect(pax({ ...meta, type: "directory", path: long(99, "d") })).toBe(false);
    expect(pax({ ...meta, type: "directory", path: long(100, "d") })).toBe(true);
    expect(pax({ ...meta, type: "symlink", path: "l", target: long(100, "t") })).toBe(false);
    expect(pax({ ...meta, type: "symlink", path: "l", target: long(101, "t") })).toBe(true);
  });

  it("has these bytes for a plain file", () => {
    const header = tarHeader({
      type: "file",
      path: "etc/hostname",
      mode: 0o644,
      uid: 1,
      gid: 2,
      mtime: 1_700_000_000,
      size: 7,
    });
    const expected = Buffer.alloc(512);
    expected.write("etc/hostname", 0);
    expected.write("0000644\0", 100, "latin1");
    expected.write("0000001\0", 108, "latin1");
    expected.write("0000002\0", 116, "latin1");
    expected.write("00000000007\0", 124, "latin1");
    expected.write("14524770400\0", 136, "latin1");
    expected.write("011563\0 ", 148, "latin1");
    expected.write("0", 156);
    expected.write("ustar\x0000", 257, "latin1");
    expected.write("0000000\x000000000\0", 329, "latin1");
    expect(header).toEqual(expected);
  });

  it("sorts PAX records and gives their header a constant name", () => {
    const text = tarHeader({
      ...meta,
      type: "file",
      path: long(300, "n"),
      uid: 9_999_999,
      mtime: -5,
      size: 0,
    }).toString("latin1");
    expect(text.startsWith("././@PaxHeader\0")).toBe(true);
    expect(
      text
        .slice(512)
        .split("\n")
        .slice(0, 3)
        .map((line) => line.split(" ")[1]?.split("=")[0]),
    ).toEqual(["mtime", "path", "uid"]);
  });

  it.each([
    ["a NUL in the name", { ...meta, type: "file", path: "a\0b", size: 0 }],
    ["an empty link target", { ...meta, type: "symlink", path: "a", target: "" }],
    ["a negative owner", { ...meta, uid: -1, type: "file", path: "a", size: 0 }],
    ["a fraction of a second", { ...meta, mtime: 0.5, type: "file", path: "a", size: 0 }],
    ["a device number that does not fit", { ...meta, type: "block", path: "a", major: 2_097_152, minor: 0 }],
  ] as const)("refuses %s", (_, entry) => {
    expect(() => tarHeader(entry)).toThrow(LockstepError);
  });

  it("round-trips any entry through our reader", async () => {
    const name = fc
      .array(
        fc.string({ minLength: 1, maxLength: 120, unit: "grapheme" }).map((text) => text.replaceAll(/[/\0]/gu, "_")),
        { minLength: 1, maxLength: 4 },
      )
      .map((parts) => parts.map((part) => (part === "." || part === ".." ? "dot" : part)).join("/"))
      .filter((path) => Buffer.byteLength(path) < 4096 && Buffer.from(path).toString() === path);
    const entry: fc.Arbitrary<Entry> = fc.record({
      path: name,
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      mtime: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      type: fc.constant("file" as const),
      size: fc.constant(0),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 6 }), async (entries) => {
        const reader = new TarReader(
          new ByteReader(once(archive(entries.map((item) => ({ entry: item })))), { file: "x" }),
        );
        for (const expected of entries) expect(await reader.next()).toEqual(expected);
        expect(await reader.next()).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });
});
