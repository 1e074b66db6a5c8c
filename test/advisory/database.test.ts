import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type AdvisoryDatabase, type Subject, readAdvisories } from "../../pipeline/advisory/database.ts";
import { temporaryDirectory } from "../support.ts";
import { tinyZip } from "../tree/tiny-zip.ts";

const openssl: Subject = { ecosystem: "Debian", release: "13", name: "openssl", version: "3.5.1-1" };

/** An advisory about openssl before 3.5.1-2 in Debian 13, with what is given in place of what it has. */
function advisory(more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    id: "DSA-1-1",
    modified: "2026-11-20T10:00:00Z",
    affected: [
      {
        package: { ecosystem: "Debian:13", name: "openssl" },
        ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed: "3.5.1-2" }] }],
      },
    ],
    ...more,
  };
}

/** A directory with these files; what is no text becomes JSON. */
function directoryOf(files: Readonly<Record<string, unknown>>): string {
  const directory = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return directory;
}

function read(files: Readonly<Record<string, unknown>>, subjects = [openssl]): Promise<AdvisoryDatabase> {
  return readAdvisories([{ path: directoryOf(files), shown: "osv" }], subjects);
}

const ids = (database: AdvisoryDatabase, subject = openssl): readonly string[] =>
  database.about(subject).map((hit) => hit.advisory.id);

describe("advisories", () => {
  it("come from files and directories, one to a file or many, and are kept once", async () => {
    const directory = directoryOf({
      "a/one.json": advisory({ id: "A" }),
      "a/deep/list.json": [advisory({ id: "B" }), advisory({ id: "C", modified: "2026-11-21T00:00:00.5Z" })],
      "answer.json": { vulns: [advisory({ id: "D" })] },
      "README.md": "not read",
      "single.txt": advisory({ id: "E" }),
    });
    symlinkSync(join(directory, "a"), join(directory, "link"));
    const database = await readAdvisories(
      [
        { path: directory, shown: "osv" },
        { path: join(directory, "single.txt"), shown: "single.txt" },
        { path: join(directory, "a/one.json"), shown: "one.json" },
      ],
      [openssl],
    );
    expect(ids(database)).toEqual(["A", "B", "C", "D", "E"]);
    expect([database.read, database.modified]).toEqual([6, "2026-11-21T00:00:00.5Z"]);
  });

  it("come from a zip archive, as databases of whole ecosystems do", async () => {
    const path = join(temporaryDirectory(), "all.zip");
    const items = ["A", "B"].map((id) => ({ name: `${id}.json`, content: JSON.stringify(advisory({ id })) }));
    writeFileSync(path, tinyZip([{ name: "README", content: "x" }, ...items]));
    expect(ids(await readAdvisories([{ path, shown: "all.zip" }], [openssl]))).toEqual(["A", "B"]);
    writeFileSync(path, tinyZip([...items, { name: "C.json", content: "{" }, { name: "D.json", content: "[{}]" }]));
    await expect(readAdvisories([{ path, shown: "all.zip" }], [openssl])).rejects.toThrow(
      /^LS2212 all.zip\/C.json:1:2 is not JSON[^\n]*\nLS2213 all.zip\/D.json id must be/,
    );
    writeFileSync(path, tinyZip([{ name: "../A.json", content: "{}" }]));
    await expect(readAdvisories([{ path, shown: "all.zip" }], [openssl])).rejects.toThrow("LS4003 all.zip");
    writeFileSync(path, tinyZip(items).subarray(0, 60));
    await expect(readAdvisories([{ path, shown: "all.zip" }], [openssl])).rejects.toThrow(/^LS400[12] all.zip/);
  });

  it("are about one release of Debian, or about all", async () => {
    const about = (ecosystem: string, id: string) =>
      advisory({ id, affected: [{ package: { ecosystem, name: "openssl" }, versions: ["3.5.1-1"] }] });
    const database = await read({
      "x.json": [
        about("Debian:12", "12"),
        about("Debian:13", "13"),
        about("Debian", "all"),
        about("Ubuntu:24.04", "U"),
      ],
    });
    expect(ids(database)).toEqual(["13", "all"]);
    const { release: _, ...anywhere } = openssl;
    expect(ids(database, anywhere)).toEqual(["12", "13", "all"]);
    expect(ids(database, { ...openssl, version: "3.5.1-2" })).toEqual([]);
    expect(ids(database, { ...openssl, name: "curl" })).toEqual([]);
  });

  it("that are withdrawn, or about commits only, are read and say nothing", async () => {
    const database = await read({
      "x.json": [
        advisory({ id: "W", withdrawn: "2026-11-21T00:00:00Z" }),
        advisory({ id: "G", affected: [{ ranges: [{ type: "GIT", repo: "r", events: [{ introduced: "0" }] }] }] }),
        advisory({ id: "N", withdrawn: null, affected: null, aliases: null }),
      ],
    });
    expect(ids(database)).toEqual([]);
    expect(database.read).toBe(3);
  });

  it("of npm and PyPI are found by the names of those", async () => {
    const about = (ecosystem: string, name: string, fixed: string) =>
      advisory({
        id: `${ecosystem}-1`,
        affected: [
          {
            package: { ecosystem, name },
            ranges: [{ type: ecosystem === "npm" ? "SEMVER" : "ECOSYSTEM", events: [{ introduced: "0" }, { fixed }] }],
          },
        ],
      });
    const subjects: Subject[] = [
      { ecosystem: "npm", name: "@a/b", version: "1.9.0" },
      { ecosystem: "PyPI", name: "zope-interface", version: "6.0rc1" },
    ];
    const files = { "n.json": about("npm", "@a/b", "1.10.0"), "p.json": about("PyPI", "Zope.Interface", "6.0") };
    const database = await read(files, subjects);
    expect(subjects.map((subject) => ids(database, subject))).toEqual([["npm-1"], ["PyPI-1"]]);
  });
});

describe("LS2212: refuses", () => {
  it.each([
    [
      "text that is not JSON, at its line",
      { "a.json": '{\n  "id": "A",\n  oops\n}' },
      /^LS2212 osv\/a.json:3:3 is not JSON from here on/,
    ],
    ["half a file", { "a.json": '{\n  "id": "A"' }, /^LS2212 osv\/a.json:2:12 is not JSON from here on/],
    ["a directory without advisories", { "README.md": "x" }, /^LS2212 osv has no advisory in it; name a JSON file/],
    ["an empty list", { "a.json": [] }, /^LS2212 osv has no advisory in it/],
  ])("%s", async (_, files, message) => {
    await expect(read(files)).rejects.toThrow(message);
  });

  it("what is not there, and bytes that are no text", async () => {
    const path = join(temporaryDirectory(), "none");
    await expect(readAdvisories([{ path, shown: "none" }], [])).rejects.toThrow(
      /^LS2212 none is not there; name a file/,
    );
    const file = join(temporaryDirectory(), "a.json");
    writeFileSync(file, Buffer.from([0x22, 0xff, 0x22]));
    await expect(readAdvisories([{ path: file, shown: "a.json" }], [])).rejects.toThrow(
      "LS2212 a.json is not UTF-8 text",
    );
  });
});

describe("LS2213: refuses", () => {
  const ranges = (value: unknown) => ({ affected: [{ package: { ecosystem: "npm", name: "x" }, ranges: value }] });
  it.each([
    ["a list in place of an advisory", [[1]], "the advisory must be a mapping"],
    ["no id", advisory({ id: undefined }), "id must be a text that is not empty"],
    ["no time of change", advisory({ modified: "yesterday" }), "modified must be a time in UTC such as"],
    ["a withdrawal without a time", advisory({ withdrawn: true }), "withdrawn must be a text"],
    ["aliases that are no list", advisory({ aliases: "CVE-1" }), "aliases must be a list"],
    ["an alias that is no text", advisory({ aliases: ["CVE-1", 2] }), "aliases[1] must be a text that is not empty"],
    [
      "a package without a name",
      advisory({ affected: [{ package: { ecosystem: "npm" } }] }),
      "affected[0].package.name must be",
    ],
    [
      "a range of another type",
      advisory(ranges([{ type: "DATE", events: [] }])),
      "affected[0].ranges[0].type is not SEMVER",
    ],
    [
      "a range without a beginning",
      advisory(ranges([{ type: "SEMVER", events: [{ fixed: "1" }] }])),
      'affected[0].ranges[0].events must have at least one "introduced"',
    ],
    [
      "an event with two bounds",
      advisory(ranges([{ type: "SEMVER", events: [{ introduced: "0", fixed: "1" }] }])),
      "affected[0].ranges[0].events[0] must have exactly one of",
    ],
    [
      "a version that is a number",
      advisory(ranges([{ type: "SEMVER", events: [{ introduced: 0 }] }])),
      "affected[0].ranges[0].events[0].introduced must be a text",
    ],
  ])("%s", async (_, document, message) => {
    await expect(read({ "x.json": [advisory(), document] })).rejects.toThrow(`LS2213 osv/x.json[1] ${message}`);
  });

  it("all files at once", async () => {
    await expect(read({ "a.json": {}, "b.json": advisory(), "c.json": "{" })).rejects.toThrow(
      /^LS2213 osv\/a\.json id must [^\n]*\nLS2212 osv\/c\.json:1:2 is not JSON/,
    );
  });
});
