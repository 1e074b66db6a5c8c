import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../pipeline/store/digest.ts";
import type { SubjectBlob } from "../../../pipeline/verify/compare/subject.ts";
import { type Inventory, inventoryOf } from "../../../pipeline/verify/inventory/inventory.ts";
import { sizesOf } from "../../../pipeline/verify/inventory/sizes.ts";
import { FileTree } from "../../../pipeline/verify/inventory/tree.ts";
import { hasProgram, run, temporaryDirectory } from "../../support.ts";
import { type TarItem, tarOf } from "../tar-of.ts";

function blobOf(bytes: Buffer, mediaType = "application/vnd.oci.image.layer.v1.tar+gzip"): SubjectBlob {
  const open = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes;
  };
  return { name: "layer", digest: digestOf(bytes), mediaType, size: bytes.length, open };
}

const layer = (...items: readonly TarItem[]): SubjectBlob => blobOf(gzipSync(tarOf(items)));
const take = (...layers: readonly SubjectBlob[]): Promise<Inventory> =>
  inventoryOf({ platform: "linux/amd64", layers });

const brief = ({ packages }: Inventory): readonly string[] =>
  packages.map(({ kind, name, version, size, files }) => `${kind} ${name} ${version}: ${files} files, ${size} bytes`);
const paths = ({ tree }: Inventory): readonly string[] => [...tree.files()].map(({ path }) => path).toSorted();

const stanza = (name: string, version: string, status = "install ok installed"): string =>
  `Package: ${name}\nStatus: ${status}\nArchitecture: amd64\nVersion: ${version}\nDescription: x\n more\n\n`;

describe("the inventory of an image", () => {
  it("has Debian packages with the files of their lists, by name", async () => {
    const image = await take(
      layer(
        { name: "./usr/bin/tool", content: "12345" },
        { name: "usr/share/doc/tool/copyright", content: "123" },
        { name: "usr/lib/x86_64-linux-gnu/libx.so.1", content: "1234567" },
        {
          name: "var/lib/dpkg/status",
          content: stanza("tool", "1:2.0-1") + stanza("libx", "3") + stanza("gone", "1", "deinstall ok config-files"),
        },
        {
          name: "var/lib/dpkg/info/tool.list",
          content: "/.\n/bin\n/bin/tool\n/usr/share/doc/tool/copyright\n/etc/not/there\n",
        },
        {
          name: "var/lib/dpkg/info/libx:amd64.md5sums",
          content: `${"0".repeat(32)}  usr/lib/x86_64-linux-gnu/libx.so.1\n`,
        },
      ),
    );
    expect(brief(image)).toEqual(["debian libx 3: 1 files, 7 bytes", "debian tool 1:2.0-1: 2 files, 8 bytes"]);
    expect(image.missed).toEqual([]);
  });

  it("has packages of images of the distroless kind", async () => {
    const image = await take(
      layer(
        { name: "usr/share/zoneinfo/UTC", content: "abcd" },
        { name: "var/lib/dpkg/status.d/tzdata", content: "Package: tzdata\nVersion: 2026a\n" },
        { name: "var/lib/dpkg/status.d/tzdata.md5sums", content: `${"0".repeat(32)}  usr/share/zoneinfo/UTC\n` },
      ),
    );
    expect(brief(image)).toEqual(["debian tzdata 2026a: 1 files, 4 bytes"]);
  });

  it("has npm packages without what is nested in them, and Python packages by RECORD", async () => {
    const image = await take(
      layer(
        { name: "app/node_modules/a/package.json", content: '{"name":"a","version":"1.0.0"}' },
        { name: "app/node_modules/a/lib/package.json", content: '{"type":"module"}' },
        {
          name: "app/node_modules/a/node_modules/@s/b/package.json",
          content: '{"name":"@s/b","version":"2.0.0-rc.1"}',
        },
        { name: "app/node_modules/a/node_modules/@s/b/index.js", content: "12345" },
        { name: "usr/lib/python3/site-packages/flask/app.py", content: "123" },
        {
          name: "usr/lib/python3/site-packages/Flask-3.1.dist-info/METADATA",
          content: "Name: Flask\nVersion: 3.1\n\nName: no\n",
        },
        {
          name: "usr/lib/python3/site-packages/Flask-3.1.dist-info/RECORD",
          content: "flask/app.py,,\n../../../bin/flask,,\n",
        },
      ),
    );
    expect(brief(image)).toEqual([
      "npm @s/b 2.0.0-rc.1: 2 files, 43 bytes",
      "npm a 1.0.0: 2 files, 47 bytes",
      "python Flask 3.1: 1 files, 3 bytes",
    ]);
  });

  it("counts what a Debian package brings as the Debian package's alone", async () => {
    const metadata = "usr/lib/python3/dist-packages/six-1.17.dist-info/METADATA";
    const image = await take(
      layer(
        { name: metadata, content: "Name: six\nVersion: 1.17\n" },
        { name: "var/lib/dpkg/status", content: stanza("python3-six", "1.17-1") },
        { name: "var/lib/dpkg/info/python3-six.list", content: `/${metadata}\n` },
      ),
    );
    expect(brief(image)).toEqual(["debian python3-six 1.17-1: 1 files, 24 bytes"]);
  });

  it("is what can be seen: upper layers replace and remove what lies below them", async () => {
    const image = await take(
      layer(
        { name: "etc/a", content: "1" },
        { name: "etc/b", content: "12" },
        { name: "srv/x/y", content: "123" },
        { name: "opt/z", content: "1234" },
      ),
      layer(
        { name: "etc/.wh.a" },
        { name: "etc/b", content: "12345" },
        { name: "srv/x", content: "file in place of a directory" },
        { name: "opt/new", content: "1" },
        { name: "opt/.wh..wh..opq" },
      ),
    );
    expect(paths(image)).toEqual(["etc/b", "opt/new", "srv/x"]);
    expect(image.layers.map(({ size, files }) => [size, files])).toEqual([
      [10, 4],
      [34, 3],
    ]);
    expect(sizesOf(image, "web")).toEqual({
      name: "web",
      size: 34,
      children: [
        { name: "layer 1", size: 0, children: [] },
        {
          name: "layer 2",
          size: 34,
          children: [
            { name: "other files in /opt", size: 1 },
            { name: "other files in /srv", size: 28 },
            { name: "other files in /etc", size: 5 },
          ],
        },
      ],
    });
  });

  it("says what could not be read, and has the rest", async () => {
    const whole = gzipSync(
      tarOf([
        { name: "a", content: "x".repeat(10_000) },
        { name: "b", content: "y" },
      ]),
    );
    const image = await take(
      layer(
        { name: "x/node_modules/bad/package.json", content: "[".repeat(100_000) },
        { name: "x/node_modules/odd/package.json", content: '{"name":7,"version":"1"}' },
        { name: "x/bad-1.dist-info/METADATA", content: "Name: bad\nVersion: 1\n" },
        { name: "x/bad-1.dist-info/RECORD", content: '"' },
        { name: "short", pax: { path: `${"l/".repeat(3000)}x` }, content: "1" },
      ),
      blobOf(whole.subarray(0, whole.length - 30)),
      blobOf(Buffer.from("{}"), "application/vnd.in-toto+json"),
      blobOf(Buffer.alloc(600, 1)),
    );
    expect(image.packages).toEqual([]);
    expect(
      image.missed.map(({ where: { layer: number, path }, reason }) => `${number} ${path ?? ""} ${reason}`),
    ).toEqual([
      "1  1 entry left out: too many, or with names that no system opens",
      "2  LS4002 layer cannot be decompressed: unexpected end of file",
      "4  LS4002 layer checksum in a tar header is not a number",
      "1 x/bad-1.dist-info/METADATA LS2609 x/bad-1.dist-info/RECORD RECORD is not CSV",
      "1 x/node_modules/bad/package.json Unexpected end of JSON input",
    ]);
    expect(image.layers).toHaveLength(4);
    expect(paths(image)).toContain("a");
  });

  it.skipIf(!hasProgram("dpkg-query"))("has the packages that dpkg-query has (needs dpkg-query)", async () => {
    const admin = join(temporaryDirectory(), "dpkg");
    mkdirSync(join(admin, "info"), { recursive: true });
    const status = [
      stanza("a", "1.0-1"),
      stanza("b", "2:1~rc1", "install ok unpacked"),
      stanza("c", "1", "deinstall ok config-files"),
      stanza("d", "1", "hold ok half-installed"),
    ].join("");
    writeFileSync(join(admin, "status"), status);
    const format = "${db:Status-Status} ${Package} ${Version}\n";
    const told = run("dpkg-query", [`--admindir=${admin}`, "-W", `-f=${format}`])
      .stdout.toString()
      .split("\n");
    const present = told.filter((text) => text !== "" && !/^(?:config-files|not-installed) /.test(text));
    const { packages } = await take(layer({ name: "var/lib/dpkg/status", content: status }));
    expect(packages.map(({ name, version }) => `${name} ${version}`)).toEqual(
      present.map((text) => text.split(" ").slice(1).join(" ")),
    );
    expect(packages).toHaveLength(3);
  });
});

describe("the tree of files", () => {
  it("is what a list of paths would be, whatever comes in which order", () => {
    const path = fc
      .array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join("/"));
    const step = fc.record({ path, kind: fc.constantFrom("file", "directory", "whiteout", "opaque") });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const tree = new FileTree();
        let files = new Set<string>();
        const without = (gone: (one: string) => boolean): void => {
          files = new Set([...files].filter((one) => !gone(one)));
        };
        for (const { path: at, kind } of steps) {
          const slash = at.lastIndexOf("/");
          const [parent, name] = [at.slice(0, slash + 1), at.slice(slash + 1)];
          if (kind === "whiteout") {
            expect(tree.remove(`${parent}.wh.${name}`)).toBe(true);
            without((one) => one === at || one.startsWith(`${at}/`));
          } else if (kind === "opaque") {
            tree.remove(`${at}/.wh..wh..opq`);
            without((one) => one.startsWith(`${at}/`));
          } else {
            expect(tree.put(at, kind === "file" ? { size: 1, layer: 1 } : undefined)).toBe(true);
            without((one) => at === one || at.startsWith(`${one}/`) || (kind === "file" && one.startsWith(`${at}/`)));
            if (kind === "file") files.add(at);
          }
        }
        expect([...tree.files()].map((one) => one.path).toSorted()).toEqual([...files].toSorted());
      }),
    );
  });
});
