import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import type { Short, TinyBase } from "../../source/image/tiny-image.ts";
import { type BaseScene, baseScene, documentsOf } from "./base-scene.ts";

const old: readonly Short[] = [
  { path: "etc", directory: true },
  { path: "etc/passwd", content: "root:x:0:0::/root:/bin/sh\n" },
  { path: "etc/group", content: "root:x:0:\n" },
  { path: "srv", directory: true, mode: 0o750 },
  { path: "usr/bin/tool", content: "v1" },
];

const base = (entries: readonly Short[], more: Partial<TinyBase> = {}): TinyBase => ({
  layers: [{ entries }],
  config: { Env: ["PATH=/usr/bin", "V=1"], Cmd: ["/usr/bin/tool"] },
  ...more,
});

const app = "layers:\n  - files: { from: app, into: /srv/app }\n";
const accounts = "users: [{ name: app, uid: 1000, gid: 0 }]\n";
const config = 'config: { env: { A: "2" }, labels: { own: l }, ports: [80] }\n';
const files = { "images/web/app/main.js": "run()", "images/web/app/lib/x.js": "x" };
const onto = "registry.example/base:2";

const specOn = (tag: string, rest: string): string => `from: { image: registry.example/base:${tag} }\n${rest}`;

async function scenes(next: TinyBase, rest: string, first: TinyBase = base(old)): Promise<BaseScene> {
  return baseScene({ "1": first, "2": next }, specOn("1", rest), files);
}

/** Rebases, builds anew on the other base, and compares. */
async function compare(scene: BaseScene, rest: string, epoch?: number): Promise<void> {
  const at = epoch === undefined ? {} : { epoch };
  const before = await scene.build(at);
  const rebased = await scene.rebase(onto, at);
  scene.write("images/web/image.yaml", `name: web\n${specOn("2", rest)}`);
  const built = await scene.build({ ...at, out: join(scene.directory, "full") });
  expect(documentsOf(rebased)).toMatchObject({
    config: documentsOf(built).config,
    manifest: documentsOf(built).manifest,
  });
  expect(rebased.index.descriptor.digest).toBe(built.index.descriptor.digest);
  expect(rebased.index.descriptor.digest).not.toBe(before.index.descriptor.digest);
  const index = (layout: string): unknown => JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  expect(index(rebased.layout)).toEqual(index(built.layout));
}

async function refused(next: TinyBase, rest: string, first?: TinyBase): Promise<string> {
  const scene = await scenes(next, rest, first);
  await scene.build();
  return await scene.rebase(onto).then(
    () => "it did not fail",
    (error: unknown) => (error instanceof LockstepError ? error.message : String(error)),
  );
}

describe("rebaseImage", () => {
  it("gives the digest of a full build on the new base, with its config, history, time and layers", async () => {
    const next = base([...old, { path: "opt/new", content: "v2" }], {
      config: { Env: ["PATH=/usr/local/bin", "A=base"], Cmd: ["/opt/new"], User: "65532" },
      created: "2026-05-05T05:05:05Z",
      docker: true,
      more: { history: [{ created_by: "ADD v2" }, { created_by: "CMD", empty_layer: true }] },
    });
    const rest = `${app}${config}`;
    await compare(await scenes(next, rest), rest);
  });

  it("does so with accounts, where the new base has the same", async () => {
    const rest = `${app}${accounts}`;
    await compare(await scenes(base([...old, { path: "x", content: "" }]), rest), rest);
  });

  it("does so with SOURCE_DATE_EPOCH, set as it was", async () => {
    await compare(await scenes(base([...old, { path: "x", content: "" }]), app), app, 1_234_567_890);
  });

  it("does so for an image that sets config alone, and for one on an image of the repository", async () => {
    await compare(await scenes(base([...old, { path: "x", content: "" }]), config), config);
  });

  it("makes no layer: the own ones are the same blobs", async () => {
    const scene = await scenes(base([...old, { path: "x", content: "" }]), app);
    const before = documentsOf(await scene.build()).manifest.layers.at(-1);
    expect(documentsOf(await scene.rebase(onto)).manifest.layers.at(-1)).toEqual(before);
  });

  it.each<[string, readonly Short[], string]>([
    [
      "has not",
      old.filter(({ path }) => path !== "srv"),
      "srv, which in the old base is 0750 0:0 and in the new one is not there",
    ],
    [
      "has with another mode",
      old.map((short) => (short.path === "srv" ? { path: "srv", directory: true, mode: 0o755 } : short)),
      "srv, which in the old base is 0750 0:0 and in the new one is 0755 0:0",
    ],
    [
      "has as a link",
      [...old.filter(({ path }) => path !== "srv"), { path: "srv", link: "usr" }],
      "srv, which in the old base is 0750 0:0 and in the new one is not a directory",
    ],
    [
      "has too, and has not to be written then",
      [...old, { path: "srv/app", directory: true }],
      "srv/app, which in the old base is not there and in the new one is 0755 0:0",
    ],
  ])("LS2809: refuses a base that a directory %s", async (_what, entries, text) => {
    const found = await refused(base(entries), app);
    expect(found).toContain("LS2809 web linux/amd64 own layers have");
    expect(found).toContain(text);
    expect(found).toContain("web linux/arm64");
  });

  it("LS2809: refuses a base that has a directory where an own layer has a file", async () => {
    expect(await refused(base([...old, { path: "srv/app/main.js", directory: true }]), app)).toContain(
      "main.js, which",
    );
  });

  it("LS2809: refuses a base with other accounts when own layers have theirs", async () => {
    const next = base(
      old.map((short) => (short.path === "etc/group" ? { ...short, content: "root:x:0:\na:x:5:\n" } : short)),
    );
    expect(await refused(next, accounts)).toContain("own layers have etc/group");
    expect(await refused(base([...old, { path: "etc/shadow", content: "" }]), accounts)).toContain("etc/shadow");
    expect(await refused(next, app)).toBe("it did not fail");
  });

  it("LS2809: refuses another SOURCE_DATE_EPOCH than the image was built with", async () => {
    const scene = await scenes(base(old), app);
    await scene.build();
    await expect(scene.rebase(onto, { epoch: 5 })).rejects.toMatchObject({ code: "LS2809" });
    await scene.build({ epoch: 5 });
    await expect(scene.rebase(onto)).rejects.toMatchObject({ code: "LS2809" });
    await expect(scene.rebase(onto, { epoch: 6 })).rejects.toMatchObject({ code: "LS2809" });
  });

  it("LS2809: refuses an image that was not built on a base", async () => {
    const scene = await baseScene({ "2": base(old) }, `${app}`, files);
    await scene.build();
    await expect(scene.rebase(onto)).rejects.toMatchObject({ code: "LS2809" });
  });

  it("LS5003: refuses a layout whose blobs are damaged, and a directory that is none", async () => {
    const scene = await scenes(base(old), app);
    const built = await scene.build({ out: join(scene.directory, "layouts") });
    const layout = built.layout;
    await expect(scene.rebase(onto, { layout: scene.directory })).rejects.toMatchObject({ code: "LS5003" });
    const manifest = join(layout, "blobs/sha256", String(built.platforms[0]?.manifest.descriptor.digest).slice(7));
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace("false", "true "));
    await expect(scene.rebase(onto, { layout })).rejects.toMatchObject({ code: "LS5003" });
  });

  it("LS2801: refuses a base that has not every platform of the image", async () => {
    const found = await refused(base(old, { platforms: ["linux/amd64"] }), app);
    expect(found).toContain("LS2801 registry.example/base:2 has no linux/arm64");
  });
});
