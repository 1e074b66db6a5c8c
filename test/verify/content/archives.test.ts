import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { hasProgram, run, temporaryDirectory } from "../../support.ts";
import { tinyZip } from "../../tree/tiny-zip.ts";
import { tarOf } from "../tar-of.ts";
import { compared, only, places } from "./compared.ts";

/** Files in a directory of their own, with a time. */
function files(contents: Readonly<Record<string, string>>, seconds = 1_700_000_000): string {
  const directory = temporaryDirectory();
  for (const [name, content] of Object.entries(contents)) {
    writeFileSync(join(directory, name), content);
    utimesSync(join(directory, name), seconds, seconds);
  }
  return directory;
}

function made(directory: string, program: string, ...args: readonly string[]): Buffer {
  const { status, stderr } = run(program, args, {
    cwd: directory,
    env: { PATH: process.env["PATH"] ?? "", TZ: "UTC" },
  });
  if (status !== 0) throw new Error(stderr.toString("utf8"));
  return readFileSync(join(directory, "out"));
}

const two = { "a.txt": "one\n", "b.txt": "two\n" };

describe.skipIf(!hasProgram("ar"))("archives of ar (needs ar)", () => {
  it("have times, owners, an order and members", async () => {
    const archive = (
      contents: Readonly<Record<string, string>>,
      seconds: number,
      ...names: readonly string[]
    ): Buffer => made(files(contents, seconds), "ar", "qcU", "out", ...names);
    const a = archive(two, 1_700_000_000, "a.txt", "b.txt");
    expect(await places("x.a", a, archive(two, 1_700_000_001, "a.txt", "b.txt"))).toEqual([
      "a.txt > ar_date: clock",
      "b.txt > ar_date: clock",
    ]);
    expect(await only("x.a", a, archive(two, 1_700_000_000, "b.txt", "a.txt"))).toMatchObject({
      format: "ar",
      place: "order",
    });
    expect(await places("x.a", a, archive({ ...two, "b.txt": "zwei\n" }, 1_700_000_000, "a.txt", "b.txt"))).toEqual([
      "b.txt > line 1: content",
    ]);
    expect(await places("x.a", a, archive(two, 1_700_000_000, "a.txt"))).toEqual(["b.txt > presence: content"]);
    const fixed = made(files(two), "ar", "qcD", "out", "a.txt", "b.txt");
    expect((await compared("x.a", a, fixed)).findings.map(({ place }) => place)).toContain("a.txt > ar_date");
  });
});

describe("Debian packages", () => {
  const member = (name: string, content: Uint8Array): Buffer =>
    Buffer.concat([
      Buffer.from(
        `${name.padEnd(16)}${"1700000000".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(content.length).padEnd(10)}\`\n`,
      ),
      content,
      Buffer.alloc(content.length % 2, "\n"),
    ]);
  const deb = (...members: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from("!<arch>\n"), ...members]);
  const data = (mtime: number): Buffer => tarOf([{ name: "usr/", mtime }]);

  it("hold the same in another compression", async () => {
    const a = deb(member("data.tar.gz", gzipSync(data(1))));
    expect(await only("a.deb", a, deb(member("data.tar.zst", zstdCompressSync(data(1)))))).toMatchObject({
      format: "ar",
      place: "data.tar > compression",
      grade: "encoding",
      natures: ["encoder"],
      a: "data.tar.gz",
      b: "data.tar.zst",
    });
    expect(await places("a.deb", a, deb(member("data.tar.zst", zstdCompressSync(data(2)))))).toEqual([
      "data.tar > compression: encoding",
      "data.tar > usr > mtime: clock",
    ]);
    // What is not what its name says, and what has no other side.
    const broken = await compared("a.deb", a, deb(member("data.tar.zst", Buffer.from("none"))));
    expect(broken.findings.some(({ grade }) => grade === "content")).toBe(true);
    expect(await places("a.deb", a, deb(member("debian-binary", Buffer.from("2.0\n"))))).toEqual([
      "data.tar.gz > presence: content",
      "debian-binary > presence: content",
    ]);
  });
});

describe("tar archives", () => {
  const items = [{ name: "usr/" }, { name: "usr/x", content: "one\n" }];
  const touched = items.map((item) => ({ ...item, mtime: 1_700_000_001 }));

  it("have entries, what they hold, and a shape", async () => {
    const a = tarOf(items);
    expect(await places("data.tar", a, tarOf(touched))).toEqual(["usr > mtime: clock", "usr/x > mtime: clock"]);
    const changed = tarOf([{ name: "usr/" }, { name: "usr/x", content: "two\n" }]);
    expect(await only("data.tar", a, changed)).toMatchObject({ place: "usr/x > line 1", format: "text" });
    expect(await only("data.tar", a, tarOf(items, { zeros: 20 }))).toMatchObject({ place: "padding", format: "tar" });
    expect(await places("data.tar", a, tarOf([...items, { name: "su", mode: 0o4755 }]))).toEqual([
      "su > presence: privilege",
    ]);
  });

  it("are followed through compression, and into what they hold", async () => {
    const inner = (time: number): Buffer => gzipSync(tarOf(items.map((item) => ({ ...item, mtime: time }))));
    const outer = (time: number): Buffer => tarOf([{ name: "layer.tar.gz", content: inner(time) }]);
    expect(await places("all.tar", outer(1), outer(2))).toEqual([
      expect.stringMatching(/^layer\.tar\.gz > .*usr > mtime: clock$/),
      expect.stringMatching(/^layer\.tar\.gz > .*usr\/x > mtime: clock$/),
    ]);
  });

  it("that are broken are compared as bytes", async () => {
    const a = tarOf(items);
    const cut = a.subarray(0, 1026);
    const { findings, unread } = await compared("data.tar", a, cut);
    expect(findings[0]).toMatchObject({ grade: "content" });
    expect(unread).toHaveLength(1);
  });
});

describe("PDF documents", () => {
  const made = (date: string, id: string, page = "one"): string =>
    `%PDF-1.7\n%\u00e2\u00e3\n1 0 obj << /CreationDate (D:${date}) /ModDate (D:${date}) /Producer (a 1.0) >> endobj\n` +
    `<xmp:CreateDate>${date}</xmp:CreateDate>\n(${page})\ntrailer << /ID [<${id}> <${id}>] >>\n%%EOF\n`;

  it("have times and identifiers, and nothing else is passed over", async () => {
    const a = made("20260102030405Z", "aa11");
    expect(await places("x.pdf", a, made("20260102030406Z", "bb22"))).toEqual([
      "CreationDate: clock",
      "ModDate: clock",
      "ID: cosmetic",
      "xmp:CreateDate: clock",
    ]);
    const changed = await compared("x.pdf", a, made("20260102030406Z", "aa11", "two"));
    expect(changed.findings.map(({ place }) => place)).toEqual([
      "CreationDate",
      "ModDate",
      "xmp:CreateDate",
      expect.stringMatching(/^bytes /),
    ]);
    expect(changed.findings.at(-1)?.grade).toBe("content");
    expect(await only("x.pdf", a, made("20260102030405Z", "aa11", "two"))).toMatchObject({
      format: "pdf",
      grade: "content",
    });
  });
});

describe("zip archives", () => {
  it.skipIf(!hasProgram("zip"))("have times, modes, an order and members (needs zip)", async () => {
    const zipped = (
      contents: Readonly<Record<string, string>>,
      seconds: number,
      ...names: readonly string[]
    ): Buffer => {
      const directory = files(contents, seconds);
      const env = { PATH: process.env["PATH"] ?? "", TZ: "UTC" };
      const { status, stderr } = run("zip", ["-qX", "out.zip", ...names], { cwd: directory, env });
      if (status !== 0) throw new Error(stderr.toString("utf8"));
      return readFileSync(join(directory, "out.zip"));
    };
    const a = zipped(two, 1_700_000_000, "a.txt", "b.txt");
    expect(await only("x.whl", a, zipped(two, 1_700_000_000, "b.txt", "a.txt"))).toMatchObject({
      format: "zip",
      place: "order",
      grade: "encoding",
    });
    const later = await compared("x.jar", a, zipped(two, 1_700_000_100, "a.txt", "b.txt"));
    expect(later.findings).toMatchObject([
      {
        place: "a.txt > last mod file time",
        grade: "clock",
        natures: ["time"],
        facts: { valueA: "2023-11-14 22:13:20", valueB: "2023-11-14 22:15:00" },
      },
      { place: "b.txt > last mod file time" },
    ]);
    expect(await places("x.jar", a, zipped({ ...two, "b.txt": "TWO\n" }, 1_700_000_000, "a.txt", "b.txt"))).toEqual([
      "b.txt > line 1: content",
    ]);
  });

  it("have attributes, and nothing hides between members", async () => {
    const base = tinyZip([{ name: "a", content: "x".repeat(100), mode: 0o100644 }]);
    expect(await only("x.zip", base, tinyZip([{ name: "a", content: "x".repeat(100), mode: 0o104755 }]))).toMatchObject(
      {
        place: "a > external file attributes",
        grade: "privilege",
        facts: { modeA: "100644", modeB: "104755" },
      },
    );
    expect(
      await only(
        "x.zip",
        base,
        tinyZip([{ name: "a", content: "x".repeat(100), mode: 0o100644, gap: Buffer.from("hidden") }]),
      ),
    ).toMatchObject({
      place: "bytes between members",
      grade: "content",
    });
    expect(
      (
        await compared("x.zip", base, tinyZip([{ name: "a", content: "x".repeat(100), mode: 0o100644, stored: true }]))
      ).findings.map(({ place }) => place),
    ).toContain("a > compression method");
  });
});

describe("other formats", () => {
  it.skipIf(!hasProgram("python3"))("of Python have the time of their source (needs python3)", async () => {
    const compile = (seconds: number, text: string, ...args: readonly string[]): Buffer => {
      const directory = files({ "m.py": text }, seconds);
      const script =
        "import py_compile, sys; py_compile.compile('m.py', cfile='out', dfile=sys.argv[1], invalidation_mode=py_compile.PycInvalidationMode[sys.argv[2]])";
      return made(directory, "python3", "-c", script, ...args);
    };
    const [file, timed, hashed] = ["/app/m.py", "TIMESTAMP", "UNCHECKED_HASH"];
    const a = compile(1_700_000_000, "x = 1\n", file, timed);
    expect(
      await only("app/__pycache__/m.cpython-311.pyc", a, compile(1_700_000_001, "x = 1\n", file, timed)),
    ).toMatchObject({
      format: "pyc",
      place: "source mtime",
      grade: "clock",
      facts: { valueA: 1_700_000_000, valueB: 1_700_000_001 },
    });
    expect(await only("m.pyc", a, compile(1_700_000_000, "x = 1\n", "/src/m.py", timed))).toMatchObject({
      natures: ["path"],
    });
    expect(await places("m.pyc", a, compile(1_700_000_000, "x = 1\n", file, hashed))).toEqual(["flags: content"]);
    expect((await compared("m.pyc", a, compile(1_700_000_000, "x = 2\n", file, timed))).findings).toMatchObject([
      { place: "code", grade: "content" },
    ]);
  });

  it("of dpkg have packages, their fields and an order", async () => {
    const one = (version: string): string =>
      `Package: one\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`;
    const other = "Package: two\nArchitecture: all\nVersion: 1\nConffiles:\n /etc/a 00\n /etc/b 01\n";
    const status = "var/lib/dpkg/status";
    expect(await only(status, `${one("1.0")}\n${other}`, `${one("1.1")}\n${other}`)).toMatchObject({
      place: "one:amd64 > Version",
      natures: ["version"],
    });
    expect(await only(status, `${one("1.0")}\n${other}`, `${other}\n${one("1.0")}`)).toMatchObject({
      place: "order",
      grade: "cosmetic",
    });
    expect(await only(status, `${one("1.0")}\n${other}`, one("1.0"))).toMatchObject({ place: "two:all > presence" });
    const apk = (time: number): string => `C:Q1abc=\nP:musl\nV:1.2.5-r0\nt:${time}\nF:lib\nR:a\nF:usr\nR:b\n`;
    expect(await only("lib/apk/db/installed", apk(1_700_000_000), apk(1_700_000_001))).toMatchObject({
      place: "musl > t",
      grade: "clock",
    });
  });

  it.skipIf(!hasProgram("openssl"))(
    "of certificates have times, serials and an order, and keys are not shown (needs openssl)",
    async () => {
      const make = (
        name: string,
        serial: string,
        days: string,
      ): { readonly key: string; readonly certificate: string } => {
        const directory = temporaryDirectory();
        const args = [
          "req",
          "-x509",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:P-256",
          "-nodes",
          "-subj",
          `/CN=${name}`,
          "-set_serial",
          serial,
          "-days",
          days,
        ];
        const { status, stderr } = run("openssl", [...args, "-keyout", "key", "-out", "certificate"], {
          cwd: directory,
        });
        if (status !== 0) throw new Error(stderr.toString("utf8"));
        return {
          key: readFileSync(join(directory, "key"), "utf8"),
          certificate: readFileSync(join(directory, "certificate"), "utf8"),
        };
      };
      const [x, y, z] = [make("one", "1", "10"), make("one", "2", "20"), make("two", "3", "10")];
      const { findings } = await compared("etc/ssl/certs/one.pem", x.certificate, y.certificate);
      expect(findings).toMatchObject(
        expect.arrayContaining([
          expect.objectContaining({ format: "x509", place: "notAfter", natures: ["time"] }),
          expect.objectContaining({ place: "serialNumber", natures: ["random"] }),
          expect.objectContaining({ place: "subjectPublicKey" }),
        ]) as unknown as object[],
      );
      const bundle = "etc/ssl/certs/ca-certificates.crt";
      expect(await only(bundle, x.certificate + z.certificate, z.certificate + x.certificate)).toMatchObject({
        place: "order",
        grade: "cosmetic",
      });
      expect(await only(bundle, x.certificate + z.certificate, x.certificate)).toMatchObject({
        place: "CN=two > presence",
      });
      const keys = await compared("etc/ssl/private/a.pem", x.key, z.key);
      expect(keys.findings).toMatchObject([{ place: "private key", natures: ["random"] }]);
      const cut = await compared("etc/ssl/private/a.pem", x.key.slice(0, 150), z.key.slice(0, 150));
      for (const line of x.key.split("\n").slice(1, 3))
        expect(JSON.stringify([keys, cut])).not.toContain(line.slice(0, 12));
    },
  );

  it.skipIf(!hasProgram("keytool") || !hasProgram("openssl"))(
    "of Java's key stores have the dates of entries (needs keytool and openssl)",
    async () => {
      const directory = temporaryDirectory();
      const { status } = run(
        "keytool",
        [
          "-genkeypair",
          "-alias",
          "one",
          "-keyalg",
          "EC",
          "-storetype",
          "JKS",
          "-keystore",
          "store",
          "-storepass",
          "changeit",
          "-keypass",
          "changeit",
          "-dname",
          "CN=one",
        ],
        { cwd: directory },
      );
      expect(status).toBe(0);
      const a = readFileSync(join(directory, "store"));
      const b = Buffer.from(a);
      // Magic, version, count, tag, alias with its length; then the date.
      b.writeBigUInt64BE(1_700_000_000_000n, 12 + 4 + 2 + 3);
      expect(await only("etc/ssl/certs/java/cacerts", a, b)).toMatchObject({
        format: "jks",
        place: "one > creation date",
        grade: "clock",
        b: "2023-11-14T22:13:20.000Z",
      });
    },
  );

  it.skipIf(!hasProgram("sqlite3"))("of SQLite have counters and pages (needs sqlite3)", async () => {
    const database = (...statements: readonly string[]): Buffer => {
      const directory = temporaryDirectory();
      for (const statement of [
        "create table t (x text)",
        "insert into t values ('2026-01-02 03:04:05')",
        ...statements,
      ])
        run("sqlite3", ["out", statement], { cwd: directory });
      return readFileSync(join(directory, "out"));
    };
    expect(
      await places(
        "x.sqlite",
        database(),
        database("begin; update t set x = 'y'; update t set x = '2026-01-02 03:04:05'; commit"),
      ),
    ).toEqual(expect.arrayContaining(["file change counter: cosmetic", "version-valid-for number: cosmetic"]));
    const other = await compared("x.sqlite", database(), database("update t set x = '2025-11-12 13:14:15'"));
    expect(other.findings.at(-1)).toMatchObject({
      place: "page 2",
      grade: "clock",
      natures: ["time"],
      facts: { kind: "table leaf" },
    });
  });

  it.skipIf(!existsSync("/etc/ld.so.cache"))(
    "of the linker's cache have libraries in an order (needs /etc/ld.so.cache)",
    async () => {
      const a = readFileSync("/etc/ld.so.cache");
      const b = Buffer.from(a);
      b.set(a.subarray(48, 72), 72);
      b.set(a.subarray(72, 96), 48);
      expect(await only("etc/ld.so.cache", a, b)).toMatchObject({
        format: "ld.so.cache",
        place: "order",
        natures: ["order"],
      });
      const gone = Buffer.from(a);
      gone.set(a.subarray(72, 96), 48);
      expect(
        (await compared("etc/ld.so.cache", a, gone)).findings.some(({ place }) => place.endsWith("> presence")),
      ).toBe(true);
    },
  );

  it.skipIf(!hasProgram("python3"))(
    "of PNG have times, texts, and pixels that may be compressed in two ways (needs python3)",
    async () => {
      const image = (text: string, level: number, pixel: string): Buffer =>
        run("python3", [
          "-c",
          `
import struct, sys, zlib
def chunk(name, data): return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
sys.stdout.buffer.write(b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 64, 64, 8, 0, 0, 0, 0)) + chunk(b'tEXt', b'date:create\\0' + sys.argv[1].encode()) + chunk(b'IDAT', zlib.compress((b'\\0' + sys.argv[3].encode() * 64) * 64, int(sys.argv[2]))) + chunk(b'IEND', b''))
`,
          text,
          String(level),
          pixel,
        ]).stdout;
      const a = image("2026-01-02T03:04:05", 6, "x");
      expect(await only("a.png", a, image("2025-01-02T03:04:05", 6, "x"))).toMatchObject({
        format: "png",
        place: "tEXt date:create",
        grade: "clock",
      });
      expect(await only("a.png", a, image("2026-01-02T03:04:05", 0, "x"))).toMatchObject({
        place: "IDAT",
        grade: "encoding",
      });
      expect(await only("a.png", a, image("2026-01-02T03:04:05", 6, "y"))).toMatchObject({
        place: "IDAT",
        grade: "content",
      });
    },
  );
});
