import { createHash } from "node:crypto";
import { crc32, gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { combineCrc32 } from "../../pipeline/image/crc32.ts";
import { type Fragment, FragmentWriter } from "../../pipeline/image/fragment.ts";
import { endFragment, joinLayer } from "../../pipeline/image/layer.ts";
import type { Store } from "../../pipeline/store/store.ts";
import { hasProgram, run, scene } from "../support.ts";

/** Bytes that neither repeat nor stay incompressible, from a fixed recurrence. */
function sample(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = (state >>> 24) % ((i >>> 16) % 3 === 0 ? 7 : 61);
  }
  return bytes;
}

async function fragmentOf(store: Store, path: string, content: Buffer, piece = content.length): Promise<Fragment> {
  const blob = await store.writer();
  const writer = new FragmentWriter(blob);
  await writer.entry({ type: "file", path, mode: 0o644, uid: 0, gid: 0, mtime: 0, size: content.length });
  for (let offset = 0; offset < content.length; offset += piece)
    await writer.content(content.subarray(offset, offset + piece));
  const sums = await writer.finish();
  return { ...(await blob.commit()), ...sums };
}

describe("combineCrc32", () => {
  it("equals the CRC of the whole", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.uint8Array({ maxLength: 5000 }), (a, b) => {
        expect(combineCrc32(crc32(a), crc32(b), b.length)).toBe(crc32(Buffer.concat([a, b])));
      }),
    );
  });

  it("holds for lengths beyond 4 GiB", () => {
    // 5 GiB of zeros, doubled up from one mebibyte.
    let crc = crc32(Buffer.alloc(1 << 20));
    let size = 1 << 20;
    let stepwise = crc;
    for (; size < 8 * 2 ** 30; size *= 2) crc = combineCrc32(crc, crc, size);
    for (let i = 1; i < 8; i++) stepwise = combineCrc32(stepwise, crc32(Buffer.alloc(1 << 20)), 1 << 20);
    const eight = combineCrc32(stepwise, 0, 0);
    expect(eight).toBe(crc32(Buffer.alloc(8 << 20)));
    const half = 4 * 2 ** 30;
    let four = crc32(Buffer.alloc(1 << 20));
    for (let length = 1 << 20; length < half; length *= 2) four = combineCrc32(four, four, length);
    expect(combineCrc32(four, four, half)).toBe(crc);
  });
});

describe("joinLayer", () => {
  it("joins fragments into one gzip member that other tools read (golden digests of format 1)", async () => {
    const { store } = scene();
    const big = sample(3_500_000, 42);
    const fragments = [
      await fragmentOf(store, "a", Buffer.from("hello\n")),
      await fragmentOf(store, "b", big, 100_000),
      await fragmentOf(store, "empty", Buffer.alloc(0)),
      await endFragment(store),
    ];
    const layer = await joinLayer(store, fragments);
    const bytes = await store.read(layer.digest);
    const tar = gunzipSync(bytes);
    expect(tar.length).toBe(layer.tarSize);
    expect(`sha256:${createHash("sha256").update(tar).digest("hex")}`).toBe(layer.diffId);
    expect(tar.subarray(1024 + 512, 1024 + 512 + big.length).equals(big)).toBe(true);
    expect([...bytes.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    // Golden: a change here is a new number of the format, never an update of this line.
    expect(layer.digest).toMatchInlineSnapshot(
      `"sha256:ee000ea776cdfe2830db591a521e83042f57c3af5df3927654839c8e02ed0f47"`,
    );
    expect(layer.diffId).toMatchInlineSnapshot(
      `"sha256:f82451816f271451e1931e8f4713db6354f89f0801ca90d7fd2a9bc3bef83d3f"`,
    );
    if (hasProgram("gzip")) expect(run("gzip", ["-dc"], { input: bytes }).stdout.equals(tar)).toBe(true);
    if (hasProgram("tar")) expect(run("tar", ["-tzf", "-"], { input: bytes }).stdout.toString()).toBe("a\nb\nempty\n");
  });

  it("does not depend on how content arrives", async () => {
    const { store } = scene();
    const content = sample(2_600_000, 7);
    const digests = await Promise.all(
      [content.length, 1, 65_536, 999_983].slice(0, 4).map(async (piece) => {
        const size = piece === 1 ? 50_000 : content.length;
        const whole = await fragmentOf(store, "x", content.subarray(0, size));
        const pieces = await fragmentOf(store, "x", content.subarray(0, size), piece);
        return whole.digest === pieces.digest;
      }),
    );
    expect(digests).toEqual([true, true, true, true]);
  });

  it("joins fragments larger than what is read ahead", async () => {
    const { store } = scene();
    const large = sample(9 << 20, 3);
    const layer = await joinLayer(store, [await fragmentOf(store, "l", large), await endFragment(store)]);
    const tar = gunzipSync(await store.read(layer.digest));
    expect(tar.subarray(512, 512 + large.length).equals(large)).toBe(true);
    expect(`sha256:${createHash("sha256").update(tar).digest("hex")}`).toBe(layer.diffId);
  });

  it("refuses a fragment that the store has damaged, and forgets it", async () => {
    const { writeFileSync, chmodSync, existsSync } = await import("node:fs");
    for (const size of [1000, 9 << 20]) {
      const { store } = scene();
      const fragment = await fragmentOf(store, "x", sample(size, 5));
      const path = store.pathOf(fragment.digest);
      const bytes = await store.read(fragment.digest);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0x10;
      chmodSync(path, 0o644);
      writeFileSync(path, bytes);
      await expect(joinLayer(store, [fragment])).rejects.toThrow(/LS3001/);
      expect(existsSync(path)).toBe(false);
    }
  });

  it("refuses content that is longer or shorter than its entry says", async () => {
    const { store } = scene();
    const entry = { type: "file", path: "x", mode: 0o644, uid: 0, gid: 0, mtime: 0, size: 10 } as const;
    const blobs = [await store.writer(), await store.writer()] as const;
    const long = new FragmentWriter(blobs[0]);
    await long.entry(entry);
    await expect(long.content(Buffer.alloc(11))).rejects.toThrow(/LS4101/);
    const short = new FragmentWriter(blobs[1]);
    await short.entry(entry);
    await short.content(Buffer.alloc(9));
    await expect(short.finish()).rejects.toThrow(/LS4101/);
    await Promise.all(blobs.map((blob) => blob.abort()));
  });
});
