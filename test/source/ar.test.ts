import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { arMembers } from "../../pipeline/source/ar.ts";
import { ByteReader } from "../../pipeline/tree/bytes.ts";
import { collect, hasProgram, run, temporaryDirectory } from "../support.ts";
import { rawAr } from "./debian/tiny-deb.ts";

async function members(bytes: Uint8Array, readContent = true): Promise<readonly string[]> {
  const source = (async function* () {
    for (let offset = 0; offset < bytes.length; offset += 37) yield bytes.subarray(offset, offset + 37);
  })();
  const found: string[] = [];
  for await (const { name, size, content } of arMembers(new ByteReader(source, { file: "a" })))
    found.push(`${name} ${size}${readContent ? ` ${(await collect(content)).toString()}` : ""}`);
  return found;
}

const two = [
  { name: "debian-binary", content: Buffer.from("2.0\n") },
  { name: "odd/", content: Buffer.from("abc") },
  { name: "last", content: Buffer.from("") },
];

describe("arMembers", () => {
  it("gives members in order, read or left", async () => {
    expect(await members(rawAr(two))).toEqual(["debian-binary 4 2.0\n", "odd 3 abc", "last 0 "]);
    expect(await members(rawAr(two), false)).toEqual(["debian-binary 4", "odd 3", "last 0"]);
    expect(await members(rawAr([]))).toEqual([]);
  });

  it.skipIf(!hasProgram("ar"))("reads what ar(1) writes", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "one"), "first\n");
    writeFileSync(join(directory, "two"), "odd");
    run("ar", ["qcD", "archive", "one", "two"], { cwd: directory });
    const { readFileSync } = await import("node:fs");
    expect(await members(readFileSync(join(directory, "archive")))).toEqual(["one 6 first\n", "two 3 odd"]);
  });

  it.each([
    ["LS4002", Buffer.from("!<arch>")],
    ["LS4002", Buffer.from("!<arkk>\nxxxxx")],
    ["LS4002", rawAr([{ ...two[0], name: "a", content: Buffer.from("x"), size: "1e3" }])],
    ["LS4002", rawAr([{ name: "a", content: Buffer.from("x"), size: " " }])],
    ["LS4002", Buffer.concat([rawAr(two.slice(0, 1)), Buffer.alloc(60, 0x20)])],
    ["LS4001", Buffer.concat([rawAr(two.slice(0, 1)), Buffer.from("half a header")])],
    ["LS4001", rawAr([{ name: "a", content: Buffer.from("x"), size: "5" }])],
  ])("refuses what is damaged (%s)", async (code, bytes) => {
    // A magic line that is cut is told as truncated or as no archive; both are refused.
    await expect(members(bytes)).rejects.toThrow(bytes.length === 7 ? /^LS400[12] a / : new RegExp(`^${code} a `));
    await expect(members(bytes, false)).rejects.toThrow(/^LS400[12] a /);
  });
});
