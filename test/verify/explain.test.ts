import { hash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { silent } from "../../pipeline/report/report.ts";
import type { Comparison } from "../../pipeline/verify/compare/comparison.ts";
import type { Finding } from "../../pipeline/verify/compare/finding.ts";
import { explain, type ExplainOptions } from "../../pipeline/verify/explain.ts";
import { lockstep } from "../cli/lockstep.ts";
import { startRegistry } from "../registry/registry.ts";
import { hasProgram, run, scene, type Scene, temporaryDirectory } from "../support.ts";
import { archiveOf, type ImageOf, type IndexOf, made, savedArchiveOf, writeLayout } from "./image-of.ts";
import { type TarItem, tarOf } from "./tar-of.ts";

const items: readonly TarItem[] = [{ name: "etc/" }, { name: "etc/motd", content: "hello\n" }];
const web: ImageOf = { layers: [{ items }, { items: [{ name: "app.js", content: "1" }] }] };

const layout = (image: ImageOf | IndexOf): string => writeLayout(temporaryDirectory(), image);

const sha256 = (bytes: Uint8Array): string => hash("sha256", bytes, "hex");

function file(bytes: Uint8Array, name = "subject"): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, bytes);
  return path;
}

async function compare(a: string, b: string, options: ExplainOptions = {}, at: Scene = scene()): Promise<Comparison> {
  const comparison = await explain({ ...at, report: silent, signal: new AbortController().signal }, a, b, options);
  // Nothing is left of what was unpacked.
  expect(readdirSync(at.store.directory).filter((name) => name.startsWith("compare-"))).toEqual([]);
  return comparison;
}

const places = ({ differences }: Comparison): readonly string[] =>
  differences.map(({ where: { part, layer, path, field } }) =>
    [part, ...(layer === undefined ? [] : [layer]), ...(path === undefined ? [] : [path]), field].join(" "),
  );

const only = (comparison: Comparison): Finding => {
  expect(places(comparison)).toHaveLength(1);
  return comparison.differences[0] ?? expect.fail();
};

describe("explain", () => {
  it("says that two copies are equal, whatever holds them", async () => {
    const comparison = await compare(layout(web), file(archiveOf(web)));
    expect(comparison).toMatchObject({
      schema: 1,
      verdict: "equal",
      grade: null,
      differences: [],
      unread: [],
      more: 0,
    });
    expect(comparison.a.digest).toBe(comparison.b.digest);
    expect((await compare(file(gzipSync(archiveOf(web))), `oci:${layout(web)}`)).verdict).toBe("equal");
    expect((await compare(file(savedArchiveOf(web)), file(gzipSync(savedArchiveOf(web))))).verdict).toBe("equal");
  });

  it.skipIf(!hasProgram("xz"))("reads two archives in xz in step, with one decoder (needs xz)", async () => {
    const xz = (bytes: Uint8Array, level: string): Buffer => run("xz", ["-c", level], { input: bytes }).stdout;
    const numbers = Array.from({ length: 90_000 }, (_, index) => `${index}\n`).join("");
    const many = [...items, { name: "etc/numbers", content: numbers }, { name: "etc/z", content: "1" }];
    const touched = many.map((item) => ({ ...item, mtime: 1_700_000_001 }));
    const [a, b] = [xz(tarOf(many), "-1"), xz(tarOf(touched), "-9")];
    expect(places(await compare(file(a), file(b)))).toEqual([
      "entry 1 etc mtime",
      "entry 1 etc/motd mtime",
      "entry 1 etc/numbers mtime",
      "entry 1 etc/z mtime",
    ]);
    const broken = await compare(file(a), file(b.subarray(0, b.length >> 1)));
    expect(broken.verdict).not.toBe("equal");
  });

  it.each<readonly [string, (digest: string) => string, (digest: string) => string]>([
    ["go-containerregistry", (digest) => `sha256:${digest}`, (digest) => `${digest}.tar.gz`],
    ["Jib", () => "config.json", (digest) => `${digest}.tar.gz`],
  ])("takes an archive as %s writes it for an image", async (_, configName, layerName) => {
    const saved = (mtime: number): Buffer => {
      const tar = tarOf(items.map((item) => ({ ...item, mtime })));
      const layer = gzipSync(tar);
      const config = Buffer.from(
        JSON.stringify({
          architecture: "amd64",
          os: "linux",
          rootfs: { type: "layers", diff_ids: [`sha256:${sha256(tar)}`] },
        }),
      );
      const [configAt, layerAt] = [configName(sha256(config)), layerName(sha256(layer))];
      return tarOf([
        { name: configAt, content: config },
        { name: layerAt, content: layer },
        {
          name: "manifest.json",
          content: JSON.stringify([{ Config: configAt, RepoTags: ["registry.example/app:1"], Layers: [layerAt] }]),
        },
      ]);
    };
    const comparison = await compare(file(saved(1)), file(saved(2)));
    expect(places(comparison)).toEqual(["entry 1 etc mtime", "entry 1 etc/motd mtime"]);
    expect(comparison.causes[0]?.id).toBe("T1");
  });

  it("stops at the innermost difference: a field of an entry, and nothing of what follows from it", async () => {
    const touched = items.map((item) => ({ ...item, mtime: 1_700_000_001 }));
    const comparison = await compare(
      layout(web),
      layout({ ...web, layers: [{ items: touched }, ...web.layers.slice(1)] }),
    );
    expect(places(comparison)).toEqual(["entry 1 etc mtime", "entry 1 etc/motd mtime"]);
    expect(comparison).toMatchObject({ verdict: "differs", grade: "clock" });
    expect(comparison.differences[0]?.where.platform).toBe("linux/amd64");
  });

  it.each<readonly [string, ImageOf, string, Partial<Finding>]>([
    [
      "created",
      { ...web, config: (c) => (c["created"] = "2025-01-01T00:00:00Z") },
      "config created",
      { grade: "clock" },
    ],
    [
      "entrypoint",
      { ...web, config: (c) => (c["config"] = { ...(c["config"] as object), Entrypoint: ["/bin/sh"] }) },
      "config config.Entrypoint",
      { grade: "privilege", b: '["/bin/sh"]' },
    ],
    [
      "order of variables",
      { ...web, config: (c) => (c["config"] = { ...(c["config"] as object), Env: ["LANG=C.UTF-8", "PATH=/usr/bin"] }) },
      "config config.Env",
      { grade: "cosmetic", natures: ["order"] },
    ],
    [
      "variable",
      { ...web, config: (c) => (c["config"] = { ...(c["config"] as object), Env: ["PATH=/usr/bin", "LANG=C"] }) },
      "config config.Env.LANG",
      { grade: "privilege", a: "LANG=C.UTF-8", b: "LANG=C" },
    ],
    [
      "label",
      { ...web, config: (c) => (c["config"] = { ...(c["config"] as object), Labels: { x: "1" } }) },
      "config config.Labels",
      { grade: "cosmetic" },
    ],
    [
      "annotation",
      { ...web, manifest: (m) => (m["annotations"] = { x: "1" }) },
      "manifest annotations",
      { grade: "cosmetic" },
    ],
    [
      "spaces",
      { ...web, write: (value) => JSON.stringify(value, null, 2) },
      "manifest form",
      { grade: "encoding", a: "compact", b: "indented by 2" },
    ],
    [
      "order of members",
      { ...web, config: (c) => Object.assign(c, { rootfs: take(c, "rootfs") }) },
      "config form",
      { grade: "encoding", facts: { memberOrder: true } },
    ],
    [
      "compression",
      { layers: [{ items, pack: zstdCompressSync }, ...web.layers.slice(1)] },
      "layer 1 compression",
      { a: "gzip", b: "zstd" },
    ],
    [
      "time in the gzip header",
      { layers: [{ items, pack: (tar) => withByte(gzipSync(tar), 4, 9) }, ...web.layers.slice(1)] },
      "layer 1 gzip.mtime",
      { a: "0", b: "9", grade: "clock" },
    ],
    [
      "system in the gzip header",
      { layers: [{ items, pack: (tar) => withByte(gzipSync(tar), 9, 255) }, ...web.layers.slice(1)] },
      "layer 1 gzip.os",
      { a: "Unix (3)", b: "unknown (255)" },
    ],
    [
      "encoder",
      { layers: [{ items, pack: (tar) => withByte(gzipSync(tar, { level: 0 }), 8, 0) }, ...web.layers.slice(1)] },
      "layer 1 encoder",
      { grade: "encoding" },
    ],
    [
      "media type",
      { layers: [{ items, mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip" }, ...web.layers.slice(1)] },
      "layer 1 mediaType",
      { grade: "encoding" },
    ],
  ])("names one change: %s", async (_, changed, place, finding) => {
    const comparison = await compare(layout(web), layout(changed));
    expect(places(comparison)[0]).toBe(place);
    expect(comparison.differences[0]).toMatchObject(finding);
    // Spaces are in both documents; all else is told once.
    expect(places(comparison)).toHaveLength(place === "manifest form" ? 2 : 1);
    expect(comparison.verdict).toBe("differs");
  });

  it("compares each platform with its own, with or without a variant, and narrows to one", async () => {
    const arm = { ...web, platform: { architecture: "arm64", os: "linux" } };
    const other = { ...arm, config: (c: Record<string, unknown>) => (c["author"] = "me") };
    const [a, b] = [layout({ images: [web, arm] }), layout({ images: [other, web] })];
    const comparison = await compare(a, b);
    expect(comparison.differences.map(({ where }) => [where.platform, where.field])).toEqual([
      [undefined, "manifests"],
      ["linux/arm64", "author"],
    ]);
    expect((await compare(a, b, { platform: "linux/amd64" })).verdict).toBe("equal");
    expect((await compare(a, b, { platform: "linux/arm64" })).differences).toHaveLength(1);
    const variant = { ...arm, platform: { architecture: "arm64", os: "linux", variant: "v8" } };
    expect(places(await compare(layout({ images: [arm] }), layout({ images: [variant] })))).toEqual([
      "index manifests[0].platform.variant",
      "config variant",
    ]);
    await expect(compare(a, b, { platform: "linux/riscv64" })).rejects.toMatchObject({ code: "LS5103" });
  });

  it("compares layers that were cut in other places by what they come to", async () => {
    const whole = { layers: [{ items: [...items, { name: "app.js", content: "2" }] }] };
    expect(places(await compare(layout(web), layout(whole)))).toEqual([
      "config history[1]",
      "layer 1 boundaries",
      expect.stringMatching(/^entry 1 app\.js /),
    ]);
  });

  it("compares layers alone, layers with images, and files", async () => {
    const [plain, packed] = [file(tarOf(items)), file(gzipSync(tarOf(items)))];
    expect(only(await compare(plain, packed))).toMatchObject({ where: { part: "layer", field: "compression" } });
    expect(places(await compare(packed, layout({ layers: [{ items }] })))).toEqual(["manifest presence"]);
    const [x, y] = [file(Buffer.from([1, 2, 3])), file(Buffer.from([1, 2, 4]))];
    expect(only(await compare(x, y))).toMatchObject({ where: { part: "entry", path: "" }, grade: "content" });
    expect((await compare(x, x)).verdict).toBe("equal");
  });

  it("reads archives of `docker save` with links in place of layers, and takes an image of several by its name", async () => {
    const twice: ImageOf = { layers: [{ items }, { items }] };
    const comparison = await compare(file(savedArchiveOf(twice)), layout(twice));
    expect(places(comparison).filter((place) => place.startsWith("entry"))).toEqual([]);
    const path = file(savedArchiveOf(twice, ["web:1", "web:2"]));
    expect((await compare(`${path}:2`, `docker-archive:${path}`)).verdict).toBe("equal");
    await expect(compare(`${path}:3`, path)).rejects.toMatchObject({ code: "LS5103" });
  });

  it("compares with an image of a registry", async () => {
    const registry = await startRegistry();
    const { blobs, root } = made(web);
    const repository = registry.content.repository("team/web");
    const digest = String(root["digest"]);
    for (const [hex, bytes] of blobs) repository.blobs.set(`sha256:${hex}`, bytes);
    const bytes = blobs.get(digest.slice("sha256:".length)) ?? expect.fail();
    repository.manifests.set(digest, { digest, mediaType: String(root["mediaType"]), bytes });
    repository.tags.set("1", digest);
    const other = layout({ ...web, config: (c) => (c["author"] = "me") });
    expect((await compare(`${registry.host}/team/web:1`, layout(web))).verdict).toBe("equal");
    expect(places(await compare(`${registry.host}/team/web@${digest}`, other))).toEqual(["config author"]);
  });

  it.each<readonly [string, () => string, string]>([
    ["nothing is there", () => "./nowhere", "LS5101"],
    ["a truncated archive of an image", () => file(archiveOf(web).subarray(0, 1600)), "LS4001"],
    [
      "an archive without its blobs",
      () =>
        file(
          tarOf([
            { name: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
            { name: "index.json", content: JSON.stringify({ schemaVersion: 2, manifests: [made(web).root] }) },
          ]),
        ),
      "LS5102",
    ],
    ["manifest.json that is none", () => file(tarOf([{ name: "manifest.json", content: "{}" }])), "LS5102"],
  ])("gives a coded error when %s", async (_, make, code) => {
    await expect(compare(make(), layout(web))).rejects.toMatchObject({ code });
  });

  it("says what it could not look into, and that the two differ all the same", async () => {
    const broken = { layers: [{ tar: Buffer.alloc(1024, 1) }, ...web.layers.slice(1)] };
    const comparison = await compare(layout(web), layout(broken));
    expect(comparison).toMatchObject({ verdict: "differs", unread: [{ where: { part: "layer", layer: 1 } }] });
    const cut = { layers: [{ items, pack: (tar: Buffer) => gzipSync(tar).subarray(0, 60) }, ...web.layers.slice(1)] };
    expect((await compare(layout(cut), layout(web))).unread).toHaveLength(1);
  });

  it("grades what it could not look into as content, and does not take it for the same in another compression", async () => {
    const tar = tarOf(items);
    const damaged = Buffer.from(tar.with(100, (tar[100] ?? 0) ^ 1));
    for (const [a, b] of [
      [file(gzipSync(tar)), file(damaged)],
      [file(gzipSync(tar)), file(gzipSync(damaged))],
      [layout(web), file(Buffer.alloc(2000, "hello"))],
      [layout(web), layout({ layers: [{ items: [...items] }, ...web.layers.slice(1), { tar: damaged }] })],
    ] as const) {
      const comparison = await compare(a, b);
      expect(comparison).toMatchObject({
        verdict: "differs",
        grade: "content",
        unread: [{ where: { part: "layer" } }],
      });
      expect(comparison.differences.map(({ where, grade }) => [where.field, grade])).toContainEqual([
        "unread",
        "content",
      ]);
      expect(comparison.causes.map(({ id }) => id)).not.toContain("Z11");
      expect(JSON.stringify(comparison.causes)).not.toContain("the tar of");
    }
  });

  it("is a command: 0 for equal, 1 for different, with one JSON document", async () => {
    const cwd = temporaryDirectory();
    const [a, b] = [layout(web), layout({ ...web, config: (c): unknown => (c["created"] = "2025-01-01T00:00:00Z") })];
    expect(await lockstep(["explain", a, a], { cwd })).toMatchObject({ code: 0, stderr: "" });
    const said = await lockstep(["explain", a, b, "--json"], { cwd });
    expect(said.code).toBe(1);
    expect(JSON.parse(said.stdout)).toMatchObject({
      version: 1,
      command: "explain",
      result: {
        schema: 1,
        verdict: "differs",
        grade: "clock",
        differences: [{ where: { part: "config", field: "created" } }],
      },
    });
    expect(await lockstep(["explain", a, "./nowhere"], { cwd })).toMatchObject({ code: 2, stdout: "" });
  });
});

function take(members: Record<string, unknown>, name: string): unknown {
  const value = members[name];
  delete members[name];
  return value;
}

function withByte(bytes: Buffer, offset: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[offset] = value;
  return copy;
}
