/** What docs/format.md says of tar and gzip, held against every byte of the samples' layers. Rows T, O, Z and P of docs/catalogue.md. */
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { digestOf } from "../../pipeline/store/digest.ts";
import { comparePaths, parentOf } from "../../pipeline/tree/entry.ts";
import { field, type RawEntry } from "./raw-tar.ts";
import type { Samples } from "./samples.ts";

const zeros = /^\0*$/;
const kinds = new Set(["0", "1", "2", "5"]);
const extendedKeys = /^(path|linkpath|size|uid|gid|mtime|SCHILY\.xattr\.security\.capability)$/;

const text = (header: Buffer, offset: number, length: number): string =>
  header.toString("latin1", offset, offset + length);

/** What is wrong with a header, in words; nothing for one that follows the format. */
function problemsOf({ header, name, type, size, mtime, extended }: RawEntry, epoch: number): readonly string[] {
  const device = type === "3" || type === "4";
  const said: readonly (readonly [boolean, string])[] = [
    [kinds.has(type), `type ${type} in a sample`],
    [text(header, 257, 8) === "ustar\u000000", "magic or version"],
    [/^0000[0-7]{3}\0$|^000[1-7][0-7]{3}\0$/.test(text(header, 100, 8)), "mode with file-type bits or another form"],
    [type !== "2" || text(header, 100, 8) === "0000777\0", "mode of a symbolic link"],
    [/^[0-7]{7}\0[0-7]{7}\0$/.test(text(header, 108, 16)), "owner"],
    [/^[0-7]{11}\0[0-7]{11}\0$/.test(text(header, 124, 24)), "size or time"],
    [/^[0-7]{6}\0 $/.test(text(header, 148, 8)), "checksum"],
    [zeros.test(text(header, 265, 64)), "name of the owner"],
    [device || text(header, 329, 16) === "0000000\u00000000000\0", "device number"],
    [zeros.test(text(header, 500, 12)), "padding"],
    [type === "0" || size === 0, "size of what has no content"],
    [mtime >= 0 && mtime <= epoch, `time ${mtime} after the epoch ${epoch}`],
    [(type === "5") === name.endsWith("/"), "slash at the end"],
    [!name.startsWith("/") && name.split("/").every((part) => part !== "." && part !== ".."), "form of the name"],
    [!name.replace(/\/$/, "").split("/").includes(""), "empty component"],
    [!/(^|\/)\.wh\./.test(name), "whiteout"],
    [extended === undefined || field(extended.header, 0, 100) === "././@PaxHeader", "name of the extended header"],
    [extended === undefined || text(extended.header, 100, 8) === "0000644\0", "mode of the extended header"],
    [extended === undefined || text(extended.header, 136, 12) === "00000000000\0", "time of the extended header"],
    [(extended?.records ?? []).every(([key]) => extendedKeys.test(key)), "key of the extended header"],
    [(extended?.records ?? []).every(([key], i, all) => i === 0 || (all[i - 1]?.[0] ?? "") < key), "order of keys"],
  ];
  return said.filter(([right]) => !right).map(([, problem]) => `${name}: ${problem}`);
}

/** Paths without the slash of directories. */
function pathsOf(entries: readonly RawEntry[]): readonly string[] {
  return entries.map(({ name }) => name.replace(/\/$/, ""));
}

export function layerTests(samples: () => Samples): void {
  it("are one gzip member with the fixed header and the stated digests and sizes", async () => {
    for (const { layer, diffId, length } of await samples().archives()) {
      const bytes = await readFile(layer.path);
      expect(digestOf(bytes), layer.name).toBe(layer.digest);
      expect(bytes.length, layer.name).toBe(layer.size);
      expect(bytes.toString("hex", 0, 10), layer.name).toBe("1f8b08000000000000ff");
      // The final empty block, then the CRC, which gunzip checks, and the length.
      expect(bytes.toString("hex", bytes.length - 10, bytes.length - 8), layer.name).toBe("0300");
      expect(bytes.readUInt32LE(bytes.length - 4), layer.name).toBe(layer.tarSize);
      expect([diffId, length], layer.name).toEqual([layer.diffId, layer.tarSize]);
    }
  });

  it("have headers in the one dialect, with no name, fraction, access time or device number that does not belong there", async () => {
    let seen = 0;
    for (const { layer, entries } of await samples().archives()) {
      seen += entries.length;
      expect(
        entries.flatMap((entry) => problemsOf(entry, layer.epoch)),
        layer.name,
      ).toEqual([]);
    }
    expect(seen).toBeGreaterThan(10_000);
  });

  it("end in two blocks of zeros and nothing else", async () => {
    for (const { layer, end, length } of await samples().archives()) expect(length - end, layer.name).toBe(1024);
  });

  it("name every path once, directories first and sorted", async () => {
    for (const { layer, entries } of await samples().archives()) {
      const paths = pathsOf(entries);
      expect(new Set(paths).size, layer.name).toBe(paths.length);
      const directories = pathsOf(entries.filter(({ type }) => type === "5"));
      expect(paths.slice(0, directories.length), layer.name).toEqual(directories);
      expect(directories, layer.name).toEqual(directories.toSorted(comparePaths));
    }
  });

  it("name every parent before what is in it, in the layer or below", async () => {
    const byDigest = new Map((await samples().archives()).map((archive) => [archive.layer.digest, archive]));
    for (const image of samples().images) {
      for (const { platform, layers } of image.platforms) {
        const below = new Set([""]);
        for (const { digest } of layers) {
          for (const { name, type } of byDigest.get(digest)?.entries ?? []) {
            const path = name.replace(/\/$/, "");
            if (!below.has(parentOf(path))) expect.fail(`${image.image} ${platform}: ${path} comes before its parent`);
            if (type === "5") below.add(path);
          }
        }
        expect(below.size).toBeGreaterThan(1);
      }
    }
  });

  it("have hard links to files that came before, in the same layer", async () => {
    for (const { layer, entries } of await samples().archives()) {
      const files = new Set<string>();
      for (const { name, link, type } of entries) {
        if (type === "0") files.add(name);
        if (type === "1") expect(files.has(link), `${name} -> ${link} in ${layer.name}`).toBe(true);
      }
    }
  });

  it("give the epoch to directories and file sets, and no package a time of the build", async () => {
    for (const { layer, entries } of await samples().archives()) {
      const ofFiles = (layer.image === "web" && layer.index > 0) || (layer.image === "markdown" && layer.index > 1);
      const fixed = ofFiles ? entries : entries.filter(({ type }) => type === "5");
      expect(fixed.length, layer.name).toBeGreaterThan(0);
      expect([...new Set(fixed.map(({ mtime }) => mtime))], layer.name).toEqual([layer.epoch]);
    }
  });
}
