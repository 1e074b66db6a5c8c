import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { createHost } from "../../../pipeline/host/host.ts";
import type { Selection } from "../../../pipeline/source/archive/select.ts";
import type { EntrySink } from "../../../pipeline/source/archive/sink.ts";
import { unpackTar } from "../../../pipeline/source/archive/tar.ts";
import { unpackZip } from "../../../pipeline/source/archive/zip.ts";
import { findDecoders } from "../../../pipeline/source/decompress.ts";
import type { Store } from "../../../pipeline/store/store.ts";
import type { Entry } from "../../../pipeline/tree/entry.ts";
import { hasProgram, run, scene, temporaryDirectory } from "../../support.ts";
import { tinyZip } from "../../tree/tiny-zip.ts";
import { rawTar } from "../debian/tiny-deb.ts";

const everything: Selection = { strip: 0, include: [], exclude: [], uid: 0, gid: 0, modes: [] };
const decoders = findDecoders(createHost());

/** What is at a path, in a line: type, mode, time, and content by hash or text. */
type Tree = Readonly<Record<string, string>>;

function lineOf(type: string, mode: number, mtime: number | undefined, content: string): string {
  return [type, mode.toString(8), ...(mtime === undefined ? [] : [mtime]), content].join(" ");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What the unpackers give, as a tree; hard links as the files they are. */
async function unpacked(
  store: Store,
  bytes: Uint8Array,
  kind: "tar" | "zip",
  selection: Selection = everything,
): Promise<Tree> {
  const { digest } = await store.put(bytes);
  const found: Record<string, string> = {};
  const contents: Record<string, Buffer[]> = {};
  const files = new Map<string, Entry>();
  let pieces: Buffer[] = [];
  const sink: EntrySink = {
    async entry(entry) {
      const { path, type, mode, mtime } = entry;
      expect([entry.uid, entry.gid]).toEqual([selection.uid, selection.gid]);
      if (type === "file") {
        pieces = [];
        contents[path] = pieces;
        files.set(path, entry);
      } else if (type === "hardlink") {
        contents[path] = contents[entry.target] ?? [];
        files.set(path, files.get(entry.target) ?? entry);
      } else if (type === "symlink") found[path] = lineOf(type, mode, mtime, entry.target);
      else found[path] = lineOf(type, mode, undefined, "");
    },
    async content(piece) {
      pieces.push(Buffer.from(piece));
    },
  };
  const blob = { store, digest, place: { file: "archive" } };
  await (kind === "tar" ? unpackTar(blob, sink, selection, decoders) : unpackZip(blob, sink, selection));
  for (const [path, { mode, mtime }] of files)
    found[path] = lineOf("file", mode, mtime, sha256(Buffer.concat(contents[path] ?? [])));
  return found;
}

/** Some programs give symbolic links the time of unpacking. */
function withoutTimeOfLinks(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([path, line]) => [path, line.replace(/^(symlink 777) \d+/, "$1")]),
  );
}

/** What lies below a directory; times of directories are those of whoever wrote into them last. */
function onDisk(directory: string, below = ""): Tree {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(directory, below))) {
    const path = below === "" ? name : `${below}/${name}`;
    const full = join(directory, path);
    const info = lstatSync(full);
    const mtime = Math.floor(info.mtimeMs / 1000);
    if (info.isSymbolicLink()) found[path] = lineOf("symlink", 0o777, mtime, readlinkSync(full));
    else if (info.isDirectory()) {
      found[path] = lineOf("directory", info.mode & 0o777, undefined, "");
      Object.assign(found, onDisk(directory, path));
    } else found[path] = lineOf("file", info.mode & 0o777, mtime, sha256(readFileSync(full)));
  }
  return found;
}

const long = `${"a-long-name-".repeat(9)}/${"and-another-".repeat(12)}`;

/** A tree of everything that an archive may have. */
function makeTree(directory: string, deep = long): void {
  const file = (path: string, content: string | Buffer, mode: number, mtime: number): void => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
    chmodSync(join(directory, path), mode);
    utimesSync(join(directory, path), mtime, mtime);
  };
  file("bin/tool", "#!/bin/sh\n", 0o755, 1_600_000_000);
  file("bin/group", "x", 0o664, 1_600_000_002);
  file("empty", "", 0o600, 1_500_000_000);
  file("größe/名前", "unicode", 0o644, 1_500_000_002);
  file(`${deep}/file`, "deep", 0o644, 1_400_000_000);
  file("large", Buffer.alloc(3_000_000, "0123456789abcdef"), 0o444, 1_300_000_000);
  file("line\nbreak", "x", 0o644, 1_300_000_000);
  mkdirSync(join(directory, "hollow"), { mode: 0o711 });
  chmodSync(join(directory, "hollow"), 0o711);
  symlinkSync("tool", join(directory, "bin/alias"));
  symlinkSync("../größe/名前", join(directory, "bin/up"));
  symlinkSync("nowhere", join(directory, "dangling"));
}

const formats = ["gnu", "pax", "ustar"] as const;
const compressions = [
  ["none", "--no-auto-compress"],
  ["gzip", "--gzip"],
  ["xz", "--xz"],
  ["zstd", "--zstd"],
] as const;

describe("tar archives", () => {
  describe.skipIf(!hasProgram("tar"))("that GNU tar writes (needs tar)", () => {
    it.each(formats)("are unpacked as GNU tar does, in the format %s", async (format) => {
      const { store } = scene();
      const source = temporaryDirectory();
      // Names that ustar cannot hold are left out by GNU tar.
      makeTree(source, format === "ustar" ? "deep" : long);
      run("ln", [join(source, "bin/tool"), join(source, "bin/second-name")]);
      for (const [name, option] of compressions) {
        if (name !== "none" && !hasProgram(name)) continue;
        const made = run("tar", ["-c", `--format=${format}`, option, "-C", source, "."]);
        expect(made.status, made.stderr.toString()).toBe(0);
        const target = temporaryDirectory();
        const opened = run("tar", ["-x", option, "-p", "-C", target], { input: made.stdout });
        expect(opened.status, opened.stderr.toString()).toBe(0);
        expect(await unpacked(store, made.stdout, "tar"), name).toEqual(onDisk(target));
      }
    });

    it("are stripped as GNU tar strips them", async () => {
      const { store } = scene();
      const source = temporaryDirectory();
      makeTree(source);
      const made = run("tar", ["-c", "-C", source, "bin", "größe", "empty", long.split("/")[0] ?? ""]);
      const target = temporaryDirectory();
      run("tar", ["-x", "-p", "--strip-components=1", "-C", target], { input: made.stdout });
      const selection = { ...everything, strip: 1, exclude: ["up"] };
      const expected = Object.entries(onDisk(target)).filter(([path]) => path !== "up");
      expect(await unpacked(store, made.stdout, "tar", selection)).toEqual(Object.fromEntries(expected));
    });
  });

  it.skipIf(!hasProgram("python3"))("that Python writes are unpacked as Python does (needs python3)", async () => {
    const { store, directory } = scene();
    const source = temporaryDirectory();
    makeTree(source);
    const script = `
import sys, tarfile
for kind, form in (("gz", tarfile.PAX_FORMAT), ("xz", tarfile.GNU_FORMAT)):
    with tarfile.open(f"{sys.argv[2]}/made.{kind}", f"w:{kind}", format=form) as t: t.add(sys.argv[1], ".")
    with tarfile.open(f"{sys.argv[2]}/made.{kind}") as t: t.extractall(f"{sys.argv[2]}/{kind}")
`;
    const made = run("python3", ["-W", "ignore", "-c", script, source, directory]);
    expect(made.stderr.toString()).toBe("");
    for (const kind of ["gz", "xz"]) {
      const bytes = readFileSync(join(directory, `made.${kind}`));
      expect(withoutTimeOfLinks(await unpacked(store, bytes, "tar"))).toEqual(
        withoutTimeOfLinks(onDisk(join(directory, kind))),
      );
    }
  });

  it("LS4005: are given up when they become absurdly large", async () => {
    const { store } = scene();
    // 100 MiB of zeros in 100 KiB: more than a small archive may become.
    const content = Buffer.alloc(100 << 20);
    const bomb = gzipSync(rawTar([{ name: "a", content }]), { level: 9 });
    expect(bomb.length).toBeLessThan(120_000);
    await expect(unpacked(store, bomb, "tar")).rejects.toMatchObject({ code: "LS4005" });
  });

  it("LS4001 and LS4002: are refused when they are no tar archives", async () => {
    const { store } = scene();
    await expect(unpacked(store, Buffer.from("hello, world\n"), "tar")).rejects.toThrow(/LS400[12]/);
    await expect(unpacked(store, gzipSync("hello"), "tar")).rejects.toThrow(/LS400[12]/);
    await expect(unpacked(store, Buffer.from([0x1f, 0x8b, 8]), "tar")).rejects.toThrow(/LS400[12]/);
    await expect(unpacked(store, tinyZip([{ name: "a" }]), "tar")).rejects.toThrow(/LS400[12]/);
  });
});

describe("zip archives", () => {
  it.skipIf(!hasProgram("zip") || !hasProgram("unzip"))(
    "that Info-ZIP writes are unpacked as unzip does (needs zip, unzip)",
    async () => {
      const { store, directory } = scene();
      const source = temporaryDirectory();
      makeTree(source);
      // Names beyond ASCII are left out: Info-ZIP does not say in which code they are, and readers differ (LS4007).
      const archive = join(directory, "made.zip");
      const made = run("zip", ["-q", "-y", "-r", archive, ".", "-x", "line*", "größe*"], {
        cwd: source,
        env: { TZ: "UTC", LC_ALL: "C.UTF-8" },
      });
      expect(made.status, made.stderr.toString()).toBe(0);
      const target = join(directory, "target");
      const opened = run("unzip", ["-q", archive, "-d", target], { env: { TZ: "UTC", LC_ALL: "C.UTF-8" } });
      expect(opened.status, opened.stderr.toString()).toBe(0);
      const bytes = readFileSync(archive);
      expect(withoutTimeOfLinks(await unpacked(store, bytes, "zip"))).toEqual(withoutTimeOfLinks(onDisk(target)));
    },
  );

  it.skipIf(!hasProgram("python3"))(
    "take times as UTC whatever the time zone of the machine (needs python3)",
    async () => {
      const { store, directory } = scene();
      const script = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr(zipfile.ZipInfo("a", (2026, 1, 2, 3, 4, 6)), "x")
`;
      const trees: Tree[] = [];
      for (const TZ of ["UTC", "Pacific/Kiritimati"]) {
        const archive = join(directory, `${TZ.replace("/", "-")}.zip`);
        expect(run("python3", ["-c", script, archive], { env: { TZ, PATH: process.env["PATH"] ?? "" } }).status).toBe(
          0,
        );
        trees.push(await unpacked(store, readFileSync(archive), "zip"));
      }
      expect(trees[0]?.["a"]).toContain(` ${Date.UTC(2026, 0, 2, 3, 4, 6) / 1000} `);
      expect(trees[1]).toEqual(trees[0]);
    },
  );

  it("LS4003: may not have links out of what is unpacked, nor LS4002: links to nothing", async () => {
    const { store } = scene();
    const link = (content: string): Buffer => tinyZip([{ name: "a/b", mode: 0o120777, content }]);
    await expect(unpacked(store, link("../../x"), "zip")).rejects.toMatchObject({ code: "LS4003" });
    await expect(unpacked(store, link("/etc"), "zip")).rejects.toMatchObject({ code: "LS4003" });
    await expect(unpacked(store, link(""), "zip")).rejects.toMatchObject({ code: "LS4002" });
    await expect(unpacked(store, link("a\0b"), "zip")).rejects.toMatchObject({ code: "LS4007" });
    expect(await unpacked(store, link("../x"), "zip")).toHaveProperty(["a/b"]);
  });
});

const name = fc.stringMatching(/^[a-z]{1,3}$/);
const files = fc
  .uniqueArray(fc.tuple(fc.array(name, { minLength: 1, maxLength: 4 }), fc.string({ maxLength: 50 })), {
    selector: ([parts]) => parts.join("/"),
    maxLength: 8,
  })
  // Nothing below a file.
  .map((all) =>
    all.filter(
      ([parts]) => !all.some(([other]) => parts !== other && `${parts.join("/")}/`.startsWith(`${other.join("/")}/`)),
    ),
  )
  .map((all) => all.map(([parts, content]) => ({ name: parts.join("/"), content })));

describe("any archive", () => {
  it("gives the files that were put into it, stripped and selected, whatever it is packed as", async () => {
    const { store } = scene();
    await fc.assert(
      fc.asyncProperty(files, fc.nat(3), fc.option(name), fc.option(name), async (items, strip, only, without) => {
        const selection: Selection = {
          ...everything,
          strip,
          include: only === null ? [] : [only],
          exclude: without === null ? [] : [`**/${without}`],
        };
        const expected = items
          .map((item) => ({ ...item, parts: item.name.split("/").slice(strip) }))
          .filter(({ parts }) => parts.length > 0 && (only === null || parts[0] === only))
          .filter(({ parts }) => without === null || !parts.includes(without))
          .map(({ parts, content }): [string, string] => [parts.join("/"), content]);
        // Two may get one path; which of them is the other's is for the fragment to refuse.
        fc.pre(new Set(expected.map(([path]) => path)).size === expected.length);
        for (const kind of ["tar", "zip"] as const) {
          if (kind === "tar" && items.length === 0) continue;
          const bytes = kind === "tar" ? rawTar(items) : tinyZip(items);
          const tree = await unpacked(store, bytes, kind, selection);
          expect(Object.keys(tree).toSorted()).toEqual(expected.map(([path]) => path).toSorted());
          for (const [path, content] of expected) expect(tree[path]).toContain(sha256(Buffer.from(content)));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("that was changed anywhere gives its files or a coded error, and nothing else", async () => {
    const { store } = scene();
    const items = [
      { name: "d/a", content: "some content that is long enough to be compressed compressed compressed" },
      { name: "d/b", flag: "2", link: "a", mode: 0o644 },
    ];
    const archives = [
      ["tar", rawTar(items)],
      ["tar", gzipSync(rawTar(items))],
      [
        "zip",
        tinyZip([
          { name: "d/a", content: "some content" },
          { name: "d/b", mode: 0o120777, content: "a" },
        ]),
      ],
    ] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...archives),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async ([kind, whole], at, bits) => {
          const changed = Buffer.from(whole);
          changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ bits;
          const outcome = await unpacked(store, changed, kind).then(
            () => undefined,
            (error: unknown) => error,
          );
          if (outcome !== undefined) expect(outcome).toBeInstanceOf(LockstepError);
        },
      ),
      { numRuns: 300 },
    );
  });
});
