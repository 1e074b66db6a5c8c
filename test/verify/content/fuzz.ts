/** Contents for fuzzing the comparers: real files of every format, changed in ways that break or bend them. */
import { execPath } from "node:process";
import { existsSync, openSync, readFileSync, readSync, closeSync } from "node:fs";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { tarOf } from "../tar-of.ts";
import { tinyZip } from "../../tree/tiny-zip.ts";
import { compareContent } from "../../../pipeline/verify/content/compare.ts";
import { contentOf } from "../../../pipeline/verify/content/format.ts";

interface Sample {
  readonly path: string;
  readonly bytes: Buffer;
}

function head(path: string, length: number): Buffer {
  const file = openSync(path, "r");
  const bytes = Buffer.alloc(length);
  const read = readSync(file, bytes, 0, length, 0);
  closeSync(file);
  return bytes.subarray(0, read);
}

const text = "name: x\nbuilt: Thu Nov 26 00:06:20 UTC 2026\npath: /home/bob/src\n".repeat(20);
const member = (name: string, content: string): string =>
  `${name.padEnd(16)}${"1700000000".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(content.length).padEnd(10)}\`\n${content}`;
const pyc = Buffer.concat([
  Buffer.from("a70d0d0a000000008070f365", "hex"),
  Buffer.from("0500000063", "hex"),
  Buffer.from("/app/module.py"),
  Buffer.alloc(40, 7),
]);
const jks = Buffer.concat([
  Buffer.from("feedfeed00000002000000010000000200036f6e650000018bcfe56800", "hex"),
  Buffer.from("0005582e35303900000004deadbeef", "hex"),
  Buffer.alloc(20, 1),
]);
const sqlite = Buffer.concat([
  Buffer.from("SQLite format 3\0"),
  Buffer.from("0200010100402020", "hex"),
  Buffer.alloc(76),
  Buffer.alloc(1436, 13),
]);
const cache = Buffer.concat([
  Buffer.from("glibc-ld.so.cache1.1"),
  Buffer.from("010000000d000000", "hex"),
  Buffer.alloc(20),
  Buffer.from("03030000480000004c00000000000000", "hex"),
  Buffer.alloc(8),
  Buffer.from("lib\0/lib/lib\0"),
]);
const png = Buffer.concat([
  Buffer.from("89504e470d0a1a0a", "hex"),
  Buffer.from("0000000774494d4507ea010203040500000000", "hex"),
  Buffer.from("0000000049454e44ae426082", "hex"),
]);

/** Small enough that thousands are compared in a second. */
export const samples: readonly Sample[] = [
  {
    path: "app",
    bytes: existsSync("/bin/true") ? readFileSync("/bin/true").subarray(0, 200_000) : head(execPath, 8192),
  },
  { path: "node", bytes: head(execPath, 4096) },
  { path: "a.txt", bytes: Buffer.from(text) },
  { path: "a.json", bytes: Buffer.from(JSON.stringify({ a: [1, 2, { b: "2026-01-02" }], c: { d: null, e: text } })) },
  { path: "a.pdf", bytes: Buffer.from(`%PDF-1.7\n/CreationDate (D:20260102030405Z)\n/ID [<aa> <bb>]\n${text}`) },
  { path: "data.tar", bytes: tarOf([{ name: "usr/" }, { name: "usr/x", content: text, pax: { mtime: "1.5" } }]) },
  { path: "a.txt.gz", bytes: gzipSync(text) },
  { path: "a.gz", bytes: gzipSync(gzipSync(text)) },
  { path: "a.zst", bytes: zstdCompressSync(Buffer.from(text)) },
  {
    // Three lines of times and paths, as bzip2 makes them.
    path: "a.txt.bz2",
    bytes: Buffer.from(
      "QlpoOTFBWSZTWcU8rrgAABnfgAAQQADREAgBBgA6Z99AIABQo0NAAAAVPTKPRqNDymg9NSNzoFYgkBUW0wLMBmAym0GOqmwS9d73xiViRno9bs4wkHodF/F3JFOFCQxTyuuA",
      "base64",
    ),
  },
  { path: "a.txt.br", bytes: brotliCompressSync(text) },
  {
    path: "dist/a.js",
    bytes: Buffer.from(
      `run(1);\n//# sourceMappingURL=data:application/json;base64,${Buffer.from('{"version":3,"sources":["/src/a.ts"],"mappings":"AAAA"}').toString("base64")}\n`,
    ),
  },
  {
    path: "a.jar",
    bytes: tinyZip([
      { name: "a", content: text, mode: 0o100644 },
      { name: "b.json", content: "[1]", descriptor: true },
      { name: "c", content: "x", stored: true },
    ]),
  },
  {
    path: "a.a",
    bytes: Buffer.from(`!<arch>\n${member("a.o/", "12345678")}${member("//", "long-name.o/\n ")}${member("/0", "xy")}`),
  },
  { path: "etc/shadow", bytes: Buffer.from("root:*:19000:0:99999:7:::\napp:$y$j9T$a$b:20000:0:99999:7:::\n") },
  { path: "etc/passwd", bytes: Buffer.from("root:x:0:0:root:/root:/bin/sh\napp:x:100:101::/app:/bin/sh\n") },
  {
    path: "var/lib/dpkg/status",
    bytes: Buffer.from("Package: a\nVersion: 1\nConffiles:\n /etc/a 0\n\nPackage: b\nVersion: 2\n"),
  },
  { path: "lib/apk/db/installed", bytes: Buffer.from("C:Q1\nP:a\nV:1\nt:1700000000\n\nP:b\nV:2\n") },
  { path: "a/__pycache__/a.pyc", bytes: pyc },
  { path: "cacerts", bytes: jks },
  { path: "a.sqlite", bytes: sqlite },
  { path: "etc/ld.so.cache", bytes: cache },
  { path: "a.png", bytes: png },
  {
    path: "a.pem",
    bytes: Buffer.from(
      "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ),
  },
];

type Change = (bytes: Buffer) => Buffer;

/** One change of some bytes: set, removed, put in, doubled, cut off, or a number made very large. */
const change: fc.Arbitrary<Change> = fc
  .record({
    kind: fc.constantFrom("set", "flip", "remove", "insert", "double", "cut", "large"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    // Headers are at the start, lists of contents at the end.
    near: fc.constantFrom("start", "end", "anywhere"),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }),
    length: fc.integer({ min: 1, max: 64 }),
  })
  .map(({ kind, at, near, bytes, length }): Change => (from) => {
    const range = near === "anywhere" ? from.length : Math.min(from.length, 128);
    const offset = Math.floor(at * range) + (near === "end" ? from.length - range : 0);
    const [before, after] = [from.subarray(0, offset), from.subarray(offset)];
    switch (kind) {
      case "set":
        return Buffer.concat([before, bytes, after.subarray(bytes.length)]);
      case "flip":
        return Buffer.concat([before, Buffer.from([(after[0] ?? 0) ^ (1 << (length % 8))]), after.subarray(1)]);
      case "remove":
        return Buffer.concat([before, after.subarray(length)]);
      case "insert":
        return Buffer.concat([before, bytes, after]);
      case "double":
        return Buffer.concat([before, after.subarray(0, length), after]);
      case "cut":
        return Buffer.from(before);
      default:
        return Buffer.concat([before, Buffer.alloc(length % 9, 0xff), after.subarray(length % 9)]);
    }
  });

export interface Input {
  readonly path: string;
  readonly a: Buffer;
  readonly b: Buffer;
}

const anything: fc.Arbitrary<Input> = fc.record({
  path: fc.constantFrom(...samples.map(({ path }) => path)),
  a: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  b: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

const mutated: fc.Arbitrary<Input> = fc
  .record({
    sample: fc.constantFrom(...samples),
    first: fc.array(change, { maxLength: 2 }),
    second: fc.array(change, { minLength: 1, maxLength: 3 }),
    swapped: fc.boolean(),
  })
  .map(({ sample: { path, bytes }, first, second, swapped }) => {
    const a = first.reduce((from, one) => one(from), bytes);
    const b = second.reduce((from, one) => one(from), a);
    return swapped ? { path, a: b, b: a } : { path, a, b };
  });

/** What is compared: one in eight is any bytes, the others are real files that were changed. */
export const inputs: fc.Arbitrary<Input> = fc.oneof(
  { weight: 1, arbitrary: anything },
  { weight: 7, arbitrary: mutated },
);

/** Compares, and throws unless something is found exactly when the bytes differ. */
export async function holds({ path, a, b }: Input): Promise<void> {
  let count = 0;
  let sound = true;
  await compareContent(
    { path, a: contentOf(a), b: contentOf(b) },
    {
      found: (_inside, field, finding) => {
        count++;
        // What a terminal or a reader would obey.
        if (
          /[\p{Cc}]/u.test(`${field}${finding.a ?? ""}${finding.b ?? ""}`) ||
          (finding.a ?? "").length > 200 ||
          (finding.b ?? "").length > 200
        )
          sound = false;
      },
      unread: () => {},
    },
  );
  if (count > 0 === a.equals(b)) throw new Error(`${count} findings for ${a.equals(b) ? "equal" : "different"} bytes`);
  if (!sound) throw new Error("a finding has what must not be printed, or too much of it");
}
