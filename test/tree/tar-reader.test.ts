import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../pipeline/host/errors.ts";
import { tarHeader } from "../../pipeline/image/tar.ts";
import { ByteReader } from "../../pipeline/tree/bytes.ts";
import type { Entry } from "../../pipeline/tree/entry.ts";
import { TarReader, type TarLimits } from "../../pipeline/tree/tar-reader.ts";
import { pax, rawEntry, rawTar } from "../source/debian/tiny-deb.ts";
import { hasProgram, run, temporaryDirectory } from "../support.ts";

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

function reader(bytes: Uint8Array, limits?: TarLimits, size = 1000): TarReader {
  return new TarReader(new ByteReader(pieces(bytes, size), { file: "t" }), limits);
}

interface Read {
  readonly entry: Entry;
  readonly content: string;
}

async function read(bytes: Uint8Array, limits?: TarLimits, size?: number): Promise<readonly Read[]> {
  const tar = reader(bytes, limits, size);
  const found: Read[] = [];
  for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
    const content = entry.type === "file" ? (await tar.readAll(1 << 20)).toString("latin1") : "";
    found.push({ entry, content });
  }
  return found;
}

async function code(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "done",
    (error: unknown) => (error instanceof LockstepError ? error.code : String(error)),
  );
}

const component = fc
  .string({ minLength: 1, maxLength: 60, unit: "grapheme" })
  .map((text) => text.replaceAll(/[/\0]/g, "_"))
  .filter((text) => text !== "." && text !== ".." && text.isWellFormed());
const path = fc.array(component, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("/"));
const common = {
  path,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.oneof(fc.nat({ max: 3_000_000 }), fc.nat()),
  gid: fc.nat({ max: 3_000_000 }),
  mtime: fc.integer({ min: -1_000_000, max: 2 ** 40 }),
};
const content = fc.string({ maxLength: 700 }).map((text) => Buffer.from(text).toString("latin1"));
const anyEntry: fc.Arbitrary<Read> = fc.oneof(
  fc.record({ ...common, content }).map(({ content: text, ...rest }) => ({
    entry: { ...rest, type: "file" as const, size: text.length },
    content: text,
  })),
  fc.record(common).map((rest) => ({ entry: { ...rest, type: "directory" as const }, content: "" })),
  fc.record({ ...common, mode: fc.constant(0o777), target: path }).map((rest) => ({
    entry: { ...rest, type: "symlink" as const },
    content: "",
  })),
  fc
    .record({ ...common, target: path })
    .map((rest) => ({ entry: { ...rest, type: "hardlink" as const }, content: "" })),
  fc
    .record({ ...common, xattrs: fc.constant({ "security.capability": Uint8Array.of(1, 0, 10, 61) }), content })
    .map(({ content: text, ...rest }) => ({
      entry: { ...rest, type: "file" as const, size: text.length },
      content: text,
    })),
);

describe("TarReader", () => {
  it("reads what the program's own writer writes, whatever it is", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyEntry, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 3000 }),
        async (list, size) => {
          const blocks = list.flatMap(({ entry, content: text }) => [
            tarHeader(entry),
            Buffer.from(text, "latin1"),
            Buffer.alloc((512 - (text.length % 512)) % 512),
          ]);
          expect(await read(Buffer.concat([...blocks, Buffer.alloc(1024)]), undefined, size)).toEqual(list);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("skips what is not read of a file", async () => {
    const tar = reader(
      rawTar([
        { name: "a", content: "x".repeat(5000) },
        { name: "b", content: "y" },
      ]),
    );
    await tar.next();
    expect((await tar.read())?.length).toBeGreaterThan(0);
    expect(await tar.next()).toMatchObject({ path: "b" });
    expect(await tar.next()).toBeUndefined();
  });

  it("holds to its limits", async () => {
    const three = rawTar(["a", "b", "c"].map((name) => ({ name, content: "12345" })));
    expect(await code(read(three, { entries: 3, content: 15 }))).toBe("done");
    expect(await code(read(three, { entries: 2, content: 15 }))).toBe("LS4005");
    expect(await code(read(three, { entries: 3, content: 14 }))).toBe("LS4005");
    const headers = Buffer.concat(
      Array.from({ length: 50 }, () => rawEntry({ name: "g", flag: "g", content: "7 a=bc\n" })),
    );
    expect(await code(read(Buffer.concat([headers, three]), { entries: 40, content: 15 }))).toBe("LS4005");
    const tar = reader(three);
    await tar.next();
    expect(await code(tar.readAll(4))).toBe("LS4005");
  });

  it("takes headers for all as POSIX says: later ones win, an entry's own win over them", async () => {
    const list = await read(
      rawTar([
        pax({ uid: "5000", gid: "60" }, "g"),
        { name: "a" },
        pax({ gid: "70" }, "g"),
        pax({ uid: "9000" }),
        { name: "b" },
        { name: "c" },
      ]),
    );
    expect(list.map(({ entry }) => [entry.path, entry.uid, entry.gid])).toEqual([
      ["a", 5000, 60],
      ["b", 9000, 70],
      ["c", 5000, 70],
    ]);
  });

  it("reads old archives: no magic, directories by their slash", async () => {
    const list = await read(
      rawTar([
        { name: "old/", flag: "\0", magic: "" },
        { name: "old/f", flag: "\0", magic: "", content: "x" },
      ]),
    );
    expect(list.map(({ entry }) => `${entry.type} ${entry.path}`)).toEqual(["directory old", "file old/f"]);
  });

  it("does not need the two blocks at the end, but nothing else may be missing", async () => {
    const whole = rawTar([{ name: "a", content: "x".repeat(600) }]);
    expect(await code(read(whole.subarray(0, whole.length - 1024)))).toBe("done");
    for (const length of [1, 511, 512, 513, 1100, 1535])
      expect(await code(read(whole.subarray(0, length)))).toBe("LS4001");
    expect(await code(read(Buffer.alloc(0)))).toBe("LS4001");
    expect(await code(read(Buffer.alloc(1024)))).toBe("done");
    expect(await code(read(Buffer.concat([whole, Buffer.alloc(100_000), Buffer.from("x")])))).toBe("LS4002");
  });
});

/** A directory with what archives find hard, and its archive as another program makes it. */
function sample(): string {
  const directory = temporaryDirectory();
  const deep = join(directory, "in", ...Array.from({ length: 12 }, (_, i) => `directory-number-${i}`));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, `${"n".repeat(120)}.txt`), "deep\n");
  writeFileSync(join(directory, "in/größe"), "ü".repeat(300));
  writeFileSync(join(directory, "in/empty"), "");
  symlinkSync("l".repeat(150), join(directory, "in/long-link"));
  execFileSync("ln", [join(directory, "in/empty"), join(directory, "in/second-name")]);
  return directory;
}

describe("TarReader and other programs", () => {
  it.skipIf(!hasProgram("tar")).each(["gnu", "pax", "ustar"])(
    "read the same from GNU tar's format %s",
    async (format) => {
      const directory = sample();
      const args = ["--sort=name", `--format=${format}`, "-C", directory, "-cf", "-", "in"];
      const made = run(
        "tar",
        format === "ustar" ? [...args, "--exclude=directory-number-0", "--exclude=long-link"] : args,
      );
      const list = await read(made.stdout);
      const told = run("tar", ["-tf", "-", "--quoting-style=literal"], { input: made.stdout }).stdout.toString("utf8");
      expect(list.map(({ entry }) => (entry.type === "directory" ? `${entry.path}/` : entry.path))).toEqual(
        told.trim().split("\n"),
      );
      expect(list.find(({ entry }) => entry.path === "in/größe")?.entry).toMatchObject({ type: "file", size: 600 });
      expect(list.find(({ entry }) => entry.type === "hardlink")?.entry).toMatchObject({ target: "in/empty" });
      if (format !== "ustar")
        expect(list.find(({ entry }) => entry.type === "symlink")?.entry).toMatchObject({ target: "l".repeat(150) });
    },
  );

  it.skipIf(!hasProgram("python3")).each(["PAX", "GNU"])("read the same from Python's tarfile (%s)", async (format) => {
    const script = `
import io, sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.${format}_FORMAT) as tar:
    info = tarfile.TarInfo("a" * 200); info.size = 3; info.uid = 3000000; info.mtime = -7 if "${format}" == "PAX" else 7
    tar.addfile(info, io.BytesIO(b"abc"))
    info = tarfile.TarInfo("dev"); info.type = tarfile.CHRTYPE; info.devmajor = 5; info.devminor = 1
    tar.addfile(info)`;
    const list = await read(run("python3", ["-c", script]).stdout);
    expect(list[0]).toMatchObject({
      entry: { path: "a".repeat(200), uid: 3_000_000, mtime: format === "PAX" ? -7 : 7 },
      content: "abc",
    });
    expect(list[1]?.entry).toMatchObject({ type: "character", major: 5, minor: 1 });
  });
});
