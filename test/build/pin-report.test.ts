import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareAdvisories } from "../../pipeline/build/pin-advisories.ts";
import { diffLocks } from "../../pipeline/build/pin-diff.ts";
import { factsOfDiff } from "../../pipeline/build/pin-facts.ts";
import { reportMarkdown } from "../../pipeline/build/pin-markdown.ts";
import { type PinReport, reportDocument } from "../../pipeline/build/pin-report.ts";
import { reportText } from "../../pipeline/build/pin-text.ts";
import { type Lock, emptyLock } from "../../pipeline/lock/types.ts";
import { silent } from "../../pipeline/report/report.ts";
import type { Store } from "../../pipeline/store/store.ts";
import { type RawEntry, type TinyDeb, sha256Of, tinyDeb } from "../source/debian/tiny-deb.ts";
import { tinyWheel } from "../source/python/wheels.ts";
import { tarballOf } from "../source/npm/tiny-registry.ts";
import { scene, temporaryDirectory } from "../support.ts";
import { type Short, both, lockOf } from "./short-lock.ts";

const dep5 = (...names: readonly string[]): string =>
  [
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
    ...names.map((name) => `\nFiles: *\nLicense: ${name}\n text of it`),
    "",
  ].join("\n");

/** Puts a package into the store; its short form for a lock. */
async function stored(store: Store, deb: TinyDeb, source = deb.name ?? ""): Promise<Short> {
  const bytes = tinyDeb(deb);
  await store.put(bytes);
  return [deb.name ?? "", deb.version ?? "1", bytes.length, source, sha256Of(bytes)];
}

function documented(name: string, version: string, copyright: string | RawEntry, installed?: string): TinyDeb {
  const path = `./usr/share/doc/${name}/copyright`;
  return {
    name,
    version,
    ...(installed === undefined ? {} : { fields: { "Installed-Size": installed } }),
    data: [typeof copyright === "string" ? { name: path, content: copyright } : copyright],
  };
}

async function reported(store: Store, before: Lock, after: Lock, advisories?: readonly unknown[]): Promise<PinReport> {
  const diff = diffLocks(before, after);
  const facts = await factsOfDiff(store, silent, diff, { before, after }, new Map(), true);
  if (advisories === undefined) return { diff, facts };
  const path = join(temporaryDirectory(), "osv.json");
  writeFileSync(path, JSON.stringify(advisories));
  return { diff, facts, advisories: await compareAdvisories([{ path, shown: "osv.json" }], before, after) };
}

/** An advisory about a source package of Debian 13 from one version up to another. */
function advisory(
  id: string,
  name: string,
  introduced: string,
  fixed: string,
  more: Readonly<Record<string, unknown>> = {},
): unknown {
  return {
    id,
    modified: "2026-11-20T10:00:00Z",
    affected: [
      {
        package: { ecosystem: "Debian:13", name },
        ranges: [{ type: "ECOSYSTEM", events: [{ introduced }, { fixed }] }],
      },
    ],
    ...more,
  };
}

/** Two locks with a change of each kind. */
async function changes(store: Store): Promise<{ readonly before: Lock; readonly after: Lock }> {
  const before = lockOf({
    node: both(
      await stored(store, documented("libssl3t64", "3.5.1-1", dep5("Apache-2.0"), "100"), "openssl"),
      await stored(store, documented("openssl", "3.5.1-1", dep5("Apache-2.0", "GPL-2+"), "40")),
      await stored(store, documented("curl", "8.2-1", "All rights reserved.\n")),
      ["same", "1", 10],
      ["zlib1g", "1:1.3-1", 2000],
    ),
    web: both(["old", "1~rc_1", 4096], ["same", "1", 10]),
    gone: both(["x", "1", 1]),
  });
  const after = lockOf({
    node: both(
      await stored(store, documented("libssl3t64", "3.5.2-1", dep5("Apache-2.0"), "120"), "openssl"),
      await stored(store, documented("openssl", "3.5.2-1", dep5("Apache-2.0", "GPL-3+"), "40")),
      await stored(store, documented("curl", "8.1-1", "No rights reserved.\n")),
      ["same", "1", 10],
      ["zlib1g", "1:1.3-1", 2048],
    ),
    web: both(["new", "2", 12], ["same", "1", 10]),
    fresh: both(["same", "1", 10]),
  });
  return { before, after };
}

const known = [
  advisory("DSA-1-1", "openssl", "0", "3.5.2-1", {
    upstream: ["CVE-2026-1", "CVE-2026-2"],
    summary: "openssl: update\nmore",
  }),
  advisory("DEBIAN-CVE-2026-7", "openssl", "3.5.2-1", "3.5.3-1", { database_specific: { severity: "HIGH" } }),
  advisory("DEBIAN-CVE-2026-8", "curl", "0", "9", { affected: undefined }),
  advisory("DEBIAN-CVE-2026-9", "curl", "0", "9"),
  advisory("DEBIAN-CVE-2026-10", "curl", "8.0", "8.2-1"),
];

describe("licences", () => {
  it("are compared by the names in copyright files, and free texts by their hash", async () => {
    const { store } = scene();
    const { before, after } = await changes(store);
    const document = reportDocument(await reported(store, before, after)) as {
      readonly changes: readonly Readonly<Record<string, unknown>>[];
    };
    const licences = Object.fromEntries(document.changes.map(({ name, licence }) => [name, licence]));
    expect(licences).toEqual({
      curl: { kind: "text" },
      libssl3t64: { kind: "same" },
      new: undefined,
      old: undefined,
      openssl: { kind: "names", added: ["GPL-3+"], removed: ["GPL-2+"] },
      same: undefined,
      zlib1g: { kind: "unknown" },
    });
    expect(document.changes.find(({ name }) => name === "libssl3t64")).toMatchObject({
      change: "upgraded",
      from: { version: "3.5.1-1", installedSize: 102_400, licence: { kind: "names", names: ["Apache-2.0"] } },
      to: { version: "3.5.2-1", installedSize: 122_880 },
    });
  });

  it("are found where a package shares its documentation with another of the same image", async () => {
    const { store } = scene();
    const link = (name: string): RawEntry => ({ name: `./usr/share/doc/${name}`, flag: "2", link: "liba-common" });
    const lockAt = async (version: string, licence: string): Promise<Lock> =>
      lockOf({
        web: both(
          await stored(store, documented("liba-common", version, dep5(licence))),
          await stored(store, documented("liba", version, link("liba"))),
          await stored(store, documented("libb", version, { ...link("libb"), link: "../../../etc/passwd" })),
        ),
      });
    const document = reportDocument(await reported(store, await lockAt("1", "MIT"), await lockAt("2", "BSD-3-Clause")));
    const found = document["changes"] as readonly Readonly<Record<string, unknown>>[];
    expect(found.map(({ name, licence }) => [name, (licence as { kind: string }).kind])).toEqual([
      ["liba", "names"],
      ["liba-common", "names"],
      ["libb", "unknown"],
    ]);
  });

  it("of npm packages are what their package.json states", async () => {
    const { store } = scene();
    const tarball = async (version: string, licence: Readonly<Record<string, unknown>>): Promise<Lock> => {
      const bytes = tarballOf({ name: "a", version, manifest: licence });
      await store.put(bytes);
      const entry = { size: bytes.length, sha256: sha256Of(bytes), integrity: "sha512-x" };
      return { ...emptyLock, npm: new Map([[`a@${version}`, entry]]) };
    };
    const forms = [
      { license: "MIT" },
      { license: { type: "MIT" } },
      { licenses: [{ type: "ISC" }, { type: "MIT" }] },
      {},
      { license: "(MIT OR  Apache-2.0)" },
    ];
    const locks: Lock[] = [];
    for (const [i, form] of forms.entries()) locks.push(await tarball(`1.${i}.0`, form));
    const found: unknown[] = [];
    for (const [i, after] of locks.slice(1).entries()) {
      const { changes } = reportDocument(await reported(store, locks[i] ?? after, after)) as {
        changes: readonly { licence: unknown }[];
      };
      found.push(changes[0]?.licence);
    }
    expect(found).toEqual([
      { kind: "same" },
      { kind: "names", added: ["ISC"], removed: [] },
      { kind: "unknown" },
      { kind: "unknown" },
    ]);
    const last = await reported(store, locks[0] ?? emptyLock, locks[4] ?? emptyLock);
    expect(reportText(last)).toContain("    licence: -MIT, +(MIT OR Apache-2.0)\n");
  });

  it("of Python packages are what their metadata state, whatever the platform of the file", async () => {
    const { store } = scene();
    const wheel = async (version: string, metadata: string): Promise<Lock> => {
      const head = `Metadata-Version: 2.4\nName: tiny\nVersion: ${version}\n`;
      const bytes = tinyWheel({ version, metadata: `${head}${metadata}\n\nLicense: not this\n` });
      await store.put(bytes);
      const entry = { name: "tiny", version, size: bytes.length, sha256: sha256Of(bytes) };
      return {
        ...emptyLock,
        wheels: new Map([
          [`tiny-${version}-py3-none-any.whl`, entry],
          [`tiny-${version}-zz.whl`, { ...entry, sha256: "e".repeat(64) }],
        ]),
      };
    };
    const forms = [
      "License-Expression: MIT\nLicense: old\nClassifier: License :: OSI Approved :: MIT License",
      "Classifier: License :: OSI Approved :: BSD License\nClassifier: License :: OSI Approved :: MIT License\nLicense: BSD",
      `License: ISC\nAuthor: x`,
      `License: ${"a text ".repeat(40)}`,
    ];
    const locks: Lock[] = [];
    for (const [i, form] of forms.entries()) locks.push(await wheel(`1.${i}`, form));
    const found: unknown[] = [];
    for (const [i, after] of locks.slice(1).entries()) {
      const { changes } = reportDocument(await reported(store, locks[i] ?? after, after)) as {
        changes: readonly { change: string; licence: unknown }[];
      };
      found.push(...changes.map(({ change, licence }) => [change, licence]));
    }
    expect(found).toEqual([
      ["upgraded", { kind: "names", added: ["BSD License", "MIT License"], removed: ["MIT"] }],
      ["upgraded", { kind: "names", added: ["ISC"], removed: ["BSD License", "MIT License"] }],
      ["upgraded", { kind: "unknown" }],
    ]);
    const { advisories } = await reported(store, locks[0] ?? emptyLock, locks[1] ?? emptyLock, [
      {
        id: "PYSEC-1",
        modified: "2026-11-20T10:00:00Z",
        affected: [
          {
            package: { ecosystem: "PyPI", name: "Tiny" },
            ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed: "1.1rc1" }] }],
          },
        ],
      },
    ]);
    expect(advisories?.fixed.map(({ subjects }) => subjects)).toEqual([["tiny 1.0"]]);
  });

  it("of what was added are told, but only when packages are read for their licences", async () => {
    const { store } = scene();
    const before = lockOf({ web: both(["base", "1", 10]) });
    const added = await stored(store, documented("fresh", "1", dep5("MIT", "GPL-3+"), "7"));
    const after = lockOf({ web: both(["base", "1", 10], added) });
    expect(reportText(await reported(store, before, after))).toContain("    licence: GPL-3+, MIT\n");
    expect(reportMarkdown(await reported(store, before, after))).toContain("| GPL-3+, MIT | web |");
    const diff = diffLocks(before, after);
    const sizes = new Map([[added[4] ?? "", 7168]]);
    const facts = await factsOfDiff(store, silent, diff, { before, after }, sizes);
    expect([...facts.values()]).toEqual([{ installedSize: 7168 }]);
  });

  it("of a damaged package are unknown, with a warning that names it", async () => {
    const { store } = scene();
    const bytes = Buffer.from("!<arch>\nnot a package");
    await store.put(bytes);
    const lines: string[] = [];
    const before = lockOf({ web: both(["a", "1", 9]) });
    const after = lockOf({ web: both(["a", "2", bytes.length, "a", sha256Of(bytes)]) });
    const report = { ...silent, warn: (line: string) => void lines.push(line) };
    const facts = await factsOfDiff(store, report, diffLocks(before, after), { before, after }, new Map(), true);
    expect(facts.size).toBe(0);
    expect(lines.join("\n")).toMatch(/^LS400[12] a /);
  });
});

describe("advisories", () => {
  it("are fixed, introduced or remain, by source package", async () => {
    const { store } = scene();
    const { before, after } = await changes(store);
    const { advisories } = await reported(store, before, after, known);
    const short = (key: "fixed" | "introduced" | "remaining"): unknown =>
      advisories?.[key].map(({ advisory, subjects }) => [advisory.id, ...subjects]);
    expect(short("fixed")).toEqual([["DSA-1-1", "openssl 3.5.1-1"]]);
    expect(short("introduced")).toEqual([
      ["DEBIAN-CVE-2026-10", "curl 8.1-1"],
      ["DEBIAN-CVE-2026-7", "openssl 3.5.2-1"],
    ]);
    expect(short("remaining")).toEqual([["DEBIAN-CVE-2026-9", "curl 8.1-1"]]);
    expect(advisories?.read).toBe(5);
  });

  it("under several names are one, and what any of them says remains does", async () => {
    const { store } = scene();
    const before = lockOf({ web: both(["a", "1", 1]) });
    const after = lockOf({ web: both(["a", "2", 1]) });
    const { advisories } = await reported(store, before, after, [
      advisory("X-1", "a", "0", "2", { aliases: ["CVE-1"] }),
      advisory("Y-1", "a", "0", "3", { aliases: ["CVE-1"] }),
      advisory("Z-1", "a", "0", "odd version", {}),
    ]);
    expect(advisories?.fixed).toEqual([]);
    expect(advisories?.remaining.map(({ advisory }) => advisory.id)).toEqual(["Y-1", "Z-1"]);
    expect(advisories?.undecided).toEqual(["a 1", "a 2"]);
  });

  it("of a package that is in two versions are fixed only when both are", async () => {
    const { store } = scene();
    const lockAt = (node: string, web: string): Lock =>
      lockOf({ node: both(["a", node, 1]), web: both(["a", web, 1]) });
    const about = [advisory("X-1", "a", "0", "3")];
    const half = await reported(store, lockAt("1", "2"), lockAt("1", "3"), about);
    expect(half.advisories?.remaining.map(({ subjects }) => subjects)).toEqual([["a 1"]]);
    const whole = await reported(store, lockAt("1", "2"), lockAt("3", "3"), about);
    expect(whole.advisories?.fixed.map(({ subjects }) => subjects)).toEqual([["a 1", "a 2"]]);
  });
});

describe("the report of a pin", () => {
  it("lists some of the advisories that remain, and counts the others", async () => {
    const { store } = scene();
    const lock = lockOf({ web: both(["curl", "8.2-1", 10]) });
    const many = Array.from({ length: 33 }, (_, i) =>
      advisory(`X-${i + 100}`, "curl", "0", "9", {
        affected: [
          {
            package: { ecosystem: "Debian", name: "curl" },
            versions: ["8.2-1"],
            ecosystem_specific: { urgency: i === 0 ? "not yet assigned" : "low" },
          },
        ],
      }),
    );
    const text = reportText(await reported(store, lock, lock, many));
    expect(text.match(/^ {2}X-/gm)).toHaveLength(20);
    expect(text).toContain("  X-100 curl 8.2-1\n  X-101 [low] curl 8.2-1\n");
    expect(text).toContain("\n  and 13 more (--json has all)\nadvisories: 0 fixed, 0 introduced, 33 remain (of 33, ");
  });

  it("is this text, and this Markdown, for these locks", async () => {
    const { store } = scene();
    const { before, after } = await changes(store);
    const report = await reported(store, before, after, known);
    await expect(reportText(report)).toMatchFileSnapshot("golden/pin-report.txt");
    await expect(reportMarkdown(report)).toMatchFileSnapshot("golden/pin-report.md.golden");
  });

  it("does not depend on the order of images and packages", async () => {
    const { store } = scene();
    const { before, after } = await changes(store);
    const reversed = (lock: Lock): Lock => ({
      ...lock,
      images: new Map([...lock.images].toReversed()),
      packages: new Map([...lock.packages].toReversed()),
    });
    const text = reportMarkdown(await reported(store, before, after, known));
    expect(reportMarkdown(await reported(store, reversed(before), reversed(after), known.toReversed()))).toBe(text);
  });

  it("of equal locks says that nothing changed, and what remains", async () => {
    const { store } = scene();
    const lock = lockOf({ web: both(["curl", "8.2-1", 10]) });
    expect(reportMarkdown(await reported(store, lock, lock))).toBe(
      "## Pinned inputs\n\n- nothing changed\n- advisories: not looked at\n",
    );
    expect(reportText(await reported(store, lock, lock, known))).toBe(
      [
        "nothing changed",
        "advisories that remain:",
        "  DEBIAN-CVE-2026-9 curl 8.2-1",
        "advisories: 0 fixed, 0 introduced, 1 remain (of 5, the newest of 2026-11-20T10:00:00Z)",
        "",
      ].join("\n"),
    );
  });

  it("in Markdown has at most 200 rows a table, and counts the others", async () => {
    const { store } = scene();
    const many = (version: string): readonly Short[] =>
      Array.from({ length: 250 }, (_, i): Short => [`lib${String(i).padStart(3, "0")}`, version, 10]);
    const text = reportMarkdown(
      await reported(store, lockOf({ web: both(...many("1")) }), lockOf({ web: both(...many("2")) })),
    );
    expect(text.match(/^\| lib/gm)).toHaveLength(200);
    expect(text).toContain("\nand 50 more\n");
    expect(text).toContain("- packages: 250 upgraded\n");
  });
});
