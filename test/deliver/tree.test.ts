import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkRendered, writeRendered } from "../../pipeline/deliver/tree.ts";
import { createHost } from "../../pipeline/host/host.ts";

const host = createHost();
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lockstep-tree-"));
});
afterEach(() => rm(root, { recursive: true }));

const at = (path: string): string => join(root, "manifests/rendered", path);
const file = (path: string, text = `${path}\n`) => ({ path: `manifests/rendered/${path}`, text });

async function codes(files: Parameters<typeof checkRendered>[1]): Promise<readonly string[]> {
  return (await checkRendered(root, files)).map((problem) => `${problem.code} ${problem.place?.file ?? ""}`);
}

describe("the rendered tree", () => {
  it("holds what was written, and a second time there is nothing to write", async () => {
    const files = [file("web/service-web.yaml"), file("flux/kustomization-web.yaml")];
    expect(await writeRendered(host, root, files)).toEqual({
      written: ["manifests/rendered/flux/kustomization-web.yaml", "manifests/rendered/web/service-web.yaml"],
      removed: [],
    });
    expect(await codes(files)).toEqual([]);
    const before = await stat(at("web/service-web.yaml"));
    expect(await writeRendered(host, root, files)).toEqual({ written: [], removed: [] });
    expect((await stat(at("web/service-web.yaml"))).ino).toBe(before.ino);
  });

  it("loses what is not rendered any more, empty directories included, and nothing else", async () => {
    await writeRendered(host, root, [file("old/service-old.yaml"), file("web/service-web.yaml")]);
    await writeFile(join(root, "manifests/delivery.yaml"), "mine");
    const files = [file("web/deployment-web.yaml")];
    expect(await writeRendered(host, root, files)).toEqual({
      written: ["manifests/rendered/web/deployment-web.yaml"],
      removed: ["manifests/rendered/old/service-old.yaml", "manifests/rendered/web/service-web.yaml"],
    });
    expect(await readdir(at("."))).toEqual(["web"]);
    expect(await readdir(at("web"))).toEqual(["deployment-web.yaml"]);
    expect(await readFile(join(root, "manifests/delivery.yaml"), "utf8")).toBe("mine");
  });

  it("changes a file into a directory and back", async () => {
    await writeRendered(host, root, [file("a")]);
    await writeRendered(host, root, [file("a/b")]);
    expect(await codes([file("a/b")])).toEqual([]);
    await writeRendered(host, root, [file("a")]);
    expect(await codes([file("a")])).toEqual([]);
  });

  it("LS7101, LS7102, LS7103: says what is stale, missing and not rendered", async () => {
    await writeRendered(host, root, [file("a"), file("b"), file("d/e")]);
    await writeFile(at("a"), "edited");
    await rm(at("b"));
    await writeFile(at("c"), "");
    expect(await codes([file("a"), file("b"), file("d/e")])).toEqual([
      "LS7101 manifests/rendered/a",
      "LS7102 manifests/rendered/b",
      "LS7103 manifests/rendered/c",
    ]);
    await writeRendered(host, root, [file("a"), file("b"), file("d/e")]);
    expect(await codes([file("a"), file("b"), file("d/e")])).toEqual([]);
  });

  it("LS7102: is all missing where nothing was rendered yet", async () => {
    expect(await codes([file("a")])).toEqual(["LS7102 manifests/rendered/a"]);
  });

  it("LS7104: is never left by way of a link", async () => {
    const outside = join(root, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "precious"), "");
    await mkdir(at("."), { recursive: true });
    await symlink(outside, at("web"));
    const refused = { code: "LS7104", exitCode: 3 };
    await expect(writeRendered(host, root, [file("web/precious", "gone")])).rejects.toMatchObject(refused);
    await expect(checkRendered(root, [])).rejects.toMatchObject(refused);
    await rm(join(root, "manifests"), { recursive: true });
    await symlink(outside, join(root, "manifests"));
    await expect(writeRendered(host, root, [file("a")])).rejects.toMatchObject(refused);
    expect(await readdir(outside)).toEqual(["precious"]);
  });

  it.each(["manifests/other/a", "manifests/rendered/../a", "manifests/rendered//a", "/etc/a"])(
    "refuses to write %s, which is outside",
    async (path) => {
      await expect(writeRendered(host, root, [{ path, text: "" }])).rejects.toThrow("is outside");
    },
  );
});
