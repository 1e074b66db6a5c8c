import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { VerifiedRelease } from "../../../pipeline/source/debian/archive.ts";
import { indexAddresses, indexesOf, readIndex } from "../../../pipeline/source/debian/indexes.ts";
import { PackagesIndex } from "../../../pipeline/source/debian/packages-index.ts";
import { parseRelease } from "../../../pipeline/source/debian/release.ts";
import { digestOf, hexOf } from "../../../pipeline/store/digest.ts";
import { scene } from "../../support.ts";
import { packagesText, suiteFiles } from "./tiny-archive.ts";

function indexOf(text: string): PackagesIndex {
  return new PackagesIndex(Buffer.from(text));
}

describe("the lazy index", () => {
  it("finds stanzas by name, all versions, wherever the name stands", () => {
    const index = indexOf(
      "Package: a\nVersion: 1\n\n\nVersion: 2\nPackage: b\n\nPackage: a\nVersion: 3\nDescription: x\n Package: no\n",
    );
    expect([...index.names]).toEqual(["a", "b"]);
    expect(index.stanzas("a")).toEqual([
      "Package: a\nVersion: 1",
      "Package: a\nVersion: 3\nDescription: x\n Package: no\n",
    ]);
    expect(index.stanzas("b")).toEqual(["Version: 2\nPackage: b"]);
    expect(index.stanzas("no")).toEqual([]);
  });

  it("knows who provides what, over continuation lines", () => {
    const index = indexOf(
      "Package: a\nProvides: x (= 1),\n y:any, z\nVersion: 1\n\nPackage: b\n\nPackage: c\nProvides:x,x\n",
    );
    expect(["x", "y", "z", "a"].map((name) => index.providers(name))).toEqual([["a", "c"], ["a"], ["a"], []]);
  });

  it("holds nothing of nothing", () => {
    for (const text of ["", "\n\n\n", "Version: 1\n"]) expect([...indexOf(text).names]).toEqual([]);
  });

  it("finds everything that was written", () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,6}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, fc.array(name, { maxLength: 3 })), { selector: ([it]) => it }),
        (items) => {
          const index = indexOf(
            packagesText(
              items.map(([it, provides]) => ({
                Package: it,
                ...(provides.length > 0 ? { Provides: provides.join(", ") } : {}),
              })),
            ),
          );
          expect([...index.names]).toEqual(items.map(([it]) => it));
          for (const [it, provides] of items) {
            expect(index.stanzas(it)[0]).toContain(`Package: ${it}\n`);
            for (const provided of provides) expect(index.providers(provided)).toContain(it);
          }
        },
      ),
    );
  });
});

const suite = suiteFiles({
  codename: "trixie",
  date: new Date("2026-11-01T00:00:00Z"),
  packages: { amd64: ["a 1", "b 2"], arm64: [], all: ["c 3 all"] },
});

function verified(text: string): VerifiedRelease {
  return {
    key: "trixie@000000000000",
    locked: { suite: "trixie", archive: "debian", date: "2026-11-01T00:00:00Z", sha256: "0".repeat(64), signedBy: [] },
    release: parseRelease(text, { file: "InRelease" }),
  };
}

const paths = (text: string): readonly string[] => indexesOf(verified(text), "amd64").map(({ path }) => path);

describe("indexes of a release", () => {
  it("are the one of the architecture, and the one for all where that is apart", () => {
    expect(paths(suite.text)).toEqual(["main/binary-amd64/Packages.gz", "main/binary-all/Packages.gz"]);
    expect(paths(suite.text.replace("SHA256:", "No-Support-for-Architecture-all: Packages\nSHA256:"))).toEqual([
      "main/binary-amd64/Packages.gz",
    ]);
    expect(paths(suite.text.replaceAll("Packages.gz", "Packages.xz"))).toEqual([
      "main/binary-amd64/Packages.xz",
      "main/binary-all/Packages.xz",
    ]);
    expect(() => indexesOf(verified(suite.text.replaceAll("binary-amd64/Packages.gz", "x")), "amd64")).toThrow(
      "LS2309 dists/trixie/InRelease the release of trixie lists no compressed index of packages for amd64",
    );
  });

  it("need no download when they are empty", () => {
    expect(
      indexesOf(verified(suite.text.replace("Architectures: amd64 arm64 all", "Architectures: arm64")), "arm64"),
    ).toEqual([]);
  });

  it("are asked for by hash first", () => {
    const [index] = indexesOf(verified(suite.text), "amd64");
    if (index === undefined) throw new Error("no index");
    const mirrors = { debian: ["http://one/debian", "http://two/debian"], "debian-security": [] };
    expect(indexAddresses(index, mirrors)).toEqual(
      ["one", "two"].flatMap((host) => [
        `http://${host}/debian/dists/trixie/main/binary-amd64/by-hash/SHA256/${hexOf(index.digest)}`,
        `http://${host}/debian/dists/trixie/main/binary-amd64/Packages.gz`,
      ]),
    );
    const [plain] = indexesOf(verified(suite.text.replace("Acquire-By-Hash: yes\n", "")), "amd64");
    expect(plain === undefined ? [] : indexAddresses(plain, mirrors)).toHaveLength(2);
  });

  it("are read from the store, and must become exactly what the release says", async () => {
    const { store } = scene();
    const [index] = indexesOf(verified(suite.text), "amd64");
    if (index === undefined) throw new Error("no index");
    await expect(readIndex(store, index)).rejects.toThrow("LS3002");
    await store.put(suite.files.get("main/binary-amd64/Packages.gz") ?? Buffer.alloc(0));
    expect([...(await readIndex(store, index)).index.names]).toEqual(["a", "b"]);

    const { size } = index.plain;
    const wrong = (more: Partial<typeof index>): Promise<unknown> => readIndex(store, { ...index, ...more });
    await expect(wrong({ plain: { ...index.plain, size: size - 1 } })).rejects.toThrow(
      `becomes larger than the ${size - 1} bytes that its release gives`,
    );
    await expect(wrong({ plain: { ...index.plain, size: size + 1 } })).rejects.toThrow(
      `becomes ${size} bytes, not the ${size + 1}`,
    );
    await expect(wrong({ plain: { size, sha256: "0".repeat(64) } })).rejects.toThrow(
      "is not the file whose hash its release gives",
    );
    await expect(wrong({ plain: { ...index.plain, size: 1 << 40 } })).rejects.toThrow("LS2101");
    const bomb = gzipSync(Buffer.alloc(64 << 20));
    await store.put(bomb);
    await expect(wrong({ digest: digestOf(bomb) })).rejects.toThrow("becomes larger than");
    const noise = Buffer.from("not compressed");
    await store.put(noise);
    for (const path of ["Packages.gz", "Packages.xz"]) {
      await expect(wrong({ digest: digestOf(noise), path })).rejects.toThrow("cannot be decompressed");
    }
  });
});
