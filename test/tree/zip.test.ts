import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../pipeline/store/digest.ts";
import { inMemory, openBlob } from "../../pipeline/tree/random-access.ts";
import { readZipMember, zipContent } from "../../pipeline/tree/zip-content.ts";
import { readZipDirectory, type ZipMember } from "../../pipeline/tree/zip-directory.ts";
import { collect, hasProgram, run, scene, temporaryDirectory } from "../support.ts";
import { damage } from "../build/tiny-repository.ts";
import { tinyZip, type ZipItem, type ZipOptions } from "./tiny-zip.ts";

const place = { file: "test.zip" };

type Read = Pick<ZipMember, "path" | "type" | "mode" | "mtime"> & { readonly content: string };

async function readAll(bytes: Uint8Array): Promise<readonly Read[]> {
  const file = inMemory(bytes);
  const members = await readZipDirectory(file, place);
  const read: Read[] = [];
  for (const member of members) {
    const { path, type, mode, mtime } = member;
    read.push({
      path,
      type,
      mode,
      mtime,
      content: (await collect(zipContent(file, member, place))).toString("latin1"),
    });
  }
  return read;
}

const refuse = async (items: readonly ZipItem[], code: string, options: ZipOptions = {}): Promise<void> => {
  await expect(readAll(tinyZip(items, options))).rejects.toMatchObject({ code });
};

describe("zip archives", () => {
  it("are read: files, directories, links, modes, stored and deflated, with sums in front and behind", async () => {
    const read = await readAll(
      tinyZip([
        { name: "a/", mode: 0o040750 },
        { name: "a/run", mode: 0o100755, content: "#!" },
        { name: "./a//plain", content: "stored", stored: true },
        { name: "ü", content: "x".repeat(100_000), descriptor: true },
        { name: "link", mode: 0o120777, content: "a/run", stored: true },
        { name: "empty", stored: true },
      ]),
    );
    expect(read.map(({ path, type, mode, content }) => [path, type, mode.toString(8), content.length])).toEqual([
      ["a", "directory", "750", 0],
      ["a/run", "file", "755", 2],
      ["a/plain", "file", "644", 6],
      ["ü", "file", "644", 100_000],
      ["link", "symlink", "777", 5],
      ["empty", "file", "644", 0],
    ]);
  });

  it("take times in UTC where they are there, and DOS times as UTC", async () => {
    const utc = Buffer.from([0x55, 0x54, 5, 0, 1, 0x25, 0x35, 0x57, 0x69]);
    const [plain, extended] = await readAll(tinyZip([{ name: "a" }, { name: "b", extra: utc }]));
    expect(plain?.mtime).toBe(Date.UTC(2025, 0, 1) / 1000);
    expect(extended?.mtime).toBe(0x69573525);
  });

  it("of no members are read", async () => {
    expect(await readAll(tinyZip([]))).toEqual([]);
  });

  it.each([
    ["LS4003", "../x"],
    ["LS4003", "a/../../x"],
    ["LS4003", "/etc/passwd"],
    ["LS4003", "..\\x"],
    ["LS4003", "C:/x"],
    ["LS4003", "."],
    ["LS4007", "a\0b"],
    ["LS4007", ""],
    ["LS4005", "x".repeat(5000)],
  ])("%s: may not have the name %j", async (code, name) => {
    await refuse([{ name }], code);
  });

  it("LS4007: have names in UTF-8, and say so", async () => {
    await refuse([{ name: Buffer.from([0x81]), flags: 0 }], "LS4007");
    await refuse([{ name: Buffer.from([0xff]), flags: 0x800 }], "LS4007");
  });

  const refused: readonly (readonly [code: string, what: string, items: readonly ZipItem[], options?: ZipOptions])[] = [
    ["LS4006", "a name twice", [{ name: "a" }, { name: "./a" }]],
    ["LS4003", "a file below a link", [{ name: "a", mode: 0o120777, content: "/etc" }, { name: "a/passwd" }]],
    ["LS4004", "a device", [{ name: "a", mode: 0o020666 }]],
    ["LS4004", "an encrypted member", [{ name: "a", flags: 1 }]],
    ["LS4002", "another compression", [{ name: "a", method: 12 }]],
    ["LS4002", "another name in the local header", [{ name: "a", localName: "b" }]],
    ["LS4002", "another size in the local header", [{ name: "a", content: "xx", localSize: 1 }]],
    ["LS4002", "a size that is too small", [{ name: "a", content: "xxxx", size: 2, localSize: 2 }]],
    ["LS4002", "a size that is too large", [{ name: "a", content: "xxxx", size: 9, localSize: 9 }]],
    ["LS4002", "another checksum", [{ name: "a", content: "x", crc: 1 }]],
    ["LS4002", "something in front", [{ name: "a" }], { front: Buffer.from("#!/bin/sh\n") }],
    ["LS4002", "something between", [{ name: "a", gap: Buffer.from("PK\x03\x04hidden") }, { name: "b" }]],
    ["LS4002", "something before the list", [{ name: "a" }], { before: Buffer.from("hidden") }],
    [
      "LS4002",
      "two members in one place",
      [
        { name: "a", content: "x" },
        { name: "b", content: "x", sameAs: 0 },
      ],
    ],
    ["LS4002", "fewer entries than listed", [{ name: "a" }, { name: "b" }], { entries: 1 }],
    ["LS4002", "more entries than listed", [{ name: "a" }], { entries: 2 }],
    ["LS4002", "several disks", [{ name: "a" }], { disk: 1 }],
    ["LS4002", "a directory with content", [{ name: "a/", content: "x" }]],
    ["LS4002", "a second name", [{ name: "a", extra: Buffer.from([0x75, 0x70, 6, 0, 1, 0, 0, 0, 0, 0x62]) }]],
    ["LS4002", "malformed extra fields", [{ name: "a", extra: Buffer.from([1, 0, 200, 0]) }]],
  ];
  it.each(refused.map(([code, what, items, options = {}]) => ({ code, what, items, options })))(
    "$code: may not have $what",
    async ({ code, items, options }) => {
      await refuse(items, code, options);
    },
  );

  it("LS4002: may not have a comment that is a list of contents to other readers", async () => {
    const inner = tinyZip([{ name: "evil" }]);
    await refuse([{ name: "a" }], "LS4002", { comment: inner });
    expect(await readAll(tinyZip([{ name: "a" }], { comment: Buffer.from("hello") }))).toHaveLength(1);
  });

  it("LS4001, LS4002: are refused wherever they are cut or changed, or read to the same content", async () => {
    const items: readonly ZipItem[] = [
      { name: "dir/", mode: 0o040755 },
      { name: "dir/file", mode: 0o100644, content: "some content" },
    ];
    const whole = tinyZip(items);
    const before = await readAll(whole);
    for (let at = 0; at < whole.length; at++) {
      await expect(readAll(whole.subarray(0, at)), `cut at ${at}`).rejects.toThrow(/LS400[12]/);
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 0x40;
      const outcome = await readAll(changed).then(
        (read) => read.map(({ content }) => content),
        (error: unknown) => String(error),
      );
      if (typeof outcome === "string") expect(outcome, `byte ${at}`).toMatch(/LS400[1-7]/);
      else expect(outcome, `byte ${at}`).toEqual(before.map(({ content }) => content));
    }
  });

  it("LS4005: have limits, on what they say and on what they are", async () => {
    const file = inMemory(tinyZip([{ name: "a", content: "x".repeat(1000) }, { name: "b" }]));
    await expect(readZipDirectory(file, place, { entries: 1, content: 10_000 })).rejects.toMatchObject({
      code: "LS4005",
    });
    await expect(readZipDirectory(file, place, { entries: 9, content: 999 })).rejects.toMatchObject({ code: "LS4005" });
    const [member] = await readZipDirectory(file, place);
    if (member !== undefined)
      await expect(readZipMember(file, member, place, 10)).rejects.toMatchObject({ code: "LS4005" });
  });

  it("LS4002: a member that inflates to more than it says is given up at once", async () => {
    const bomb = tinyZip([{ name: "a", content: Buffer.alloc(64 << 20), size: 10, localSize: 10 }]);
    await expect(readAll(bomb)).rejects.toMatchObject({ code: "LS4002" });
  });

  it("are read from the store, and LS3001: not when a blob is damaged", async () => {
    const { store } = scene();
    const bytes = tinyZip([{ name: "a", content: "text" }]);
    const { digest } = await store.put(bytes);
    const file = await openBlob(store, digest);
    expect(await readZipDirectory(file, place)).toHaveLength(1);
    await file.close();
    damage(store, digest);
    await expect(openBlob(store, digest)).rejects.toMatchObject({ code: "LS3001" });
    await expect(openBlob(store, digestOf("absent"))).rejects.toMatchObject({ code: "LS3002" });
  });

  it.skipIf(!hasProgram("python3"))("that Python writes are read as Python reads them (needs python3)", async () => {
    const path = join(temporaryDirectory(), "made.zip");
    const script = `
import io, sys, zipfile, hashlib
with zipfile.ZipFile(sys.argv[1], "w") as z:
    for i, (name, size, kind) in enumerate([("a", 0, 0), ("b/c", 5, 8), ("big", 3000000, 8), ("ü/é", 70000, 8), ("stored", 1 << 20, 0)]):
        info = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
        info.external_attr = 0o100640 << 16
        info.compress_type = kind
        if i % 2:
            with z.open(info, "w", force_zip64=True) as f: f.write(bytes((j * j) % 251 for j in range(size)))
        else:
            z.writestr(info, bytes((j * j) % 251 for j in range(size)))
with zipfile.ZipFile(sys.argv[1]) as z:
    for info in z.infolist():
        print(info.filename, info.file_size, hashlib.sha256(z.read(info)).hexdigest(), oct(info.external_attr >> 16))
`;
    const { stdout, stderr, status } = run("python3", ["-c", script, path]);
    expect(stderr.toString("utf8")).toBe("");
    expect(status).toBe(0);
    const file = inMemory(readFileSync(path));
    const lines: string[] = [];
    for (const member of await readZipDirectory(file, place)) {
      const content = await collect(zipContent(file, member, place));
      const mode = `0o${(0o100000 | member.mode).toString(8)}`;
      lines.push(`${member.path} ${member.size} ${digestOf(content).slice(7)} ${mode}`);
      expect(member.mtime).toBe(Date.UTC(2026, 0, 2, 3, 4, 6) / 1000);
    }
    expect(`${lines.join("\n")}\n`).toBe(stdout.toString("utf8"));
  });
});
