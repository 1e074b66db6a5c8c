/** The JSON documents of the samples against the OCI image specification and docs/format.md. Rows I, T8, T9, O18 and O22 of docs/catalogue.md. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { digestOf, hexOf } from "../../pipeline/store/digest.ts";
import { hasProgram, root, run } from "../support.ts";
import type { Samples } from "./samples.ts";

const oci = "application/vnd.oci.image";
const format = { "dev.lockstep.format": "1" };

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: string };
}

/** RFC 8785 for documents whose names are ASCII and whose numbers are integers, which ours are. */
const pythonCanonical = `
import sys, json
for path in sys.argv[1:]:
    text = open(path, "rb").read()
    again = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if again != text: print(path)
`;

async function json(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, "utf8"));
}

export function documentTests(samples: () => Samples): void {
  it("have an index of platforms only, sorted, without a time, a builder or evidence", async () => {
    for (const image of samples().images) {
      const index = JSON.parse((await samples().readBlob(image, image.digest)).toString()) as unknown;
      const sorted = image.platforms.toSorted((a, b) => (a.platform < b.platform ? -1 : 1));
      const manifests: Descriptor[] = [];
      for (const { platform, digest } of sorted) {
        const [os = "", architecture = ""] = platform.split("/");
        const { size } = await stat(samples().blobPath(image, digest));
        manifests.push({ digest, size, platform: { architecture, os } });
      }
      // toEqual is exact: a member more, such as a variant, an annotation or a URL, fails.
      expect(index, image.image).toEqual({
        annotations: format,
        manifests: manifests.map((manifest) => ({ ...manifest, mediaType: `${oci}.manifest.v1+json` })),
        mediaType: `${oci}.index.v1+json`,
        schemaVersion: 2,
      });
    }
  });

  it("have manifests of OCI media types with gzip layers, and of no other members", async () => {
    for (const image of samples().images) {
      for (const { digest, config, layers } of image.platforms) {
        const manifest = JSON.parse((await samples().readBlob(image, digest)).toString()) as unknown;
        const { size } = await stat(samples().blobPath(image, config));
        expect(manifest, image.image).toEqual({
          annotations: format,
          config: { digest: config, mediaType: `${oci}.config.v1+json`, size },
          layers: layers.map((layer) => ({
            digest: layer.digest,
            mediaType: `${oci}.layer.v1.tar+gzip`,
            size: layer.size,
          })),
          mediaType: `${oci}.manifest.v1+json`,
          schemaVersion: 2,
        });
      }
    }
  });

  it("have a configuration that says what the plan says: the epoch as its only time, one line of history a layer", async () => {
    const lock = (await json(join(root, "lockstep.lock"))) as {
      readonly releases: Readonly<Record<string, { readonly date: string }>>;
    };
    const dates = Object.values(lock.releases).map(({ date }) => Date.parse(date));
    for (const image of samples().images) {
      for (const built of image.platforms) {
        const config = await samples().config(image, built);
        expect(Object.keys(config)).toEqual(["architecture", "config", "created", "history", "os", "rootfs"]);
        expect(`${config.os}/${config.architecture}`).toBe(built.platform);
        expect(dates).toContain(Date.parse(config.created));
        expect(config.rootfs).toEqual({ diff_ids: built.layers.map(({ diffId }) => diffId), type: "layers" });
        expect(config.history).toHaveLength(built.layers.length);
        for (const line of config.history) {
          expect(Object.keys(line)).toEqual(["created", "created_by"]);
          expect(dates).toContain(Date.parse(line.created));
          expect(line.created_by).toMatch(/^lockstep: [ -~]+$/);
          expect(line.created_by).not.toMatch(/[0-9a-f]{12}/);
        }
      }
    }
  });

  it("have a configuration that inherits from the base by rule: variables in order, sets sorted, history in full", async () => {
    const node = samples().find("node", "linux/amd64");
    const web = samples().find("web", "linux/amd64");
    const base = await samples().config(node.image, node.platform);
    const own = await samples().config(web.image, web.platform);
    expect(own.config.Env).toEqual([...(base.config.Env ?? []), "NODE_ENV=production"]);
    expect(own.config.Env?.map((text) => text.slice(0, text.indexOf("=")))).toEqual(["PATH", "LANG", "NODE_ENV"]);
    expect(own.config.ExposedPorts).toEqual({ "8080/tcp": {} });
    expect(own.config.User).toBe(base.config.User);
    expect(own.history.slice(0, base.history.length)).toEqual(base.history);
    expect(own.rootfs.diff_ids.slice(0, base.rootfs.diff_ids.length)).toEqual(base.rootfs.diff_ids);
  });

  it("have the layers that the split of packages asks for, whatever their sizes came to", async () => {
    const { image, platform } = samples().find("toolbox", "linux/amd64");
    const { history } = await samples().config(image, platform);
    const titles = history.map(({ created_by }) => created_by.replace(/:( [a-z0-9+.-]+){2,}$/, ": the rest"));
    // The source packages with the largest .deb files, largest first; then all others, then what the spec adds.
    const lock = (await json(join(root, "lockstep.lock"))) as {
      readonly images: Readonly<Record<string, { readonly platforms: Readonly<Record<string, readonly string[]>> }>>;
      readonly packages: Readonly<Record<string, { readonly size: number; readonly source: string }>>;
    };
    const sizes = new Map<string, number>();
    for (const key of lock.images["toolbox"]?.platforms["linux/amd64"] ?? []) {
      const { source = "", size = 0 } = lock.packages[key] ?? {};
      sizes.set(source, (sizes.get(source) ?? 0) + size);
    }
    const largest = [...sizes].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, 3);
    const sources = largest.map(([source]) => `lockstep: debian trixie: ${source}`);
    expect(titles).toEqual([...sources, "lockstep: debian trixie: the rest", history.at(-1)?.created_by]);
  });

  it("lie in layouts that hold exactly the blobs they name, each under its own digest", async () => {
    for (const image of samples().images) {
      const { layout, platforms } = image;
      expect(await json(join(layout, "oci-layout"))).toEqual({ imageLayoutVersion: "1.0.0" });
      const named = platforms.flatMap(({ digest, config, layers }) => [digest, config, ...layers.map((l) => l.digest)]);
      const wanted = [...new Set([image.digest, ...named].map(hexOf))].toSorted();
      expect((await readdir(join(layout, "blobs/sha256"))).toSorted(), image.image).toEqual(wanted);
      for (const hex of wanted) expect(hexOf(digestOf(await readFile(join(layout, "blobs/sha256", hex))))).toBe(hex);
      expect((await readdir(layout)).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
    }
  });

  it.skipIf(!hasProgram("python3"))("are canonical JSON for Python too (needs python3)", () => {
    const paths = samples().images.flatMap((image) => [
      join(image.layout, "index.json"),
      join(image.layout, "oci-layout"),
      samples().blobPath(image, image.digest),
      ...image.platforms.flatMap(({ digest, config }) => [digest, config].map((d) => samples().blobPath(image, d))),
    ]);
    const { status, stdout, stderr } = run("python3", ["-c", pythonCanonical, ...paths]);
    expect([status, stdout.toString(), stderr.toString()]).toEqual([0, "", ""]);
  });
}
