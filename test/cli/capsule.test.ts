import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { startRegistry } from "../registry/registry.ts";
import { TinyRepository, tarOf } from "../source/image/tiny-image.ts";
import { startWebServer } from "../source/web-server.ts";
import { hasProgram, root as checkout, run, temporaryDirectory } from "../support.ts";
import { lockstep, type Said } from "./lockstep.ts";

const host = createHost();
/** A namespace of its own has no interface but a loopback that is down. */
const unshares = host.uid === 0 && hasProgram("unshare") && run("unshare", ["-n", "true"]).status === 0;

interface Built {
  readonly result: { readonly images: readonly { readonly image: string; readonly digest: string }[] };
}

/** A repository whose images are on a base image and have a file and an archive from the web; its servers stop on demand. */
async function scene() {
  const [registry, web] = [await startRegistry(), await startWebServer()];
  const root = temporaryDirectory();
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const made = new TinyRepository();
  const digest = made.push("1", { layers: [{ entries: [{ path: "usr/bin/x", content: "x" }] }] });
  const content = registry.content.repository("distro/base");
  for (const [name, bytes] of made.blobs) content.blobs.set(name, bytes);
  for (const [name, { bytes, mediaType }] of made.documents)
    content.manifests.set(name, { digest: name, mediaType, bytes });
  content.tags.set("1", digest);
  web.files.set("/tool.tar", tarOf([{ path: "tool/run", content: "#!" }]));
  web.files.set("/file", Buffer.from("a file"));
  write(
    "images/web/image.yaml",
    `name: web\nfrom: { image: "${registry.host}/distro/base:1" }\nlayers:\n` +
      `  - http: { url: "${web.base}/tool.tar", into: /opt, unpack: tar }\n`,
  );
  write("images/small/image.yaml", `name: small\nlayers:\n  - http: { url: "${web.base}/file", into: /opt/file }\n`);
  const environment = (store: string): Record<string, string> => ({ LOCKSTEP_STORE: join(root, store) });
  const runIn = (store: string, ...args: readonly string[]): Promise<Said> =>
    lockstep([...args, "--quiet"], { cwd: root, env: environment(store) });
  const json = async <T>(store: string, ...args: readonly string[]): Promise<T> => {
    const said = await runIn(store, ...args, "--json");
    expect(said.stderr).toBe("");
    return JSON.parse(said.stdout) as T;
  };
  expect((await runIn("store", "pin")).code).toBe(0);
  return {
    root,
    registry,
    runIn,
    json,
    /** The same without any network. */
    runAlone: async (store: string, ...args: readonly string[]) => {
      const main = join(checkout, "pipeline/cli/main.ts");
      const words = ["-n", host.node, main, ...args, "--quiet"];
      return host.run("unshare", words, {
        cwd: root,
        env: { PATH: "/usr/bin:/bin", HOME: root, ...environment(store) },
      });
    },
    stop: async () => {
      await registry.stop();
      await web.close();
    },
  };
}

describe("lockstep capsule", () => {
  it("gives builds and rebuilds everything when registry and mirrors are gone, as archive and as layout", async () => {
    const at = await scene();
    const digests = (await at.json<Built>("store", "build")).result.images.map(({ digest }) => digest);
    const created = await at.json<{ readonly result: { readonly digest: string } }>(
      "store",
      "capsule",
      "create",
      "-o",
      "c.tar",
    );
    const layout = await at.json<typeof created>("store", "capsule", "create", "-o", "layout");
    expect(layout.result.digest).toBe(created.result.digest);
    await at.stop();
    for (const [store, capsule] of [
      ["second", "c.tar"],
      ["third", "layout"],
    ] as const) {
      expect((await at.runIn(store, "build")).code).not.toBe(0);
      const built = await at.json<Built>(store, "build", "--capsule", capsule);
      expect(built.result.images.map(({ digest }) => digest)).toEqual(digests);
      const verified = await at.runIn(store, "verify", "--capsule", capsule);
      expect(verified).toMatchObject({ code: 0, stderr: "" });
      expect(verified.stdout).toContain("web: reproduced");
    }
  }, 120_000);

  it.skipIf(!unshares)(
    "gives builds and rebuilds everything in a network namespace without interfaces (needs root, unshare)",
    async () => {
      const at = await scene();
      const digests = (await at.json<Built>("store", "build")).result.images.map(({ digest }) => digest);
      await at.runIn("store", "capsule", "create", "-o", "c.tar");
      const without = await at.runAlone("other", "build");
      expect(without.code).not.toBe(0);
      const built = await at.runAlone("other", "build", "--capsule", "c.tar", "--json");
      expect(built.stderr.toString()).toBe("");
      const document = JSON.parse(built.stdout.toString()) as Built;
      expect(document.result.images.map(({ digest }) => digest)).toEqual(digests);
      const verified = await at.runAlone("another", "verify", "--capsule", "c.tar");
      expect(verified.stdout.toString()).toMatch(/small: reproduced .*\nweb: reproduced /);
      expect(verified.code).toBe(0);
    },
    120_000,
  );

  it("is pushed to a registry and pulled from it by its digest, and serves as before", async () => {
    const at = await scene();
    const { result } = await at.json<{ readonly result: { readonly digest: string } }>(
      "store",
      "capsule",
      "create",
      "web",
      "--out",
      "layout",
    );
    const reference = `${at.registry.host}/team/capsules`;
    const pushed = await at.runIn("store", "copy", "oci:layout:capsule", `${reference}:1`);
    expect(pushed).toMatchObject({ code: 0, stderr: "" });
    expect(at.registry.content.repository("team/capsules").tags.get("1")).toBe(result.digest);
    rmSync(join(at.root, "layout"), { recursive: true });
    const pulled = await at.runIn("store", "copy", `${reference}@${result.digest}`, "oci:back:web");
    expect(pulled).toMatchObject({ code: 0, stderr: "" });
    await at.stop();
    expect(await at.runIn("fresh", "build", "web", "--capsule", "back")).toMatchObject({ code: 0, stderr: "" });
  }, 120_000);

  it("says what it has, and whether every byte of it is right", async () => {
    const at = await scene();
    const { result } = await at.json<{ readonly result: { readonly digest: string; readonly inputs: number } }>(
      "store",
      "capsule",
      "create",
      "-o",
      "c.tar",
    );
    await at.runIn("store", "capsule", "create", "-o", "layout");
    await at.stop();
    interface Listed {
      readonly result: {
        readonly digest: string;
        readonly inputs: readonly { readonly name: string; readonly size: number; readonly digest: string }[];
      };
    }
    for (const path of ["c.tar", "layout"]) {
      const listed = await at.json<Listed>("other", "capsule", "list", path);
      expect(listed.result.digest).toBe(result.digest);
      expect(listed.result.inputs).toHaveLength(result.inputs);
      expect(listed.result.inputs.map(({ name }) => name.replace(/^.*\//, ""))).toEqual(
        expect.arrayContaining(["file", "tool.tar", "base:1"]),
      );
      const text = await at.runIn("other", "capsule", "list", path);
      expect(text.stdout).toMatch(/^digest +size +input\n/);
      expect(text.stdout.trimEnd().split("\n")).toHaveLength(result.inputs + 2);
      const checked = await at.runIn("other", "capsule", "check", path);
      expect(checked).toMatchObject({ code: 0, stderr: "" });
      expect(checked.stdout).toBe(text.stdout.split("\n").at(-2) + ": whole\n");
    }
    const file = (await at.json<Listed>("other", "capsule", "list", "layout")).result.inputs.find(
      ({ size }) => size === 6,
    );
    const blob = join(at.root, "layout/blobs/sha256", file?.digest.slice("sha256:".length) ?? "");
    chmodSync(blob, 0o644);
    writeFileSync(blob, "a FILE");
    expect((await at.runIn("other", "capsule", "list", "layout")).code).toBe(0);
    const wrong = await at.runIn("other", "capsule", "check", "layout");
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toMatch(
      /^LS3352 .*layout is damaged: other bytes than their digests say; 1 inputs cannot be read/,
    );
    rmSync(blob);
    for (const action of ["list", "check"]) {
      const absent = await at.runIn("other", "capsule", action, "layout");
      expect(absent.code).toBe(3);
      expect(absent.stderr).toMatch(/^LS3352 .*layout is damaged: 1 inputs cannot be read:\n {2}.*\/file \(6 bytes/);
      expect((await at.runIn("other", "capsule", action, "images")).stderr).toMatch(/^LS3350 /);
      expect((await at.runIn("other", "capsule", action)).stderr).toMatch(/^LS1002 name one capsule by its path/);
    }
    expect((await at.runIn("other", "capsule", "create")).stderr).toMatch(/^LS1002 --out is missing/);
  }, 120_000);

  it("LS3351: names the inputs of another image, or of another lock, that it lacks", async () => {
    const at = await scene();
    await at.runIn("store", "capsule", "create", "web", "-o", "c.tar");
    expect((await at.runIn("fresh", "build", "web", "--capsule", "c.tar")).code).toBe(0);
    const said = await at.runIn("fresh", "build", "--capsule", "c.tar");
    expect(said.code).toBe(3);
    expect(said.stderr).toMatch(/LS3351 .*c\.tar lacks 1 of \d+ inputs of the lock:\n {2}http:.*\/file \(6 bytes/);
  }, 60_000);

  it("LS3352: tells which inputs a damaged one has lost", async () => {
    const at = await scene();
    await at.runIn("store", "capsule", "create", "small", "-o", "c.tar");
    const file = join(at.root, "c.tar");
    const bytes = readFileSync(file);
    bytes[bytes.lastIndexOf("a file")] = 0x62;
    writeFileSync(file, bytes);
    const said = await at.runIn("fresh", "build", "small", "--capsule", "c.tar");
    expect(said.code).toBe(3);
    expect(said.stderr).toMatch(/LS3352 .*c\.tar is damaged: .*\n {2}http:.*\/file \(6 bytes/);
  }, 60_000);
});
