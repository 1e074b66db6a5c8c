import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasProgram, run, temporaryDirectory } from "../../support.ts";
import { elf } from "../../corpus/formats/elf.ts";
import { compared, type Seen } from "./compared.ts";

const source = (text: string): string => `#include <stdio.h>
int main(void) { puts("${text}"); return 0; }
`;

/** Compiles a program in a directory of its own. */
function compile(text: string, args: readonly string[] = [], directory = "src"): Buffer {
  const work = join(temporaryDirectory(), directory);
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, "main.c"), source(text));
  const { status, stderr } = run("gcc", ["-o", "out", ...args, "main.c"], { cwd: work });
  if (status !== 0) throw new Error(stderr.toString("utf8"));
  return readFileSync(join(work, "out"));
}

async function found(a: Buffer, b: Buffer): Promise<readonly Seen[]> {
  const { findings, unread } = await compared("usr/bin/app", a, b);
  expect(unread).toEqual([]);
  for (const { format } of findings) expect(format).toBe("elf");
  return findings;
}

const noId = ["-Wl,--build-id=none"];

describe.skipIf(!hasProgram("gcc"))("ELF (needs gcc)", () => {
  it("has a build id", async () => {
    const findings = await found(
      compile("hello", ["-Wl,--build-id=0x0102030405060708"]),
      compile("hello", ["-Wl,--build-id=0x0102030405060709"]),
    );
    expect(findings).toMatchObject([
      { place: ".note.gnu.build-id > build id", grade: "cosmetic", a: "0102030405060708", b: "0102030405060709" },
    ]);
  });

  it("has the time of compilation among its texts", async () => {
    const [a, b] = [compile("built Nov 26 2026 00:06:20", noId), compile("built Jan  1 2025 10:00:00", noId)];
    const [finding, ...rest] = await found(a, b);
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      grade: "clock",
      natures: ["time"],
      a: "built Nov 26 2026 00:06:20",
      facts: { section: ".rodata" },
    });
    expect(finding?.place).toMatch(/^\.rodata > string \d+$/);
  });

  it("has texts of other lengths, and machine code", async () => {
    const findings = await found(compile("short", noId), compile("very much longer than the other", noId));
    expect(findings.map(({ place }) => place)).toContain(".rodata > size");
    const plain = compile("x", [...noId, "-O0"]);
    const fast = compile("x", [...noId, "-O2"]);
    const code = (await found(plain, fast)).find(({ place }) => place.startsWith(".text > "));
    expect(code).toMatchObject({ grade: "content", natures: ["machine code"] });
  });

  it.each([[["-gdwarf-5"]], [["-gdwarf-4"]], [["-gdwarf-5", "-gz=zlib"]]])(
    "has the directory of the build in its debug information: %j",
    async (args) => {
      const findings = await found(compile("x", [...noId, ...args], "bob"), compile("x", [...noId, ...args], "sue"));
      const directory = findings.find(({ place }) => place.endsWith("DW_AT_comp_dir"));
      expect(directory).toMatchObject({ place: ".debug_info > DW_AT_comp_dir", grade: "cosmetic", natures: ["path"] });
      expect(directory?.a).toMatch(/\/bob$/);
      expect(directory?.b).toMatch(/\/sue$/);
      for (const { grade, place } of findings)
        if (place !== "program headers") expect([place, grade]).toEqual([place, "cosmetic"]);
    },
  );

  it.skipIf(!hasProgram("strip"))("has symbols, sections and a compiler (needs strip)", async () => {
    const whole = compile("x", noId);
    const work = temporaryDirectory();
    const changed = (program: string, ...args: readonly string[]): Buffer => {
      writeFileSync(join(work, "in"), whole);
      run(program, [...args, join(work, "in")]);
      return readFileSync(join(work, "in"));
    };
    const stripped = await found(whole, changed("strip"));
    expect(stripped.map(({ place }) => place)).toEqual(
      expect.arrayContaining([".symtab > presence", ".strtab > presence"]),
    );
    expect(
      (await found(whole, changed("strip", "--strip-symbol=main"))).find(({ place }) => place === ".symtab > symbols"),
    ).toMatchObject({ grade: "cosmetic", facts: { onlyA: 1 } });
    writeFileSync(join(work, "comment"), "GCC: (Debian 99.1.0-1) 99.1.0\0");
    const comment = await found(whole, changed("objcopy", "--update-section", `.comment=${join(work, "comment")}`));
    expect(comment.find(({ place }) => place === ".comment > compiler")).toMatchObject({
      grade: "cosmetic",
      natures: expect.arrayContaining(["version"]) as unknown,
    });
  });

  it("is followed where a section without bytes lies beyond the end, as Go's linker writes it", async () => {
    const beyond = (rodata: string): Buffer => {
      const bytes = elf({ rodata, more: { ".noptrbss": Buffer.from("x") } });
      const headers = Number(bytes.readBigUInt64LE(40));
      // The third header after the one of no section: its type is SHT_NOBITS.
      bytes.writeUInt32LE(8, headers + 3 * 64 + 4);
      bytes.writeBigUInt64LE(1n << 40n, headers + 3 * 64 + 24);
      return bytes;
    };
    const seen = await compared("app", beyond("built 2026-01-02\0"), beyond("built 2026-03-04\0"));
    expect(seen.unread).toEqual([]);
    expect(seen.findings).toMatchObject([{ format: "elf", grade: "clock", facts: { section: ".rodata" } }]);
  });

  it("hides nothing behind its last section", async () => {
    const whole = compile("x", noId);
    const findings = await found(whole, Buffer.concat([whole, Buffer.from("payload")]));
    expect(findings).toMatchObject([{ place: "bytes between sections", grade: "content" }]);
  });

  it("that lies about its tables is compared by its bytes", async () => {
    const whole = compile("x", noId);
    const broken = Buffer.from(whole);
    broken.writeBigUInt64LE(2n ** 60n, 40);
    const { findings, unread } = await compared("app", whole, broken);
    expect(unread).toEqual(["it cannot be followed as elf: its section headers are not whole"]);
    expect(findings.at(-1)).toMatchObject({ format: "bytes", place: "bytes 40", grade: "content" });
  });
});

describe.skipIf(!hasProgram("go"))("programs of Go (needs go)", () => {
  it("have settings of their build", async () => {
    const build = (version: string, name: string): Buffer => {
      const work = join(temporaryDirectory(), name);
      mkdirSync(work);
      writeFileSync(join(work, "go.mod"), `module app.example/app\n\ngo 1.20\n`);
      writeFileSync(join(work, "main.go"), "package main\n\nfunc main() { println(1) }\n");
      const env = { ...process.env, GOFLAGS: "-mod=mod", CGO_ENABLED: "0", GOCACHE: join(work, "cache") } as Record<
        string,
        string
      >;
      const { status, stderr } = run(
        "go",
        ["build", "-buildvcs=false", `-ldflags=-X main.v=${version}`, "-o", "out", "."],
        { cwd: work, env },
      );
      if (status !== 0) throw new Error(stderr.toString("utf8"));
      return readFileSync(join(work, "out"));
    };
    const { findings } = await compared("app", build("1", "one"), build("2", "two"));
    expect(findings.map(({ place }) => place)).toContain(".go.buildinfo > build setting -ldflags");
    expect(findings.find(({ place }) => place.endsWith("Go build id"))).toMatchObject({ grade: "cosmetic" });
  }, 300_000);
});
