import { appendFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { capsuleManifest, readCapsuleManifest, type CapsuleBlob } from "../../../pipeline/build/capsule/document.ts";
import { capsuleBlobs } from "../../../pipeline/build/capsule/blobs.ts";
import { createCapsule } from "../../../pipeline/build/capsule/create.ts";
import { Capsule } from "../../../pipeline/build/capsule/use.ts";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { type Digest, digestOf, hexOf } from "../../../pipeline/store/digest.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { filesBelow } from "../../files.ts";
import { hasProgram, run, type Scene, scene } from "../../support.ts";
import { damage, image, tinyRepository } from "../tiny-repository.ts";

interface Made extends Scene {
  readonly blobs: readonly CapsuleBlob[];
  readonly path: string;
  readonly digest: Digest;
  /** A store that has nothing. */
  readonly empty: Store;
}

/** A capsule of three inputs, as an archive or a layout. */
async function made(kind: "archive" | "layout"): Promise<Made> {
  const at = scene();
  const contents = ["first", "second input", "x".repeat(3_000_000)].map((text) => Buffer.from(text));
  const blobs: CapsuleBlob[] = [];
  for (const [index, bytes] of contents.entries())
    blobs.push({ ...(await at.store.put(bytes)), name: `input-${index}` });
  const path = join(at.directory, kind === "archive" ? "capsule.tar" : "capsule");
  const { digest } = await createCapsule(at.host, at.store, silent, blobs, path);
  return { ...at, blobs, path, digest, empty: new Store(at.host, join(at.directory, "empty")) };
}

async function message(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "it did not fail",
    (error: unknown) => (error instanceof LockstepError ? error.message : String(error)),
  );
}

const kinds = ["archive", "layout"] as const;

describe("a capsule", () => {
  it("is the same bytes whatever the order of its inputs, and from another store", async () => {
    const { host, blobs, path, digest, empty } = await made("archive");
    for (const { digest: each } of blobs)
      await (
        await Capsule.open(path)
      ).take(
        empty,
        silent,
        blobs.filter((b) => b.digest === each),
      );
    const other = `${path}.again.tar`;
    const again = await createCapsule(host, empty, silent, blobs.toReversed(), other);
    expect(again.digest).toBe(digest);
    expect(readFileSync(other).equals(readFileSync(path))).toBe(true);
  });

  it("has the same digest as an archive and as a layout, and is known again as the latter", async () => {
    const archive = await made("archive");
    const layout = await made("layout");
    expect(layout.digest).toBe(archive.digest);
    const again = await createCapsule(layout.host, layout.store, silent, layout.blobs, layout.path);
    expect(again.unchanged).toBe(true);
  });

  it("has a manifest that says of each input what it is called", async () => {
    const { blobs } = await made("archive");
    const found = readCapsuleManifest(capsuleManifest(blobs).bytes);
    expect([...(found?.values() ?? [])].toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(blobs);
  });

  it("may be empty, for images that need nothing from outside", async () => {
    const { host, store, directory } = scene();
    await createCapsule(host, store, silent, [], join(directory, "none.tar"));
    await (await Capsule.open(join(directory, "none.tar"))).take(store, silent, []);
  });

  it.each(kinds)("gives exactly what is asked for, checked (%s)", async (kind) => {
    const { path, blobs, empty } = await made(kind);
    await (await Capsule.open(path)).take(empty, silent, blobs.slice(0, 2));
    expect(await empty.find(blobs[0]?.digest ?? "sha256:")).toBeDefined();
    expect(await empty.find(blobs[2]?.digest ?? "sha256:")).toBeUndefined();
    expect((await empty.read(blobs[1]?.digest ?? "sha256:")).toString()).toBe("second input");
  });

  it.skipIf(!hasProgram("tar"))("is an archive that GNU tar lists without a complaint (needs tar)", async () => {
    const { path, blobs } = await made("archive");
    const { status, stdout, stderr } = run("tar", ["-tf", path]);
    expect([status, stderr.toString()]).toEqual([0, ""]);
    const names = stdout.toString().trim().split("\n");
    expect(names.slice(0, 4)).toEqual(["blobs/", "blobs/sha256/", "oci-layout", "index.json"]);
    expect(names).toHaveLength(4 + 2 + blobs.length);
  });

  it.skipIf(!hasProgram("tar"))(
    "is read from an archive that another program packed in another order (needs tar)",
    async () => {
      const { path, blobs, empty, directory } = await made("layout");
      const packed = join(directory, "packed.tar");
      expect(run("tar", ["-cf", packed, "-C", path, "blobs", "index.json", "oci-layout"]).status).toBe(0);
      await (await Capsule.open(packed)).take(empty, silent, blobs);
      expect(await empty.find(blobs[2]?.digest ?? "sha256:")).toBeDefined();
    },
  );

  it.each(kinds)("LS3351: names what it lacks, also when the store has it (%s)", async (kind) => {
    const { path, blobs, store } = await made(kind);
    const more = { digest: digestOf("more"), size: 4, name: "netbase_6.5_all" };
    await store.put(Buffer.from("more"));
    const capsule = await Capsule.open(path);
    const found = await message(capsule.take(store, silent, [...blobs, more]));
    expect(found).toContain(
      `LS3351 ${path} lacks 1 of 4 inputs of the lock:\n  netbase_6.5_all (4 bytes, ${more.digest})`,
    );
    const [first] = blobs;
    if (first === undefined) throw new Error("no blobs");
    expect(await message(capsule.take(store, silent, [{ ...first, size: 6 }]))).toContain("LS3351");
  });

  it.each(kinds)("LS3352: names what has other bytes, and keeps nothing of it (%s)", async (kind) => {
    const { path, blobs, empty } = await made(kind);
    const wrong = blobs[2];
    if (wrong === undefined) throw new Error("no blobs");
    const file = kind === "archive" ? path : join(path, "blobs/sha256", hexOf(wrong.digest));
    const bytes = Buffer.from(readFileSync(file));
    const at = bytes.indexOf("xxxx") + 1000;
    bytes[at] = 0;
    rmSync(file);
    writeFileSync(file, bytes);
    const found = await message((await Capsule.open(path)).take(empty, silent, blobs));
    expect(found).toContain(
      `LS3352 ${path} is damaged: other bytes than their digests say; 1 inputs cannot be read:\n  input-2`,
    );
    expect(filesBelow(empty.directory).filter((name) => name.includes(hexOf(wrong.digest)))).toEqual([]);
    expect(filesBelow(join(empty.directory, "tmp"))).toEqual([]);
    expect(await empty.find(blobs[0]?.digest ?? "sha256:")).toBeDefined();
  });

  it("LS3352: names what is missing of a layout", async () => {
    const { path, blobs, empty } = await made("layout");
    rmSync(join(path, "blobs/sha256", hexOf(blobs[1]?.digest ?? "sha256:")));
    expect(await message((await Capsule.open(path)).take(empty, silent, blobs))).toMatch(
      /LS3352 .*:\n {2}input-1 \(12 bytes/,
    );
  });

  it("LS3352, LS3350: is refused wherever it is cut short, with what is missing as far as that is known", async () => {
    const { path, blobs, empty } = await made("archive");
    const whole = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1025 }), async (length) => {
        const cut = `${path}.cut.tar`;
        writeFileSync(cut, whole.subarray(0, length));
        const found = await message(Capsule.open(cut).then((capsule) => capsule.take(empty, silent, blobs)));
        // Up to the last input everything may be there; only the end of the archive is not.
        if (found !== "it did not fail") expect(found).toMatch(/^LS335[02] /);
        else expect(length).toBeGreaterThanOrEqual(whole.length - 1024 - 512);
      }),
      { numRuns: 60, examples: [[0], [100], [512], [5000], [whole.length - 2000]] },
    );
    truncateSync(path, whole.length - 500_000);
    const found = await message((await Capsule.open(path)).take(new Store(scene().host), silent, blobs));
    expect(found).toMatch(/LS3352 .*is damaged: it ends in the middle; \d inputs cannot be read:\n {2}input-/);
  });

  it("LS3350: refuses what is none", async () => {
    const { host, store, directory } = scene();
    const open = (path: string): Promise<string> => message(Capsule.open(join(directory, path)));
    expect(await open("nothing")).toMatch(/LS3350 .*it is not there/);
    writeFileSync(join(directory, "text"), "not an archive");
    expect(await open("text")).toContain("LS3350");
    mkdirSync(join(directory, "empty"));
    expect(await open("empty")).toMatch(/LS3350 .*it has no index\.json/);
    const layout = join(directory, "layout");
    await createCapsule(host, store, silent, [{ ...(await store.put(Buffer.from("a"))), name: "a" }], layout);
    const index = join(layout, "index.json");
    const { manifests } = JSON.parse(readFileSync(index, "utf8")) as { readonly manifests: readonly unknown[] };
    for (const bad of ["{}", "[]", "x", JSON.stringify({ manifests: [] }), JSON.stringify({ manifests: [1] })]) {
      writeFileSync(index, bad);
      expect(await open("layout")).toContain("LS3350");
    }
    const second = await createCapsule(host, store, silent, [], join(directory, "second"));
    const other = JSON.parse(readFileSync(join(directory, "second/index.json"), "utf8")) as typeof manifests & {
      readonly manifests: readonly unknown[];
    };
    writeFileSync(
      join(layout, "blobs/sha256", hexOf(second.digest)),
      readFileSync(join(directory, "second/blobs/sha256", hexOf(second.digest))),
    );
    writeFileSync(index, JSON.stringify({ manifests: [...manifests, ...other.manifests] }));
    expect(await open("layout")).toMatch(/LS3350 .*it has 2 capsules/);
  });

  it("LS3352: refuses a manifest that has other bytes than its digest says", async () => {
    const { path, digest } = await made("layout");
    const file = join(path, "blobs/sha256", hexOf(digest));
    appendFileSync(file, " ");
    expect(await message(Capsule.open(path))).toContain("LS3352");
  });

  it("LS3350: does not replace a directory that has something else in it", async () => {
    const { host, store, directory } = scene();
    const path = join(directory, "mine");
    mkdirSync(join(path, "blobs/sha256"), { recursive: true });
    writeFileSync(join(path, "blobs/sha256/precious"), "x");
    expect(await message(createCapsule(host, store, silent, [], path))).toContain("LS3350");
    expect(filesBelow(path)).toEqual(["blobs/sha256/precious"]);
  });

  it.each(kinds)("is written into directories that are made for it (%s)", async (kind) => {
    const { host, store, directory } = scene();
    const path = join(directory, "not/there", kind === "archive" ? "c.tar" : "c");
    await createCapsule(host, store, silent, [], path);
    await Capsule.open(path);
  });

  it("LS1004: is not written where something is in the way", async () => {
    const { host, store, directory } = scene();
    mkdirSync(join(directory, "c.tar"));
    writeFileSync(join(directory, "file"), "x");
    const write = (path: string): Promise<string> =>
      message(createCapsule(host, store, silent, [], join(directory, path)));
    expect(await write("c.tar")).toContain("LS1004");
    expect(await write("file/c.tar")).toContain("LS1004");
    expect(await write("file/c")).toContain("LS1004");
  });

  it.each(kinds)("LS3001: is not made of damaged inputs, and nothing is left of it (%s)", async (kind) => {
    const { host, store, directory } = scene();
    const blob = { ...(await store.put(Buffer.from("content"))), name: "a" };
    damage(store, blob.digest);
    const path = join(directory, kind === "archive" ? "c.tar" : "c");
    await expect(createCapsule(host, store, silent, [blob], path)).rejects.toMatchObject({ code: "LS3001" });
    expect(filesBelow(directory).filter((name) => name.startsWith("c"))).toEqual(
      filesBelow(directory).filter((name) => name.startsWith("cache")),
    );
  });

  it("LS3353: is not made of more inputs than registries take in one manifest", () => {
    const many = Array.from({ length: 30_000 }, (_, index) => ({
      digest: digestOf(`${index}`),
      size: 1,
      name: `n${index}`,
    }));
    expect(() => capsuleManifest(many)).toThrow("LS3353");
  });
});

describe("capsuleBlobs", () => {
  it("are the packages of all images and platforms, each once", async () => {
    const repository = await tinyRepository({
      images: { app: image("tiny, other"), more: image("tiny") },
      packages: [{ name: "tiny" }, { name: "other" }],
    });
    const blobs = capsuleBlobs(await repository.plan());
    expect(blobs.map(({ name }) => name.replace(/_.*/, "")).toSorted()).toEqual([
      "base-files",
      "base-passwd",
      "other",
      "tiny",
    ]);
    const one = capsuleBlobs(await repository.plan(undefined, ["more"]));
    expect(one).toHaveLength(3);
  });
});
