import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fetchLocked } from "../../pipeline/build/repository.ts";
import { buildImages } from "../../pipeline/build/build.ts";
import { makePackageFragment } from "../../pipeline/build/package-fragment.ts";
import { LockstepError } from "../../pipeline/host/errors.ts";
import { type Report, silent } from "../../pipeline/report/report.ts";
import { findDecoders } from "../../pipeline/source/decompress.ts";
import { hexOf } from "../../pipeline/store/digest.ts";
import { Store } from "../../pipeline/store/store.ts";
import { filesBelow } from "../files.ts";
import { tinyDeb } from "../source/debian/tiny-deb.ts";
import { scene } from "../support.ts";
import { image, readLayer, tinyRepository, type TinyRepository } from "./tiny-repository.ts";

/** Builds and tells how many packages had to be unpacked. */
async function unpacked(repository: TinyRepository, results: Store, names: readonly string[] = []): Promise<number> {
  let count = 0;
  const report: Report = {
    ...silent,
    task: (title) => {
      count += Number(/^unpack (\d+) package/.exec(title)?.[1] ?? 0);
      return { progress: () => {}, done: () => {} };
    },
  };
  const planned = await repository.plan(repository.host, names);
  await fetchLocked(repository.host, repository.store, silent, { ...repository, specs: [] }, planned, {
    offline: true,
  });
  await buildImages(repository.host, { inputs: repository.store, results }, report, planned, { out: repository.out });
  return count;
}

const pack = (
  name: string,
  version = "1.0",
): { name: string; version: string; data: [{ name: string; content: string }] } => ({
  name,
  version,
  data: [{ name: `./usr/share/${name}`, content: `${name} ${version}\n` }],
});

describe("packages", () => {
  it.each(["gz", "xz", "zst"] as const)(
    "LS3001: are found damaged in the store wherever they are, whatever a decoder says first: %s",
    async (compression) => {
      const { host, store } = scene();
      const content = Array.from({ length: 400 }, (_, i) => `${i * 7919}`).join(" ");
      const deb = tinyDeb({ compression, data: [{ name: "./usr/share/x", content }] });
      const { digest } = await store.put(deb);
      const recipe = { sha256: hexOf(digest), drop: [], divert: [], override: [] };
      const decoders = findDecoders(host);
      const codes = new Map<string, number[]>();
      // Every byte of the first headers, and some of the rest.
      for (let offset = 0; offset < deb.length; offset += offset < 200 ? 1 : 61) {
        await store.put(deb);
        const wrong = Buffer.from(deb);
        wrong[offset] = (wrong[offset] ?? 0) ^ 0x15;
        chmodSync(store.pathOf(digest), 0o644);
        writeFileSync(store.pathOf(digest), wrong);
        const error: unknown = await makePackageFragment(
          { inputs: store, results: store },
          decoders,
          recipe,
          "x",
        ).catch((reason: unknown) => reason);
        const code = error instanceof LockstepError ? error.code : String(error);
        codes.set(code, [...(codes.get(code) ?? []), offset]);
      }
      expect([...codes.keys()]).toEqual(["LS3001"]);
    },
  );

  it("are unpacked once, however many images have them", async () => {
    const repository = await tinyRepository({
      images: { one: image("aa, bb"), three: image("aa, cc"), two: image("bb, cc") },
      packages: [pack("aa"), pack("bb"), pack("cc")],
    });
    const results = new Store(repository.host, join(repository.directory, "results"));
    expect(await unpacked(repository, results)).toBe(5);
    expect(await unpacked(repository, results)).toBe(0);
  });

  it("are known when they come in a new combination, and alone are unpacked when they are new", async () => {
    const packages = [pack("aa"), pack("bb"), pack("cc")];
    const first = await tinyRepository({ images: { app: image("aa, bb, cc") }, packages });
    const results = new Store(first.host, join(first.directory, "results"));
    expect(await unpacked(first, results)).toBe(5);
    const combined = await tinyRepository({ images: { other: image("aa, cc") }, packages });
    expect(await unpacked(combined, results)).toBe(0);
    const upgraded = await tinyRepository({
      images: { app: image("aa, bb, cc") },
      packages: [pack("aa", "1.1"), ...packages.slice(1)],
    });
    expect(await unpacked(upgraded, results)).toBe(1);
  });

  it("whose scripts change owners and modes are written with what they change", async () => {
    const postinst = "#!/bin/sh\nset -e\nchown root:mail /usr/bin/aa\nchmod 2755 /usr/bin/aa\n";
    const repository = await tinyRepository({
      images: { app: image("aa") },
      packages: [
        {
          name: "aa",
          data: [
            { name: "./usr/bin/aa", content: "x", mode: 0o755 },
            { name: "./usr/bin/ab", flag: "1", link: "./usr/bin/aa", mode: 0o755 },
          ],
          control: { postinst },
        },
      ],
    });
    // The group has to be known for its number.
    const [built] = await repository.build();
    const layer = await readLayer(built?.layout ?? "", built?.platforms[0]?.layers[0]?.digest ?? "sha256:");
    const shown = layer
      .filter(({ path }) => path.startsWith("usr/bin/"))
      .map(({ path, type, mode }) => `${path} ${type} ${mode.toString(8)}`);
    expect(shown).toContain("usr/bin/aa file 2755");
    expect(shown).toContain("usr/bin/ab hardlink 2755");
  });

  it("leave a fragment and its facts, and no temporary file", async () => {
    const repository = await tinyRepository({ images: { app: image("aa") }, packages: [pack("aa")] });
    const results = new Store(repository.host, join(repository.directory, "results"));
    await unpacked(repository, results);
    expect(filesBelow(join(results.directory, "tmp"))).toEqual([]);
    // Three packages with fragment and facts each; directories, files of the system, end; the layer.
    expect(filesBelow(join(results.directory, "blobs"))).toHaveLength(3 * 2 + 3 + 1);
  });
});
