import { describe, expect, it } from "vitest";
import { readCopyright, readLicence } from "../../../pipeline/source/debian/copyright.ts";
import { scene } from "../../support.ts";
import { damage } from "../../build/tiny-repository.ts";
import { sha256Of, tinyDeb } from "./tiny-deb.ts";

const names = (text: string): readonly string[] | string => {
  const licence = readCopyright(Buffer.from(text));
  return licence.kind === "names" ? licence.names : licence.kind;
};

const format = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";

describe("a copyright file", () => {
  it("has the names of all its License fields, each once and sorted", () => {
    expect(
      names(
        `${format}License: GPL-2+ or Artistic\n\nFiles: *\nCopyright: 2026 A\nLicense: GPL-2+\n On Debian systems,\n License: see elsewhere\n` +
          "\nFiles: b/*\nlicense:   BSD-3-clause \n .\n text\n\nLicense: GPL-2+\n text\n",
      ),
    ).toEqual(["BSD-3-clause", "GPL-2+", "GPL-2+ or Artistic"]);
  });

  it("has them in older forms of its first line as well", () => {
    for (const first of [
      "Format: http://example.org/deps/dep5/",
      "Format-Specification: http://example.org/wsvn/dep/web/deps/dep5.mdwn?op=file&rev=174",
      "\n\nformat:  http://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
    ])
      expect(names(`${first}\n\nFiles: *\nLicense: MIT\n`)).toEqual(["MIT"]);
  });

  it("that no machine reads is known by its hash", () => {
    for (const text of ["License: MIT\n", "This package was debianized.\n\nLicense: GPL\n", format, ""]) {
      expect(readCopyright(Buffer.from(text))).toEqual({ kind: "text", sha256: sha256Of(Buffer.from(text)) });
    }
  });
});

describe("the licence of a package", () => {
  it("is unknown without a copyright file, and nothing is known of a package that is not in the store", async () => {
    const { store } = scene();
    const bytes = tinyDeb({ name: "aa", fields: { "Installed-Size": "many" } });
    expect(await readLicence(store, "aa", sha256Of(bytes))).toBeUndefined();
    await store.put(bytes);
    expect(await readLicence(store, "aa", sha256Of(bytes))).toEqual({ licence: { kind: "unknown" } });
  });

  it("is that of the package alone, not of a file elsewhere in it", async () => {
    const { store } = scene();
    const bytes = tinyDeb({
      name: "aa",
      fields: { "Installed-Size": "12" },
      data: [
        { name: "./usr/share/doc/b/copyright", content: `${format}\nLicense: B\n` },
        { name: "./usr/share/doc/aa/copyright", content: `${format}\nLicense: A\n` },
      ],
    });
    await store.put(bytes);
    expect(await readLicence(store, "aa", sha256Of(bytes))).toEqual({
      licence: { kind: "names", names: ["A"] },
      installedSize: 12_288,
    });
  });

  it("LS3001: is not read from a damaged blob", async () => {
    const { store } = scene();
    const bytes = tinyDeb({ name: "aa", data: [{ name: "./usr/share/doc/aa/copyright", content: "x".repeat(4000) }] });
    await store.put(bytes);
    damage(store, `sha256:${sha256Of(bytes)}`);
    await expect(readLicence(store, "aa", sha256Of(bytes))).rejects.toThrow("LS3001");
  });
});
