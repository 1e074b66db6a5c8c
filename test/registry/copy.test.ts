import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silent } from "../../pipeline/report/report.ts";
import { sourceOfBytes } from "../../pipeline/registry/blobs.ts";
import { parseManifest } from "../../pipeline/registry/manifest.ts";
import { openRepository } from "../../pipeline/registry/repository.ts";
import { transfer, type Transferred, type TransferOptions } from "../../pipeline/registry/transfer.ts";
import { digestOf } from "../../pipeline/store/digest.ts";
import { createHost } from "../../pipeline/host/host.ts";
import { hasProgram, type Scene, scene, temporaryDirectory } from "../support.ts";
import { named, noise, type Piece, piece, plant, type TestImage, testImage, types } from "./images.ts";
import { startRegistry, type TestRegistry } from "./registry.ts";
import { dockerRegistry, olareg, startDockerRegistry, startOlareg } from "./servers.ts";

const skopeo = hasProgram("skopeo");
const image = testImage();

/** Without waiting in this thread: a registry may be answering in it. Nor with the logins of whoever runs the tests. */
async function runSkopeo(...args: readonly string[]): Promise<Buffer> {
  const directory = temporaryDirectory();
  const logins = join(directory, "auth.json");
  writeFileSync(logins, "{}");
  const env = { PATH: process.env["PATH"] ?? "", HOME: directory, REGISTRY_AUTH_FILE: logins };
  const { code, stdout, stderr } = await createHost().run("skopeo", ["--insecure-policy", ...args], { env });
  if (code !== 0) throw new Error(`skopeo ${args.join(" ")}: ${stderr.toString()}`);
  return stdout;
}

function copy(at: Scene, from: string, to: string, options: TransferOptions = {}): Promise<Transferred> {
  const host = { ...at.host, sleep: () => at.host.sleep(1) };
  return transfer({ host, store: at.store, report: silent, signal: new AbortController().signal }, from, to, options);
}

/** Writes an image as a layout, past the code that is tested. */
function layoutOf({ index, manifests, blobs }: TestImage, name = "app"): string {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
  for (const { digest, bytes } of [index, ...manifests, ...blobs])
    writeFileSync(join(directory, "blobs/sha256", digest.slice(7)), bytes);
  writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const entry = { ...named(index), annotations: { "org.opencontainers.image.ref.name": name } };
  writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  return directory;
}

const blobsIn = (layout: string): readonly string[] => readdirSync(join(layout, "blobs/sha256")).toSorted();

interface Kind {
  readonly name: string;
  readonly here: boolean;
  readonly start: () => Promise<string>;
}

const kinds: readonly Kind[] = [
  { name: "the registry for tests", here: true, start: async () => (await startRegistry()).host },
  {
    name: "Debian's docker-registry",
    here: dockerRegistry !== undefined,
    start: () => startDockerRegistry(temporaryDirectory()),
  },
  { name: "olareg", here: olareg !== undefined, start: () => startOlareg(temporaryDirectory()) },
];

describe.each(kinds)("with $name", ({ name, here, start }) => {
  it.skipIf(!here)(`pushes a layout, and then nothing more (needs ${name})`, async () => {
    const at = scene();
    const host = await start();
    const layout = layoutOf(image);
    const first = await copy(at, `oci:${layout}:app`, `${host}/team/app:1.0`, { expected: "absent", tags: ["latest"] });
    expect(first).toMatchObject({
      digest: image.index.digest,
      manifests: 3,
      blobs: { pushed: 5, mounted: 0, present: 0 },
    });
    expect(first.to).toBe(`${host}/team/app@${image.index.digest}`);
    const again = await copy(at, `oci:${layout}:app`, `${host}/team/app:1.0`);
    expect(again).toMatchObject({ sent: 0, blobs: { pushed: 0, mounted: 0, present: 5 } });
    await expect(
      copy(at, `oci:${layout}:app`, `${host}/team/app:1.0`, { expected: digestOf("x") }),
    ).resolves.toBeDefined();
    const other = layoutOf(testImage("other"));
    await expect(
      copy(at, `oci:${other}:app`, `${host}/team/app:1.0`, { expected: digestOf("x") }),
    ).rejects.toMatchObject({ code: "LS3216" });
  });

  it.skipIf(!here)(`pulls into a layout what was pushed (needs ${name})`, async () => {
    const at = scene();
    const host = await start();
    await copy(at, `oci:${layoutOf(image)}:app`, `${host}/team/app:1.0`);
    const out = temporaryDirectory();
    const pulled = await copy(scene(), `${host}/team/app:1.0`, `oci:${out}:mine`);
    expect(pulled).toMatchObject({ digest: image.index.digest, blobs: { pushed: 5, present: 0 } });
    expect(blobsIn(out)).toEqual(blobsIn(layoutOf(image)));
    for (const blob of blobsIn(out))
      expect(digestOf(readFileSync(join(out, "blobs/sha256", blob)))).toBe(`sha256:${blob}`);
    // By digest, and one platform only.
    const one = await copy(at, `${host}/team/app@${image.index.digest}`, `oci:${out}:arm`, { platform: "linux/arm64" });
    expect(one).toMatchObject({ digest: image.manifests[1]?.digest, manifests: 1, sent: 0 });
    expect(
      (JSON.parse(readFileSync(join(out, "index.json"), "utf8")) as { manifests: unknown[] }).manifests.length,
    ).toBe(2);
  });

  it.skipIf(!here)(`takes blobs over from another repository, without sending any (needs ${name})`, async () => {
    const at = scene();
    const host = await start();
    await copy(at, `oci:${layoutOf(image)}:app`, `${host}/team/app:1.0`);
    const moved = await copy(scene(), `${host}/team/app:1.0`, `${host}/prod/app:1.0`);
    expect(moved).toMatchObject({ digest: image.index.digest, sent: 0, blobs: { pushed: 0, mounted: 5 } });
  });

  it.skipIf(!here)(`copies what refers to an image, too (needs ${name})`, async () => {
    const at = scene();
    const host = await start();
    await copy(at, `oci:${layoutOf(image)}:app`, `${host}/team/app:1.0`);
    const config = piece("application/vnd.oci.empty.v1+json", {});
    const evidence = piece(types.manifest, {
      schemaVersion: 2,
      mediaType: types.manifest,
      artifactType: "application/x.evidence",
      config: named(config),
      layers: [named(config)],
      subject: named(image.index),
    });
    const repository = await openRepository(at.host, { host, repository: "team/app" });
    await repository.pushBlob(sourceOfBytes(config.digest, config.bytes));
    await repository.pushManifest(parseManifest(evidence.bytes, types.manifest, "a test"));
    const copied = await copy(at, `${host}/team/app:1.0`, `${host}/prod/app:1.0`, { referrers: true });
    expect(copied.manifests).toBe(4);
    const prod = await openRepository(at.host, { host, repository: "prod/app" });
    expect((await prod.referrers(image.index.digest)).map(({ digest }) => digest)).toEqual([evidence.digest]);
    repository.close();
    prod.close();
  });

  it.skipIf(!here || !skopeo)(
    `writes what skopeo reads, and reads what skopeo writes (needs ${name}, skopeo)`,
    async () => {
      const at = scene();
      const host = await start();
      const layout = layoutOf(image);
      await copy(at, `oci:${layout}:app`, `${host}/ours/app:1.0`);
      expect(digestOf(await runSkopeo("inspect", "--raw", "--tls-verify=false", `docker://${host}/ours/app:1.0`))).toBe(
        image.index.digest,
      );
      const theirs = temporaryDirectory();
      await runSkopeo("copy", "--all", "--src-tls-verify=false", `docker://${host}/ours/app:1.0`, `oci:${theirs}:app`);
      expect(blobsIn(theirs)).toEqual(blobsIn(layout));
      await runSkopeo(
        "copy",
        "--all",
        "--dest-tls-verify=false",
        `oci:${layout}:app`,
        `docker://${host}/theirs/app:1.0`,
      );
      const back = temporaryDirectory();
      const pulled = await copy(scene(), `${host}/theirs/app:1.0`, `oci:${back}:app`);
      expect(pulled.digest).toBe(image.index.digest);
      expect(digestOf(await runSkopeo("inspect", "--raw", `oci:${back}:app`))).toBe(image.index.digest);
      expect(blobsIn(back)).toEqual(blobsIn(layout));
    },
  );

  it.skipIf(!here)(`goes on with a large blob in chunks (needs ${name})`, async () => {
    const at = scene();
    const host = await start();
    const large = piece(types.layer, noise("large", 3_000_000));
    const repository = await openRepository(at.host, { host, repository: "team/app" });
    const source = sourceOfBytes(large.digest, large.bytes);
    expect(await repository.pushBlob(source, { chunked: true, chunkSize: 1 << 20 })).toBe("pushed");
    await repository.blob(at.store, large);
    expect(await at.store.read(large.digest)).toEqual(large.bytes);
    repository.close();
  });
});

async function planted(): Promise<Scene & { readonly registry: TestRegistry }> {
  const registry = await startRegistry();
  plant(registry, "team/app", "1.0", image);
  return { ...scene(), registry };
}

describe("copying", () => {
  it("asks for each blob also where the manifest is, and sends one that the registry has lost", async () => {
    const registry = await startRegistry();
    const at = scene();
    const layout = layoutOf(image);
    await copy(at, `oci:${layout}:app`, `${registry.host}/team/app:1.0`);
    const [lost] = image.blobs;
    const { blobs } = registry.content.repository("team/app");
    expect(blobs.delete(lost?.digest ?? "")).toBe(true);
    const again = await copy(at, `oci:${layout}:app`, `${registry.host}/team/app:1.0`);
    expect(again).toMatchObject({ sent: lost?.bytes.length, blobs: { pushed: 1, mounted: 0, present: 4 } });
    expect(blobs.get(lost?.digest ?? "")).toEqual(lost?.bytes);
  });

  it("LS3217: names nothing when the tag moved meanwhile", async () => {
    const at = await planted();
    const { host } = at.registry;
    at.registry.fail({
      method: "GET",
      path: "/blobs/",
      kind: "reply",
      change: (reply) => {
        plant(at.registry, "team/app", "1.0", testImage("other"));
        return reply;
      },
    });
    const out = temporaryDirectory();
    await expect(copy(at, `${host}/team/app:1.0`, `oci:${out}:app`)).rejects.toThrow(
      `LS3217 ${host}/team/app:1.0 was ${image.index.digest} and is ${testImage("other").index.digest} now`,
    );
    expect(readdirSync(out)).not.toContain("index.json");
  });

  it("LS3208: writes nothing under a name when a blob is another", async () => {
    const at = await planted();
    at.registry.fail({ method: "GET", path: "/blobs/", kind: "corrupt", times: 99 });
    const out = temporaryDirectory();
    await expect(copy(at, `${at.registry.host}/team/app:1.0`, `oci:${out}:app`)).rejects.toMatchObject({
      code: "LS3208",
    });
    expect(readdirSync(out)).not.toContain("index.json");
    await expect(
      copy(
        at,
        `${at.registry.host}/team/app:1.0`,
        `${at.registry.host.replace("127.0.0.1", "localhost")}/prod/app:1.0`,
      ),
    ).rejects.toMatchObject({ code: "LS3208" });
    expect(at.registry.content.repository("prod/app").tags.size).toBe(0);
  });

  it("LS3219: does not pass on layers that must be fetched from elsewhere", async () => {
    const at = await planted();
    const [config, layer] = image.blobs as [Piece, Piece];
    for (const wrong of [
      { ...named(layer), urls: ["https://elsewhere.example/layer"] },
      { ...named(layer), mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" },
    ]) {
      const manifest = piece(types.manifest, {
        schemaVersion: 2,
        mediaType: types.manifest,
        config: named(config),
        layers: [wrong],
      });
      const content = at.registry.content.repository("team/app");
      content.manifests.set(manifest.digest, manifest);
      await expect(
        copy(at, `${at.registry.host}/team/app@${manifest.digest}`, `oci:${temporaryDirectory()}:app`),
      ).rejects.toMatchObject({ code: "LS3219" });
    }
  });

  it("copies images in Docker's second format as they are", async () => {
    const at = await planted();
    const docker = "application/vnd.docker";
    const config = piece(`${docker}.container.image.v1+json`, {
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: [] },
    });
    const layer = piece(`${docker}.image.rootfs.diff.tar.gzip`, noise("docker", 1000));
    const mediaType = `${docker}.distribution.manifest.v2+json`;
    const manifest = piece(mediaType, { schemaVersion: 2, mediaType, config: named(config), layers: [named(layer)] });
    const listType = `${docker}.distribution.manifest.list.v2+json`;
    const platform = { os: "linux", architecture: "amd64" };
    const index = piece(listType, {
      schemaVersion: 2,
      mediaType: listType,
      manifests: [{ ...named(manifest), platform }],
    });
    plant(at.registry, "team/docker", "1.0", { index, manifests: [manifest], blobs: [config, layer] });
    const out = temporaryDirectory();
    const pulled = await copy(at, `${at.registry.host}/team/docker:1.0`, `oci:${out}:app`);
    expect(pulled).toMatchObject({ digest: index.digest, mediaType: listType });
    const back = await copy(scene(), `oci:${out}:app`, `${at.registry.host}/back/docker:1.0`);
    expect(back.digest).toBe(index.digest);
    expect(at.registry.content.repository("back/docker").find("1.0")?.mediaType).toBe(listType);
  });

  it("LS3211: says what platforms there are", async () => {
    const at = await planted();
    await expect(
      copy(at, `${at.registry.host}/team/app:1.0`, `oci:${temporaryDirectory()}:app`, { platform: "linux/riscv64" }),
    ).rejects.toThrow("has nothing for linux/riscv64; it has linux/amd64, linux/arm64");
  });

  it("LS3218: says what is in a layout", async () => {
    const at = await planted();
    const layout = layoutOf(image, "web");
    const to = `${at.registry.host}/prod/app:1.0`;
    await expect(copy(at, `oci:${layout}:wob`, to)).rejects.toThrow(
      'wob: the layout has no image of this name; it has web; did you mean "web"?',
    );
    await expect(copy(at, `oci:${temporaryDirectory()}:web`, to)).rejects.toMatchObject({ code: "LS3218" });
    writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}');
    await expect(copy(at, `oci:${layout}:web`, to)).rejects.toThrow(/LS3218 .*not of version 1.0.0/);
    rmSync(join(layout, "oci-layout"));
    await expect(copy(at, `oci:${layout}:web`, to)).rejects.toThrow(/LS3218 .*no OCI image layout/);
  });

  it("LS5003: does not push a damaged layout", async () => {
    const at = await planted();
    const to = `${at.registry.host}/prod/app:1.0`;
    for (const wrong of image.blobs.slice(0, 1).concat(image.manifests.slice(0, 1))) {
      const layout = layoutOf(image);
      const path = join(layout, "blobs/sha256", wrong.digest.slice(7));
      const bytes = Buffer.from(wrong.bytes);
      bytes[9] = (bytes[9] ?? 0) ^ 1;
      chmodSync(path, 0o644);
      writeFileSync(path, bytes);
      await expect(copy(at, `oci:${layout}:app`, to)).rejects.toMatchObject({ code: "LS5003" });
      rmSync(path);
      await expect(copy(at, `oci:${layout}:app`, to)).rejects.toThrow(/LS5003 .* is not there/);
    }
    expect(at.registry.content.repository("prod/app").tags.size).toBe(0);
    expect(at.registry.content.repository("prod/app").manifests.size).toBe(0);
  });

  it("adds to a layout, and replaces an entry of the same name only as expected", async () => {
    const at = await planted();
    const layout = layoutOf(testImage("first"), "one");
    const from = `${at.registry.host}/team/app:1.0`;
    await copy(at, from, `oci:${layout}:two`);
    await expect(copy(at, from, `oci:${layout}:one`, { expected: "absent" })).rejects.toMatchObject({ code: "LS3216" });
    await copy(at, from, `oci:${layout}:one`, { expected: testImage("first").index.digest });
    const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as {
      readonly manifests: readonly { readonly digest: string }[];
    };
    expect(manifests.map(({ digest }) => digest)).toEqual([image.index.digest, image.index.digest]);
  });

  it.each([
    ["registry.example/app", "oci:/tmp/x:y", "LS3201"],
    ["registry.example/app:1", `registry.example/app@${digestOf("x")}`, "LS3201"],
    ["registry.example/app:1", "oci:/tmp/x", "LS1002"],
    ["oci:", "registry.example/app:1", "LS1002"],
    ["app:1", "oci:/tmp/x:y", "LS3202"],
  ])("refuses to copy %s to %s with %s, before anything is asked", async (from, to, code) => {
    await expect(copy(scene(), from, to)).rejects.toMatchObject({ code });
  });
});
