import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseLock } from "../../pipeline/lock/parse.ts";
import { startRegistry, type TestRegistry } from "../registry/registry.ts";
import { type TinyBase, TinyRepository, tarOf } from "../source/image/tiny-image.ts";
import { startWebServer } from "../source/web-server.ts";
import { temporaryDirectory } from "../support.ts";
import { lockstep, type Said } from "./lockstep.ts";

const base = (version: string): TinyBase => ({
  layers: [
    {
      entries: [
        { path: "etc", directory: true },
        { path: "etc/passwd", content: "root:x:0:0::/root:/bin/sh\n" },
        { path: "etc/group", content: "root:x:0:\n" },
        { path: "usr/lib/version", content: version },
      ],
    },
  ],
  config: { Env: ["PATH=/usr/bin", `VERSION=${version}`] },
});

/** A repository with one image on `distro/base:1` of a registry of this process, and commands in it. */
async function scene(): Promise<{
  readonly registry: TestRegistry;
  readonly root: string;
  push(tag: string, image: TinyBase): void;
  run(...args: readonly string[]): Promise<Said>;
  json(...args: readonly string[]): Promise<{ readonly result: Readonly<Record<string, unknown>> }>;
}> {
  const registry = await startRegistry();
  const web = await startWebServer();
  onTestFinished(() => web.close());
  web.files.set("/tool.tar", tarOf([{ path: "bin/tool", content: "#!", mode: 0o755 }]));
  const root = temporaryDirectory();
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  write(
    "images/web/image.yaml",
    `name: web\nfrom: { image: "${registry.host}/distro/base:1" }\nlayers:\n  - files: { from: app, into: /srv/app }\n` +
      `  - http: { url: "${web.base}/tool.tar", into: /usr, unpack: tar }\n` +
      `users: [{ name: app, uid: 1000, gid: 0 }]\nconfig: { user: "1000", env: { A: "1" } }\n`,
  );
  write("images/web/app/main.js", "run()");
  const run = (...args: readonly string[]): Promise<Said> =>
    lockstep(args, { cwd: root, env: { LOCKSTEP_STORE: join(root, "store") } });
  return {
    registry,
    root,
    push: (tag, image) => {
      const made = new TinyRepository();
      const digest = made.push(tag, image);
      const content = registry.content.repository("distro/base");
      for (const [name, bytes] of made.blobs) content.blobs.set(name, bytes);
      for (const [name, { bytes, mediaType }] of made.documents)
        content.manifests.set(name, { digest: name, mediaType, bytes });
      content.tags.set(tag, digest);
    },
    run,
    json: async (...args) => {
      const said = await run(...args, "--json");
      expect(said.stderr).not.toContain("LS");
      return JSON.parse(said.stdout) as { readonly result: Readonly<Record<string, unknown>> };
    },
  };
}

interface Verdicts {
  readonly verdicts: readonly { readonly verdict: string }[];
}
interface Images {
  readonly images: readonly { readonly digest: string }[];
}

describe("base images on the command line", () => {
  it("are pinned, fetched, built on, reproduced, described and rebased, without a registry from the store", async () => {
    const at = await scene();
    at.push("1", base("one"));
    expect((await at.run("build")).stderr).toMatch(/LS2201 .*base image ".*" of image "web" is not in the lock/);
    const pinned = await at.run("pin");
    expect(pinned.code).toBe(0);
    expect(pinned.stdout).toContain(`+ ${at.registry.host}/distro/base:1`);
    const text = readFileSync(join(at.root, "lockstep.lock"), "utf8");
    const lock = parseLock(text, "lockstep.lock");
    expect([...lock.bases.keys()]).toEqual([`${at.registry.host}/distro/base:1`]);
    expect((await at.run("pin")).stdout).toContain("lockstep.lock is up to date");

    const first = ((await at.json("build")).result as unknown as Images).images[0]?.digest;
    expect(((await at.json("verify")).result as unknown as Verdicts).verdicts).toMatchObject([
      { verdict: "reproduced" },
    ]);
    await at.json("sbom");
    const sbom = readFileSync(join(at.root, "out/sbom/web-linux-amd64.spdx.json"), "utf8");
    expect(sbom).toContain("pkg:oci/base@sha256:");

    // The tag moves: nothing does, until somebody pins.
    at.push("1", base("two"));
    expect(((await at.json("build")).result as unknown as Images).images[0]?.digest).toBe(first);
    const moved = await at.run("pin");
    expect(moved.stdout).toMatch(/distro\/base:1 .* → /);
    const second = ((await at.json("build")).result as unknown as Images).images[0]?.digest;
    expect(second).not.toBe(first);

    // Back to the first by rebasing what was built on the second.
    at.push("1", base("one"));
    const rebased = await at.json("rebase", "web", "--onto", `${at.registry.host}/distro/base:1`);
    expect(rebased.result["digest"]).toBe(first);

    await at.registry.stop();
    expect(((await at.json("build", "--offline")).result as unknown as Images).images[0]?.digest).toBe(second);
    expect(((await at.json("verify", "--again")).result as unknown as Verdicts).verdicts).toMatchObject([
      { verdict: "reproduced" },
    ]);
    expect(await at.run("build", "--offline", "--inputs", join(at.root, "empty"))).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/LS3102 \d blobs of base images are not in the store/) as string,
    });
  }, 120_000);

  it("LS2201, LS2208: are asked for by the specs exactly as the lock has them", async () => {
    const at = await scene();
    at.push("1", base("one"));
    await at.run("pin");
    const file = join(at.root, "images/web/image.yaml");
    const spec = readFileSync(file, "utf8");
    writeFileSync(file, `platforms: [linux/amd64]\n${spec}`);
    expect((await at.run("build")).stderr).toMatch(
      /LS2201 .*base image ".*" of image "web" is locked for linux\/amd64, linux\/arm64, and is needed for linux\/amd64/,
    );
    await at.run("pin");
    expect((await at.run("build")).code).toBe(0);
    writeFileSync(file, spec.replace(/from: .*\n/, "").replace(/users: .*\n/, ""));
    expect((await at.run("build")).stderr).toMatch(/LS2208 .*base image ".*" is asked for by no spec/);
    await at.run("pin");
    expect(readFileSync(join(at.root, "lockstep.lock"), "utf8")).not.toContain("bases");
  }, 60_000);

  it("LS3208: uses nothing of a registry that sends other bytes than the lock has", async () => {
    const at = await scene();
    at.push("1", base("one"));
    await at.run("pin");
    const lock = parseLock(readFileSync(join(at.root, "lockstep.lock"), "utf8"), "lockstep.lock");
    const layer = [...lock.bases.values()][0]?.platforms["linux/amd64"]?.layers[0]?.digest ?? "";
    const blobs = at.registry.content.repository("distro/base").blobs;
    const bytes = Buffer.from(blobs.get(layer) ?? "");
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    blobs.set(layer, bytes);
    const said = await at.run("build");
    expect(said.code).toBe(3);
    expect(said.stderr).toMatch(/LS3208 .*\/distro\/base: blob sha256:/);
  }, 60_000);
});
