import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildImages } from "../../pipeline/build/build.ts";
import { fetchLocked, openRepository } from "../../pipeline/build/repository.ts";
import { localSigningKey } from "../../pipeline/evidence/keys.ts";
import type { Host } from "../../pipeline/host/host.ts";
import { silent } from "../../pipeline/report/report.ts";
import { pullStore, type PulledStore, pushStore, type ShareOptions } from "../../pipeline/share/share.ts";
import { pullWhenConfigured } from "../../pipeline/share/configured.ts";
import { readShareSettings, readTrustFile } from "../../pipeline/share/settings.ts";
import { type Digest, digestOf } from "../../pipeline/store/digest.ts";
import { Store } from "../../pipeline/store/store.ts";
import { tinyRepository, type TinyRepository } from "../build/tiny-repository.ts";
import { lockstep } from "../cli/lockstep.ts";
import { startRegistry, type TestRegistry } from "../registry/registry.ts";
import { scene, temporaryDirectory } from "../support.ts";

const yaml = "layers:\n  - debian: { suite: trixie, packages: [hello] }\n  - files: { from: app, into: /app }\n";

interface Setting {
  readonly repository: TinyRepository;
  readonly registry: TestRegistry;
  readonly remote: string;
  /** The public key of whoever pushed. */
  readonly trust: string;
  /** Content of the shared repository. */
  readonly content: ReturnType<TestRegistry["content"]["repository"]>;
}

/** A repository that was built and shared. */
async function shared(): Promise<Setting> {
  const repository = await tinyRepository({
    images: { app: yaml },
    packages: [{ name: "hello", data: [{ name: "./usr/bin/hello", content: "hello\n", mode: 0o755 }] }],
    files: { "images/app/app/file": "a file\n" },
  });
  await repository.build();
  const registry = await startRegistry();
  const remote = `${registry.host}/team/store`;
  const { host, store, root } = repository;
  const pushed = await pushStore(host, store, silent, root, await repository.plan(), {
    remote,
    trust: await ownKey(host, root),
  });
  expect(pushed).toMatchObject({ inputs: 6, layers: 4, fragments: 3 });
  return {
    repository,
    registry,
    remote,
    trust: await ownKey(host, root),
    content: registry.content.repository("team/store"),
  };
}

/** The file of the public key of a host, which is made. */
async function ownKey(host: Host, root: string): Promise<string> {
  return (await localSigningKey(host, root)).publicFile;
}

interface Other {
  readonly store: Store;
  pull(options?: ShareOptions): Promise<PulledStore>;
  /** Builds with what is in the store, and from a mirror when there is one. */
  build(host?: Host): Promise<readonly string[]>;
}

/** Another machine with the same repository and nothing in its store. */
function other({ repository, remote, trust }: Setting, generation?: string): Other {
  const at = scene();
  const host: Host = { ...at.host, sleep: () => at.host.sleep(1) };
  const store = generation === undefined ? at.store : new Store(at.host, at.host.cacheDirectory, generation);
  return {
    store,
    pull: async (options = {}) =>
      pullStore(host, store, silent, await repository.plan(), { remote, trust, ...options }),
    build: async (on = host) => {
      const planned = await repository.plan();
      const source = await openRepository(store, repository.root);
      await fetchLocked(on, store, silent, source, planned, { offline: on === host, tries: 1 });
      const images = await buildImages(on, { inputs: store, results: store }, silent, planned, {
        out: temporaryDirectory(),
      });
      return images.map(({ index }) => index.descriptor.digest);
    },
  };
}

async function builtDigests({ repository }: Setting): Promise<readonly string[]> {
  return (await repository.build()).map(({ index }) => index.descriptor.digest);
}

/** Changes a byte of a blob of the registry, past its checks. */
function poison(blobs: Map<string, Buffer>, digest: string): void {
  const bytes = Buffer.from(blobs.get(digest) ?? "");
  expect(bytes.length).toBeGreaterThan(0);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  blobs.set(digest, bytes);
}

interface ArtefactDocument {
  readonly artifactType: string;
  readonly layers: readonly { readonly mediaType: string; readonly digest: Digest; readonly size: number }[];
}

function records({ content }: Setting): readonly { readonly tag: string; readonly document: ArtefactDocument }[] {
  return [...content.tags].flatMap(([tag, digest]) => {
    const document = JSON.parse(content.manifests.get(digest)?.bytes.toString() ?? "{}") as ArtefactDocument;
    return tag.startsWith("record-") ? [{ tag, document }] : [];
  });
}

describe("a shared store", () => {
  it("gives another machine what was made and downloaded, so that it makes nothing itself", async () => {
    const at = await shared();
    const there = other(at);
    expect(await there.pull()).toMatchObject({ inputs: 3, layers: 4, fragments: 0, refused: [] });
    const planned = await at.repository.plan();
    const images = await buildImages(
      at.repository.host,
      { inputs: there.store, results: there.store },
      silent,
      planned,
      { out: temporaryDirectory() },
    );
    expect(images.flatMap(({ platforms }) => platforms.map(({ cached }) => cached))).toEqual([true, true]);
    expect(images.map(({ index }) => index.descriptor.digest)).toEqual(await builtDigests(at));
    // What is there is not asked for again.
    const before = at.registry.seen.length;
    expect(await there.pull()).toMatchObject({ inputs: 0, layers: 0, fragments: 0 });
    expect(at.registry.seen.length).toBe(before);
  });

  it("is sent nothing that it has", async () => {
    const at = await shared();
    const before = at.registry.seen.length;
    const { host, store, root, plan } = at.repository;
    const again = await pushStore(host, store, silent, root, await plan(), { remote: at.remote, trust: at.trust });
    expect(again).toMatchObject({ layers: 0, fragments: 0, sent: 0 });
    expect(at.registry.seen.slice(before).filter(({ received }) => received > 0)).toEqual([]);
  });

  it("gives fragments where a layer is not there, and inputs in any case", async () => {
    const at = await shared();
    // Layers are the only records of a single blob.
    for (const { tag, document } of records(at)) if (document.layers.length === 2) at.content.tags.delete(tag);
    const there = other(at);
    expect(await there.pull()).toMatchObject({ inputs: 3, layers: 0, fragments: 3, refused: [] });
    expect(await there.build()).toEqual(await builtDigests(at));
  });

  it("is believed for results only when a trusted key has signed them", async () => {
    const at = await shared();
    const stranger = scene();
    const there = other(at);
    const trust = await ownKey(stranger.host, at.repository.root);
    expect(await there.pull({ trust })).toMatchObject({ inputs: 3, layers: 0, fragments: 0, refused: [] });
    // With both keys in the file the second one's are found.
    const both = join(temporaryDirectory(), "both.pub");
    writeFileSync(
      both,
      `of a stranger\n${readFileSync(trust, "utf8")}\nof the builder\n${readFileSync(at.trust, "utf8")}`,
    );
    expect(await there.pull({ trust: both })).toMatchObject({ layers: 4, refused: [] });
    // Another version of the program makes other records.
    expect(await other(at, "another").pull()).toMatchObject({ inputs: 3, layers: 0, fragments: 0, refused: [] });
  });

  it("LS3208: is not believed for an input of other bytes, which is then fetched elsewhere", async () => {
    const at = await shared();
    const wanted = at.repository.locked.get("hello");
    const digest: Digest = `sha256:${wanted?.sha256 ?? ""}`;
    poison(at.content.blobs, digest);
    const there = other(at);
    const { refused, inputs } = await there.pull();
    expect(inputs).toBe(2);
    expect(refused.map(({ code, message }) => `${code} ${message}`)).toEqual([
      expect.stringMatching(new RegExp(`^LS3208 .*${digest}: the registry sends sha256:`)),
    ]);
    expect(await there.store.find(digest)).toBeUndefined();
    const mirror = temporaryDirectory();
    const path = join(mirror, wanted?.path ?? "");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await at.repository.store.read(digest));
    const host: Host = {
      ...at.repository.host,
      env: (name) => (name === "LOCKSTEP_DEBIAN_MIRROR" ? `file://${mirror}` : undefined),
    };
    expect(await there.build(host)).toEqual(await builtDigests(at));
    expect(await there.store.read(digest)).toEqual(await at.repository.store.read(digest));
  });

  it("LS3208: is not believed for a layer or fragment of other bytes, which is then made anew", async () => {
    const at = await shared();
    const blobs = records(at).flatMap(({ document }) => document.layers.slice(1).map(({ digest }) => digest));
    for (const digest of new Set(blobs)) poison(at.content.blobs, digest);
    const there = other(at);
    const { refused, layers, fragments } = await there.pull();
    expect({ layers, fragments }).toEqual({ layers: 0, fragments: 0 });
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["LS3208"]));
    expect(await there.build()).toEqual(await builtDigests(at));
  });

  it("LS3303: is not believed for a record that was moved under the name of another", async () => {
    const at = await shared();
    const [first, ...rest] = records(at);
    for (const { tag } of rest) at.content.tags.set(tag, at.content.tags.get(first?.tag ?? "") ?? "");
    const there = other(at);
    const { refused, layers, fragments } = await there.pull();
    expect(layers + fragments).toBe(1);
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["LS3303"]));
    expect(await there.build()).toEqual(await builtDigests(at));
  });

  it("LS6102, LS6103, LS6101: is not believed for a record whose signature does not hold, is another's, or is none", async () => {
    const at = await shared();
    const all = records(at);
    const replace = (tag: string, change: (bundle: Record<string, unknown>) => unknown): void => {
      const { document } = all.find((record) => record.tag === tag) ?? { document: undefined };
      const [old, ...layers] = document?.layers ?? [];
      const bundle = JSON.parse(at.content.blobs.get(old?.digest ?? "")?.toString() ?? "{}") as Record<string, unknown>;
      const bytes = Buffer.from(JSON.stringify(change(bundle)));
      const digest = digestOf(bytes);
      at.content.blobs.set(digest, bytes);
      const changed = Buffer.from(
        JSON.stringify({ ...document, layers: [{ mediaType: old?.mediaType, digest, size: bytes.length }, ...layers] }),
      );
      const mediaType = "application/vnd.oci.image.manifest.v1+json";
      at.content.manifests.set(digestOf(changed), { digest: digestOf(changed), mediaType, bytes: changed });
      at.content.tags.set(tag, digestOf(changed));
    };
    const payload = (bundle: Record<string, unknown>): string =>
      (bundle["dsseEnvelope"] as { payload: string }).payload;
    const stranger = await localSigningKey(scene().host, at.repository.root);
    const changes: readonly ((bundle: Record<string, unknown>) => unknown)[] = [
      // The statement says that something else was made of it.
      (bundle) => {
        const text = Buffer.from(payload(bundle), "base64").toString();
        const changed = text.replace(/"key":"[0-9a-f]/, '"key":"f');
        return {
          ...bundle,
          dsseEnvelope: {
            ...(bundle["dsseEnvelope"] as object),
            payload: Buffer.from(`${changed} `).toString("base64"),
          },
        };
      },
      (bundle) => ({ ...bundle, verificationMaterial: { publicKey: { hint: stranger.hint } } }),
      () => ({ no: "bundle" }),
    ];
    for (const [index, { tag }] of all.entries()) replace(tag, changes[index % changes.length] ?? ((bundle) => bundle));
    const there = other(at);
    const { refused, layers, fragments } = await there.pull();
    expect(layers + fragments).toBe(0);
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["LS6101", "LS6102", "LS6103"]));
    expect(await there.build()).toEqual(await builtDigests(at));
  });
});

/** A host with these settings and a key of its own. */
async function written(text: string): Promise<Host> {
  const { host } = scene();
  mkdirSync(host.configDirectory, { recursive: true });
  writeFileSync(join(host.configDirectory, "config.yaml"), text);
  await ownKey(host, temporaryDirectory());
  return host;
}

describe("settings of the shared store", () => {
  it("are read with the keys of the trust file, and are nothing without a file", async () => {
    expect(await readShareSettings(scene().host)).toEqual({ trusted: [] });
    const host = await written("store: { remote: registry.example/team/store, trust: keys/local.pub }\n");
    const { remote, trusted } = await readShareSettings(host);
    expect([remote, trusted.length]).toEqual(["registry.example/team/store", 1]);
  });

  it.each([
    ["store: [x]", /LS3302 .*config.yaml:1:8 store is not a map/],
    ["store: { remotes: x }", /LS3302 .*store.remotes is not a setting/],
    ["store: { remote: 1 }", /LS3302 .*store.remote is not text/],
    ["store: { trust: gone.pub }", /LS3302 .*gone.pub the trust file cannot be read \(ENOENT\)/],
    ["store: { trust: config.yaml }", /LS3302 .*the trust file has no public key/],
    ["store: { trust: keys/local.key }", /LS6003 /],
  ])("are refused when they are %s", async (text, expected) => {
    await expect(written(text).then(readShareSettings)).rejects.toThrow(expected);
  });

  it("LS3301, LS3302: must name a repository", async () => {
    const { host, store } = scene();
    await expect(pullStore(host, store, silent, [])).rejects.toMatchObject({ code: "LS3301" });
    const trust = await ownKey(host, temporaryDirectory());
    await expect(
      pullStore(host, store, silent, [], { remote: "registry.example/team/store:1", trust }),
    ).rejects.toMatchObject({ code: "LS3302" });
    await expect(readTrustFile("/nonexistent")).rejects.toMatchObject({ code: "LS3302" });
  });

  it("make a build take from it, and cost a warning when it cannot be reached", async () => {
    const at = await shared();
    const host = await written(`store: { remote: "${at.remote}", trust: "${at.trust}" }\n`);
    const { store } = scene();
    const warnings: string[] = [];
    const report = { ...silent, warn: (line: string) => void warnings.push(line) };
    const signal = new AbortController().signal;
    poison(at.content.blobs, `sha256:${at.repository.locked.get("hello")?.sha256 ?? ""}`);
    await pullWhenConfigured(host, store, report, await at.repository.plan(), signal);
    expect(warnings).toEqual([expect.stringMatching(/^LS3208 .*; it is fetched or made anew$/)]);
    for (const item of await at.repository.plan()) expect(item.plan.layers.length).toBe(2);
    expect((await store.files()).some(({ path }) => path.includes("/records/"))).toBe(true);
    await at.registry.stop();
    await pullWhenConfigured(host, scene().store, report, await at.repository.plan(), signal);
    expect(warnings[1]).toMatch(/^the shared store is not used: LS3204 /);
    await pullWhenConfigured(scene().host, scene().store, report, await at.repository.plan(), signal);
    expect(warnings.length).toBe(2);
  });
});

describe("lockstep store push, pull", () => {
  it("share what builds make between two machines, by options and by settings", async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, "repository/images/hello/app"), { recursive: true });
    writeFileSync(
      join(root, "repository/images/hello/image.yaml"),
      "name: hello\nlayers:\n  - files: { from: app, into: /app }\n",
    );
    writeFileSync(join(root, "repository/images/hello/app/file"), "hello\n");
    const registry = await startRegistry();
    const remote = `${registry.host}/team/store`;
    const machine = (name: string) => (args: readonly string[]) =>
      lockstep(args, {
        cwd: join(root, "repository"),
        env: { LOCKSTEP_STORE: join(root, name, "store"), XDG_CONFIG_HOME: join(root, name, "config") },
      });
    const [one, two] = [machine("one"), machine("two")];
    const built = await one(["build", "--json"]);
    const pushed = await one(["store", "push", "--remote", remote]);
    expect([pushed.code, pushed.stdout]).toEqual([
      0,
      expect.stringMatching(/^shared 0 inputs, 0 fragments and 2 layers with /),
    ]);
    const trust = join(root, "one/config/lockstep/keys/local.pub");
    const pulled = await two(["store", "pull", "hello", "--remote", remote, "--trust", trust]);
    expect([pulled.code, pulled.stdout]).toEqual([0, `took 0 inputs, 0 fragments and 2 layers from ${remote}\n`]);
    const three = machine("three");
    mkdirSync(join(root, "three/config/lockstep"), { recursive: true });
    writeFileSync(
      join(root, "three/config/lockstep/config.yaml"),
      `store: { remote: "${remote}", trust: "${trust}" }\n`,
    );
    const again = await three(["build", "--json", "-o", join(root, "out")]);
    const digest = (text: string): unknown => /"digest":"(sha256:[0-9a-f]{64})"/.exec(text)?.[1];
    expect(digest(again.stdout)).toBe(digest(built.stdout));
    expect(again.stdout.match(/"cached":true/g)?.length).toBe(2);
    const nowhere = await one(["store", "pull"]);
    expect([nowhere.code, nowhere.stderr]).toEqual([
      3,
      expect.stringContaining("LS3301 no shared store is configured"),
    ]);
    const usage = await one(["store", "du", "hello"]);
    expect([usage.code, usage.stderr]).toEqual([2, expect.stringContaining("LS1002")]);
  });
});
