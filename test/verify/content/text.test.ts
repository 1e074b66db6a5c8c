import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffLines } from "../../../pipeline/verify/content/line-diff.ts";
import { judge } from "../../../pipeline/verify/content/tokens.ts";
import { compared, only, places } from "./compared.ts";

describe("tokens", () => {
  it.each([
    ["built 2026-11-26T00:06:20Z", "built 2025-01-01T10:00:00Z", "time", "date"],
    ["Thu Nov 26 00:06:20 UTC 2026", "Wed Jan  1 10:00:00 CET 2025", "time", "date"],
    ["Thu, 26 Nov 2026 00:06:20 +0000", "Wed, 01 Jan 2025 10:00:00 +0100", "time", "date"],
    ["Nov 26 2026 00:06:20", "Jan  1 2025 10:11:12", "time", "date"],
    ["26/Nov/2026:00:06:20 +0000", "01/Jan/2025:00:06:20 +0000", "time", "date"],
    ["%%CreationDate (D:20261126000620+00'00')", "%%CreationDate (D:20250101100000Z)", "time", "date"],
    ['.TH FOO 1 "November 2026"', '.TH FOO 1 "January 2025"', "time", "date"],
    ["Nov 26 00:06:20 starting", "Jan  1 10:00:00 starting", "time", "date"],
    ["Do 26. Nov 2026", "Mi 1. Jan 2025", "time", "date word"],
    ["epoch=1764115580", "epoch=1700000000", "time", "epoch"],
    ["ms: 1764115580123", "ms: 1700000000456", "time", "epoch"],
    ["took 3.21s", "took 12 ms", "time", "duration"],
    ["Copyright 2025", "Copyright 2026", "time", "year"],
    ["id 9b2e1c4a-0000-4000-8000-1234567890ab", "id 8b2e1c4a-1111-4000-8000-1234567890ab", "random", "uuid"],
    ["0123456789abcdef0123456789abcdef", "fedcba98765432100123456789abcdef", "random", "hex"],
    ["token AbCdEf0123456789xyz9", "token ZyXdEf9876543210abc1", "random", "base64"],
    ["/home/bob/src/x.c", "/home/alice/src/x.c", "path", "path"],
    ["/tmp/tmp.aB3dE5gH/x.c", "/tmp/tmp.Zz9dE5gH/x.c", "path random", "path temporary"],
    ["file:///build/a/b.js", "file:///build/c/b.js", "path", "path"],
    ["/usr/share/a", "/usr/share/b", "text", "path"],
    ["GCC: (Debian 12.2.0-14) 12.2.0", "GCC: (Debian 13.1.0-2) 13.1.0", "version", "version"],
    ["root@buildkitsandbox", "root@3f2a1b9c8d7e", "identity host", "account"],
    ["on 3f2a1b9c8d7e", "on 00aa1b9c8d7e", "random host", "container"],
    ["10.0.0.1", "10.0.0.2", "host", "address"],
    ["LANG=en_US.UTF-8", "LANG=C.UTF-8", "language", "locale"],
    ["PID 123", "PID 4567", "number", "number"],
    ["a  b", "a b", "white space", "space"],
    ["foo bar", "foo baz", "text", "word"],
  ])("of %j and %j", (a, b, natures, kinds) => {
    const verdict = judge(a, b);
    for (const nature of natures.split(" ").filter((word) => word !== "white" && word !== "space"))
      expect(verdict.natures).toContain(nature);
    expect(verdict.kinds.join(" ")).toBe(kinds);
  });

  it("are told in time that grows with the text, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 6 }), fc.nat(6), (unit, tail) => {
        const long = unit.repeat(3000);
        judge(`${long}${tail}`, `${long}!`);
        judge(long, `${unit}${long}`);
      }),
      { numRuns: 60 },
    );
  });
});

describe("the difference of lines", () => {
  it("leads from one text to the other, whatever they are", () => {
    const lines = fc.array(fc.nat(5), { maxLength: 40 });
    fc.assert(
      fc.property(lines, lines, (x, y) => {
        const made: number[] = [];
        let at = 0;
        for (const { a, endA, b, endB } of diffLines(Int32Array.from(x), Int32Array.from(y))) {
          made.push(...x.slice(at, a), ...y.slice(b, endB));
          at = endA;
        }
        expect([...made, ...x.slice(at)]).toEqual(y);
      }),
    );
  });

  it("is small where little changed, and found in time where much did", () => {
    const x = Int32Array.from({ length: 300_000 }, (_, index) => index % 7);
    const y = Int32Array.from({ length: 300_000 }, (_, index) => (index * 3) % 11);
    expect(diffLines(x, y).length).toBeGreaterThan(0);
    const z = Int32Array.from({ length: 300_000 }, (_, index) => index);
    expect(diffLines(z, z.with(5000, -1))).toEqual([{ a: 5000, endA: 5001, b: 5000, endB: 5001 }]);
    expect(diffLines(Int32Array.of(1, 1, 2, 1, 1), Int32Array.of(1, 1, 1, 1))).toEqual([
      { a: 2, endA: 3, b: 2, endB: 2 },
    ]);
  });
});

describe("text", () => {
  it("is compared line by line, with the grade and the nature of each", async () => {
    const a = "name: x\nbuilt: Thu Nov 26 00:06:20 UTC 2026\nby: bob\n";
    const b = "name: x\nbuilt: Wed Jan  1 10:00:00 UTC 2025\nby: alice\n";
    expect(await places("etc/issue", a, b)).toEqual(["line 2: clock", "line 3: content"]);
    expect(await only("etc/issue", a.slice(0, a.indexOf("by")), b.slice(0, b.indexOf("by")))).toMatchObject({
      format: "text",
      natures: ["time"],
      a: "built: Thu Nov 26 00:06:20 UTC 2026",
    });
  });

  it("has numbers of lines of the whole file, however long it is", async () => {
    const lines = Array.from({ length: 200_000 }, (_, index) => `line ${index}`);
    const other = lines.with(150_000, "another");
    expect(await places("big.txt", lines.join("\n"), other.join("\n"))).toEqual(["line 150001: content"]);
  });

  it("tells lines that moved from lines that changed", async () => {
    const finding = await only("a.txt", "alpha\nbeta\ngamma\ndelta\n", "gamma\nalpha\nbeta\ndelta\n");
    expect(finding).toMatchObject({ place: "order", grade: "content", natures: ["order"] });
    expect(
      await only("x.dist-info/RECORD", "app/a.py,1\napp/b.py,2\napp/c.py,3\n", "app/c.py,3\napp/b.py,2\napp/a.py,1\n"),
    ).toMatchObject({ grade: "cosmetic" });
  });

  it.each([
    ["byte order mark", "x\n", "\u{feff}x\n"],
    ["line ends", "x\ny\n", "x\r\ny\r\n"],
    ["trailing lines", "x\n", "x"],
  ])("has form: %s", async (place, a, b) => {
    expect(await only("a.txt", a, b)).toMatchObject({ place, grade: "cosmetic", natures: ["white space"] });
    // What starts a program is read to the last byte.
    expect(
      (await only("a", `#!/bin/sh\n${a}`, a === "x\n" && b.length > 2 ? `\u{feff}#!/bin/sh\nx\n` : `#!/bin/sh\n${b}`))
        .grade,
    ).toBe("content");
  });

  it("folds what is too much to be told line by line, and loses no grade", async () => {
    const a = Array.from({ length: 3000 }, (_, index) => `t=${1_700_000_000 + index}`);
    const b = a.map((line, index) => (index === 2500 ? "rm -rf /" : line.replace("t=17", "t=16")));
    const { findings } = await compared("log", a.join("\n"), b.join("\n"));
    expect(findings).toHaveLength(52);
    expect(findings.slice(50)).toMatchObject([
      { place: "lines", grade: "clock", natures: ["time"], facts: { count: 2949 } },
      { place: "lines", grade: "content", facts: { count: 1, first: 2501 }, b: "rm -rf /" },
    ]);
  });

  it("never prints what is secret", async () => {
    const said = JSON.stringify([
      await compared("etc/app.conf", "password = hunter2aaaa\nx\n", "password = swordfish99\nx\n"),
      await compared(
        "home/.npmrc",
        "//registry.example/:_authToken=npm_aaaaaaaaaaaaaaaaaaaaaaaa\n",
        "//registry.example/:_authToken=npm_bbbbbbbbbbbbbbbbbbbbbbbb\n",
      ),
      await compared(
        "etc/shadow",
        "root:$y$j9T$abcdefgh$0123456789abcdef:1:0:99999:7:::\n#\n",
        "root:$y$j9T$hgfedcba$fedcba9876543210:1:0:99999:7:::\n#\n",
      ),
      await compared(
        "etc/env",
        "U=https://bob:hunter2aaaa@host.example/\n",
        "U=https://bob:swordfish99@host.example/\n",
      ),
    ]);
    expect(said).not.toMatch(/hunter2|swordfish|npm_[ab]|abcdefgh|fedcba98/);
  });

  it("is the same words at another width", async () => {
    const a = "usage: app [-h]\n       [--list FILE]\n       [--all]\n\nmore\n";
    const b = "usage: app [-h] [--list FILE] [--all]\n\nmore\n";
    expect(await only("help.txt", a, b)).toMatchObject({
      place: "wrapping",
      grade: "content",
      natures: ["white space"],
      facts: { wrapped: true },
    });
    // A word that is another is told, whatever the width is.
    expect(await places("help.txt", a, b.replace("--all", "--any"))).not.toContain("wrapping: content");
  });

  it("has its items in another order, also when the last has no comma", async () => {
    const list = (...items: readonly string[]): string => `[\n  ${items.join(",\n  ")}\n]\n`;
    const a = list("'alpha' => 1", "'beta' => 2", "'gamma' => 3", "'delta' => 4");
    const b = list("'gamma' => 3", "'delta' => 4", "'alpha' => 1", "'beta' => 2");
    expect(await only("a.pl", a, b)).toMatchObject({ place: "order", natures: ["order"] });
    expect(await places("a.pl", a, a.replace("4\n", "4,\n"))).toEqual(["line 5: content"]);
  });
});

describe("JavaScript", () => {
  const map = (source: string): string =>
    Buffer.from(JSON.stringify({ version: 3, sources: [source], mappings: "AAAA" })).toString("base64");
  const script = (code: string, ...sources: readonly string[]): string =>
    [code, ...sources.map((one) => `//# sourceMappingURL=data:application/json;charset=utf-8;base64,${map(one)}`)].join(
      "\n",
    );

  it("has source maps inline, which are compared as what they are", async () => {
    const [a, b] = [script("run(1);", "/home/bob/src/a.js"), script("run(1);", "/home/eve/src/a.js")];
    expect(await only("dist/main.js", a, b)).toMatchObject({
      place: "main.js.1.map > sources[0]",
      natures: ["path"],
      facts: { sourceMap: true },
    });
    expect(await places("main.css", script("a{}", "x", "/src/a"), script("b{}", "x", "/src/b"))).toEqual([
      "main.css > line 1: content",
      "main.css.2.map > sources[0]: content",
    ]);
  });

  it("is text where the maps are not as many, or not written as Base64 is", async () => {
    const one = script("run(1);", "a.js");
    expect((await compared("a.js", one, `${one}\n${one}`)).findings.every(({ format }) => format === "text")).toBe(
      true,
    );
    // The last bits of Base64 that nobody reads.
    const loose = one.replace(/.(=+)$/, (_, end: string) => `/${end}`);
    expect((await compared("a.js", one, loose)).findings).not.toEqual([]);
  });
});
