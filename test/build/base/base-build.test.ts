import { describe, expect, it } from "vitest";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { damage, readLayer } from "../tiny-repository.ts";
import { type TinyBase, tarOf } from "../../source/image/tiny-image.ts";
import { baseScene, documentsOf } from "./base-scene.ts";

const passwd = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\nweb:x:33:33::/srv:/bin/false";
const rootfs = [
  { path: "etc", directory: true },
  { path: "etc/passwd", content: passwd, mode: 0o640, gid: 7 },
  { path: "etc/group", content: "root:x:0:\nweb:x:33:\nstaff:x:50:root\n" },
  { path: "etc/shadow", content: "root:*:1:0:99999:7:::\n", mode: 0o600 },
  { path: "usr", directory: true },
  { path: "usr/bin", directory: true },
  { path: "usr/bin/sh", content: "shell" },
  { path: "bin", link: "usr/bin" },
  { path: "srv", directory: true, mode: 0o700, uid: 33 },
  { path: "tmp", directory: true, mode: 0o1777 },
] as const;

const plain: TinyBase = {
  layers: [
    { entries: rootfs },
    { entries: [{ path: "opt/tool", content: "v1" }], kind: "zstd" },
    { entries: [{ path: "usr/.wh.games", content: "" }], kind: "tar" },
  ],
  config: { Env: ["PATH=/usr/bin", "LANG=C"], Entrypoint: ["/usr/bin/sh"], Cmd: ["-c", "true"], Labels: { a: "base" } },
};

const from = "from: { image: registry.example/base:1 }\n";
const app = "layers:\n  - files: { from: app, into: /srv/app }\n";
const files = { "images/web/app/main.js": "run()", "images/web/app/lib/x.js": "x" };

async function message(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "it did not fail",
    (error: unknown) => (error instanceof LockstepError ? error.message : String(error)),
  );
}

describe("an image on a base from a registry", () => {
  it("has the base's layers byte for byte, under OCI's names, and its own on top", async () => {
    for (const docker of [false, true]) {
      const scene = await baseScene({ "1": { ...plain, docker } }, `${from}${app}`, files);
      const { manifest, config, blob } = documentsOf(await scene.build());
      expect(manifest.layers.map(({ mediaType }) => mediaType.replace(/.*\.layer\.v1\./, ""))).toEqual([
        "tar+gzip",
        "tar+zstd",
        "tar",
        "tar+gzip",
      ]);
      for (const { digest } of manifest.layers.slice(0, 3))
        expect(blob(digest).equals(scene.repository.blobs.get(digest) ?? Buffer.alloc(0))).toBe(true);
      expect(blob(manifest.layers[2]?.digest ?? "sha256:").equals(tarOf(plain.layers[2]?.entries ?? []))).toBe(true);
      expect(config.rootfs.diff_ids).toHaveLength(4);
    }
  });

  it("does not write directories again that the base has, nor those above its own files", async () => {
    const scene = await baseScene({ "1": plain }, `${from}${app}`, files);
    const built = await scene.build();
    const { manifest } = documentsOf(built);
    const own = await readLayer(built.layout, manifest.layers[3]?.digest ?? "sha256:");
    expect(own.map(({ path, type, mode, uid }) => [path, type, mode, uid])).toEqual([
      ["srv/app", "directory", 0o755, 0],
      ["srv/app/lib", "directory", 0o755, 0],
      ["srv/app/lib/x.js", "file", 0o644, 0],
      ["srv/app/main.js", "file", 0o644, 0],
    ]);
  });

  it("inherits config, history and time by the rule", async () => {
    const history = [{ created: "2026-01-01T00:00:00Z", created_by: "ADD" }, { created_by: "x" }, { created_by: "y" }];
    const own = `config: { entrypoint: [/srv/app/main.js], env: { LANG: C.UTF-8, A: "1" }, labels: { b: own } }\n`;
    const scene = await baseScene({ "1": { ...plain, more: { history } } }, `${from}${app}${own}`, files);
    const { config, manifest } = documentsOf(await scene.build());
    expect(config.config).toEqual({
      Env: ["PATH=/usr/bin", "LANG=C.UTF-8", "A=1"],
      Entrypoint: ["/srv/app/main.js"],
      Labels: { a: "base", b: "own" },
    });
    expect(config.created).toBe("2026-02-03T04:05:06Z");
    expect(config.history).toEqual([
      ...history,
      { created: "1970-01-01T00:00:00Z", created_by: "lockstep: files images/web/app /srv/app" },
    ]);
    expect(manifest.annotations["org.opencontainers.image.base.name"]).toBe("registry.example/base:1");
    const fixed = documentsOf(await scene.build({ epoch: 7 }));
    expect(fixed.config.created).toBe("1970-01-01T00:00:07Z");
    expect(fixed.config.history.at(-1)?.["created"]).toBe("1970-01-01T00:00:07Z");
  });

  it("may be the base of other images of the repository, which have its layers once", async () => {
    const scene = await baseScene(
      { "1": plain },
      `from: middle\nlayers:\n  - symlinks: [{ path: /srv/l, target: x }]\n`,
      {
        ...files,
        "images/middle/image.yaml": `name: middle\n${from}layers:\n  - files: { from: ../web/app, into: /srv/app }\nconfig: { env: { M: "1" } }\n`,
      },
    );
    const { manifest, config } = documentsOf(await scene.build());
    expect(manifest.layers).toHaveLength(5);
    expect(config.config["Env"]).toEqual(["PATH=/usr/bin", "LANG=C", "M=1"]);
    expect(JSON.parse(manifest.annotations["dev.lockstep.base"] ?? "")).toMatchObject({ layers: 2, config: [{}, {}] });
  });

  it("adds accounts to the base's files, of which every line stays", async () => {
    const accounts =
      "users: [{ name: app, uid: 1000, gid: 1000 }, { name: web, uid: 33, gid: 33 }]\n" +
      "groups: [{ name: app, gid: 1000, members: [web] }, { name: staff, gid: 50, members: [app] }]\n";
    const scene = await baseScene({ "1": plain }, `${from}${accounts}`);
    const built = await scene.build();
    const { manifest } = documentsOf(built);
    const own = await readLayer(built.layout, manifest.layers[3]?.digest ?? "sha256:");
    expect(own.map((entry) => [entry.path, entry.mode, entry.gid, entry.content])).toEqual([
      ["home", 0o755, 0, undefined],
      ["home/app", 0o700, 1000, undefined],
      ["etc/group", 0o644, 0, "root:x:0:\nweb:x:33:\nstaff:x:50:root,app\napp:x:1000:web\n"],
      ["etc/passwd", 0o640, 7, `${passwd}\napp:x:1000:1000::/home/app:/usr/sbin/nologin\n`],
      ["etc/shadow", 0o600, 0, "root:*:1:0:99999:7:::\napp:*::0:99999:7:::\n"],
    ]);
  });

  it.each([
    ["LS2402", "users: [{ name: web, uid: 34, gid: 33 }]\n", 'user "web" has uid 34, but the base gives it uid 33'],
    ["LS2401", "users: [{ name: app, uid: 33, gid: 33 }]\n", 'users "app" and "web" (of the base) both have uid 33'],
    ["LS2401", "groups: [{ name: app, gid: 33 }]\n", 'groups "app" and "web" (of the base) both have gid 33'],
    ["LS2020", "users: [{ name: app, uid: 1000, gid: 1000 }]\n", "user app has gid 1000"],
    ["LS2020", "groups: [{ name: app, gid: 1000, members: [nobody] }]\n", "group app has the member nobody"],
  ])("%s: refuses accounts that do not fit the base's: %s", async (code, accounts, text) => {
    const scene = await baseScene({ "1": plain }, `${from}${accounts}`);
    const found = await message(scene.build());
    expect(found).toContain(code);
    expect(found).toContain(text);
  });

  it("LS2807: does not add accounts to a file that is a link", async () => {
    const linked: TinyBase = { layers: [{ entries: [{ path: "etc/passwd", link: "/usr/etc/passwd" }] }] };
    const scene = await baseScene({ "1": linked }, `${from}groups: [{ name: app, gid: 1000 }]\n`);
    expect(await message(scene.build())).toContain(
      "LS2807 images/web/image.yaml /etc/passwd of the base is not a plain file",
    );
  });

  it("gives a base without accounts those of root and the spec", async () => {
    const accounts = "users: [{ name: app, uid: 1000, gid: 0, home: /nonexistent }]\n";
    const scene = await baseScene(
      { "1": { layers: [{ entries: [{ path: "x", content: "x" }] }] } },
      `${from}${accounts}`,
    );
    const built = await scene.build();
    const own = await readLayer(built.layout, documentsOf(built).manifest.layers[1]?.digest ?? "sha256:");
    expect(own.map(({ path, content }) => [path, content])).toEqual([
      ["etc", undefined],
      ["etc/group", "root:x:0:\n"],
      ["etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\napp:x:1000:0::/nonexistent:/usr/sbin/nologin\n"],
    ]);
  });

  it("LS4203: puts nothing below a link of the base, nor a file in the place of its directory", async () => {
    const below = await baseScene({ "1": plain }, `${from}layers:\n  - files: { from: app, into: /lib/app }\n`, files);
    expect(await message(below.build())).not.toContain("LS4203");
    const linked: TinyBase = { layers: [{ entries: [...rootfs, { path: "data", link: "srv" }] }] };
    const link = await baseScene({ "1": linked }, `${from}layers:\n  - files: { from: app, into: /data/app }\n`, files);
    expect(await message(link.build())).toMatch(
      /LS4203 .*needs data to be a directory, but the base has a file or a link/,
    );
    const onto = await baseScene({ "1": plain }, `${from}layers:\n  - symlinks: [{ path: /srv, target: x }]\n`);
    expect(await message(onto.build())).toMatch(/LS4203 .*have the directory srv/);
  });

  it("LS2808: is not built on layers that contradict each other", async () => {
    const odd: TinyBase = { layers: [{ entries: rootfs }, { entries: [{ path: "bin/x", content: "x" }] }] };
    const scene = await baseScene({ "1": odd }, `${from}${app}`, files);
    expect(await message(scene.build())).toMatch(/LS2808 registry\.example\/base:1: layer 2 bin\/x lies below bin/);
  });

  it("LS2805: is not built on a layer that decompresses to something else than its diffID", async () => {
    const lying: TinyBase = { ...plain, layers: plain.layers.slice(0, 1) };
    const other = tarOf([{ path: "evil", content: "x" }]);
    const scene = await baseScene(
      { "1": { ...lying, more: { rootfs: { diff_ids: [`sha256:${"ab".repeat(32)}`] } } } },
      `${from}${app}`,
      files,
    );
    expect(other.length).toBeGreaterThan(0);
    expect(await message(scene.build())).toMatch(
      /LS2805 registry\.example\/base:1: layer 1 layer sha256:\w+ decompresses to/,
    );
  });

  it("has the same digest from an empty store of results, and does no work a second time", async () => {
    const scene = await baseScene({ "1": plain }, `${from}${app}`, files);
    const first = await scene.build();
    const again = await scene.build();
    expect(again).toMatchObject({ unchanged: true, platforms: [{ cached: true }, { cached: true }] });
    const results = new Store(scene.host, `${scene.directory}/other`);
    const elsewhere = await scene.build({ results, out: `${scene.directory}/elsewhere` });
    expect(elsewhere.index.descriptor.digest).toBe(first.index.descriptor.digest);
  });

  it("LS3001: is not built on a layer that was damaged in the store, which is fetched again", async () => {
    const scene = await baseScene({ "1": plain }, `${from}${app}`, files);
    const [first] = (await scene.plan())[0]?.plan.layers ?? [];
    if (first?.kind !== "base") throw new Error("no base");
    damage(scene.store, first.digest);
    expect(await message(scene.build())).toContain(`LS3001 blob ${first.digest}`);
    await scene.build();
  });

  it("is read from the store alone once it is there", async () => {
    const scene = await baseScene({ "1": plain }, `${from}${app}`, files);
    await scene.build();
    const { length } = scene.repository.log;
    await scene.build();
    expect(scene.repository.log).toHaveLength(length);
  });
});
