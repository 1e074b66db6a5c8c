import { describe, expect, it } from "vitest";
import { admitBase } from "../../../pipeline/build/base/admit.ts";
import { pinBase } from "../../../pipeline/build/base/pin-base.ts";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import type { LockedBase } from "../../../pipeline/lock/types.ts";
import type { Platform } from "../../../pipeline/spec/types.ts";
import { digestOf } from "../../../pipeline/store/digest.ts";
import type { Store } from "../../../pipeline/store/store.ts";
import { scene } from "../../support.ts";
import { type TinyBase, TinyRepository } from "../../source/image/tiny-image.ts";

const both: readonly Platform[] = ["linux/amd64", "linux/arm64"];
const reference = "registry.example/base:1";
const plain: TinyBase = {
  layers: [
    { entries: [{ path: "etc", directory: true }] },
    { entries: [{ path: "etc/os", content: "tiny" }], kind: "zstd" },
  ],
};

interface Tried {
  readonly store: Store;
  readonly repository: TinyRepository;
  readonly result: LockedBase | LockstepError;
}

async function pinned(base: TinyBase, platforms = both, before?: (repository: TinyRepository) => void): Promise<Tried> {
  const { store } = scene();
  const repository = new TinyRepository();
  repository.push("1", base);
  before?.(repository);
  const result = await pinBase(store, repository.source(reference), reference, platforms).catch((error: unknown) => {
    if (error instanceof LockstepError) return error;
    throw error;
  });
  return { store, repository, result };
}

async function line(base: TinyBase, platforms?: readonly Platform[]): Promise<string> {
  const { result } = await pinned(base, platforms);
  return result instanceof LockstepError ? result.message : "pinned";
}

async function locked(base: TinyBase, platforms?: readonly Platform[]): Promise<Tried & { readonly base: LockedBase }> {
  const tried = await pinned(base, platforms);
  if (tried.result instanceof LockstepError) throw tried.result;
  return { ...tried, base: tried.result };
}

const withConfig = (config: Readonly<Record<string, unknown>>): TinyBase => ({ ...plain, config });
const withMore = (more: Readonly<Record<string, unknown>>): TinyBase => ({ ...plain, more });
const withManifest = (change: Readonly<Record<string, unknown>>): TinyBase => ({
  ...plain,
  manifest: (value) => void Object.assign(value, change),
});

describe("pinBase", () => {
  it("writes down index, manifests, configs and layers by digest, and fetches no layer", async () => {
    const { base, repository } = await locked(plain);
    expect(base.digest).toBe(digestOf(repository.tags.get("1")?.bytes ?? ""));
    expect(Object.keys(base.platforms)).toEqual(both);
    const { manifest, config, layers, created } = base.platforms["linux/amd64"] ?? {};
    expect(repository.documents.get(manifest?.digest ?? "")?.bytes.length).toBe(manifest?.size);
    expect(repository.blobs.get(config?.digest ?? "")?.length).toBe(config?.size);
    expect(created).toBe("2026-02-03T04:05:06Z");
    expect(layers?.map(({ digest, size }) => repository.blobs.get(digest)?.length === size)).toEqual([true, true]);
    expect(new Set(layers?.map(({ diffId }) => diffId)).size).toBe(2);
    for (const { digest } of layers ?? []) expect(repository.log).not.toContain(`blob ${digest}`);
  });

  it("takes Docker's media types, an image without an index, and a reference with a digest", async () => {
    expect((await locked({ ...plain, docker: true })).base.mediaType).toMatch(/docker.*manifest\.list/);
    const { base } = await locked({ ...plain, single: true, platforms: ["linux/amd64"] }, ["linux/amd64"]);
    expect(base.platforms["linux/amd64"]?.manifest.digest).toBe(base.digest);
    const { store } = scene();
    const repository = new TinyRepository();
    const digest = repository.push("1", plain);
    const exact = `registry.example/base:other@${digest}`;
    expect((await pinBase(store, repository.source(exact), exact, both)).digest).toBe(digest);
  });

  it("takes the first of several manifests of a platform, and none for a newer processor or for attestations", async () => {
    const entries = [
      { os: "unknown", architecture: "unknown" },
      { os: "linux", architecture: "amd64", variant: "v3" },
      { os: "windows", architecture: "amd64" },
    ];
    const { store } = scene();
    const repository = new TinyRepository();
    repository.push("1", plain);
    const served = repository.tags.get("1");
    const index = JSON.parse(served?.bytes.toString() ?? "") as { manifests: Record<string, unknown>[] };
    const [first, second] = index.manifests;
    const others = entries.map((platform) => ({ ...second, platform }));
    const manifests = [...others, first, { ...second, platform: first?.["platform"] }, second];
    const bytes = Buffer.from(JSON.stringify({ ...index, manifests }));
    repository.tags.set("1", { bytes, mediaType: served?.mediaType ?? "" });
    const base = await pinBase(store, repository.source(reference), reference, both);
    expect(base.platforms["linux/amd64"]?.manifest.digest).toBe(first?.["digest"]);
  });

  it("LS2801: tells which platforms there are", async () => {
    const amd64: TinyBase = { ...plain, platforms: ["linux/amd64"] };
    expect(await line(amd64)).toBe(
      `LS2801 ${reference} has no linux/arm64; it has linux/amd64; write the platforms of the base, or use another base`,
    );
    expect(await line({ ...amd64, single: true })).toMatch(/^LS2801 .*has a config of linux\/amd64 for linux\/arm64/);
    expect(await line(withMore({ architecture: "riscv64" }))).toMatch(/^LS2801 .*linux\/riscv64 for linux\/amd64/);
  });

  it.each<[string, TinyBase]>([
    ["of schema 1", withManifest({ schemaVersion: 1 })],
    ["that calls itself something else", withManifest({ mediaType: "application/vnd.oci.image.index.v1+json" })],
    ["that could be an index as well", withManifest({ manifests: [] })],
    ["without layers", withManifest({ layers: [] })],
    ["with a layer without a size", withManifest({ layers: [{ mediaType: "x", digest: digestOf("") }] })],
    ["with a layer of another hash", withManifest({ layers: [{ mediaType: "x", digest: "md5:00", size: 1 }] })],
    ["with more diffIDs than layers", withMore({ rootfs: { diff_ids: [digestOf(""), digestOf(""), digestOf("")] } })],
    ["with diffIDs that are none", withMore({ rootfs: { diff_ids: ["x", "y"] } })],
    ["with a time that is none", withMore({ created: "yesterday" })],
    ["with an environment that is none", withConfig({ Env: ["PATH"] })],
    ["with a command that is no list", withConfig({ Cmd: "sh -c x" })],
    ["with labels that are no text", withConfig({ Labels: { a: 1 } })],
    ["with a history that is none", withMore({ history: [1] })],
  ])("LS2802: refuses an image %s", async (_what, base) => {
    expect(await line(base)).toMatch(/^LS2802 /);
  });

  it("LS2802: refuses an artefact that is no image", async () => {
    const config = { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf("{}"), size: 2 };
    expect(await line(withManifest({ config }))).toMatch(/^LS2802 .*it is an artefact, not an image/);
  });

  it.each([
    ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"],
    ["application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"],
    ["application/vnd.oci.image.layer.v1.tar+gzip+encrypted"],
    ["application/octet-stream"],
  ])("LS2803: refuses a layer of type %s", async (mediaType) => {
    const layers = [{ mediaType, digest: digestOf(""), size: 1 }];
    expect(await line(withManifest({ layers }))).toContain(
      `LS2803 ${reference} layer 1 is of the media type "${mediaType}"`,
    );
  });

  it("LS2803: refuses a layer that lies elsewhere", async () => {
    const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
    const layers = [{ mediaType, digest: digestOf(""), size: 1, urls: ["https://other.example/layer"] }];
    expect(await line(withManifest({ layers }))).toMatch(/^LS2803 .*lies elsewhere/);
  });

  it("LS2804: tells when a tag moves between two reads", async () => {
    const { result } = await pinned(plain, both, (repository) => {
      let reads = 0;
      repository.before = (what) => {
        if (what !== "1" || ++reads < 2) return;
        repository.before = () => {};
        repository.push("1", { ...plain, created: "2026-03-03T00:00:00Z" });
      };
    });
    expect(String(result)).toMatch(
      /LS2804 registry\.example\/base:1 was sha256:.* and is sha256:.* now; run the command again/,
    );
  });

  it("LS2805: refuses other bytes than a digest says, in the reference and in the index", async () => {
    const { store } = scene();
    const repository = new TinyRepository();
    repository.push("1", plain);
    const other = repository.push("2", { ...plain, created: "2026-03-03T00:00:00Z" });
    const good = repository.tags.get("1");
    if (good !== undefined) repository.documents.set(other, good);
    const exact = `registry.example/base@${other}`;
    await expect(pinBase(store, repository.source(exact), exact, both)).rejects.toMatchObject({ code: "LS2805" });
    const sizes = await pinned({ ...plain, entry: (value) => void (value["size"] = Number(value["size"]) + 1) });
    expect(sizes.result).toMatchObject({ code: "LS2805" });
    const types = await pinned({
      ...plain,
      entry: (value) => void (value["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"),
    });
    expect(types.result).toMatchObject({ code: "LS2805" });
  });

  it("LS2806: refuses what an image here could not keep", async () => {
    expect(await line(withConfig({ OnBuild: ["RUN make"] }))).toMatch(/^LS2806 .*OnBuild: RUN make/);
    expect(await line(withConfig({ ArgsEscaped: true }))).toMatch(/^LS2806 /);
    expect(await line(withMore({ "os.version": "10.0.1" }))).toMatch(/^LS2806 /);
  });
});

describe("admitBase", () => {
  it("gives what is inherited, and passes over what only Docker knows", async () => {
    const config = {
      Env: ["PATH=/usr/bin", "EMPTY="],
      Entrypoint: ["/init"],
      Cmd: null,
      Volumes: { "/data": {} },
      ExposedPorts: { "80/tcp": {} },
      WorkingDir: "",
      Labels: { a: "b" },
      User: "web",
      StopSignal: "SIGINT",
      Healthcheck: { Test: ["CMD", "true"] },
      Shell: ["/bin/bash", "-c"],
      Hostname: "abc",
    };
    const history = [
      { created: "2026-01-01T00:00:00.5Z", created_by: "ADD rootfs" },
      { created_by: "ENV PATH", empty_layer: true },
      { created_by: "RUN x", comment: "c", author: "a", other: 1 },
      { created_by: "CMD", empty_layer: true },
    ];
    const { store, base } = await locked({ ...plain, config, more: { history } });
    const found = await admitBase(store, reference, base, "linux/amd64");
    expect(found.runtime).toEqual({
      Env: ["PATH=/usr/bin", "EMPTY="],
      Entrypoint: ["/init"],
      Volumes: { "/data": {} },
      ExposedPorts: { "80/tcp": {} },
      Labels: { a: "b" },
      User: "web",
      StopSignal: "SIGINT",
    });
    expect(found.created).toBe(Date.parse("2026-02-03T04:05:06Z") / 1000);
    expect(found.history).toEqual([
      [{ created: "2026-01-01T00:00:00.5Z", created_by: "ADD rootfs" }],
      [
        { created_by: "ENV PATH", empty_layer: true },
        { author: "a", comment: "c", created_by: "RUN x" },
        { created_by: "CMD", empty_layer: true },
      ],
    ]);
  });

  it("gives each layer one line of history where the base has none, or one of other layers", async () => {
    for (const more of [{}, { history: [{ created_by: "squashed" }] }]) {
      const { store, base } = await locked(withMore(more));
      const line1 = { created: "2026-02-03T04:05:06Z", created_by: `lockstep: base ${reference}` };
      expect((await admitBase(store, reference, base, "linux/amd64")).history).toEqual([[line1], [line1]]);
    }
  });

  it("LS2805: refuses a lock that says something else than the documents, whatever it is", async () => {
    const { store, base } = await locked(plain);
    const other = digestOf("other");
    const platform = base.platforms["linux/amd64"];
    if (platform === undefined) throw new Error("not pinned");
    const [first, ...rest] = platform.layers;
    if (first === undefined) throw new Error("no layers");
    const wrong: readonly (typeof platform)[] = [
      { ...platform, created: "2026-02-03T04:05:07Z" },
      { ...platform, manifest: { ...platform.manifest, size: 1 } },
      { ...platform, manifest: { ...platform.manifest, digest: other } },
      { ...platform, config: { ...platform.config, digest: other } },
      { ...platform, config: { ...platform.config, mediaType: "application/vnd.docker.container.image.v1+json" } },
      { ...platform, layers: rest },
      { ...platform, layers: [{ ...first, digest: other }, ...rest] },
      { ...platform, layers: [{ ...first, size: 1 }, ...rest] },
      { ...platform, layers: [{ ...first, diffId: other }, ...rest] },
      { ...platform, layers: [{ ...first, mediaType: "application/vnd.oci.image.layer.v1.tar" }, ...rest] },
    ];
    for (const changed of wrong) {
      const lock = { ...base, platforms: { ...base.platforms, "linux/amd64": changed } };
      await expect(admitBase(store, reference, lock, "linux/amd64")).rejects.toMatchObject({ code: "LS2805" });
    }
    await expect(admitBase(store, reference, { ...base, size: 1 }, "linux/amd64")).rejects.toMatchObject({
      code: "LS2805",
    });
    await expect(admitBase(store, reference, { ...base, digest: other }, "linux/amd64")).rejects.toMatchObject({
      code: "LS3002",
    });
  });
});
