import { chmodSync, cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { BuiltImage } from "../../pipeline/build/build.ts";
import { run as runVerify } from "../../pipeline/cli/verify.ts";
import { LockstepError } from "../../pipeline/host/errors.ts";
import type { Host, RunResult } from "../../pipeline/host/host.ts";
import { silent } from "../../pipeline/report/report.ts";
import { type Digest, digestOf } from "../../pipeline/store/digest.ts";
import { rebuild, type RebuiltImage } from "../../pipeline/verify/rebuild.ts";
import { usualPerturbations } from "../../pipeline/verify/perturb/table.ts";
import { judge } from "../../pipeline/verify/judge.ts";
import { verifyImages } from "../../pipeline/verify/verify.ts";
import { image, tinyRepository, type TinyRepository } from "../build/tiny-repository.ts";
import { filesBelow } from "../files.ts";
import { temporaryDirectory } from "../support.ts";

const a = digestOf("a");
const b = digestOf("b");

interface Parts {
  readonly index?: Digest;
  readonly manifest?: Digest;
  readonly plan?: Digest;
  readonly layers?: readonly (readonly [digest: Digest, diffId: Digest])[];
  readonly platforms?: readonly string[];
}

function built({
  index = a,
  manifest = a,
  plan = a,
  layers = [[a, a]],
  platforms = ["linux/amd64"],
}: Parts = {}): BuiltImage {
  const document = (digest: Digest) => ({ bytes: Buffer.alloc(0), descriptor: { mediaType: "", digest, size: 0 } });
  return {
    image: "app",
    index: document(index),
    layout: "",
    unchanged: false,
    platforms: platforms.map((platform) => ({
      platform: platform as "linux/amd64",
      plan,
      manifest: document(manifest),
      config: document(a),
      layers: layers.map(([digest, diffId]) => ({ digest, diffId, size: 1, tarSize: 1 })),
      packages: 0,
      size: 0,
      cached: false,
      duration: 0,
      notDone: [],
      installScripts: [],
      steps: [],
    })),
  };
}

function again({
  index = a,
  manifest = a,
  plan = a,
  layers = [[a, a]],
  platforms = ["linux/amd64"],
}: Parts = {}): RebuiltImage {
  return {
    image: "app",
    digest: index,
    platforms: platforms.map((platform) => ({
      platform,
      plan,
      digest: manifest,
      layers: layers.map(([digest, diffId]) => ({ digest, diffId, size: 1 })),
    })),
  };
}

describe("judge", () => {
  it("says reproduced when the index has the same digest, and only then", () => {
    expect(judge(built(), again())).toEqual({
      image: "app",
      verdict: "reproduced",
      expected: a,
      rebuilt: a,
      differences: [],
    });
    expect(judge(built(), again({ index: b })).verdict).toBe("differs");
    expect(judge(built(), undefined)).toMatchObject({ verdict: "differs", differences: [{ rebuilt: "nothing" }] });
    expect(judge(built(), undefined)).not.toHaveProperty("rebuilt");
  });

  it.each<[string, Parts, Parts, string]>([
    [
      "plan (an input changed between build and rebuild)",
      {},
      { manifest: b, plan: b, layers: [[b, b]] },
      "linux/amd64",
    ],
    ["layer 1 of 1", {}, { manifest: b, layers: [[b, b]] }, "linux/amd64"],
    ["layer 1 of 1 (same content, other compression)", {}, { manifest: b, layers: [[b, a]] }, "linux/amd64"],
    [
      "layer 2 of 2",
      {
        layers: [
          [a, a],
          [a, a],
        ],
      },
      {
        manifest: b,
        layers: [
          [a, a],
          [b, b],
        ],
      },
      "linux/amd64",
    ],
    [
      "layer 2 of 2",
      {
        layers: [
          [a, a],
          [a, a],
        ],
      },
      { manifest: b, layers: [[a, a]] },
      "linux/amd64",
    ],
    ["config or manifest", {}, { manifest: b }, "linux/amd64"],
    ["platform is missing", { platforms: ["linux/amd64", "linux/arm64"] }, {}, "linux/arm64"],
  ])("names what differs: %s", (what, one, other, platform) => {
    expect(judge(built(one), again({ index: b, ...other })).differences).toMatchObject([{ what, platform }]);
  });

  it("never says that something differs without saying what", () => {
    const what = (other: Parts): readonly string[] =>
      judge(built(), again({ index: b, ...other })).differences.map((each) => `${each.platform}: ${each.what}`);
    expect(what({})).toEqual(["all platforms: index"]);
    expect(what({ platforms: ["linux/amd64", "linux/arm64"] })).toEqual(["linux/arm64: platform was not built"]);
  });
});

async function tiny(): Promise<TinyRepository> {
  return tinyRepository({
    images: { app: image("tool", "  - files: { from: app, into: /app }\n") },
    packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x", mode: 0o755 }] }],
    files: { "images/app/app/a": "one\n", "images/app/app/b": "two\n" },
  });
}

/** A host that does something before the rebuilding process starts, or to what it says. */
function meddling(
  host: Host,
  before: () => void,
  after: (result: RunResult) => RunResult = (result) => result,
): Host & { readonly started: () => number } {
  let started = 0;
  return {
    ...host,
    started: () => started,
    run: async (program, args, options) => {
      started++;
      before();
      return after(await host.run(program, args, options));
    },
  };
}

const nothing = (): void => {};

describe("verify", () => {
  it("reproduces an image in other surroundings, and remembers it", async () => {
    const repository = await tiny();
    const images = await repository.build();
    const host = meddling(repository.host, nothing);
    const options = { root: repository.root, again: false };
    const [first] = await verifyImages(host, repository.store, silent, images, options);
    expect(first).toMatchObject({ image: "app", verdict: "reproduced", known: false, differences: [] });
    expect(first?.rebuilt).toBe(images[0]?.index.descriptor.digest);
    expect(filesBelow(join(repository.store.directory, "verify"))).toEqual([]);
    const [second] = await verifyImages(host, repository.store, silent, images, options);
    expect(second).toMatchObject({ verdict: "reproduced", known: true });
    expect(host.started()).toBe(1);
    await verifyImages(host, repository.store, silent, images, { ...options, again: true });
    expect(host.started()).toBe(2);
  });

  it("finds an input that changed between build and rebuild: LS5001, exit code 1", async () => {
    const repository = await tiny();
    const host = meddling(repository.host, () => repository.write("images/app/app/a", "changed\n"));
    const signal = new AbortController().signal;
    const context = { host, report: silent, store: repository.store, root: repository.root, signal };
    const said = { html: "said.html", markdown: "said.md" };
    const { exit, text, result } = await runVerify({ ...context, host: { ...host, cwd: repository.root } }, said, [
      "app",
    ]);
    const page = readFileSync(join(repository.root, "said.html"), "utf8");
    expect(page).toContain('<p class="verdict">differs</p>');
    expect(page.match(/<svg class="treemap"/g)).toHaveLength(2);
    expect(page).toContain("app as built linux/amd64");
    expect(page).not.toContain(repository.store.directory);
    expect(readFileSync(join(repository.root, "said.md"), "utf8")).toMatch(/^## differs: /);
    expect(exit).toBe(1);
    expect(text).toMatch(
      /^LS5001 app: the rebuild differs: sha256:\w+ built, sha256:\w+ rebuilt\n {2}linux\/amd64 plan /,
    );
    expect(result).toMatchObject({
      perturbations: [usualPerturbations.map(({ name, changes }) => ({ name, changes }))],
      skipped: [],
      verdicts: [{ verdict: "differs", known: false, conclusion: { kind: "input", perturbations: [] } }],
    });
    // Only what was reproduced is remembered: the second time it is built from the changed file, and compared anew.
    const calm = { ...context, host: { ...repository.host, cwd: repository.root } };
    expect(await runVerify(calm, said, ["app"])).toMatchObject({ exit: 0, result: { verdicts: [{ known: false }] } });
    expect(readFileSync(join(repository.root, "said.md"), "utf8")).toMatch(/^## equal: /);
    await expect(runVerify(calm, said, [])).rejects.toThrow(/^LS1002 --html is about one image, and not one is named/);
  });

  it("says what differs in the bytes, and why", async () => {
    const repository = await tiny();
    const images = await repository.build();
    const host = meddling(repository.host, () => repository.write("images/app/app/a", "changed\n"));
    const [verdict] = await verifyImages(host, repository.store, silent, images, {
      root: repository.root,
      again: false,
    });
    expect(verdict).toMatchObject({
      verdict: "differs",
      comparison: { verdict: "differs", a: { name: "app as built" }, b: { name: "app rebuilt" }, unread: [] },
    });
    expect(verdict?.comparison?.differences).toContainEqual(
      expect.objectContaining({ where: expect.objectContaining({ layer: 2, path: "app/a" }), grade: "content" }),
    );
    expect(verdict?.comparison?.causes.length).toBeGreaterThan(0);
  });

  it.each<readonly [string, (said: string, out: string) => string]>([
    ["says another digest than its layout has", (said) => said.replaceAll(/sha256:\w+/g, b)],
    [
      "says the right digests and leaves other bytes",
      (said, out) => {
        const directory = join(out, "app", "blobs/sha256");
        const [name = ""] = readdirSync(directory);
        chmodSync(join(directory, name), 0o644);
        rmSync(join(directory, name));
        writeFileSync(join(directory, name), "other");
        return said;
      },
    ],
    [
      "says the right digests and leaves nothing",
      (said, out) => {
        rmSync(out, { recursive: true });
        return said;
      },
    ],
  ])("does not believe a rebuild that %s", async (_, sabotage) => {
    const repository = await tiny();
    const images = await repository.build();
    const host: Host = {
      ...repository.host,
      run: async (program, args, options) => {
        const result = await repository.host.run(program, args, options);
        const out = args[args.indexOf("--out") + 1] ?? "";
        return { ...result, stdout: Buffer.from(sabotage(result.stdout.toString("utf8"), out)) };
      },
    };
    const context = { host: { ...host, cwd: repository.root }, report: silent, store: repository.store };
    const signal = new AbortController().signal;
    const said = await runVerify({ ...context, root: repository.root, signal }, {}, ["app"]);
    expect(said).toMatchObject({ exit: 4, result: { verdicts: [{ image: "app", verdict: "could not tell" }] } });
    expect(said.text).toMatch(/^LS5002 app: could not tell: \S/);
    expect(images).toHaveLength(1);
    // Nothing of it is remembered.
    expect(
      await runVerify(
        { ...context, host: { ...repository.host, cwd: repository.root }, root: repository.root, signal },
        {},
        ["app"],
      ),
    ).toMatchObject({ exit: 0, result: { verdicts: [{ known: false }] } });
  });

  it("does not call reproduced what could not be rebuilt (LS5002), and passes on why", async () => {
    const repository = await tiny();
    const images = await repository.build();
    const broken = meddling(repository.host, () => repository.write("images/app/image.yaml", "name: app\nlayrs: []\n"));
    const options = { root: repository.root, images: ["app"], perturbations: usualPerturbations };
    const error = await rebuild(broken, repository.store, silent, options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockstepError);
    expect((error as LockstepError).message).toMatch(
      /^LS5002 the rebuild ended with code 3:\nLS200\d images\/app\/image\.yaml/,
    );
    expect((error as LockstepError).exitCode).toBe(4);
    for (const stdout of ["", "no json", "{}", '{"result":{}}', '{"result":{"images":[{"image":"app"}]}}']) {
      const garbled = meddling(repository.host, nothing, (result) => ({
        ...result,
        code: 0,
        stdout: Buffer.from(stdout),
      }));
      const said = await verifyImages(garbled, repository.store, silent, images, {
        root: repository.root,
        again: true,
      });
      expect(said).toMatchObject([{ verdict: "could not tell", reason: expect.stringMatching(/\S/) as string }]);
    }
    expect(filesBelow(join(repository.store.directory, "verify"))).toEqual([]);
  });

  it("compares what is rebuilt with what was published (LS5004)", async () => {
    const repository = await tiny();
    const [built] = await repository.build();
    const published = temporaryDirectory();
    cpSync(built?.layout ?? "", published, { recursive: true });
    const context = {
      host: { ...repository.host, cwd: repository.root },
      report: silent,
      store: repository.store,
      root: repository.root,
      signal: new AbortController().signal,
    };
    const verify = (against: string) => runVerify(context, { against }, ["app"]);
    const digest = built?.index.descriptor.digest;
    expect(await verify(published)).toMatchObject({
      exit: 0,
      result: { verdicts: [{ verdict: "reproduced", known: false, against: { verdict: "equal", a: { digest } } }] },
    });
    const manifest = built?.platforms[0]?.manifest.descriptor.digest;
    expect(await verify(`oci:${published}:app-linux-amd64`)).toMatchObject({
      exit: 0,
      result: { verdicts: [{ against: { verdict: "equal", a: { kind: "image", digest: manifest } } }] },
    });
    // Two rebuilds, and one comparison: by the second rebuild what was published is gone.
    let rebuilds = 0;
    const host = meddling(context.host, () => {
      if (++rebuilds === 2) renameSync(published, `${published}-gone`);
    });
    const twice = await runVerify({ ...context, host }, { against: published, perturb: "clock+1d,clock-1y" }, ["app"]);
    expect([twice.exit, rebuilds]).toEqual([0, 2]);
    renameSync(`${published}-gone`, published);
    repository.write("images/app/app/a", "changed since\n");
    const page = join(repository.root, "against.html");
    const said = await runVerify(context, { against: published, html: page }, ["app"]);
    expect(readFileSync(page, "utf8").match(/<svg class="treemap"/g)).toHaveLength(2);
    expect(said).toMatchObject({
      exit: 1,
      result: { verdicts: [{ verdict: "differs", rebuilt: expect.any(String) as string }] },
    });
    expect(said.text).toMatch(new RegExp(`^LS5004 app: \\S+ is ${digest}, and sha256:\\w+ was rebuilt\n`));
    await expect(verify("./nowhere")).rejects.toMatchObject({ code: "LS5101" });
    await expect(runVerify(context, { against: published }, [])).rejects.toMatchObject({ code: "LS1002" });
  });

  it("ends at once when it is interrupted, and leaves nothing", async () => {
    const repository = await tiny();
    await repository.build();
    const abort = new AbortController();
    const host = meddling(repository.host, () => abort.abort());
    const error = await rebuild(host, repository.store, silent, {
      root: repository.root,
      images: ["app"],
      perturbations: usualPerturbations,
      signal: abort.signal,
    }).catch((reason: unknown) => reason);
    expect((error as LockstepError).code).toBe("LS1003");
    expect(filesBelow(join(repository.store.directory, "verify"))).toEqual([]);
  });

  it("looks at the bytes that lie in the layout (LS5003)", async () => {
    const repository = await tiny();
    const images = await repository.build();
    const hex = images[0]?.platforms[0]?.layers[0]?.digest.slice(7) ?? "";
    const path = join(images[0]?.layout ?? "", "blobs/sha256", hex);
    const bytes = readFileSync(path);
    rmSync(path);
    writeFileSync(path, bytes.with(50, (bytes[50] ?? 0) ^ 1));
    const options = { root: repository.root, again: false };
    const error = await verifyImages(repository.host, repository.store, silent, images, options).catch(
      (reason: unknown) => reason,
    );
    expect((error as LockstepError).code).toBe("LS5003");
    const healed = await repository.build();
    expect(healed[0]?.index.descriptor).toEqual(images[0]?.index.descriptor);
    expect(await verifyImages(repository.host, repository.store, silent, healed, options)).toMatchObject([
      { verdict: "reproduced" },
    ]);
  });
});
