import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Archive, compareArchives } from "../../../pipeline/verify/archive/archives.ts";
import type { ArchiveFinding } from "../../../pipeline/verify/archive/compare.ts";
import { Spool } from "../../../pipeline/verify/archive/spool.ts";
import { hasProgram, run, scene, temporaryDirectory } from "../../support.ts";
import { type TarItem, type TarOptions, tarOf } from "../tar-of.ts";

/** In pieces of odd sizes, as a decompressor gives them. */
async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += 1000) yield bytes.subarray(offset, offset + 1000);
}

const archive = (bytes: Buffer, name = "layer"): Archive => ({ name, open: () => pieces(bytes) });

interface Seen {
  readonly findings: readonly ArchiveFinding[];
  readonly contents: Readonly<Record<string, readonly [string, string]>>;
}

async function compareBytes(a: readonly Buffer[], b: readonly Buffer[]): Promise<Seen> {
  const { host, directory } = scene();
  const spool = await Spool.open(host, directory);
  const findings: ArchiveFinding[] = [];
  const contents: Record<string, readonly [string, string]> = {};
  try {
    await compareArchives(
      a.map((bytes) => archive(bytes)),
      b.map((bytes) => archive(bytes)),
      spool,
      {
        found: (finding) => findings.push(finding),
        content: async (path, x, y) => {
          contents[path] = [x.read(0, x.size).toString("latin1"), y.read(0, y.size).toString("latin1")];
        },
      },
    );
  } finally {
    await spool.close();
  }
  return { findings, contents };
}

const compare = (a: readonly TarItem[], b: readonly TarItem[], options: TarOptions = {}): Promise<Seen> =>
  compareBytes([tarOf(a)], [tarOf(b, options)]);

const file: TarItem = { name: "etc/motd", content: "hello\n" };
const tree: readonly TarItem[] = [{ name: "etc/" }, file, { name: "usr/" }, { name: "usr/x", content: "x" }];

const change = (change_: Partial<TarItem>): readonly TarItem[] =>
  tree.map((item) => (item === file ? { ...item, ...change_ } : item));

describe("comparing archives", () => {
  it("finds nothing in equal ones", async () => {
    expect(await compare(tree, tree)).toEqual({ findings: [], contents: {} });
  });

  it.each<readonly [string, Partial<TarItem>, Partial<ArchiveFinding>]>([
    ["mode", { mode: 0o600 }, { field: "mode", a: "0644", b: "0600", grade: "privilege" }],
    ["setuid", { mode: 0o4644 }, { field: "mode", b: "4644", grade: "privilege" }],
    ["owner", { uid: 1000 }, { field: "uid", a: "0", b: "1000", grade: "privilege" }],
    ["group", { gid: 1000 }, { field: "gid", grade: "privilege" }],
    ["time", { mtime: 1_700_000_001 }, { field: "mtime", a: "1700000000", b: "1700000001", grade: "clock" }],
    ["time before 1970", { pax: { mtime: "-1" } }, { field: "mtime", b: "-1" }],
    ["fraction", { pax: { mtime: "1700000000.25" } }, { field: "mtime", b: "1700000000.25", grade: "clock" }],
    ["user name", { user: "builder" }, { field: "user", b: "builder", grade: "cosmetic" }],
    ["group name", { group: "builder" }, { field: "group", b: "builder" }],
    ["access time", { pax: { atime: "1700000009" } }, { field: "pax.atime", b: "1700000009", grade: "clock" }],
    ["comment", { pax: { comment: "hi" } }, { field: "pax.comment", b: "hi", grade: "encoding" }],
    [
      "capability",
      { pax: { "SCHILY.xattr.security.capability": Buffer.from([1, 0, 0, 2]) } },
      { field: "xattr.security.capability", b: "01000002", grade: "privilege" },
    ],
    ["user attribute", { pax: { "SCHILY.xattr.user.x": "1" } }, { field: "xattr.user.x", grade: "content" }],
    ["device numbers of a file", { major: 8, minor: 1 }, { field: "device", b: "8,1", grade: "encoding" }],
    ["type", { flag: "2", target: "else", content: "" }, { field: "type", a: "file", b: "symbolic link" }],
  ])("names the field: %s", async (_, changed, finding) => {
    const { findings } = await compare(tree, change(changed));
    expect(findings.filter(({ path }) => path === "etc/motd")).toEqual([
      expect.objectContaining({ path: "etc/motd", ...finding }),
      ...(changed.target === undefined ? [] : []),
    ]);
    // Notation and dialect follow from the value, and are not told again.
    expect(findings.filter(({ path }) => path === undefined)).toEqual([]);
  });

  it("gives the contents of files that differ", async () => {
    expect(await compare(tree, change({ content: "hullo\n" }))).toEqual({
      findings: [],
      contents: { "etc/motd": ["hello\n", "hullo\n"] },
    });
  });

  it("tells devices, and what is only in one, with a grade by what it may do", async () => {
    const device: TarItem = { name: "dev/x", flag: "3", major: 1, minor: 3 };
    const setuid: TarItem = { name: "bin/su", mode: 0o4755, content: "su" };
    const { findings } = await compare(
      [...tree, device],
      [...tree, { ...device, minor: 5 }, setuid, { name: "n", content: "" }],
    );
    expect(findings).toContainEqual(
      expect.objectContaining({ path: "dev/x", field: "device", a: "1,3", b: "1,5", grade: "privilege" }),
    );
    expect(findings).toContainEqual(
      expect.objectContaining({ path: "bin/su", field: "presence", b: "file", grade: "privilege" }),
    );
    expect(findings).toContainEqual(
      expect.objectContaining({ path: "n", field: "presence", b: "file", grade: "content" }),
    );
  });

  it("tells a hard link from a copy of the same content", async () => {
    const copy: TarItem = { name: "usr/y", content: "x" };
    const { findings } = await compare([...tree, copy], [...tree, { name: "usr/y", flag: "1", target: "usr/x" }]);
    expect(findings).toContainEqual(
      expect.objectContaining({
        path: "usr/y",
        field: "type",
        a: "file",
        b: "hard link",
        facts: { sameContent: true },
      }),
    );
  });

  it("tells that a file was renamed", async () => {
    const { findings } = await compare(
      [...tree, { name: "a.js", content: "1" }],
      [...tree, { name: "b.js", content: "1" }],
    );
    expect(findings.map(({ path, facts }) => [path, facts?.["sameContentAs"]])).toEqual([
      ["a.js", "b.js"],
      ["b.js", "a.js"],
    ]);
  });

  it("takes a file whose name ends in a slash for what its size says", async () => {
    const odd: TarItem = { name: "odd/", flag: "0", content: "x" };
    const { findings, contents } = await compare([odd, ...tree], [{ ...odd, content: "y" }, ...tree]);
    expect(findings).toEqual([]);
    expect(contents).toEqual({ odd: ["x", "y"] });
    expect(
      (await compare([{ ...odd, content: "" }], [{ name: "odd/", flag: "5", mode: 0o644 }])).findings,
    ).toMatchObject([{ field: "header" }]);
  });

  it("says in which order each is", async () => {
    const names = ["a", "B", "c", "_d"];
    const items = (order: readonly string[]): readonly TarItem[] => order.map((name) => ({ name, content: name }));
    const { findings } = await compare(items(["B", "_d", "a", "c"]), items(names));
    expect(findings).toEqual([
      expect.objectContaining({
        field: "order",
        natures: ["order"],
        facts: expect.objectContaining({ sortedA: "bytes", sortedB: "language" }),
      }),
    ]);
    const random = await compare(items(names), items(["c", "a", "_d", "B"]));
    expect(random.findings[0]?.facts).toMatchObject({ sortedA: "language", sortedB: "no" });
  });

  it("tells dialects once for the whole archive", async () => {
    const { findings } = await compare(
      tree,
      tree.map((item) => ({ ...item, dialect: "gnu" })),
    );
    expect(findings).toEqual([
      expect.objectContaining({
        field: "dialect",
        facts: { valueA: "ustar", valueB: "gnu", entries: 4, of: 4, example: "etc" },
      }),
    ]);
  });

  it("tells forms of names, parents that are missing, repeated entries, padding, and what follows the end", async () => {
    const dotted = tree.map((item) => ({ ...item, name: `./${item.name}` }));
    expect((await compare(tree, dotted)).findings).toEqual([
      expect.objectContaining({ field: "prefix", facts: expect.objectContaining({ valueA: "…/", valueB: "./…/" }) }),
    ]);
    const without = tree.slice(1);
    expect((await compare(tree, without)).findings.map(({ field }) => field)).toEqual(["parents", "presence"]);
    expect((await compare(tree, [...tree, file])).findings.map(({ field }) => field)).toContain("repeated");
    const [one, two] = [
      { ...file, content: "1" },
      { ...file, content: "2" },
    ];
    const twice = await compare([...tree, one, two], [...tree, two, one]);
    expect(twice.findings.find(({ field }) => field === "repeated")?.facts).toMatchObject({ directories: false });
    expect((await compare([...tree, one, two], [...tree, one, two])).findings).toEqual([]);
    // Some writers end right after the content of the last file.
    const unpadded = await compareBytes([tarOf(tree)], [tarOf(tree, { zeros: 0 }).subarray(0, -511)]);
    expect(unpadded.findings).toEqual([expect.objectContaining({ field: "padding", a: "2 blocks", b: "0 blocks" })]);
    expect((await compare(tree, tree, { zeros: 20 })).findings).toEqual([
      expect.objectContaining({ field: "padding", a: "2 blocks", b: "20 blocks" }),
    ]);
    expect((await compare(tree, tree, { trailing: Buffer.from("hidden") })).findings).toContainEqual(
      expect.objectContaining({ field: "trailing", grade: "content" }),
    );
  });

  it("tells names of extended headers and bits of the type in modes", async () => {
    const pax = (paxName: string): readonly TarItem[] => change({ pax: { comment: "x" }, paxName });
    expect((await compare(pax("PaxHeaders.12/motd"), pax("PaxHeaders.99/motd"))).findings).toEqual([
      expect.objectContaining({ field: "header" }),
    ]);
    expect((await compare(tree, change({ mode: 0o100644 }))).findings[0]).toMatchObject({
      field: "header",
      facts: { valueA: "mode", valueB: "mode with file type" },
    });
  });

  it("compares stacks of layers by what they come to", async () => {
    const lower = tarOf([...tree, { name: "gone", content: "g" }]);
    const upper = tarOf([
      { name: ".wh.gone", content: "" },
      { name: "usr/x", content: "y" },
    ]);
    const squashed = tarOf([{ name: "etc/" }, file, { name: "usr/" }, { name: "usr/x", content: "y" }]);
    expect(await compareBytes([lower, upper], [squashed])).toEqual({ findings: [], contents: {} });
    expect((await compareBytes([lower], [squashed])).findings).toEqual([
      expect.objectContaining({ path: "gone", field: "presence" }),
    ]);
  });

  it("takes what is in a directory for gone where a layer above has a file of its name, and heeds no whiteout of nothing", async () => {
    const lower = tarOf([...tree, { name: "usr/share/" }, { name: "usr/share/x", content: "x" }]);
    const upper = tarOf([
      { name: "usr", content: "a file now" },
      { name: ".wh.", content: "" },
      { name: ".wh..wh.plnk", content: "" },
    ]);
    const squashed = tarOf([{ name: "etc/" }, file, { name: "usr", content: "a file now" }]);
    expect(await compareBytes([lower, upper], [squashed])).toEqual({ findings: [], contents: {} });
  });

  it("keeps contents that do not fit into memory in files, and removes them", async () => {
    const { host, directory } = scene();
    const spool = await Spool.open(host, directory);
    const large = Buffer.alloc(20 << 20, 7);
    const kept = await spool.keep(pieces(large));
    const many = await Promise.all(Array.from({ length: 9 }, (_, i) => spool.keep(pieces(Buffer.alloc(7 << 20, i)))));
    expect(kept.read(0, kept.size).equals(large)).toBe(true);
    expect(kept.read(large.length - 2, 10)).toHaveLength(2);
    for (const [i, content] of many.entries()) expect(content.read(12_345, 3)).toEqual(Buffer.alloc(3, i));
    await spool.close();
    expect(run("ls", [directory]).stdout.toString()).toBe("");
  });

  it("never tells equal archives apart, and always tells different ones apart", async () => {
    const item = fc.record({
      name: fc.constantFrom("a", "b", "c/", "./d"),
      mode: fc.constantFrom(0o644, 0o755),
      mtime: fc.integer({ min: 0, max: 2 ** 33 - 1 }),
      content: fc.constantFrom("", "x", "xy"),
      user: fc.constantFrom("", "root"),
    });
    const items = fc
      .array(item, { maxLength: 5 })
      .map((list) => list.map((one) => (one.name.endsWith("/") ? { ...one, content: "" } : one)));
    await fc.assert(
      fc.asyncProperty(items, items, async (x, y) => {
        const [a, b] = [tarOf(x), tarOf(y)];
        const { findings, contents } = await compareBytes([a], [b]);
        expect(findings.length + Object.keys(contents).length > 0).toBe(!a.equals(b));
      }),
      { numRuns: 200 },
    );
  });
});

describe.skipIf(!hasProgram("tar"))("archives of GNU tar (needs tar)", () => {
  it.each(["ustar", "posix", "gnu", "v7"])("in format %s hold what they hold in ustar", async (format) => {
    const directory = temporaryDirectory();
    const long = `${"long-name/".repeat(8)}file`;
    run(
      "sh",
      [
        "-ec",
        `mkdir -p tree/${"long-name/".repeat(8)}; echo x > tree/${long}; ln -s target tree/link; ln tree/${long} tree/hard; truncate -s 1M tree/holes`,
      ],
      { cwd: directory },
    );
    const make = (which: string, ...more: readonly string[]): Buffer => {
      const made = run(
        "tar",
        [
          "--format",
          which,
          "--sort=name",
          "--owner=0",
          "--group=0",
          "--numeric-owner",
          "--mtime=@1700000000",
          ...more,
          "-cf",
          "-",
          "tree",
        ],
        { cwd: directory },
      );
      expect(made.stderr.toString()).toBe("");
      return made.stdout;
    };
    const { findings, contents } = await compareBytes([make("ustar")], [make(format)]);
    expect(contents).toEqual({});
    expect(findings.filter(({ path }) => path !== undefined && !/^pax\.[ac]time$/.test(path))).toEqual(
      format === "posix" ? findings.filter(({ field }) => field.startsWith("pax.")) : [],
    );
    const sparse = await compareBytes(
      [make("ustar")],
      [make(format === "ustar" || format === "v7" ? "gnu" : format, "--sparse")],
    );
    expect(sparse.findings).toContainEqual(
      expect.objectContaining({ path: "tree/holes", field: "sparse", a: "dense", b: "sparse" }),
    );
  });
});
