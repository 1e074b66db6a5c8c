import { zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { type LayerFacts, readLayer } from "../../../pipeline/source/image/layer.ts";
import { BaseTree } from "../../../pipeline/source/image/tree.ts";
import { digestOf } from "../../../pipeline/store/digest.ts";
import { createHost } from "../../../pipeline/host/host.ts";
import { baseScene } from "../../build/base/base-scene.ts";
import { hasProgram, run } from "../../support.ts";
import { pax, rawTar } from "../debian/tiny-deb.ts";
import { type Short, tarOf } from "./tiny-image.ts";

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

function facts(tar: Uint8Array, size = 700): Promise<LayerFacts> {
  return readLayer(pieces(tar, size), "none", "layer");
}

async function code(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === "function" ? work() : work);
    return "done";
  } catch (error) {
    return error instanceof LockstepError ? error.code : String(error);
  }
}

async function treeOf(...layers: readonly (readonly Short[])[]): Promise<BaseTree> {
  const tree = new BaseTree();
  for (const [index, layer] of layers.entries()) tree.apply(await facts(tarOf(layer)), `layer ${index + 1}`);
  return tree;
}

const paths = (tree: BaseTree): readonly string[] => [...tree.entries()].map(({ path }) => path).toSorted();

const directory = (path: string, mode?: number): Short => ({
  path,
  directory: true,
  ...(mode === undefined ? {} : { mode }),
});
const file = (path: string, content = "x"): Short => ({ path, content });

/** What there is in an unpacked root: `d`, `f` or `l`, mode (not of links), and path. */
function listed(root: string): readonly string[] {
  const { stdout } = run("find", [root, "-mindepth", "1", "-printf", "%y %m %P\\n"]);
  return stdout
    .toString()
    .trim()
    .split("\n")
    .map((line) => line.replace(/^l \d+/, "l"))
    .toSorted();
}

describe("readLayer", () => {
  it("gives the digest of the uncompressed tar, and the contents of the files of accounts alone", async () => {
    const tar = tarOf([file("etc/passwd", "root:x:0:0::/:\n"), file("etc/motd"), { path: "bin", link: "usr/bin" }]);
    const found = await facts(tar);
    expect(found).toMatchObject({ diffId: digestOf(tar), tarSize: tar.length });
    expect(found.entries.map(({ path, type, content }) => [path, type, content])).toEqual([
      ["etc/passwd", "file", Buffer.from("root:x:0:0::/:\n").toString("base64")],
      ["etc/motd", "file", undefined],
      ["bin", "symlink", undefined],
    ]);
  });

  it("tells whiteouts from files, and passes over what aufs kept for itself", async () => {
    const names = ["usr/.wh.games", "opt/.wh..wh..opq", ".wh..wh.plnk/1.2", ".wh..wh.aufs", ".wh.srv"];
    const found = await facts(tarOf(names.map((path) => file(path, ""))));
    expect(found.removed).toEqual(["usr/games", "srv"]);
    expect(found.opaque).toEqual(["opt"]);
    expect(found.entries.map(({ path }) => path)).toEqual([".wh..wh.plnk/1.2"]);
  });

  it.each([
    ["LS4003", "a name that leads out", rawTar([{ name: "../x" }])],
    ["LS4003", "a whiteout of nothing", tarOf([file("usr/.wh.", "")])],
    ["LS4003", "a whiteout of the directory above", tarOf([file("usr/.wh...", "")])],
    ["LS4006", "a file that is there twice", tarOf([file("a"), file("a")])],
    ["LS4006", "a file in the place of a directory", tarOf([directory("a"), file("a")])],
    ["LS4001", "an end in the middle", tarOf([file("a", "x".repeat(2000))]).subarray(0, 1100)],
    ["LS4002", "another archive after the end", Buffer.concat([tarOf([file("a")]), tarOf([file("b")])])],
  ])("%s: refuses %s", async (expected, _what, tar) => {
    expect(await code(facts(tar))).toBe(expected);
  });

  it("takes attributes in forms that cannot be written again: the layer is kept as it is", async () => {
    const tar = rawTar([
      pax({ "LIBARCHIVE.xattr.user.x": "eA==", "SCHILY.acl.access": "user::rw-", "RHT.security.selinux": "u:r:t" }),
      { name: "a" },
    ]);
    expect((await facts(tar)).entries.map(({ path }) => path)).toEqual(["a"]);
  });

  it("LS4005: refuses a file of accounts that is larger than any", async () => {
    expect(await code(facts(tarOf([file("etc/passwd", "x".repeat((1 << 20) + 1))])))).toBe("LS4005");
  });

  it("LS4002: refuses compressed bytes that are not, are cut, or go on", async () => {
    const tar = tarOf([file("a", "y".repeat(5000))]);
    const packed = zstdCompressSync(tar);
    const read = (bytes: Uint8Array): Promise<string> => code(readLayer(pieces(bytes, 64), "zstd", "layer"));
    expect(await read(packed)).toBe("done");
    expect(await read(tar)).toBe("LS4002");
    expect(await read(packed.subarray(0, packed.length - 8))).toBe("LS4002");
    expect(await read(Buffer.concat([packed, Buffer.from("more")]))).toBe("LS4002");
  });

  it("reads Zstandard layers of several frames, and of frames that are to be skipped", async () => {
    const tar = tarOf([file("a", "z".repeat(40_000)), file("b")]);
    const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
    const frames = [tar.subarray(0, 10_000), tar.subarray(10_000, 10_001), tar.subarray(10_001)];
    const packed = Buffer.concat([skipped, ...frames.flatMap((frame) => [zstdCompressSync(frame), skipped])]);
    for (const size of [1, 37, 1 << 20]) {
      const found = await readLayer(pieces(packed, size), "zstd", "layer");
      expect(found.diffId).toBe(digestOf(tar));
    }
  });

  it.skipIf(!hasProgram("zstd"))("reads what zstd writes for a stream (needs zstd)", async () => {
    const tar = tarOf([file("a", "q".repeat(100_000))]);
    const packed = run("zstd", ["-q", "-c", "-19", "--long"], { input: tar }).stdout;
    expect((await readLayer(pieces(packed, 1000), "zstd", "layer")).diffId).toBe(digestOf(tar));
  });
});

describe("BaseTree", () => {
  it("has the last file of a path, and directories with their last metadata and all that was in them", async () => {
    const tree = await treeOf([directory("a"), file("a/x", "1"), file("b")], [directory("a", 0o700), file("a/y")]);
    expect(paths(tree)).toEqual(["a", "a/x", "a/y", "b"]);
    expect(tree.find("a")).toMatchObject({ type: "directory", mode: 0o700 });
  });

  it("makes directories that nobody names 0755 of root", async () => {
    const tree = await treeOf([file("a/b/c")]);
    expect(tree.find("a/b")).toEqual({ path: "a/b", type: "directory", mode: 0o755, uid: 0, gid: 0 });
  });

  it("takes away what a whiteout names, of lower layers alone and wherever in the archive it stands", async () => {
    const below = [directory("a"), file("a/x"), file("a/z"), file("b/1"), file("b/2")];
    const tree = await treeOf(below, [
      file("a/x", "new"),
      file("a/.wh.x", ""),
      file("b/.wh..wh..opq", ""),
      file("b/3"),
    ]);
    expect(paths(tree)).toEqual(["a", "a/x", "a/z", "b", "b/3"]);
    expect(paths(await treeOf(below, [file(".wh.b", ""), file(".wh.nothing", "")]))).toEqual(["a", "a/x", "a/z"]);
  });

  it("puts a file in the place of a directory with all it had, and a directory in the place of a link", async () => {
    const tree = await treeOf([file("a/x"), { path: "l", link: "a" }], [file("a"), directory("l"), file("l/y")]);
    expect(paths(tree)).toEqual(["a", "l", "l/y"]);
    expect(tree.find("a")?.type).toBe("file");
  });

  it("LS2808: refuses what lies below a link or a file, which runtimes put in different places", async () => {
    expect(await code(treeOf([{ path: "l", link: "usr" }], [file("l/x")]))).toBe("LS2808");
    expect(await code(treeOf([file("f"), file("f/x")]))).toBe("LS2808");
  });

  it.skipIf(createHost().uid !== 0 || !hasProgram("umoci"))("is what umoci unpacks (needs root, umoci)", async () => {
    const layers: readonly (readonly Short[])[] = [
      [
        directory("a", 0o711),
        file("a/x"),
        file("a/y/z"),
        file("b/1"),
        file("b/2"),
        { path: "l", link: "a" },
        file("t"),
      ],
      [file("a/.wh.x", ""), file("a/new"), file("b/.wh..wh..opq", ""), file("b/3"), file(".wh.nothing", "")],
      [directory("a", 0o700), file("l"), directory("t", 0o1777), file("t/u"), file("a/.wh.y", ""), file("a/y/again")],
      [file("b"), file(".wh.t", ""), { path: "c", link: "/a" }],
    ];
    const scene = await baseScene(
      { "1": { layers: layers.map((entries) => ({ entries })) } },
      "from: { image: registry.example/base:1 }\nlayers:\n  - symlinks: [{ path: /a/own, target: x }]\n",
    );
    const { layout } = await scene.build();
    const bundle = `${scene.directory}/bundle`;
    const unpacked = run("umoci", ["unpack", "--image", `${layout}:web-linux-amd64`, bundle]);
    expect(unpacked.stderr.toString()).toBe("");
    const letters = { directory: "d", file: "f", symlink: "l", other: "?" };
    const tree = await treeOf(...layers, [{ path: "a/own", link: "x" }]);
    const ours = [...tree.entries()].map(({ path, type, mode }) =>
      type === "symlink" ? `l ${path}` : `${letters[type]} ${mode.toString(8)} ${path}`,
    );
    expect(listed(`${bundle}/rootfs`)).toEqual(ours.toSorted());
  });

  it("is what unpacking one layer after the other into a directory gives, for any two layers", async () => {
    const name = fc.constantFrom("a", "b", "a/c", "a/d", "b/c", "a/c/e");
    const short = fc.oneof(
      name.map((path): Short => file(path)),
      name.map((path): Short => directory(path)),
      name.map((path): Short =>
        file(
          path.replace(/[^/]*$/, (last) => `.wh.${last}`),
          "",
        ),
      ),
    );
    const layer = fc.uniqueArray(short, { selector: ({ path }) => path, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(layer, layer, async (first, second) => {
        let tree: BaseTree;
        try {
          tree = await treeOf(first, second);
        } catch (error) {
          // A file with something below it; no order of unpacking makes sense of that.
          expect(error).toMatchObject({ code: "LS2808" });
          return;
        }
        const model = new Set<string>();
        const drop = (path: string): void => {
          for (const each of model) if (each === path || each.startsWith(`${path}/`)) model.delete(each);
        };
        for (const list of [first, second]) {
          for (const { path } of list.filter((each) => each.path.includes(".wh."))) drop(path.replace(".wh.", ""));
          for (const each of list.filter(({ path }) => !path.includes(".wh."))) {
            if (!("directory" in each)) drop(each.path);
            for (let at = each.path.indexOf("/"); at > 0; at = each.path.indexOf("/", at + 1))
              model.add(each.path.slice(0, at));
            model.add(each.path);
          }
        }
        expect(paths(tree)).toEqual([...model].toSorted());
      }),
      { numRuns: 300 },
    );
  });
});
