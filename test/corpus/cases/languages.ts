/** Pairs for the rows L of the catalogue. */
import { deflateRawSync, gzipSync } from "node:zlib";
import type { TarItem } from "../../verify/tar-of.ts";
import { adding, both, each, files, image, isFile, noise, prose } from "../base.ts";
import type { Case } from "../case.ts";
import { ar, pdf, png } from "../formats/binary.ts";
import { elf } from "../formats/elf.ts";

const manifest = (name: string, version: string, more: object = {}): string =>
  `${JSON.stringify({ name, version, ...more }, null, 2)}\n`;
const moduleOf = (name: string, version: string, code: string, more: object = {}) => [
  { name: `app/node_modules/${name}/package.json`, content: manifest(name, version, more) },
  { name: `app/node_modules/${name}/index.js`, content: code },
];
const npm = (...items: readonly TarItem[]) => ({ items: { dependencies: adding(...items) } });

const sourceMap = (root: string): string =>
  JSON.stringify({
    version: 3,
    file: "app.js",
    sources: [`${root}/src/main.ts`, `${root}/src/routes.ts`],
    names: ["a"],
    mappings: "AAAA,SAASA",
  });
const record = (lines: readonly string[]): string => `${lines.join("\n")}\n`;
const recordLines = [
  "app/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0",
  "app/main.py,sha256=2jmj7l5rSw0yVb_vlWAYkK_YBwk,31",
  "app-1.0.dist-info/METADATA,sha256=9dEqWs,80",
  "app-1.0.dist-info/RECORD,,",
];
const go = (path: string, settings: string): string => `path\t${path}\nmod\t${path}\t(devel)\n${settings}`;
const python = "usr/lib/python3/dist-packages";
/** Machine code in its look: as much of it as a compiler gives for a small function. */
const code = (seed: number): Buffer =>
  Buffer.concat([Buffer.from("554889e54883ec20", "hex"), noise(900, seed), Buffer.from("c9c3", "hex")]);

export const languageCases: readonly Case[] = [
  {
    cause: "L1",
    what: "npm install resolved a newer version",
    ...both(
      npm(...moduleOf("left-pad", "1.3.0", "module.exports = 1;\n")),
      npm(...moduleOf("left-pad", "1.3.1", "module.exports = 2;\n")),
    ),
  },
  {
    cause: "L1",
    what: "npm install found another transitive package",
    ...both(
      npm(),
      npm(...moduleOf("pad-start", "0.1.2", "module.exports = 2;\n"), {
        name: "app/node_modules/left-pad/package.json",
        content: manifest("left-pad", "1.3.1", { dependencies: { "pad-start": "^0.1.0" } }),
      }),
    ),
  },
  {
    cause: "L2",
    what: "npm's copy of the lock file names the directory",
    ...files(
      "dependencies",
      "app/node_modules/.package-lock.json",
      manifest("src-8f2a", "1.0.0", { lockfileVersion: 3, packages: {} }),
      manifest("checkout", "1.0.0", { lockfileVersion: 3, packages: {} }),
    ),
  },
  {
    cause: "L3",
    what: "npm's logs and cache on one side",
    ...files("dependencies", {
      "root/.npm/_logs/2024-01-01T10_00_00_000Z-debug-0.log": [undefined, "0 verbose cli /usr/bin/node\n"],
      "root/.npm/_cacache/index-v5/0a/1b/2c3d": [undefined, "x\n"],
      "root/.npm/_update-notifier-last-checked": [undefined, ""],
    }),
  },
  {
    cause: "L4",
    what: "another npm wrote the lock file",
    ...files(
      "sources",
      "app/package-lock.json",
      manifest("app", "1.0.0", { lockfileVersion: 3, packages: { "node_modules/react-dom": { version: "18.3.1" } } }),
      manifest("app", "1.0.0", {
        lockfileVersion: 3,
        packages: { "node_modules/react-dom": { version: "18.3.1", peer: true } },
      }),
    ),
  },
  {
    cause: "L5",
    what: "optional packages of the machine that installed",
    ...both(
      npm(...moduleOf("@esbuild/linux-x64", "0.25.0", "1\n", { os: ["linux"], cpu: ["x64"] })),
      npm(...moduleOf("@esbuild/darwin-arm64", "0.25.0", "1\n", { os: ["darwin"], cpu: ["arm64"] })),
    ),
  },
  {
    cause: "L6",
    what: "an install script downloaded a program",
    ...both(
      npm(...moduleOf("puppeteer", "23.0.0", "1\n", { scripts: { install: "node install.mjs" } })),
      npm(...moduleOf("puppeteer", "23.0.0", "1\n", { scripts: { install: "node install.mjs" } }), {
        name: "app/node_modules/puppeteer/.local-chromium/linux-1300/chrome",
        mode: 0o755,
        content: elf({ text: code(5) }),
      }),
    ),
  },
  {
    cause: "L7",
    what: "node-gyp wrote paths of the build",
    ...files("dependencies", {
      "app/node_modules/bcrypt/build/config.gypi": [
        "{ 'variables': { 'nodedir': '/home/ci/.cache/node-gyp/22.1.0', 'cache': '/tmp/npm-1' } }\n",
        "{ 'variables': { 'nodedir': '/home/me/.cache/node-gyp/22.1.0', 'cache': '/tmp/npm-7' } }\n",
      ],
      "app/node_modules/bcrypt/build/Makefile": [
        "srcdir := ..\nabs_srcdir := /build/a/node_modules/bcrypt\n",
        "srcdir := ..\nabs_srcdir := /build/b/node_modules/bcrypt\n",
      ],
      "app/node_modules/bcrypt/build/Release/bcrypt.node": [
        elf({
          buildId: "00112233445566778899aabbccddeeff00112233",
          rodata: "/build/a/node_modules/bcrypt/src/bcrypt.cc\0",
        }),
        elf({
          buildId: "ffeeddccbbaa99887766554433221100ffeeddcc",
          rodata: "/build/b/node_modules/bcrypt/src/bcrypt.cc\0",
        }),
      ],
    }),
  },
  {
    cause: "L8",
    what: "a bundler gave chunks other names and hashes",
    ...files("built", {
      "app/dist/main.3f2a9c1b.js": ['(()=>{var e=17;console.log("app",e)})();\n', undefined],
      "app/dist/main.b7e01d44.js": [undefined, '(()=>{var e=42;console.log("app",e)})();\n'],
    }),
  },
  {
    cause: "L8",
    what: "a bundle has paths of the machine",
    ...files(
      "built",
      "app/dist/bundle.min.js",
      '!function(){var n={"/home/alice/app/src/a.js":1};console.log(n)}();\n',
      '!function(){var n={"/builds/7/app/src/a.js":1};console.log(n)}();\n',
    ),
  },
  {
    cause: "L9",
    what: "a source map has paths of the machine",
    ...files("built", "app/dist/app.js.map", sourceMap("/home/alice/app"), sourceMap("/builds/7/app")),
  },
  {
    cause: "L10",
    what: "pip's RECORD in another order",
    ...files("packages", `${python}/app-1.0.dist-info/RECORD`, record(recordLines), record(recordLines.toReversed())),
  },
  {
    cause: "L10",
    what: "pip noted where it installed from",
    ...files(
      "packages",
      `${python}/app-1.0.dist-info/direct_url.json`,
      '{"dir_info": {}, "url": "file:///build/a/app"}',
      '{"dir_info": {}, "url": "file:///tmp/pip-req-build-k3x/app"}',
    ),
  },
  {
    cause: "L11",
    what: "Go noted the state of the checkout",
    ...files(
      "built",
      "opt/tool/tool",
      elf({
        goBuildId: "abc/def/ghi/jkl",
        goBuildInfo: go(
          "example/tool",
          "build\tvcs.revision=1111111111111111111111111111111111111111\nbuild\tvcs.modified=false\n",
        ),
      }),
      elf({
        goBuildId: "mno/pqr/stu/vwx",
        goBuildInfo: go(
          "example/tool",
          "build\tvcs.revision=1111111111111111111111111111111111111111\nbuild\tvcs.modified=true\n",
        ),
      }),
    ),
  },
  {
    cause: "L11",
    what: "Go without -trimpath",
    ...files(
      "built",
      "opt/tool/tool",
      elf({
        goBuildId: "abc/def/ghi/jkl",
        rodata: "/home/alice/go/pkg/mod/example.com/lib@v1.2.3/lib.go\0runtime.main\0",
      }),
      elf({ goBuildId: "zzz/def/ghi/jkl", rodata: "/root/go/pkg/mod/example.com/lib@v1.2.3/lib.go\0runtime.main\0" }),
    ),
  },
  {
    cause: "L12",
    what: "paths of cargo in a program",
    ...files(
      "built",
      "opt/tool/tool",
      elf({
        comment: "rustc version 1.90.0\0",
        rodata: "/home/alice/.cargo/registry/src/index.example-1949cf8c/serde-1.0.0/src/de.rs\0panicked\0",
      }),
      elf({
        comment: "rustc version 1.90.0\0",
        rodata: "/usr/local/cargo/registry/src/index.example-1949cf8c/serde-1.0.0/src/de.rs\0panicked\0",
      }),
    ),
  },
  {
    cause: "L13",
    what: "ar without deterministic mode",
    ...files(
      "built",
      "opt/tool/libtool.a",
      ar([{ name: "a.o", content: elf({}), mtime: 1_704_067_201, uid: 1000, gid: 1000 }]),
      ar([{ name: "a.o", content: elf({}), mtime: 1_704_090_000, uid: 1000, gid: 1000 }]),
    ),
  },
  {
    cause: "L14",
    what: "the path of the build in debug information",
    ...files(
      "built",
      "opt/tool/tool",
      elf({ debugStrings: "GNU C17 14.2.0 -g -O2\0/home/alice/tool-1.2\0tool.c\0" }),
      elf({ debugStrings: "GNU C17 14.2.0 -g -O2\0/builds/7f3a/tool-1.2\0tool.c\0" }),
    ),
  },
  {
    cause: "L15",
    what: "the linker's build id alone",
    ...files(
      "built",
      "opt/tool/tool",
      elf({ buildId: "00112233445566778899aabbccddeeff00112233" }),
      elf({ buildId: "ffeeddccbbaa99887766554433221100ffeeddcc" }),
    ),
  },
  {
    cause: "L16",
    what: "a generator wrote its table in the order of hashes",
    ...files(
      "built",
      "opt/tool/names.json",
      '{"alpha": 1, "beta": 2, "gamma": 3, "delta": 4}\n',
      '{"gamma": 3, "alpha": 1, "delta": 4, "beta": 2}\n',
    ),
  },
  {
    cause: "L16",
    what: "a generated list in another order",
    ...files(
      "built",
      "opt/tool/symbols.txt",
      "alpha\nbeta\ngamma\ndelta\nepsilon\n",
      "delta\nalpha\nepsilon\ngamma\nbeta\n",
    ),
  },
  {
    cause: "L19",
    what: "compiled for the processor of the machine",
    ...files(
      "built",
      "opt/tool/tool",
      elf({
        text: code(1),
        comment: "GCC: (Debian 14.2.0-19) 14.2.0\0 -march=haswell\0",
        more: {
          ".note.gnu.property": Buffer.from("040000001000000005000000474e5500028000c0040000000300000000000000", "hex"),
        },
      }),
      elf({
        text: code(2),
        comment: "GCC: (Debian 14.2.0-19) 14.2.0\0 -march=znver4\0",
        more: {
          ".note.gnu.property": Buffer.from("040000001000000005000000474e5500028000c0040000000f00000000000000", "hex"),
        },
      }),
    ),
  },
  {
    cause: "L18",
    or: ["L17", "L19"],
    what: "machine code tuned on the machine",
    ...files("built", "opt/tool/libatlas.so", elf({ text: code(1) }), elf({ text: code(2) })),
  },
  {
    cause: "L20",
    what: "a temporary name in what was made",
    ...files(
      "built",
      "opt/tool/config.sh",
      "#!/bin/sh\n. /tmp/tmp.k3JQ9xWz1A/env\n",
      "#!/bin/sh\n. /tmp/tmp.Zp0aRr7uYc/env\n",
    ),
  },
  {
    cause: "L21",
    what: "numbers by the rules of a language",
    ...files("built", "opt/tool/stats.txt", "files: 12,345\nratio: 3.14\n", "files: 12.345\nratio: 3,14\n"),
  },
  {
    cause: "L21",
    what: "names of months in two languages",
    ...files("built", "opt/tool/release.txt", "Released in March, on a Monday.\n", "Released in März, on a Montag.\n"),
  },
  {
    cause: "L22",
    what: "an asset compressed at another level",
    ...files(
      "built",
      "app/dist/app.js.gz",
      gzipSync(prose(20_000, 3), { level: 6 }),
      gzipSync(prose(20_000, 3), { level: 9 }),
    ),
  },
  {
    cause: "L23",
    what: "a picture has the date of its making",
    ...files(
      "built",
      "opt/tool/logo.png",
      png({ "date:create": "2024-01-01T10:00:00+00:00", Software: "gnuplot" }),
      png({ "date:create": "2024-01-03T09:12:44+00:00", Software: "gnuplot" }),
    ),
  },
  {
    cause: "L23",
    what: "a document has the date of its making and an id",
    ...files(
      "built",
      "opt/tool/manual.pdf",
      pdf("20240101100000Z", "0123456789abcdef0123456789abcdef"),
      pdf("20240103091244Z", "fedcba9876543210fedcba9876543210"),
    ),
  },
  {
    cause: "L24",
    what: "git's own data in the image",
    ...files("sources", {
      "app/.git/index": [undefined, Buffer.concat([Buffer.from("DIRC"), noise(200)])],
      "app/.git/HEAD": [undefined, "ref: refs/heads/main\n"],
      "app/.git/logs/HEAD": [undefined, "0 1 a <a@mail.example> 1704067200 +0000\tclone\n"],
    }),
  },
  {
    cause: "L24",
    what: "the index of two checkouts",
    ...files(
      "sources",
      "app/.git/index",
      Buffer.concat([Buffer.from("DIRC"), noise(200, 1)]),
      Buffer.concat([Buffer.from("DIRC"), noise(200, 2)]),
    ),
  },
  {
    cause: "L25",
    what: "line ends changed in the checkout",
    ...files("sources", {
      "app/lib/main.js": [
        "export const a = 1;\nexport const b = 2;\n",
        "export const a = 1;\r\nexport const b = 2;\r\n",
      ],
      "app/README.md": ["# app\n\nAn app.\n", "# app\r\n\r\nAn app.\r\n"],
    }),
  },
  {
    cause: "L25",
    what: "a pointer of LFS for the file",
    ...files(
      "sources",
      "app/model.bin",
      noise(5000, 2),
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 5000\n",
    ),
  },
  {
    cause: "L26",
    what: "git describe of a shallow clone",
    ...files("built", "opt/tool/VERSION", "v1.4.2-17-g3f2a9c1\n", "3f2a9c1\n"),
  },
  {
    cause: "L26",
    what: "a submodule was not checked out",
    ...files("sources", {
      ".gitmodules": [
        '[submodule "app/vendor/lib"]\n\tpath = app/vendor/lib\n\turl = https://git.example/lib\n',
        '[submodule "app/vendor/lib"]\n\tpath = app/vendor/lib\n\turl = https://git.example/lib\n',
      ],
      "app/vendor/lib/lib.c": [prose(300, 3), undefined],
      "app/vendor/lib/lib.h": [prose(100, 3), undefined],
    }),
  },
  {
    cause: "L17",
    or: ["L16"],
    what: "as many parts as processors",
    ...files("built", {
      "opt/tool/parts.txt": ["part-0\npart-1\n", "part-0\npart-1\npart-2\npart-3\n"],
      "opt/tool/part-2.o": [undefined, noise(100, 1)],
      "opt/tool/part-3.o": [undefined, noise(100, 2)],
    }),
  },
  {
    cause: "input",
    or: ["source", "E6"],
    what: "the base of the tool was another",
    a: image({ items: { built: each(() => ({ content: deflateRawSync(prose(900, 1)) }), isFile) } }),
    b: image({ items: { built: each(() => ({ content: deflateRawSync(prose(900, 2)) }), isFile) } }),
  },
];
