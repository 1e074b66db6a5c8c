import { describe, expect, it } from "vitest";
import { problemsOfText, specOfText } from "./read.ts";

const sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

function http(text: string, platforms = "[linux/amd64, linux/arm64]"): string {
  return `name: web\nplatforms: ${platforms}\nlayers:\n  - http: ${text}\n`;
}

describe("an http layer", () => {
  it("has a source for each platform and every default written out", async () => {
    const { layers } = await specOfText(
      http('{ url: "https://files.example/tool", into: /usr/bin/tool, mode: "0755" }'),
    );
    const source = { url: "https://files.example/tool" };
    expect(layers[0]).toEqual({
      kind: "http",
      place: { file: "images/web/image.yaml", line: 4, column: 5 },
      sources: { "linux/amd64": source, "linux/arm64": source },
      into: "/usr/bin/tool",
      unpack: "none",
      strip: 0,
      include: [],
      exclude: [],
      owner: { uid: 0, gid: 0 },
      mode: [{ glob: "**", mode: 0o755 }],
    });
  });

  it("may have one URL and hash for each platform", async () => {
    const url = 'url: { linux/amd64: "https://files.example/a", linux/arm64: "https://files.example/b" }';
    const hashes = `sha256: { linux/amd64: "${sha256}", linux/arm64: "${sha256}" }`;
    const { layers } = await specOfText(http(`{ ${url}, ${hashes}, into: /srv/, unpack: tar, strip: 1 }`));
    expect(layers[0]).toMatchObject({
      sources: {
        "linux/amd64": { url: "https://files.example/a", sha256 },
        "linux/arm64": { url: "https://files.example/b", sha256 },
      },
      strip: 1,
    });
  });

  it.each([
    ["https://user:secret@files.example/a", "has a user or a password in it"],
    ["http://files.example/a", "is not an https address"],
    ["http://127.0.0.1.files.example/a", "is not an https address"],
    ["https://files.example/a#b", "has a fragment"],
    ["https://files.example/a/../b", "is not in the one form of its kind; write https://files.example/b"],
    ["https://files.example", "is not in the one form of its kind; write https://files.example/"],
    ["https://FILES.example/a", "is not in the one form of its kind; write https://files.example/a"],
    ["https://files.example:443/a", "is not in the one form of its kind; write https://files.example/a"],
    ["https://:80/", "is not an address"],
  ])("LS2030: refuses the URL %s, and shows no secret of it", async (url, why) => {
    const [line = "", ...more] = await problemsOfText(http(`{ url: "${url}", into: /a }`));
    expect(more).toEqual([]);
    expect(line).toMatch(/^LS2030 images\/web\/image.yaml:4:18 layers\[0\]\.http\.url /);
    expect(line).toContain(why);
    expect(line).not.toContain("secret@");
  });

  it.each(["http://127.0.0.1:8080/a", "http://localhost/a", "http://[::1]:9/a"])(
    "may name an address of the machine itself: %s",
    async (url) => {
      expect(await problemsOfText(http(`{ url: "${url}", into: /a }`))).toEqual([]);
    },
  );

  it.each([
    ['url: { linux/amd64: "https://files.example/a" }', "[linux/amd64, linux/arm64]", "has nothing for linux/arm64"],
    [
      'url: { linux/amd64: "https://files.example/a", linux/arm64: "https://files.example/b" }',
      "[linux/amd64]",
      "has something for linux/arm64",
    ],
    [
      `url: { linux/amd64: "https://files.example/a" }, sha256: "${sha256}"`,
      "[linux/amd64]",
      "is one for several files",
    ],
    [
      `url: "https://files.example/a", sha256: { linux/amd64: "${sha256}" }`,
      "[linux/amd64]",
      "are several for one file",
    ],
  ])("LS2031: refuses %s for %s", async (keys, platforms, why) => {
    const [line = "", ...more] = await problemsOfText(http(`{ ${keys}, into: /a }`, platforms));
    expect(more).toEqual([]);
    expect(line).toMatch(/^LS2031 /);
    expect(line).toContain(why);
  });

  it.each([
    ["into: /a, strip: 1", "is for archives"],
    ["into: /a, include: [x]", "is for archives"],
    ["into: /a, exclude: [x]", "is for archives"],
    ['into: /a, mode: { "x": "0644" }', "is by glob"],
    ['into: /a, unpack: tar, mode: "0644"', "is one for all of an archive"],
  ])("LS2033: refuses %s", async (keys, why) => {
    const lines = await problemsOfText(http(`{ url: "https://files.example/a", ${keys} }`));
    expect(lines.join("\n")).toContain(why);
    expect(lines.map((line) => line.slice(0, 6))).toEqual(["LS2033"]);
  });

  it("LS2033: refuses to keep a name that the URL does not give", async () => {
    for (const url of ["https://files.example/", "https://files.example/%2e%2e%2f", "https://files.example/a%2Fb"]) {
      const lines = await problemsOfText(http(`{ url: "${url}", into: /srv/ }`));
      expect(lines.join("\n")).toContain("LS2033");
    }
  });

  it("LS2007 and LS2008: refuses globs and modes that mean something else than they seem", async () => {
    const url = 'url: "https://files.example/a", into: /a';
    expect((await problemsOfText(http(`{ ${url}, unpack: tar, include: [/bin] }`))).join()).toContain("LS2007");
    expect((await problemsOfText(http(`{ ${url}, unpack: tar, mode: { "a/": "0755" } }`))).join()).toContain("LS2007");
    expect((await problemsOfText(http(`{ ${url}, mode: 0755 }`))).join()).toContain("LS2008");
  });

  it("LS2017 and LS2018: refuses paths in the image like any other layer", async () => {
    const at = (into: string): Promise<readonly string[]> =>
      problemsOfText(http(`{ url: "https://files.example/a", into: ${into} }`));
    expect((await at("/a/../b")).join()).toContain("LS2017");
    expect((await at("/etc/passwd")).join()).toContain("LS2018");
    expect((await at("/bin/tool")).join()).toContain("LS2018");
  });
});
