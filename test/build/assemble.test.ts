import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { BuiltImage } from "../../pipeline/build/build.ts";
import { buildImages } from "../../pipeline/build/build.ts";
import { LockstepError } from "../../pipeline/host/errors.ts";
import { silent } from "../../pipeline/report/report.ts";
import { filesBelow } from "../files.ts";
import type { TinyDeb } from "../source/debian/tiny-deb.ts";
import { image, readLayer, tinyRepository, type TinyRepository } from "./tiny-repository.ts";

const file = (name: string, content = "x", mode = 0o644): { name: string; content: string; mode: number } => ({
  name: `./${name}`,
  content,
  mode,
});
const directory = (
  name: string,
  mode: number,
  uid = 0,
  gid = 0,
): Record<string, unknown> & { readonly name: string } => ({
  name: `./${name}/`,
  flag: "5",
  mode,
  uid,
  gid,
});

async function refused(repository: TinyRepository): Promise<LockstepError> {
  const error = await repository.build().then(
    () => new Error("was built"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof LockstepError)) throw new Error("failed without a code", { cause: error });
  expect(filesBelow(repository.out)).toEqual([]);
  expect(filesBelow(`${repository.store.directory}/tmp`)).toEqual([]);
  return error;
}

/** What an image contains once its layers lie on top of each other: path, then what is there. */
async function flattened(built: BuiltImage | undefined): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { digest } of built?.platforms[0]?.layers ?? []) {
    for (const entry of await readLayer(built?.layout ?? "", digest)) {
      const { path, type, mode, uid, gid } = entry;
      const target = "target" in entry ? ` -> ${entry.target}` : "";
      found.set(
        path,
        `${type} ${mode.toString(8)} ${uid}:${gid}${target}${entry.content === undefined ? "" : ` ${entry.content}`}`,
      );
    }
  }
  return found;
}

const two = (a: Partial<TinyDeb>, b: Partial<TinyDeb>, more = ""): Promise<TinyRepository> =>
  tinyRepository({
    images: { app: image("aa, bb", more) },
    packages: [
      { name: "aa", ...a },
      { name: "bb", ...b },
    ],
  });

describe("packages of one image", () => {
  it("may not have the same file (LS4201)", async () => {
    const repository = await two({ data: [file("usr/bin/x", "a")] }, { data: [file("bin/x", "b")] });
    const error = await refused(repository);
    expect(error.message).toBe(
      "LS4201 aa and bb both have the file usr/bin/x, and neither says that it replaces the other's; leave one of the two packages out of the image",
    );
    expect(error.exitCode).toBe(3);
  });

  it("may replace files of each other when they say so", async () => {
    const fields = { Replaces: "aa (<< 2)" };
    const repository = await two(
      { data: [file("usr/bin/x", "a"), file("usr/bin/y", "a")] },
      { data: [file("usr/bin/x", "b")], fields },
    );
    const [built] = await repository.build();
    const content = await flattened(built);
    expect(content.get("usr/bin/x")).toBe("file 644 0:0 b");
    expect(content.get("usr/bin/y")).toBe("file 644 0:0 a");
    // dpkg forgets that the other package had it.
    expect(content.get("var/lib/dpkg/info/aa.list")).not.toContain("usr/bin/x");
    const layer = await readLayer(built?.layout ?? "", built?.platforms[0]?.layers[0]?.digest ?? "sha256:");
    expect(layer.filter(({ path }) => path === "usr/bin/x")).toHaveLength(1);
  });

  it("may divert files of each other", async () => {
    const preinst =
      "#!/bin/sh\nset -e\ndpkg-divert --package bb --add --rename --divert /usr/bin/x.distrib /usr/bin/x\n";
    const repository = await two(
      { data: [file("usr/bin/x", "a")] },
      { data: [file("usr/bin/x", "b")], control: { preinst } },
    );
    const content = await flattened((await repository.build())[0]);
    expect(content.get("usr/bin/x")).toBe("file 644 0:0 b");
    expect(content.get("usr/bin/x.distrib")).toBe("file 644 0:0 a");
    expect(content.get("var/lib/dpkg/diversions")).toContain("/usr/bin/x\n/usr/bin/x.distrib\nbb\n");
  });

  it("may not disagree about a directory (LS4202), unless one has the usual metadata", async () => {
    const error = await refused(
      await two({ data: [directory("srv/x", 0o700, 5, 5)] }, { data: [directory("srv/x", 0o770, 0, 50)] }),
    );
    expect(error.message).toBe("LS4202 directory srv/x is 0700 5:5 in aa_1.0_all and 0770 0:50 in bb_1.0_all");
    const fine = await two({ data: [directory("srv/x", 0o700, 5, 5)] }, { data: [directory("srv/x", 0o755)] });
    expect((await flattened((await fine.build())[0])).get("srv/x")).toBe("directory 700 5:5");
  });

  it("may not have a directory where another has a link (LS4201)", async () => {
    const link = { name: "./usr/share/doc", flag: "2", link: "/srv" };
    const error = await refused(await two({ data: [link] }, { data: [file("usr/share/doc/bb/copyright")] }));
    expect(error.code).toBe("LS4201");
  });

  it("keep their own times unless those are later than the epoch", async () => {
    const data = [
      { ...file("usr/old"), mtime: 86_400 },
      { ...file("usr/new"), mtime: 4_000_000_000 },
    ];
    const repository = await tinyRepository({
      images: { app: image("aa") },
      packages: [{ name: "aa", data }],
      environment: { SOURCE_DATE_EPOCH: "1700000000" },
    });
    const [built] = await repository.build();
    const layer = await readLayer(built?.layout ?? "", built?.platforms[0]?.layers[0]?.digest ?? "sha256:");
    const times = new Map(layer.map(({ path, mtime }) => [path, mtime]));
    expect(times.get("usr/old")).toBe(86_400);
    expect(times.get("usr/new")).toBe(1_700_000_000);
    expect(times.get("usr")).toBe(1_700_000_000);
    expect(Math.max(...times.values())).toBe(1_700_000_000);
  });
});

describe("a file set", () => {
  const repository = (into: string, files: Readonly<Record<string, string>>): Promise<TinyRepository> =>
    tinyRepository({
      images: { app: image("aa", `  - files: { from: files, into: ${into} }\n`) },
      packages: [
        {
          name: "aa",
          data: [
            file("etc/aa.conf", "package\n"),
            file("usr/share/aa/x"),
            { name: "./opt/aa", flag: "2", link: "../usr/share/aa" },
          ],
          control: { conffiles: "/etc/aa.conf\n" },
        },
      ],
      files: Object.fromEntries(Object.entries(files).map(([path, content]) => [`images/app/files/${path}`, content])),
    });

  it("replaces a conffile of a package", async () => {
    const content = await flattened((await (await repository("/", { "etc/aa.conf": "mine\n" })).build())[0]);
    expect(content.get("etc/aa.conf")).toBe("file 644 0:0 mine\n");
    expect(content.get("var/lib/dpkg/info/aa.conffiles")).toContain("/etc/aa.conf\n");
  });

  it("may not put a file where a directory is (LS4203)", async () => {
    const error = await refused(await repository("/", { "usr/share": "a file" }));
    expect(error.message).toMatch(/^LS4203 .*puts a file where the layers below have the directory usr\/share/);
    expect(error.exitCode).toBe(3);
  });

  it("may not go through a link of a package (LS4203), and is told that there is one", async () => {
    const error = await refused(await repository("/", { "opt/aa/tool": "x" }));
    expect(error.message).toMatch(
      /^LS4203 .* needs opt\/aa to be a directory, but aa_1\.0_all has .*; name the real path/,
    );
  });

  it("may not go through a file of a package (LS4203)", async () => {
    expect((await refused(await repository("/", { "etc/aa.conf/below": "x" }))).code).toBe("LS4203");
  });

  it("that changes or goes while the image is built is found out (LS4101)", async () => {
    for (const change of ["other bytes", "longer\n", "", undefined]) {
      const tiny = await repository("/srv", { a: "as planned\n" });
      const planned = await tiny.plan();
      if (change === undefined) rmSync(`${tiny.root}/images/app/files/a`);
      else tiny.write("images/app/files/a", change);
      const stores = { inputs: tiny.store, results: tiny.store };
      const error = await buildImages(tiny.host, stores, silent, planned, { out: tiny.out }).catch(
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(LockstepError);
      expect((error as LockstepError).code).toBe("LS4101");
      expect(filesBelow(tiny.out)).toEqual([]);
      expect(filesBelow(`${tiny.store.directory}/tmp`)).toEqual([]);
    }
  });
});

describe("directories and links of a spec", () => {
  it("win over the usual metadata, and are refused behind a link", async () => {
    const spec = (layers: string): Promise<TinyRepository> =>
      tinyRepository({
        images: { app: image("aa", layers) },
        packages: [{ name: "aa", data: [{ name: "./usr/link", flag: "2", link: "share" }] }],
      });
    const good = await spec(
      '  - directories: [{ path: /srv/data, mode: "0700", owner: "10:20" }]\n  - symlinks: [{ path: /srv/current, target: data }]\n',
    );
    const content = await flattened((await good.build())[0]);
    expect(content.get("srv/data")).toBe("directory 700 10:20");
    expect(content.get("srv/current")).toBe("symlink 777 0:0 -> data");
    expect((await refused(await spec("  - directories: [{ path: /usr/link/x }]\n"))).code).toBe("LS4203");
    expect((await refused(await spec("  - symlinks: [{ path: /etc, target: srv }]\n"))).code).toBe("LS4203");
  });
});
