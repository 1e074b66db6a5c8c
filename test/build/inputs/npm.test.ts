import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { BuiltImage } from "../../../pipeline/build/build.ts";
import { scriptWarnings } from "../../../pipeline/build/scripts-check.ts";
import { formatProblem } from "../../../pipeline/host/errors.ts";
import { createHost } from "../../../pipeline/host/host.ts";
import { readLock } from "../../../pipeline/lock/lockfile.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { verifyImages } from "../../../pipeline/verify/verify.ts";
import { type RawEntry, rawTar } from "../../source/debian/tiny-deb.ts";
import { tarballOf, type TinyPackage, writeProject } from "../../source/npm/tiny-registry.ts";
import { startWebServer } from "../../source/web-server.ts";
import { hasProgram } from "../../support.ts";
import { readLayer } from "../tiny-repository.ts";
import { npmSite, type NpmSite } from "./npm-site.ts";

const file = (name: string, content = name, mode = 0o644): RawEntry => ({ name: `package/${name}`, content, mode });

const greet: TinyPackage = {
  name: "@s/greet",
  version: "1.0.0",
  manifest: {
    license: "MIT",
    bin: { greet: "cli.js" },
    dependencies: { words: "^1.0.0" },
    optionalDependencies: { fast: "1.0.0" },
  },
  entries: [file("cli.js", "#!/usr/bin/env node\n")],
};
const words: TinyPackage = {
  name: "words",
  version: "1.0.0",
  manifest: {
    licenses: [{ type: "MIT" }, { type: "Apache-2.0", url: "https://files.example/licence" }],
    scripts: { postinstall: "node steal.js\n--all" },
  },
  entries: [file("index.js")],
};
const fast: TinyPackage = { name: "fast", version: "1.0.0", manifest: { os: ["linux"], cpu: ["arm64"] } };
const packages = [greet, words, fast];
const manifest = { name: "app", version: "1.0.0", dependencies: { "@s/greet": "1.0.0" } };

const site = (settings?: Readonly<Record<string, string>>, token?: string): Promise<NpmSite> =>
  npmSite(packages, settings, token);

async function contents(built: BuiltImage | undefined, platform: string): Promise<readonly string[]> {
  const one = built?.platforms.find((each) => each.platform === platform);
  const entries = await readLayer(built?.layout ?? "", one?.layers.at(-1)?.digest ?? "sha256:");
  return entries.map((entry) => {
    const owner = `${entry.uid}:${entry.gid}`;
    const what = entry.type === "symlink" ? `-> ${entry.target}` : `${entry.mode.toString(8)} ${owner}`;
    return `${entry.path} ${entry.type} ${what}`;
  });
}

/** A file of the layer of an image for amd64, as tar reads it. */
async function textIn(built: BuiltImage | undefined, path: string): Promise<string> {
  const digest = built?.platforms.find(({ platform }) => platform === "linux/amd64")?.layers.at(-1)?.digest ?? "";
  const layer = join(built?.layout ?? "", "blobs/sha256", digest.slice(7));
  const { code, stdout } = await createHost().run("tar", ["-xzOf", layer, path]);
  expect(code).toBe(0);
  return stdout.toString();
}

describe.skipIf(!hasProgram("npm"))("npm layers (needs npm)", { timeout: 120_000 }, () => {
  it("are pinned, built for each platform, and rebuilt from the store alone", async () => {
    const at = await site();
    await at.project("app", { "package.json": manifest }, 'project: app, into: /srv, owner: "5:6"');
    expect(await at.problems()).toHaveLength(3);
    const { lock } = await at.pin();
    expect([...lock.npm.keys()]).toEqual(["@s/greet@1.0.0", "fast@1.0.0", "words@1.0.0"]);
    expect(lock.npm.get("words@1.0.0")).toMatchObject({
      integrity: expect.stringMatching(/^sha512-/) as string,
      scripts: ["postinstall: node steal.js --all"],
    });
    expect([...lock.npm.values()].map(({ license }) => license)).toEqual(["MIT", undefined, "(Apache-2.0 OR MIT)"]);
    expect(readFileSync(join(at.root, "lockstep.lock"), "utf8")).not.toContain("127.0.0.1");
    expect(await at.problems()).toEqual([]);
    expect((await at.pin()).diff.unchanged).toBe(true);
    await at.registry.close();
    const built = await at.build();
    const amd64 = [
      "srv directory 755 0:0",
      "srv/node_modules directory 755 5:6",
      "srv/node_modules/.bin directory 755 5:6",
      "srv/node_modules/@s directory 755 5:6",
      "srv/node_modules/@s/greet directory 755 5:6",
      "srv/node_modules/words directory 755 5:6",
      "srv/node_modules/@s/greet/package.json file 644 5:6",
      "srv/node_modules/@s/greet/cli.js file 755 5:6",
      "srv/node_modules/.bin/greet symlink -> ../@s/greet/cli.js",
      "srv/node_modules/words/package.json file 644 5:6",
      "srv/node_modules/words/index.js file 644 5:6",
    ];
    expect(await contents(built[0], "linux/amd64")).toEqual(amd64);
    expect(await contents(built[0], "linux/arm64")).toEqual([
      ...amd64.slice(0, 5),
      "srv/node_modules/fast directory 755 5:6",
      ...amd64.slice(5, 9),
      "srv/node_modules/fast/package.json file 644 5:6",
      ...amd64.slice(9),
    ]);
    for (const [key, { license }] of lock.npm) {
      if (license === undefined || license.startsWith("(")) continue;
      const name = key.slice(0, key.lastIndexOf("@"));
      expect(JSON.parse(await textIn(built[0], `srv/node_modules/${name}/package.json`))).toMatchObject({ license });
    }
    expect(scriptWarnings(built).map(formatProblem)).toEqual([
      "LS2510 images/app/image.yaml would have been run by npm after unpacking: words@1.0.0 postinstall: node steal.js --all; see to it that the image works without it",
    ]);
    const [verdict] = await verifyImages(at.host, at.store, silent, built, {
      root: at.root,
      again: true,
      signal: new AbortController().signal,
    });
    expect(verdict?.verdict).toBe("reproduced");
    expect(await at.failure(() => at.build(new Store(at.host, join(at.directory, "empty"))))).toContain("LS3102");
  });

  it("know the registry by npm's settings of the project, and tell a token to nobody else", async () => {
    const other = await startWebServer();
    onTestFinished(() => other.close());
    const seen: (string | undefined)[] = [];
    const at = await site({ TOKEN: "hush-hush", npm_config_registry: "http://127.0.0.1:9/" }, "hush-hush");
    const host = new URL(at.registry.base).host;
    const npmrc = `@s:registry=${at.registry.base}/\nregistry=${at.registry.base}\n//${host}/:_authToken=\${TOKEN} ; mine\n`;
    await at.project("app", { "package.json": manifest });
    writeFileSync(join(at.root, "images/app/app/.npmrc"), npmrc);
    // The environment names another registry than the project, and wins where no scope says more.
    expect(await at.failure()).toMatch(/LS3102 words@1\.0\.0 cannot be downloaded: http:\/\/127\.0\.0\.1:9\/words/);
    expect(at.registry.authorizations).toEqual(["Bearer hush-hush"]);
    const elsewhere = at.registry.tarballs.get("@s/greet@1.0.0") ?? Buffer.alloc(0);
    other.files.set("/there.tgz", (request, response) => {
      seen.push(request.headers.authorization);
      response.end(elsewhere);
    });
    at.registry.files.set("/@s/greet/-/greet-1.0.0.tgz", (_request, response) => {
      response.writeHead(302, { location: `${other.base}/there.tgz` }).end();
    });
    const message = await at.failure();
    expect(seen).toEqual([undefined]);
    expect(message).not.toContain("hush-hush");
  });

  it("LS2508: refuse other bytes than the lock file of the project is for", async () => {
    const at = await site();
    await at.project("app", { "package.json": manifest });
    at.registry.files.set("/words/-/words-1.0.0.tgz", tarballOf({ ...words, entries: [file("index.js", "evil")] }));
    expect(await at.failure()).toMatch(/^LS2508 words@1\.0\.0 is not of its integrity sha512-.* has other bytes; /);
    expect(await readLock(at.root)).toMatchObject({ npm: new Map() });
  });

  it("LS2201, LS2208: are out of date when the lock file has changed", async () => {
    const at = await site();
    await at.project("app", { "package.json": manifest });
    await at.pin();
    await at.project("app", { "package.json": { ...manifest, dependencies: { words: "1.0.0" } } });
    expect((await at.problems()).map((text) => text.slice(0, 70))).toEqual([
      'LS2208 lockstep.lock npm package "@s/greet@1.0.0" is asked for by no s',
      'LS2208 lockstep.lock npm package "fast@1.0.0" is asked for by no spec;',
    ]);
    const path = join(at.root, "images/app/app/package-lock.json");
    writeFileSync(path, readFileSync(path, "utf8").replace(/sha512-[^"]{8}/, "sha512-AAAAAAAA"));
    expect((await at.problems())[0]).toMatch(
      /^LS2201 images\/app\/image\.yaml:3:5 .* npm package "words@1\.0\.0" of image "app" is locked to the integrity sha512-/,
    );
    const { lock } = await at.pin().catch(() => ({ lock: undefined }));
    expect(lock).toBeUndefined();
  });

  it("keep apart what two projects have under one name and version, and name what is not from a registry", async () => {
    const at = await site();
    const web = await startWebServer();
    onTestFinished(() => web.close());
    const packed = tarballOf({ ...words, entries: [file("index.js", "another")] });
    web.files.set("/words.tgz", packed);
    await at.project("one", { "package.json": manifest });
    mkdirSync(join(at.root, "images/two/app/vendor"), { recursive: true });
    writeFileSync(join(at.root, "images/two/app/vendor/words.tgz"), packed);
    await at.project("two", { "package.json": { ...manifest, dependencies: { words: "file:vendor/words.tgz" } } });
    await at.project("web", { "package.json": { ...manifest, dependencies: { words: `${web.base}/words.tgz` } } });
    const { lock } = await at.pin();
    const keys = [...lock.npm.keys()].filter((key) => key.startsWith("words@"));
    expect(keys).toEqual(Array(3).fill(expect.stringMatching(/^words@1\.0\.0#[0-9a-f]{12}$/)));
    expect(keys.map((key) => lock.npm.get(key)?.from).toSorted()).toEqual(
      [undefined, `${web.base}/words.tgz`, "images/two/app/vendor/words.tgz"].toSorted(),
    );
    expect(await at.problems()).toEqual([]);
    const built = await at.build(new Store(at.host, join(at.directory, "second")));
    const sizes = built.map(({ platforms }) => platforms[0]?.layers.length);
    expect(sizes).toEqual([1, 1, 1]);
  });

  it("LS2040, LS2505, LS2506: refuse projects that cannot be what they say", async () => {
    const at = await site();
    await at.project("app", { "package.json": manifest });
    const app = join(at.root, "images/app/app");
    writeProject(app, { "package.json": { ...manifest, dependencies: { "@s/greet": "2.0.0", more: "*" } } });
    expect((await at.failure()).split("\n")).toEqual([
      'LS2505 images/app/app/package-lock.json:7:5 package.json asks for @s/greet "2.0.0" in dependencies, and the lock file is of "1.0.0"; run `npm install --package-lock-only` with npm 7 or newer, and commit what it writes',
      'LS2505 images/app/app/package-lock.json:7:5 package.json asks for more "*" in dependencies, and the lock file is of none; run `npm install --package-lock-only` with npm 7 or newer, and commit what it writes',
    ]);
    writeProject(app, { "package.json": manifest, "npm-shrinkwrap.json": "{" });
    expect(await at.failure()).toMatch(/^LS2501 images\/app\/app\/npm-shrinkwrap\.json:1:2 /);
    const outside = {
      version: "1.0.0",
      integrity: `sha512-${"A".repeat(86)}==`,
      resolved: "file:../../../../../x.tgz",
    };
    const text = { lockfileVersion: 3, packages: { "": manifest, "node_modules/@s/greet": outside } };
    writeProject(app, { "npm-shrinkwrap.json": text });
    expect(await at.failure()).toMatch(/^LS2506 .*which is outside of the repository/);
    writeFileSync(
      join(at.root, "images/app/image.yaml"),
      "name: app\nlayers:\n  - npm: { project: none, into: /srv }\n",
    );
    expect(await at.failure()).toMatch(/^LS2015 images\/app\/image\.yaml:3:21 images\/app\/none is not there/);
    mkdirSync(join(at.root, "images/app/none"));
    expect(await at.failure()).toMatch(
      /^LS2040 images\/app\/image\.yaml:3:5 images\/app\/none has no package-lock\.json; /,
    );
  });

  it("are refused before anything is written when a tarball is hostile", async () => {
    const at = await site();
    await at.project("app", { "package.json": { ...manifest, dependencies: { words: "1.0.0" } } });
    const hostile = rawTar([file("../../../etc/passwd", "root::0:0::/:/bin/sh")]);
    const path = join(at.root, "images/app/app/package-lock.json");
    const integrity = `sha512-${(await import("node:crypto")).createHash("sha512").update(hostile).digest("base64")}`;
    writeFileSync(path, readFileSync(path, "utf8").replace(/sha512-[^"]+/, integrity));
    at.registry.files.set("/words/-/words-1.0.0.tgz", hostile);
    expect(await at.failure()).toMatch(/^LS4003 words@1\.0\.0 /);
  });
});
