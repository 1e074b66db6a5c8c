import { describe, expect, it } from "vitest";
import type { Host } from "../../pipeline/host/host.ts";
import { sourceOfBytes } from "../../pipeline/registry/blobs.ts";
import { descriptorFor, type Manifest, parseManifest } from "../../pipeline/registry/manifest.ts";
import { openRepository, type Repository } from "../../pipeline/registry/repository.ts";
import type { Pushed, UploadOptions } from "../../pipeline/registry/upload.ts";
import { digestOf } from "../../pipeline/store/digest.ts";
import { type Scene, scene } from "../support.ts";
import { named, noise, type Piece, piece, plant, testImage, types } from "./images.ts";
import { type RegistryOptions, startRegistry, type TestRegistry } from "./registry.ts";

interface Setting extends Scene {
  readonly registry: TestRegistry;
  readonly repository: Repository;
  /** Milliseconds it was asked to wait, in order. */
  readonly waits: readonly number[];
}

async function setting(options: RegistryOptions = {}, signal?: AbortSignal): Promise<Setting> {
  const at = scene();
  const waits: number[] = [];
  const host: Host = {
    ...at.host,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
      await at.host.sleep(1);
    },
  };
  const registry = await startRegistry(options);
  const repository = await openRepository(
    host,
    { host: registry.host, repository: "team/app" },
    signal === undefined ? {} : { signal },
  );
  return { ...at, host, registry, repository, waits };
}

function manifestOf({ bytes, mediaType }: Piece): Manifest {
  return parseManifest(bytes, mediaType, "a test");
}

function push(repository: Repository, { digest, bytes }: Piece, options?: UploadOptions): Promise<Pushed> {
  return repository.pushBlob(sourceOfBytes(digest, bytes), options);
}

const image = testImage();
const [shared] = image.blobs as [Piece];

describe("pulling", () => {
  it("reads a tag once, then everything by digest and into the store", async () => {
    const { registry, repository, store } = await setting();
    plant(registry, "team/app", "1.0", image);
    const index = await repository.manifest("1.0");
    expect(index.descriptor).toEqual(named(image.index));
    for (const child of index.manifests) {
      const manifest = await repository.manifest(child.digest, child);
      for (const blob of manifest.blobs) await repository.blob(store, blob);
    }
    for (const { digest, bytes } of image.blobs) expect(await store.read(digest)).toEqual(bytes);
    // What is there is not asked for again.
    const before = registry.seen.length;
    expect(await repository.blob(store, shared)).toBe(false);
    expect(registry.seen.length).toBe(before);
  });

  it("LS3207: says what is not there", async () => {
    const { registry, repository, store } = await setting();
    plant(registry, "team/app", "1.0", image);
    await expect(repository.manifest("2.0")).rejects.toThrow(`LS3207 ${registry.host}/team/app:2.0 is not there`);
    await expect(repository.blob(store, piece("x", Buffer.from("other")))).rejects.toMatchObject({ code: "LS3207" });
    expect(await repository.digestOf("2.0")).toBeUndefined();
  });

  it("LS3208: refuses a manifest of another digest or size, and keeps nothing", async () => {
    const { registry, repository } = await setting();
    plant(registry, "team/app", "1.0", image);
    registry.fail({ method: "GET", path: "/manifests/", kind: "corrupt" });
    await expect(repository.manifest(image.index.digest)).rejects.toMatchObject({ code: "LS3208" });
    // Also under a tag, when the registry itself says which digest it should be.
    registry.fail({ method: "GET", path: "/manifests/", kind: "corrupt" });
    await expect(repository.manifest("1.0")).rejects.toMatchObject({ code: "LS3208" });
    const longer = { ...named(image.index), size: image.index.size + 1 };
    await expect(repository.manifest(image.index.digest, longer)).rejects.toMatchObject({ code: "LS3208" });
    registry.fail({
      method: "GET",
      kind: "reply",
      change: (reply) => ({ ...reply, body: Buffer.alloc((4 << 20) + 1, 32) }),
    });
    await expect(repository.manifest("1.0")).rejects.toThrow("the manifest is larger than 4194304 bytes");
  });

  it("LS3208: refuses a blob of another digest, a shorter and a longer one, and keeps nothing", async () => {
    const { registry, repository, store } = await setting();
    plant(registry, "team/app", "1.0", image);
    registry.fail({ method: "GET", path: "/blobs/", kind: "corrupt" });
    await expect(repository.blob(store, shared)).rejects.toThrow(/LS3208 .*the registry sends sha256:/);
    await expect(repository.blob(store, { ...shared, size: shared.size - 1 })).rejects.toMatchObject({
      code: "LS3208",
    });
    await expect(repository.blob(store, { ...shared, size: shared.size + 1 })).rejects.toMatchObject({
      code: "LS3208",
    });
    expect(await store.find(shared.digest)).toBeUndefined();
    expect((await store.files()).filter(({ size }) => size > 0)).toEqual([]);
  });

  it("LS3209: refuses other media types, and documents that contradict theirs", async () => {
    const { registry, repository } = await setting();
    plant(registry, "team/app", "1.0", image);
    const sent = (type: string): void =>
      registry.fail({
        method: "GET",
        kind: "reply",
        change: (reply) => ({ ...reply, headers: { ...reply.headers, "content-type": type } }),
      });
    for (const type of ["text/html", types.manifest, "application/vnd.docker.distribution.manifest.v1+prettyjws"]) {
      sent(type);
      await expect(repository.manifest("1.0")).rejects.toMatchObject({ code: "LS3209" });
    }
    const other = { ...named(image.index), mediaType: types.manifest };
    await expect(repository.manifest(image.index.digest, other)).rejects.toMatchObject({ code: "LS3209" });
  });

  it("goes on where a transfer broke, with the rest only", async () => {
    const { registry, repository, store } = await setting();
    const large = piece(types.layer, noise("large", 400_000));
    registry.content.repository("team/app").blobs.set(large.digest, large.bytes);
    registry.fail({ method: "GET", path: "/blobs/", kind: "truncate" });
    let counted = 0;
    expect(await repository.blob(store, large, (count) => (counted += count))).toBe(true);
    expect(await store.read(large.digest)).toEqual(large.bytes);
    expect(counted).toBe(large.size);
    const asked = registry.seen.filter(({ path }) => path.includes("/blobs/"));
    expect(asked.map(({ range }) => range)).toEqual([undefined, expect.stringMatching(/^bytes=\d{5,}-$/)]);
  });

  it("begins anew when the registry answers with another part", async () => {
    const { registry, repository, store } = await setting();
    const large = piece(types.layer, noise("large", 400_000));
    registry.content.repository("team/app").blobs.set(large.digest, large.bytes);
    registry.fail({ method: "GET", path: "/blobs/", kind: "truncate" });
    registry.fail({
      method: "GET",
      path: "/blobs/",
      kind: "reply",
      change: (reply) => ({ ...reply, headers: { ...reply.headers, "content-range": "bytes 7-9/10" } }),
    });
    await repository.blob(store, large);
    expect(await store.read(large.digest)).toEqual(large.bytes);
  });

  it.each([
    ["answers 500", { kind: "status", status: 500 } as const],
    ["drops the connection", { kind: "reset" } as const],
    ["answers 503", { kind: "status", status: 503 } as const],
  ])("tries again, with waits that grow, when the registry %s", async (_, wrong) => {
    const { registry, repository, waits } = await setting();
    plant(registry, "team/app", "1.0", image);
    registry.fail({ ...wrong, times: 3 });
    expect((await repository.manifest("1.0")).descriptor.digest).toBe(image.index.digest);
    expect(waits.length).toBe(3);
    expect(waits[2]).toBeGreaterThan(999);
  });

  it("LS3220, LS3204: gives up after five tries, and says why", async () => {
    const { registry, repository, host } = await setting();
    registry.fail({ kind: "status", status: 500, times: 5 });
    await expect(repository.manifest("1.0")).rejects.toThrow(/LS3220 .*answers 500, UNKNOWN: put in on purpose/);
    expect(registry.seen.length).toBe(5);
    await registry.stop();
    const gone = await openRepository(host, { host: registry.host, repository: "team/app" });
    await expect(gone.manifest("1.0")).rejects.toThrow(/LS3204 .*ECONNREFUSED/);
  });

  it("waits as long as a limit asks for", async () => {
    const { registry, repository, waits } = await setting();
    plant(registry, "team/app", "1.0", image);
    registry.fail({ kind: "status", status: 429, headers: { "retry-after": "7" } });
    registry.fail({ kind: "status", status: 429, headers: { "ratelimit-reset": "11" } });
    await repository.manifest("1.0");
    expect(waits).toEqual([7000, 11_000]);
  });

  it("LS3213: does not wait for hours, and says for how long it would be", async () => {
    const { registry, repository } = await setting();
    registry.fail({ kind: "status", status: 429, headers: { "retry-after": "7800" } });
    await expect(repository.manifest("1.0")).rejects.toThrow(/LS3213 .*no more requests for 2 h 10 min/);
  });

  it("waits for a slow registry, and gives one up that says nothing any more, before and in the middle of an answer", async () => {
    const { registry, host, store } = await setting();
    plant(registry, "team/app", "1.0", image);
    const repository = await openRepository(host, { host: registry.host, repository: "team/app" }, { stallLimit: 150 });
    registry.fail({ kind: "slow", delay: 60 });
    expect((await repository.manifest("1.0")).descriptor.digest).toBe(image.index.digest);
    registry.fail({ kind: "silent", times: 5 });
    await expect(repository.manifest("1.0")).rejects.toThrow(/LS3204 .*no data for 0.15 seconds/);
    registry.fail({ method: "GET", path: "/blobs/", kind: "stall" });
    expect(await repository.blob(store, shared)).toBe(true);
    expect(await store.read(shared.digest)).toEqual(shared.bytes);
    repository.close();
  });

  it("LS1003: stops when it is interrupted", async () => {
    const stop = new AbortController();
    const { registry, repository } = await setting({}, stop.signal);
    registry.fail({ kind: "silent" });
    const pending = repository.manifest("1.0");
    setTimeout(() => stop.abort(), 50);
    await expect(pending).rejects.toMatchObject({ code: "LS1003" });
  });

  it("LS1003: keeps what has come of a blob when it is interrupted, and goes on with it", async () => {
    const stop = new AbortController();
    const at = await setting({}, stop.signal);
    const large = piece(types.layer, noise("large", 3_000_000));
    at.registry.content.repository("team/app").blobs.set(large.digest, large.bytes);
    at.registry.fail({ method: "GET", path: "/blobs/", kind: "stall" });
    const pending = at.repository.blob(at.store, large, (count) => void (count > 0 && stop.abort()));
    await expect(pending).rejects.toMatchObject({ code: "LS1003" });
    expect(await at.store.find(large.digest)).toBeUndefined();
    const repository = await openRepository(at.host, { host: at.registry.host, repository: "team/app" });
    await repository.blob(at.store, large);
    expect(await at.store.read(large.digest)).toEqual(large.bytes);
    expect(at.registry.seen.map(({ range }) => range)).toEqual([undefined, expect.stringMatching(/^bytes=\d{5,}-$/)]);
    repository.close();
  });
});

describe("pushing", () => {
  it("sends what is missing, in one piece, and nothing that is there", async () => {
    const { registry, repository } = await setting();
    expect(await push(repository, shared)).toBe("pushed");
    expect(registry.content.repository("team/app").blobs.get(shared.digest)).toEqual(shared.bytes);
    expect(registry.seen.map(({ method }) => method)).toEqual(["HEAD", "POST", "PUT"]);
    expect(await push(repository, shared)).toBe("present");
    expect(registry.seen.slice(3).map(({ method, received }) => [method, received])).toEqual([["HEAD", 0]]);
    expect(await push(repository, piece("x", Buffer.alloc(0)))).toBe("pushed");
  });

  it("takes a blob over from another repository of the registry, and sends it when that does not work", async () => {
    const { registry, repository } = await setting();
    plant(registry, "other/app", "1.0", image);
    expect(await push(repository, shared, { mountFrom: "other/app" })).toBe("mounted");
    const [, own] = image.blobs as [Piece, Piece];
    expect(await push(repository, own, { mountFrom: "no/such" })).toBe("pushed");
    const [, , config] = image.blobs as [Piece, Piece, Piece];
    registry.fail({ method: "POST", path: "mount=", kind: "status", status: 403 });
    expect(await push(repository, config, { mountFrom: "other/app" })).toBe("pushed");
  });

  it("goes on in chunks after a break, from where the registry is", async () => {
    const { registry, repository } = await setting({ leastChunk: 100_000 });
    const large = piece(types.layer, noise("large", 1_000_000));
    registry.fail({ method: "PUT", path: "/uploads/", kind: "reset" });
    let counted = 0;
    expect(await push(repository, large, { chunkSize: 200_000, onBytes: (count) => (counted += count) })).toBe(
      "pushed",
    );
    expect(registry.content.repository("team/app").blobs.get(large.digest)).toEqual(large.bytes);
    expect(counted).toBe(large.size);
    const sent = registry.seen.filter(({ method }) => method === "PUT" || method === "PATCH");
    const total = sent.reduce((sum, { received }) => sum + received, 0);
    expect(total).toBe(large.size);
    expect(sent.length).toBeGreaterThan(3);
  });

  it("sends chunks at least as large as the registry wants, and again what it did not take", async () => {
    const { registry, repository } = await setting({ leastChunk: 300_000 });
    const large = piece(types.layer, noise("large", 1_000_000));
    registry.fail({ method: "PATCH", kind: "status", status: 503 });
    expect(await push(repository, large, { chunked: true, chunkSize: 1000 })).toBe("pushed");
    const sizes = registry.seen.filter(({ method }) => method === "PATCH").map(({ received }) => received);
    expect(sizes).toEqual([300_000, 300_000, 300_000, 300_000, 100_000]);
  });

  it("begins anew when the registry has forgotten the upload", async () => {
    const { registry, repository } = await setting();
    registry.fail({ method: "PUT", path: "/uploads/", kind: "status", status: 502 });
    registry.fail({ method: "GET", path: "/uploads/", kind: "status", status: 404 });
    expect(await push(repository, shared)).toBe("pushed");
    expect(registry.seen.filter(({ method }) => method === "POST").length).toBe(2);
  });

  it("LS3214: says that a registry does not take a blob", async () => {
    const { registry, repository } = await setting();
    registry.fail({ method: "PUT", kind: "status", status: 413, times: 9 });
    registry.fail({ method: "PATCH", kind: "status", status: 413, times: 9 });
    await expect(push(repository, shared)).rejects.toThrow(/LS3214 .* is not taken: 413/);
    registry.content.repository("team/app").blobs.set(shared.digest, Buffer.from("short"));
    await expect(push(repository, shared)).rejects.toThrow(/LS3214 .*already has 5 bytes/);
  });

  it("puts manifests under their digest and the tag last, and reads the tag back", async () => {
    const { registry, repository } = await setting();
    for (const blob of image.blobs) await push(repository, blob);
    for (const manifest of [...image.manifests, image.index]) await repository.pushManifest(manifestOf(manifest));
    await repository.tag(manifestOf(image.index), "1.0");
    const puts = registry.seen.filter(({ method, path }) => method === "PUT" && path.includes("/manifests/"));
    expect(puts.map(({ path }) => path.split("/manifests/")[1])).toEqual(
      [...image.manifests, image.index].map(({ digest }) => digest).concat("1.0" as never),
    );
    expect(await repository.digestOf("1.0")).toBe(image.index.digest);
    // A tag that is right is not written again.
    const before = registry.seen.length;
    await repository.tag(manifestOf(image.index), "1.0");
    expect(registry.seen.slice(before).map(({ method }) => method)).toEqual(["HEAD"]);
  });

  it("LS3215: notices a registry that changes what is pushed", async () => {
    const { repository } = await setting({ converts: (bytes) => Buffer.from(`${bytes.toString()}\n`) });
    for (const blob of image.blobs) await push(repository, blob);
    const [manifest] = image.manifests as [Piece];
    await expect(repository.pushManifest(manifestOf(manifest))).rejects.toThrow(/LS3215 .*the registry calls sha256:/);
  });

  describe("with another publisher", () => {
    const other = testImage("other");

    async function both(options: RegistryOptions): Promise<Setting> {
      const at = await setting(options);
      plant(at.registry, "team/app", "other", other);
      plant(at.registry, "team/app", "1.0", image);
      return at;
    }

    it("LS3216: leaves a tag that is not what was expected", async () => {
      const { registry, repository } = await both({});
      const expected = digestOf("something else");
      await expect(repository.tag(manifestOf(other.index), "1.0", expected)).rejects.toThrow(
        `LS3216 ${registry.host}/team/app:1.0 was expected to be ${expected} and is ${image.index.digest}`,
      );
      await expect(repository.tag(manifestOf(other.index), "1.0", "absent")).rejects.toMatchObject({ code: "LS3216" });
      expect(registry.content.repository("team/app").tags.get("1.0")).toBe(image.index.digest);
      await repository.tag(manifestOf(other.index), "1.0", image.index.digest);
      expect(registry.content.repository("team/app").tags.get("1.0")).toBe(other.index.digest);
    });

    it("LS3216: does not overwrite one who came between, where the registry heeds conditions", async () => {
      const { registry, repository } = await both({});
      const third = testImage("third");
      registry.fail({
        method: "HEAD",
        path: "/manifests/1.0",
        kind: "reply",
        change: (reply) => {
          plant(registry, "team/app", "1.0", third);
          return reply;
        },
      });
      await expect(repository.tag(manifestOf(other.index), "1.0", image.index.digest)).rejects.toMatchObject({
        code: "LS3216",
      });
      expect(registry.content.repository("team/app").tags.get("1.0")).toBe(third.index.digest);
    });

    it("LS3216: notices one who came after, on any registry", async () => {
      const { registry, repository } = await both({ conditions: false });
      const third = testImage("third");
      registry.fail({
        method: "PUT",
        path: "/manifests/1.0",
        kind: "reply",
        change: (reply) => {
          plant(registry, "team/app", "1.0", third);
          return reply;
        },
      });
      await expect(repository.tag(manifestOf(other.index), "1.0", image.index.digest)).rejects.toMatchObject({
        code: "LS3216",
      });
    });
  });
});

describe("referrers", () => {
  const subject = manifestOf(image.index);
  const evidence = (name: string, type = "application/x.evidence"): Piece =>
    piece(types.manifest, {
      schemaVersion: 2,
      mediaType: types.manifest,
      artifactType: type,
      annotations: { name },
      config: named(emptyConfig),
      layers: [],
      subject: named(image.index),
    });
  const emptyConfig = piece("application/vnd.oci.empty.v1+json", {});

  it.each([
    ["by the registry's own list", { referrers: true, page: 2 }],
    ["under a tag, on a registry that has no list", { referrers: false }],
    ["under a tag, on a registry that heeds no conditions either", { referrers: false, conditions: false }],
  ])("are found %s", async (_, options) => {
    const { registry, repository } = await setting(options);
    plant(registry, "team/app", "1.0", image);
    expect(await repository.referrers(subject.descriptor.digest)).toEqual([]);
    await push(repository, emptyConfig);
    const all = [evidence("a"), evidence("b"), evidence("c"), evidence("d", "application/x.other"), evidence("e")];
    for (const one of all) await repository.pushManifest(manifestOf(one));
    const found = await repository.referrers(subject.descriptor.digest);
    expect(found.map(({ digest }) => digest).toSorted()).toEqual(all.map(({ digest }) => digest).toSorted());
    expect(found.find(({ digest }) => digest === all[0]?.digest)?.annotations).toEqual({ name: "a" });
    const other = await repository.referrers(subject.descriptor.digest, "application/x.other");
    expect(other.map(({ digest }) => digest)).toEqual([all[3]?.digest]);
    // Again changes nothing.
    for (const one of all) await repository.pushManifest(manifestOf(one));
    expect((await repository.referrers(subject.descriptor.digest)).length).toBe(5);
  });

  it("are all kept when many write at once", async () => {
    const at = await setting({ referrers: false });
    plant(at.registry, "team/app", "1.0", image);
    await push(at.repository, emptyConfig);
    const all = ["a", "b", "c"].map((name) => evidence(name));
    const writers = await Promise.all(
      all.map(() => openRepository(at.host, { host: at.registry.host, repository: "team/app" })),
    );
    await Promise.all(writers.map((writer, index) => writer.pushManifest(manifestOf(all[index] as Piece))));
    const found = await at.repository.referrers(subject.descriptor.digest);
    expect(found.map(({ digest }) => digest).toSorted()).toEqual(all.map(({ digest }) => digest).toSorted());
  });

  /** Writes a list of referrers past the protocol, as another writer who had read before us. */
  function overwrite(registry: TestRegistry, one: Piece): void {
    const list = piece(types.index, { schemaVersion: 2, mediaType: types.index, manifests: [named(one)] });
    const content = registry.content.repository("team/app");
    content.manifests.set(one.digest, one);
    content.manifests.set(list.digest, list);
    content.tags.set(`sha256-${image.index.digest.slice(7)}`, list.digest);
  }

  it("are added again when another writer has overwritten them, on a registry that heeds no conditions", async () => {
    const { registry, repository } = await setting({ referrers: false, conditions: false });
    plant(registry, "team/app", "1.0", image);
    await push(repository, emptyConfig);
    const [ours, theirs] = [evidence("ours"), evidence("theirs")];
    registry.fail({
      method: "PUT",
      path: "/manifests/sha256-",
      kind: "reply",
      change: (reply) => {
        overwrite(registry, theirs);
        return reply;
      },
    });
    await repository.pushManifest(manifestOf(ours));
    const found = await repository.referrers(subject.descriptor.digest);
    expect(found.map(({ digest }) => digest)).toEqual([theirs.digest, ours.digest]);
  });

  it("are added to a list that still names one that was removed, which is left out", async () => {
    const { registry, repository } = await setting({ referrers: false });
    plant(registry, "team/app", "1.0", image);
    await push(repository, emptyConfig);
    const removed = evidence("removed");
    overwrite(registry, removed);
    registry.content.repository("team/app").manifests.delete(removed.digest);
    const ours = evidence("ours");
    await repository.pushManifest(manifestOf(ours));
    const found = await repository.referrers(subject.descriptor.digest);
    expect(found.map(({ digest }) => digest)).toEqual([ours.digest]);
  });

  it("LS3221: are given up when others are faster each time", async () => {
    const { registry, repository } = await setting({ referrers: false, conditions: false });
    plant(registry, "team/app", "1.0", image);
    await push(repository, emptyConfig);
    let count = 0;
    registry.fail({
      method: "PUT",
      path: "/manifests/sha256-",
      kind: "reply",
      times: 99,
      change: (reply) => {
        overwrite(registry, evidence(`theirs ${count++}`));
        return reply;
      },
    });
    await expect(repository.pushManifest(manifestOf(evidence("ours")))).rejects.toMatchObject({ code: "LS3221" });
  });
});

describe("descriptorFor", () => {
  const platforms = (...names: readonly string[]): Manifest =>
    parseManifest(
      Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: types.index,
          manifests: names.map((name) => {
            const [os, architecture, variant] = name.split("/");
            return {
              ...named(piece(types.manifest, { name })),
              platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
            };
          }),
        }),
      ),
      types.index,
      "a test",
    );

  it("finds the manifest of a platform", () => {
    const index = platforms("linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8");
    expect(descriptorFor(index, "linux/amd64", "x").platform?.architecture).toBe("amd64");
    expect(descriptorFor(index, "linux/arm/v7", "x").platform?.variant).toBe("v7");
    expect(descriptorFor(index, "linux/arm64", "x").platform?.variant).toBe("v8");
  });

  it("LS3211: says which platforms there are", () => {
    const index = platforms("linux/amd64", "linux/arm/v6", "linux/arm/v7");
    expect(() => descriptorFor(index, "linux/s390x", "x")).toThrow(
      "LS3211 x has nothing for linux/s390x; it has linux/amd64, linux/arm/v6, linux/arm/v7",
    );
    expect(() => descriptorFor(index, "linux/arm", "x")).toThrow("LS3211 x has more than one image for linux/arm");
  });
});

describe("parseManifest", () => {
  const good = { schemaVersion: 2, mediaType: types.manifest, config: named(shared), layers: [named(shared)] };
  it.each([
    ["no JSON", "{"],
    ["no map", "[]"],
    ["another version", { ...good, schemaVersion: 1 }],
    ["no config", { ...good, config: undefined }],
    ["layers of another type", { ...good, layers: {} }],
    ["a layer without a size", { ...good, layers: [{ ...named(shared), size: "12" }] }],
    ["a layer of a negative size", { ...good, layers: [{ ...named(shared), size: -1 }] }],
    ["a layer with a path for a digest", { ...good, layers: [{ ...named(shared), digest: "sha256:../../x" }] }],
    ["manifests beside layers", { ...good, manifests: [] }],
  ])("LS3210: refuses a manifest with %s", (_, content) => {
    const bytes = Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
    expect(() => parseManifest(bytes, types.manifest, "x")).toThrow(/^LS3210 x: /);
  });
});
