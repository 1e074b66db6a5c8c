import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../pipeline/store/digest.ts";
import { lockstep, type Said } from "../cli/lockstep.ts";
import { temporaryDirectory } from "../support.ts";
import { startRegistry, type TestRegistry } from "./registry.ts";

interface Setting {
  readonly registry: TestRegistry;
  readonly root: string;
  run(...args: readonly string[]): Promise<Said>;
}

/** A repository of two images that need no network. */
async function setting(): Promise<Setting> {
  const root = temporaryDirectory();
  for (const name of ["hello", "other"]) {
    mkdirSync(join(root, "images", name, "app"), { recursive: true });
    writeFileSync(
      join(root, "images", name, "image.yaml"),
      `name: ${name}\nlayers:\n  - files: { from: app, into: /app }\n`,
    );
    writeFileSync(join(root, "images", name, "app/file"), `${name}\n`);
  }
  const registry = await startRegistry();
  const env = { LOCKSTEP_STORE: join(root, "store"), XDG_CONFIG_HOME: join(root, "config") };
  return { registry, root, run: (...args) => lockstep(args, { cwd: root, env }) };
}

interface Published {
  readonly digest: string;
  readonly to: string;
  readonly sent: number;
  readonly blobs: Readonly<Record<string, number>>;
}

function resultOf<Result>({ stdout }: Said): Result {
  return (JSON.parse(stdout) as { readonly result: Result }).result;
}

describe("lockstep publish", () => {
  it("builds, pushes under each tag with the digest of the build, and sends nothing twice", async () => {
    const { registry, root, run } = await setting();
    const to = `${registry.host}/team/{image}:1.0`;
    const first = await run("publish", "--to", to, "--tag", "latest", "--json");
    expect(first.stderr).not.toContain("LS");
    expect(first.code).toBe(0);
    const { images } = resultOf<{ images: readonly (Published & { readonly image: string })[] }>(first);
    expect(images.map(({ image }) => image)).toEqual(["hello", "other"]);
    for (const { image, digest } of images) {
      const layout = JSON.parse(readFileSync(join(root, "out/images", image, "index.json"), "utf8")) as {
        readonly manifests: readonly { readonly digest: string }[];
      };
      expect(layout.manifests.map((entry) => entry.digest)).toContain(digest);
      const content = registry.content.repository(`team/${image}`);
      expect([content.tags.get("1.0"), content.tags.get("latest")]).toEqual([digest, digest]);
    }
    const before = registry.seen.length;
    const again = await run("publish", "--to", to, "--tag", "latest");
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(
      /team\/hello@sha256:[0-9a-f]{64} {2}1\.0 latest +0 B {2}0 sent, 0 taken over, 3 there/,
    );
    expect(registry.seen.slice(before).every(({ received }) => received === 0)).toBe(true);
  });

  it("LS3216: does not move a tag that somebody else has moved", async () => {
    const { registry, run } = await setting();
    const to = `${registry.host}/team/hello:1.0`;
    const first = await run("publish", "hello", "--to", to, "--expect", "absent", "--json");
    const { digest } = resultOf<{ images: readonly [Published] }>(first).images[0];
    const other = await run("publish", "other", "--to", to, "--expect", digestOf("something else"));
    expect(other.code).toBe(1);
    expect(other.stderr).toContain(`LS3216 ${registry.host}/team/hello:1.0 was expected to be sha256:`);
    expect(registry.content.repository("team/hello").tags.get("1.0")).toBe(digest);
    expect((await run("publish", "other", "--to", to, "--expect", digest)).code).toBe(0);
    expect(registry.content.repository("team/hello").tags.get("1.0")).not.toBe(digest);
  });

  it("LS1002: wants a place for each of several images, and an expectation that can hold", async () => {
    const { registry, run } = await setting();
    const several = await run("publish", "--to", `${registry.host}/team/app:1.0`);
    expect([several.code, several.stderr]).toEqual([
      2,
      expect.stringContaining("LS1002 2 images cannot all be published to"),
    ]);
    const nonsense = await run("publish", "hello", "--to", `${registry.host}/team/app:1.0`, "--expect", "latest");
    expect([nonsense.code, nonsense.stderr]).toEqual([2, expect.stringContaining("LS1002 --expect latest is neither")]);
    const nothing = await run("publish", "hello", "--to", `${registry.host}/team/app`, "--expect", "absent");
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining("there is no tag")]);
    const one = await run("publish", "--to", `${registry.host}/{image}:1.0`, "--expect", digestOf("x"));
    expect([one.code, one.stderr]).toEqual([2, expect.stringContaining("cannot hold for the tags of 2 images")]);
    expect(registry.seen.length).toBe(0);
  });
});

describe("lockstep copy", () => {
  it("copies between registries and layouts, and says what it sent", async () => {
    const { registry, run } = await setting();
    const { host } = registry;
    await run("publish", "hello", "--to", `${host}/team/hello:1.0`);
    const digest = registry.content.repository("team/hello").tags.get("1.0");
    const moved = await run("copy", `${host}/team/hello:1.0`, `${host}/prod/hello:1.0`, "--json");
    expect(resultOf<Published>(moved)).toMatchObject({
      digest,
      to: `${host}/prod/hello@${digest}`,
      sent: 0,
      blobs: { mounted: 3 },
    });
    const pulled = await run("copy", `${host}/prod/hello@${digest}`, "oci:layout:hello");
    expect([pulled.code, pulled.stderr]).toEqual([0, expect.not.stringContaining("LS")]);
    const back = await run("copy", "oci:layout:hello", `${host}/back/hello:1.0`, "--platform", "linux/arm64");
    expect(back.stdout).toContain(`${host}/back/hello@sha256:`);
    const gone = await run("copy", `${host}/prod/hello:2.0`, "oci:layout:gone", "--json");
    expect(gone.code).toBe(3);
    expect(gone.stdout).toContain('"code":"LS3207"');
  });
});
