import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { inspectTarball } from "../../../pipeline/source/npm/tarball.ts";
import { pax, type RawEntry, rawTar } from "../debian/tiny-deb.ts";
import { scene } from "../../support.ts";
import { unpackPlace } from "./trees.ts";

type Place = Parameters<typeof unpackPlace>[0];

const plain: Place = { location: "node_modules/a", bins: [], executable: [], drop: [], bundled: [] };
const file = (name: string, content = name, mode = 0o644): RawEntry => ({ name: `package/${name}`, content, mode });

async function unpack(entries: readonly RawEntry[], place: Partial<Place> = {}) {
  const { tree, scripts } = await unpackPlace({ ...plain, ...place }, gzipSync(rawTar(entries)));
  const files = Object.entries(tree).filter(([, text]) => !text.startsWith("directory"));
  return { files: files.map(([path, text]) => `${path} ${text.split(" ").slice(0, 2).join(" ")}`), scripts };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof LockstepError) return error.code;
    throw error;
  }
  return "";
}

describe("modes", () => {
  it("are those npm gives: readable, writable by the owner, executable as the archive says, never set-id", async () => {
    const modes = [0o000, 0o600, 0o644, 0o666, 0o744, 0o755, 0o777, 0o4755, 0o2711];
    const { files } = await unpack(modes.map((mode) => file(mode.toString(8), "", mode)));
    expect(files).toEqual([
      "node_modules/a/0 file 644",
      "node_modules/a/2711 file 755",
      "node_modules/a/4755 file 755",
      "node_modules/a/600 file 644",
      "node_modules/a/644 file 644",
      "node_modules/a/666 file 644",
      "node_modules/a/744 file 744",
      "node_modules/a/755 file 755",
      "node_modules/a/777 file 755",
    ]);
  });
});

describe("commands", () => {
  const bins = [
    { link: "node_modules/.bin/x", file: "x.js" },
    { link: "node_modules/.bin/gone", file: "gone.js" },
    { link: "node_modules/.bin/dir", file: "lib" },
  ];

  it("are linked where their file is there, and executable", async () => {
    const { files } = await unpack([file("x.js"), file("lib/y.js"), file("z.js")], { bins, executable: ["z.js"] });
    expect(files).toEqual([
      "node_modules/.bin/dir symlink ../a/lib",
      "node_modules/.bin/x symlink ../a/x.js",
      "node_modules/a/lib/y.js file 644",
      "node_modules/a/x.js file 755",
      "node_modules/a/z.js file 755",
    ]);
  });
});

describe("nested packages", () => {
  it("take the place of what the archive has there", async () => {
    const entries = [file("node_modules/b/old.js"), file("node_modules/bb/kept.js"), file("index.js")];
    expect((await unpack(entries, { drop: ["node_modules/b"] })).files).toEqual([
      "node_modules/a/index.js file 644",
      "node_modules/a/node_modules/bb/kept.js file 644",
    ]);
  });

  it("LS2511: that are bundled must be in the archive", async () => {
    const bundled = ["node_modules/b"];
    expect(await codeOf(unpack([file("index.js")], { bundled }))).toBe("LS2511");
    expect(await codeOf(unpack([file("node_modules/b/package.json")], { bundled }))).toBe("");
  });
});

describe("scripts", () => {
  const scriptsOf = async (manifest: unknown, ...more: readonly RawEntry[]) =>
    (await unpack([file("package.json", typeof manifest === "string" ? manifest : JSON.stringify(manifest)), ...more]))
      .scripts;

  it("that npm would run after unpacking are told, and no others", async () => {
    const scripts = { install: "node i.js", postinstall: "node p.js", prepare: "tsc", test: "x", preinstall: "" };
    expect(await scriptsOf({ scripts })).toEqual(["install: node i.js", "postinstall: node p.js"]);
  });

  it("are node-gyp's for a package with a binding.gyp that has none of its own", async () => {
    const gyp = file("binding.gyp", "{}");
    expect(await scriptsOf({}, gyp)).toEqual(["install: node-gyp rebuild"]);
    expect(await scriptsOf({ gypfile: false }, gyp)).toEqual([]);
    expect(await scriptsOf({ scripts: { install: "true" } }, gyp)).toEqual(["install: true"]);
    expect(await scriptsOf({}, file("sub/binding.gyp"))).toEqual([]);
  });

  it("of a package.json that is none are none", async () => {
    expect(await scriptsOf("not JSON")).toEqual([]);
    expect(await scriptsOf("null")).toEqual([]);
  });
});

describe("hostile archives", () => {
  it.each<readonly [string, string, readonly RawEntry[]]>([
    ["LS4003", "a path that climbs out", [file("../../x")]],
    ["LS4003", "an absolute path", [{ name: "/etc/passwd", content: "x" }]],
    ["LS4003", "a path that climbs out by an extended header", [pax({ path: "package/../../x" }), file("x")]],
    ["LS4004", "a device", [{ name: "package/null", flag: "3" }]],
    ["LS4004", "a pipe", [{ name: "package/pipe", flag: "6" }]],
    ["LS4006", "a file that is a directory too", [file("a"), file("a/b")]],
    ["LS4006", "a directory that is a file too", [file("a/b"), file("a")]],
    ["LS4007", "a name that is no UTF-8", [{ name: Buffer.from([0x70, 0x2f, 0xff]), content: "x" }]],
    ["LS4002", "a header with a wrong checksum", [{ ...file("x"), checksum: "0000000\0" }]],
  ])("%s: are refused for %s", async (code, _what, entries) => {
    expect(await codeOf(unpack(entries))).toBe(code);
  });

  it("give no links, hard or symbolic, as with npm", async () => {
    const links: readonly RawEntry[] = [
      { name: "package/s", flag: "2", link: "/etc/passwd" },
      { name: "package/h", flag: "1", link: "package/../../etc/passwd" },
    ];
    expect(await codeOf(unpack(links))).toBe("LS4003");
    expect((await unpack(links.slice(0, 1))).files).toEqual([]);
  });
});

async function inspect(bytes: Uint8Array): Promise<readonly string[]> {
  const { store } = scene();
  const { digest } = await store.put(bytes);
  return (await inspectTarball({ store, digest, place: { file: "a@1.0.0" } })).scripts;
}

describe("tarballs in the store", () => {
  const manifest = file("package.json", JSON.stringify({ scripts: { install: "x" } }));

  it("are read compressed, in several members, and plain", async () => {
    const tar = rawTar([manifest]);
    expect(await inspect(gzipSync(tar))).toEqual(["install: x"]);
    expect(await inspect(Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))]))).toEqual([
      "install: x",
    ]);
    expect(await inspect(tar)).toEqual(["install: x"]);
  });

  it("are read piece by piece when they are large, or say that they are", async () => {
    const large = gzipSync(rawTar([manifest, file("zeros", "\0".repeat(49 << 20))]), { level: 1 });
    expect(await inspect(large)).toEqual(["install: x"]);
    const lying = gzipSync(rawTar([manifest]));
    lying.writeUInt32LE(0xfffffff0, lying.length - 4);
    expect(await codeOf(inspect(lying))).toBe("LS4002");
  });

  it("LS4001, LS4002: that are cut or damaged are refused", async () => {
    const whole = gzipSync(rawTar([manifest, file("x", "y".repeat(5000))]));
    expect(await codeOf(inspect(whole.subarray(0, whole.length - 20)))).toBe("LS4002");
    expect(await codeOf(inspect(rawTar([manifest]).subarray(0, 600)))).toBe("LS4001");
    expect(await codeOf(inspect(Buffer.from("not a tarball at all")))).toBe("LS4001");
  });
});
