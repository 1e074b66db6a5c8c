import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fetchLocked } from "../../pipeline/build/repository.ts";
import { LockstepError } from "../../pipeline/host/errors.ts";
import { silent } from "../../pipeline/report/report.ts";
import { hexOf } from "../../pipeline/store/digest.ts";
import { Store } from "../../pipeline/store/store.ts";
import { filesBelow } from "../files.ts";
import { hostileDebs } from "../source/debian/hostile-debs.ts";
import { type TinyDeb, tinyDeb } from "../source/debian/tiny-deb.ts";
import { damage, image, readLayer, tinyRepository } from "./tiny-repository.ts";

const tool: TinyDeb = {
  name: "tool",
  data: [
    { name: "./usr/", flag: "5", mode: 0o755 },
    { name: "./usr/bin/", flag: "5", mode: 0o755 },
    { name: "./usr/bin/tool", content: "#!/bin/sh\n", mode: 0o4755 },
    { name: "./etc/tool.conf", content: "level=1\n" },
  ],
  control: { conffiles: "/etc/tool.conf\n" },
};
const withFiles = image("tool", "  - files: { from: app, into: /app }\n");
const filesOf = (name: string): Record<string, string> => ({
  [`images/${name}/app/main.js`]: "console.log(1)\n",
  [`images/${name}/app/lib/a.js`]: "export {}\n",
});
const appFiles = filesOf("app");

async function refusal(work: Promise<unknown>): Promise<LockstepError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw new Error("failed without a code", { cause: error });
  }
  throw new Error("succeeded");
}

describe("buildImages", () => {
  it("makes one layout from packages and files, the same on every run and in every store", async () => {
    const repository = await tinyRepository({ images: { app: withFiles }, packages: [tool], files: appFiles });
    const [built] = await repository.build();
    const [again] = await repository.build({
      results: new Store(repository.host, join(repository.directory, "other")),
    });
    expect(again?.index.descriptor).toEqual(built?.index.descriptor);
    const elsewhere = await tinyRepository({ images: { app: withFiles }, packages: [tool], files: appFiles });
    const [other] = await elsewhere.build();
    expect(other?.index.bytes.toString()).toBe(built?.index.bytes.toString());
    // A change here is a new number of the format, never an update of this line. (The compressor has its own in test/image.)
    expect(built?.platforms[0]?.layers.map(({ diffId }) => diffId)).toMatchInlineSnapshot(`
      [
        "sha256:b8316fee13a555d5e864cb56f7501f76d3515f7cbdd8e3da9d9c1739d42c4c97",
        "sha256:3b1e07ed6ea981e57e30f9f2a317ecb7957043d2f88b1d8877cbec93291e7455",
      ]
    `);
    const entries = await readLayer(built?.layout ?? "", built?.platforms[0]?.layers[0]?.digest ?? "sha256:");
    const paths = entries.map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(entries.find(({ path }) => path === "usr/bin/tool")).toMatchObject({ mode: 0o4755, mtime: 1_600_000_000 });
    expect(entries.find(({ path }) => path === "tmp")).toMatchObject({ type: "directory", mode: 0o1777 });
    expect(entries.find(({ path }) => path === "etc/passwd")?.content).toContain("root:x:0:0:root:/root:/bin/bash\n");
    expect(entries.find(({ path }) => path === "var/lib/dpkg/status")?.content).toContain("Package: tool\n");
    const files = await readLayer(built?.layout ?? "", built?.platforms[0]?.layers[1]?.digest ?? "sha256:");
    expect(files.map(({ path, mode }) => `${path} ${mode.toString(8)}`)).toEqual([
      "app 755",
      "app/lib 755",
      "app/lib/a.js 644",
      "app/main.js 644",
    ]);
    expect(new Set(files.map(({ mtime }) => mtime))).toEqual(new Set([Date.parse("2026-01-02T03:04:05Z") / 1000]));
  });

  it("does nothing when nothing changed, even without the inputs", async () => {
    const repository = await tinyRepository({ images: { app: withFiles }, packages: [tool], files: appFiles });
    const [first] = await repository.build();
    expect(first?.unchanged).toBe(false);
    expect(first?.platforms.map(({ cached }) => cached)).toEqual([false]);
    const before = filesBelow(repository.out);
    const [second] = await repository.build();
    expect(second).toMatchObject({ unchanged: true, platforms: [{ cached: true }] });
    expect(filesBelow(repository.out)).toEqual(before);
  });

  it("rebuilds only the last layer when one of its files changes", async () => {
    const repository = await tinyRepository({ images: { app: withFiles }, packages: [tool], files: appFiles });
    const [first] = await repository.build();
    repository.write("images/app/app/main.js", "console.log(2)\n");
    // Without packages and fragments nothing below could be made again.
    const lower = first?.platforms[0]?.layers[0];
    const planned = await repository.plan();
    const records = filesBelow(join(repository.store.directory, "records/0/result"));
    const begin = filesBelow(join(repository.store.directory, "blobs"));
    const [second] = await repository.build();
    expect(second?.platforms[0]?.layers[0]).toEqual(lower);
    expect(second?.platforms[0]?.layers[1]?.digest).not.toBe(first?.platforms[0]?.layers[1]?.digest);
    expect(second?.platforms[0]?.cached).toBe(false);
    expect(planned[0]?.plan.layers).toHaveLength(2);
    const added = filesBelow(join(repository.store.directory, "records/0/result")).filter(
      (path) => !records.includes(path),
    );
    expect(added).toHaveLength(1);
    // Of blobs: the fragment of the files, and the layer; directories and end are the same bytes as before.
    expect(filesBelow(join(repository.store.directory, "blobs")).length - begin.length).toBe(2);
    const files = await readLayer(second?.layout ?? "", second?.platforms[0]?.layers[1]?.digest ?? "sha256:");
    expect(files.find(({ path }) => path === "app/main.js")?.content).toBe("console.log(2)\n");
  });

  it("shares the layers of an image that another is from", async () => {
    const repository = await tinyRepository({
      images: {
        base: image("tool"),
        web: "from: base\nplatforms: [linux/amd64]\nlayers:\n  - files: { from: app, into: /app }\n",
        tools: `from: base\n${image("more")}`,
      },
      packages: [tool, { name: "more", data: [{ name: "./usr/bin/more", content: "m", mode: 0o755 }] }],
      files: filesOf("web"),
    });
    const built = new Map((await repository.build()).map((each) => [each.image, each.platforms[0]?.layers]));
    expect(built.get("web")?.[0]).toEqual(built.get("base")?.[0]);
    expect(built.get("tools")?.[0]).toEqual(built.get("base")?.[0]);
    const upper = await readLayer(join(repository.out, "tools"), built.get("tools")?.[1]?.digest ?? "sha256:");
    expect(upper.map(({ path }) => path)).toContain("usr/bin/more");
    // What the base has is not repeated, and what changes because of the new package is written again.
    expect(upper.map(({ path }) => path)).not.toContain("etc/passwd");
    expect(upper.find(({ path }) => path === "var/lib/dpkg/status")?.content).toMatch(
      /Package: more\n[^]*Package: tool\n/,
    );
  });

  it("does not depend on which image is built first, or alone", async () => {
    const images = {
      base: image("tool"),
      web: "from: base\nplatforms: [linux/amd64]\nlayers:\n  - files: { from: app, into: /app }\n",
    };
    const options = { images, packages: [tool], files: filesOf("web") };
    const together = await (await tinyRepository(options)).build();
    const alone = await tinyRepository(options);
    const [web] = await alone.build({ names: ["web"] });
    const [base] = await alone.build({ names: ["base"] });
    expect([base, web].map((each) => each?.index.descriptor.digest)).toEqual(
      together.map((each) => each.index.descriptor.digest),
    );
  });

  it("lists what is missing when it may not use the network", async () => {
    const repository = await tinyRepository({ images: { app: withFiles }, packages: [tool], files: appFiles });
    const item = repository.locked.get("tool");
    rmSync(repository.store.pathOf(`sha256:${item?.sha256 ?? ""}`));
    const planned = await repository.plan();
    const error = await refusal(
      fetchLocked(repository.host, repository.store, silent, { ...repository, specs: [] }, planned, { offline: true }),
    );
    expect(error.exitCode).toBe(4);
    expect(error.message).toContain(
      `LS3102 1 of 3 files cannot be downloaded: the network is not to be used\n  missing: ${item?.path} (${item?.size} bytes, sha256:${item?.sha256})`,
    );
    expect(error.message).toMatch(/in the store: .*base-files_1\.0_all\.deb/);
  });
});

describe("a damaged store", () => {
  it("is found when it is read, and gives the same digest once it is made anew", async () => {
    const repository = await tinyRepository({ images: { app: withFiles }, packages: [tool], files: appFiles });
    const [first] = await repository.build();
    const layers = first?.platforms[0]?.layers ?? [];
    // A fragment: blobs that are neither layers nor packages.
    const packages = [...repository.locked.values()].map(({ sha256 }) => sha256);
    const known = [...layers.map(({ digest }) => hexOf(digest)), ...packages];
    const fragments = filesBelow(join(repository.store.directory, "blobs/sha256"))
      .map((path) => path.slice(3))
      .filter((hex) => !known.includes(hex));
    expect(fragments.length).toBeGreaterThan(4);
    for (const hex of fragments) {
      damage(repository.store, `sha256:${hex}`);
      // The layers are gone, so that fragments have to be read.
      for (const { digest } of layers) rmSync(repository.store.pathOf(digest), { force: true });
      for (;;) {
        try {
          const [built] = await repository.build();
          expect(built?.index.descriptor.digest).toBe(first?.index.descriptor.digest);
          break;
        } catch (error) {
          // Each failure removes what is corrupt, so there are no more of them than blobs.
          expect((error as LockstepError).code).toBe("LS3001");
          expect(filesBelow(join(repository.store.directory, "blobs/sha256"))).not.toContain(
            `${hex.slice(0, 2)}/${hex}`,
          );
        }
      }
    }
  });

  it("never lets a changed package into an image, and says so", async () => {
    const repository = await tinyRepository({ images: { app: withFiles }, packages: [tool], files: appFiles });
    const item = repository.locked.get("tool");
    damage(repository.store, `sha256:${item?.sha256 ?? ""}`);
    expect((await refusal(repository.build())).problems.map(({ code }) => code)).toEqual(["LS3001"]);
    // The next run knows that the package has to be fetched.
    expect((await refusal(repository.build())).code).toBe("LS3102");
    expect(filesBelow(repository.out)).toEqual([]);
  });

  it("does not believe damaged records", async () => {
    const repository = await tinyRepository({ images: { app: withFiles }, packages: [tool], files: appFiles });
    const [first] = await repository.build();
    const records = join(repository.store.directory, "records");
    for (const [index, path] of filesBelow(records).entries())
      writeFileSync(join(records, path), ["", "{}", "not a record\n{}", "\0\0\0"][index % 4] ?? "");
    const [second] = await repository.build();
    expect(second?.platforms[0]?.cached).toBe(false);
    expect(second?.index.descriptor.digest).toBe(first?.index.descriptor.digest);
  });

  it("makes a layout whole again that lost a blob or has one too many", async () => {
    const repository = await tinyRepository({ images: { app: withFiles }, packages: [tool], files: appFiles });
    const [first] = await repository.build();
    const layout = first?.layout ?? "";
    const before = filesBelow(layout);
    for (const path of before) {
      rmSync(join(layout, path));
      writeFileSync(join(layout, "blobs/sha256", "0".repeat(64)), "left by an earlier build");
      const [again] = await repository.build();
      expect(again?.unchanged).toBe(false);
      expect(filesBelow(layout)).toEqual(before);
    }
  });
});

describe("an interrupted build", () => {
  it("stops with LS1003 and leaves no temporary file", async () => {
    const repository = await tinyRepository({ images: { app: withFiles }, packages: [tool], files: appFiles });
    const error = await refusal(repository.build({ signal: AbortSignal.abort() }));
    expect(error.code).toBe("LS1003");
    expect(filesBelow(join(repository.store.directory, "tmp"))).toEqual([]);
    expect(filesBelow(repository.out)).toEqual([]);
    const [built] = await repository.build();
    expect(built?.unchanged).toBe(false);
  });
});

/** What a build of the two packages that every image has leaves in the store. */
let sound: readonly string[] | undefined;
async function soundBlobs(): Promise<readonly string[]> {
  if (sound === undefined) {
    const repository = await tinyRepository({ images: { app: image("base-files") } });
    await repository.build();
    sound = filesBelow(join(repository.store.directory, "blobs"));
  }
  return sound;
}

// The bombs take a second each, and a package of no bytes cannot be locked; the reader's own tests have them.
const bombs = /^(?:10 GB|control.tar of 10 GB)|^nothing$/;

describe("hostile packages", () => {
  it.each(hostileDebs.filter(({ what }) => !bombs.test(what)))(
    "leave nothing of themselves: $what ($code)",
    async ({ code, make }) => {
      const bytes = make();
      const repository = await tinyRepository({
        images: { app: image("evil") },
        packages: [{ name: "evil", bytes }],
      });
      const error = await refusal(repository.build());
      expect(error.problems.map((problem) => problem.code)).toEqual([code]);
      expect(error.exitCode).toBe(3);
      expect(error.message).toContain("evil_1.0_all");
      expect(filesBelow(repository.out)).toEqual([]);
      expect(filesBelow(join(repository.store.directory, "tmp"))).toEqual([]);
      const evil = repository.locked.get("evil")?.sha256 ?? "";
      for (const path of filesBelow(join(repository.store.directory, "records"))) expect(path).not.toContain(evil);
      // What the two sound packages gave may stay; of the third there is the package itself and nothing else.
      const blobs = filesBelow(join(repository.store.directory, "blobs"));
      const allowed = new Set([...(await soundBlobs()), `sha256/${evil.slice(0, 2)}/${evil}`]);
      expect(blobs.filter((path) => !allowed.has(path))).toEqual([]);
    },
  );

  it("are refused before anything is written when one of many is hostile", async () => {
    const repository = await tinyRepository({
      images: { app: image("evil, tool") },
      packages: [tool, { name: "evil", bytes: tinyDeb({ name: "evil", data: [{ name: "../x", content: "x" }] }) }],
    });
    expect((await refusal(repository.build())).code).toBe("LS4003");
    expect(filesBelow(repository.out)).toEqual([]);
  });
});
