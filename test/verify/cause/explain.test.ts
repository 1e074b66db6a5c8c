import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { silent } from "../../../pipeline/report/report.ts";
import { explain } from "../../../pipeline/verify/explain.ts";
import { scene, temporaryDirectory } from "../../support.ts";
import { type ImageOf, writeLayout } from "../image-of.ts";
import { type TarItem, tarOf } from "../tar-of.ts";

const items: readonly TarItem[] = [{ name: "etc/" }, { name: "etc/machine-id", content: "0123\n" }, { name: "srv/" }];

async function causesOf(a: ImageOf | Uint8Array, b: ImageOf | Uint8Array) {
  const written = (side: ImageOf | Uint8Array): string => {
    if (!(side instanceof Uint8Array)) return writeLayout(temporaryDirectory(), side);
    const path = join(temporaryDirectory(), "layer.tar");
    writeFileSync(path, side);
    return path;
  };
  return await explain({ ...scene(), report: silent, signal: new AbortController().signal }, written(a), written(b));
}

const image = (changed: readonly TarItem[], createdBy?: string): ImageOf => ({
  layers: [{ items: changed }],
  ...(createdBy === undefined ? {} : { config: (config) => (config["history"] = [{ created_by: createdBy }]) }),
});

describe("explain names the cause", () => {
  it("of a file in a layer, with the step that made it", async () => {
    const other = items.map((item) => (item.name === "etc/machine-id" ? { ...item, content: "4567\n" } : item));
    const step = "RUN /bin/sh -c systemd-machine-id-setup # buildkit";
    const { causes, differences } = await causesOf(image(items, step), image(other, step));
    expect(causes[0]).toMatchObject({ id: "S1", count: 1, examples: [0] });
    expect(causes[0]?.fix).toContain("the end of layer 1 (`RUN systemd-machine-id-setup`)");
    expect(differences[0]?.causes[0]).toMatchObject({ id: "S1" });
  });

  it("of times of all entries", async () => {
    const later = items.map((item) => ({ ...item, mtime: 1_700_000_777 }));
    const { causes } = await causesOf(image(items), image(later));
    expect(causes[0]).toMatchObject({ id: "T1", count: 3, grade: "clock" });
  });

  it("of modes that a umask made", async () => {
    const wide = items.map((item) => ({ ...item, mode: item.name.endsWith("/") ? 0o775 : 0o664 }));
    const narrow = items.map((item) => ({ ...item, mode: item.name.endsWith("/") ? 0o755 : 0o644 }));
    const { causes } = await causesOf(image(narrow, "COPY . / # buildkit"), image(wide, "COPY . / # buildkit"));
    expect(causes[0]).toMatchObject({ id: "P1", grade: "privilege" });
  });

  it("of two compressions of one tar", async () => {
    const { causes } = await causesOf(gzipSync(tarOf(items), { level: 1 }), gzipSync(tarOf(items), { level: 9 }));
    expect(["Z1", "Z2"]).toContain(causes[0]?.id);
  });

  it("of nothing when both are equal, and never fails on documents of strangers", async () => {
    expect((await causesOf(image(items), image(items))).causes).toEqual([]);
    const strange = (history: unknown): ImageOf => ({
      ...image(items),
      config: (config) => Object.assign(config, { history, created: 7 }),
    });
    for (const history of [null, 5, [null, 7, { created_by: 9 }, { empty_layer: true }], { length: 1 }])
      expect((await causesOf(image(items), strange(history))).verdict).toBe("differs");
  });
});
