import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { filesBelow } from "../../files.ts";
import { type RawEntry, rawTar } from "../../source/debian/tiny-deb.ts";
import { damage, image, readLayer, tinyRepository, type TinyRepository } from "../tiny-repository.ts";

const url = "https://files.example/tool-1.0.tar.gz";

const tool: readonly RawEntry[] = [
  { name: "tool-1.0/", flag: "5", mode: 0o775, uid: 1000, gid: 1000 },
  { name: "tool-1.0/bin/", flag: "5", mode: 0o755, uid: 1000, gid: 1000 },
  { name: "tool-1.0/bin/tool", mode: 0o4755, uid: 1000, gid: 1000, content: "#!/bin/sh\n", mtime: 1_500_000_000 },
  { name: "tool-1.0/bin/alias", flag: "2", link: "tool" },
  { name: "tool-1.0/share/doc/", flag: "5", mode: 0o755 },
  { name: "tool-1.0/share/doc/README", content: "read me\n", mtime: 1_500_000_001 },
  { name: "tool-1.0/copy", flag: "1", link: "tool-1.0/share/doc/README" },
];

interface Given {
  readonly layers: string;
  readonly http: Readonly<Record<string, Uint8Array>>;
  readonly base?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

function repository({ layers, http, base = false, environment = {} }: Given): Promise<TinyRepository> {
  const app = base ? image("aa", layers) : `platforms: [linux/amd64]\nlayers:\n${layers}`;
  return tinyRepository({
    images: { app },
    http,
    environment: { SOURCE_DATE_EPOCH: "1700000000", ...environment },
    ...(base
      ? {
          packages: [
            {
              name: "aa",
              data: [
                { name: "./srv/", flag: "5", mode: 0o711, uid: 7 },
                { name: "./srv/file", content: "package\n" },
                { name: "./opt/link", flag: "2", link: "../srv" },
              ],
            },
          ],
        }
      : {}),
  });
}

const unpacked = (more = "", into = "/opt/tool"): string =>
  `  - http: { url: "${url}", into: ${into}, unpack: tar, strip: 1${more} }\n`;

/** The entries of the topmost layer, each in a line. */
async function topLayer(given: Given): Promise<readonly string[]> {
  const [built] = await (await repository(given)).build();
  const layer = built?.platforms[0]?.layers.at(-1);
  if (built === undefined || layer === undefined) throw new Error("nothing was built");
  return (await readLayer(built.layout, layer.digest)).map((entry) => {
    const { type, path, mode, uid, gid, mtime, content } = entry;
    const target = "target" in entry ? ` -> ${entry.target}` : "";
    return `${type} ${path}${target} ${mode.toString(8)} ${uid}:${gid} ${mtime}${content === undefined ? "" : ` ${content.trim()}`}`;
  });
}

async function refusal(given: Given): Promise<string> {
  const tiny = await repository(given);
  const error = await tiny.build().then(
    () => new Error("was built"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof LockstepError)) throw new Error("failed without a code", { cause: error });
  expect(filesBelow(tiny.out)).toEqual([]);
  expect(filesBelow(`${tiny.store.directory}/tmp`)).toEqual([]);
  return error.message;
}

describe("a layer of an archive from the web", () => {
  const expected = [
    "directory opt 755 0:0 1700000000",
    "directory opt/tool 755 0:0 1700000000",
    "directory opt/tool/bin 755 0:0 1700000000",
    "directory opt/tool/share 755 0:0 1700000000",
    "directory opt/tool/share/doc 755 0:0 1700000000",
    "file opt/tool/bin/tool 755 0:0 1500000000 #!/bin/sh",
    "symlink opt/tool/bin/alias -> tool 777 0:0 1600000000",
    "file opt/tool/share/doc/README 644 0:0 1500000001 read me",
    "hardlink opt/tool/copy -> opt/tool/share/doc/README 644 0:0 1600000000",
  ];

  it.each([
    ["plain", rawTar(tool)],
    ["gzip", gzipSync(rawTar(tool))],
    ["zstd", zstdCompressSync(rawTar(tool))],
  ])("has its entries without setuid bits and owners, in its order, with its times (%s)", async (_, bytes) => {
    expect(await topLayer({ layers: unpacked(), http: { [url]: bytes } })).toEqual(expected);
  });

  it("has no time after the epoch", async () => {
    const lines = await topLayer({
      layers: unpacked(),
      http: { [url]: rawTar(tool) },
      environment: { SOURCE_DATE_EPOCH: "1500000000" },
    });
    expect(lines.map((line) => /\d{10}/.exec(line)?.[0])).toEqual(lines.map(() => "1500000000"));
  });

  it("takes what is included, leaves out what is excluded, and gives modes and owners of the spec", async () => {
    const http = { [url]: rawTar(tool) };
    const more = ', include: [bin], exclude: ["**/alias"], mode: { "bin/*": "4750" }, owner: "5:6"';
    expect(await topLayer({ layers: unpacked(more), http })).toEqual([
      "directory opt 755 0:0 1700000000",
      "directory opt/tool 755 0:0 1700000000",
      "directory opt/tool/bin 755 5:6 1700000000",
      "file opt/tool/bin/tool 4750 5:6 1500000000 #!/bin/sh",
    ]);
  });

  it("leaves directories that layers below have as they are, and may replace their files", async () => {
    const entries = [
      { name: "srv/", flag: "5", mode: 0o777 },
      { name: "srv/file", content: "archive\n" },
    ];
    const layers = `  - http: { url: "${url}", into: /, unpack: tar }\n`;
    expect(await topLayer({ layers, http: { [url]: rawTar(entries) }, base: true })).toEqual([
      "file srv/file 644 0:0 1600000000 archive",
    ]);
  });

  it.each<readonly [string, readonly RawEntry[], string, string]>([
    ["a path out of the tree", [{ name: "../x" }], "/opt", "LS4003"],
    ["an absolute path", [{ name: "/x" }], "/opt", "LS4003"],
    ["a link out of what is unpacked", [{ name: "a/b", flag: "2", link: "../../x" }], "/opt", "LS4003"],
    ["an absolute link", [{ name: "a", flag: "2", link: "/etc/shadow" }], "/opt", "LS4003"],
    ["an entry below a link", [{ name: "a", flag: "2", link: "b" }, { name: "a/x" }], "/opt", "LS4003"],
    ["a hard link to nothing", [{ name: "a", flag: "1", link: "b" }], "/opt", "LS4003"],
    ["a device", [{ name: "a", flag: "3" }], "/opt", "LS4004"],
    ["a pipe", [{ name: "a", flag: "6" }], "/opt", "LS4004"],
    ["a file twice", [{ name: "a" }, { name: "./a" }], "/opt", "LS4006"],
    ["a name that is not UTF-8", [{ name: Buffer.from([0xff]) }], "/opt", "LS4007"],
    ["a deletion", [{ name: ".wh.etc" }], "/opt", "LS2018"],
    ["what Lockstep makes", [{ name: "etc/passwd", content: "x" }], "/", "LS2018"],
    ["Debian's links", [{ name: "bin/sh", content: "x" }], "/", "LS2018"],
  ])("refuses %s, and writes nothing", async (_, entries, into, code) => {
    const layers = `  - http: { url: "${url}", into: ${into}, unpack: tar }\n`;
    expect(await refusal({ layers, http: { [url]: rawTar(entries) } })).toMatch(new RegExp(`^${code} .*`));
  });

  it("LS4203: refuses what does not fit on the layers below", async () => {
    const layers = `  - http: { url: "${url}", into: /, unpack: tar }\n`;
    const on = (entries: readonly RawEntry[]): Promise<string> =>
      refusal({ layers, http: { [url]: rawTar(entries) }, base: true });
    expect(await on([{ name: "opt/link/x" }])).toMatch(/^LS4203 .*opt\/link/);
    expect(await on([{ name: "srv" }])).toMatch(/^LS4203 .*directory srv/);
    expect(await on([{ name: "srv/file/", flag: "5", mode: 0o755 }])).toMatch(/^LS4203 .*srv\/file/);
  });

  it("LS3001: tells a damaged blob from a bad archive", async () => {
    const tiny = await repository({ layers: unpacked(), http: { [url]: gzipSync(rawTar(tool)) } });
    const [planned] = await tiny.plan();
    damage(tiny.store, `sha256:${planned?.inputs.http.get(url)?.sha256 ?? ""}`);
    await expect(tiny.build()).rejects.toThrow("LS3001");
  });
});

describe("a file from the web", () => {
  it("is put where the spec says, or keeps its name, with the epoch as its time", async () => {
    const http = { "https://files.example/a%20b?x=1": Buffer.from("tool\n") };
    const layer = (into: string): string => `  - http: { url: "https://files.example/a%20b?x=1", into: ${into}`;
    expect(await topLayer({ layers: `${layer("/usr/local/bin/tool")}, mode: "0755" }\n`, http })).toEqual([
      "directory usr 755 0:0 1700000000",
      "directory usr/local 755 0:0 1700000000",
      "directory usr/local/bin 755 0:0 1700000000",
      "file usr/local/bin/tool 755 0:0 1700000000 tool",
    ]);
    expect((await topLayer({ layers: `${layer("/srv/")} }\n`, http })).at(-1)).toBe(
      "file srv/a b 644 0:0 1700000000 tool",
    );
  });

  it("is told in the history without what may be a secret", async () => {
    const http = { "https://files.example/a?token=secret": Buffer.from("tool\n") };
    const tiny = await repository({
      layers: '  - http: { url: "https://files.example/a?token=secret", into: /a }\n',
      http,
    });
    const [planned] = await tiny.plan();
    expect(planned?.plan.layers[0]?.title).toBe("lockstep: http https://files.example/a /a");
  });
});

describe("an input that is unpacked", () => {
  it("is unpacked once for all images and epochs that it serves", async () => {
    const tiny = await repository({ layers: unpacked(), http: { [url]: rawTar(tool) } });
    const [first] = await tiny.build();
    const other = new Store(tiny.host, `${tiny.directory}/other`);
    const [again] = await tiny.build({ results: other });
    expect(again?.index.descriptor.digest).toBe(first?.index.descriptor.digest);
    // What was made is enough for another image: the blob itself is not read again.
    const [planned] = await tiny.plan();
    damage(tiny.store, `sha256:${planned?.inputs.http.get(url)?.sha256 ?? ""}`);
    tiny.write(
      "images/app/image.yaml",
      `name: app\nplatforms: [linux/amd64]\nlayers:\n${unpacked()}${"  - directories: [{ path: /x }]\n"}`,
    );
    const [more] = await tiny.build();
    expect(more?.platforms[0]?.layers).toHaveLength(2);
    expect(more?.platforms[0]?.layers[0]?.digest).toBe(first?.platforms[0]?.layers[0]?.digest);
  });

  it("LS4201: may not have a path that another of the same layer has", async () => {
    const tiny = await repository({ layers: unpacked(), http: { [url]: rawTar(tool) } });
    const planned = await tiny.plan();
    const [only] = planned;
    const [layer] = only?.plan.layers ?? [];
    if (only === undefined || layer?.kind !== "inputs") throw new Error("the layer is one of inputs");
    const twice = { ...layer, inputs: layer.inputs.flatMap((input) => [input, { ...input, key: "another" }]) };
    const { buildImages } = await import("../../../pipeline/build/build.ts");
    const { silent } = await import("../../../pipeline/report/report.ts");
    const stores = { inputs: tiny.store, results: tiny.store };
    const plan = { ...only.plan, layers: [twice] };
    const http = new Map(
      [...only.inputs.http.values()].flatMap((entry) => [[url, entry] as const, ["another", entry] as const]),
    );
    const inputs = { ...only.inputs, http };
    await expect(
      buildImages(tiny.host, stores, silent, [{ ...only, plan, inputs }], { out: tiny.out }),
    ).rejects.toThrow(/^LS4201 .* and another both have opt\/tool\/bin\/alias/);
  });
});
