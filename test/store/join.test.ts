import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../pipeline/store/digest.ts";
import { scene } from "../support.ts";

describe("Store.join", () => {
  const [one, two] = [Buffer.alloc(3_000_000, "one "), Buffer.from("two")];

  it("writes bytes and blobs in their order", async () => {
    const { store } = scene();
    const [a, b] = [await store.put(one), await store.put(two)];
    const whole = Buffer.concat([two, one, two, one]);
    const joined = await store.join([two, a.digest, b.digest, a.digest]);
    expect(joined).toEqual({ digest: digestOf(whole), size: whole.length });
    expect((await store.read(joined.digest)).equals(whole)).toBe(true);
    expect(await store.join([])).toEqual({ digest: digestOf(""), size: 0 });
  });

  it("refuses a blob that is not there, and leaves nothing behind", async () => {
    const { store } = scene();
    const { digest } = await store.put(one);
    rmSync(store.pathOf(digest));
    await expect(store.join([two, digest])).rejects.toThrow(`LS3002 blob ${digest} is not in the store`);
    expect(readdirSync(join(store.directory, "tmp"))).toEqual([]);
  });

  it("refuses a blob that is another, also one that it has found right before, and forgets it", async () => {
    for (const before of [0, 5]) {
      const { store } = scene();
      const content = Buffer.concat([one, Buffer.from(String(before))]);
      const { digest } = await store.put(content);
      for (let i = 0; i < before; i++) await store.join([digest, Buffer.of(i)]);
      content[1234] = 0;
      chmodSync(store.pathOf(digest), 0o644);
      writeFileSync(store.pathOf(digest), content);
      await expect(store.join([two, digest])).rejects.toThrow(`LS3001 blob ${digest} in the store is corrupt`);
      expect(existsSync(store.pathOf(digest))).toBe(false);
      expect(readdirSync(join(store.directory, "tmp"))).toEqual([]);
    }
  });
});
