import { rmSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { PinDiff } from "../../pipeline/build/pin-diff.ts";
import { reportText } from "../../pipeline/build/pin-text.ts";
import { formatLock } from "../../pipeline/lock/format.ts";
import { emptyLock } from "../../pipeline/lock/types.ts";
import { parseLock } from "../../pipeline/lock/parse.ts";
import { digestOf, hexOf } from "../../pipeline/store/digest.ts";
import { type SigningKey, makeKey } from "../source/debian/tiny-archive.ts";
import { type PinScene, type TinyMirror, base, packagesOf, pinScene, specsOf, startMirror } from "./pin-scene.ts";

function formatDiff(diff: PinDiff): string {
  return reportText({ diff, facts: new Map() });
}

let key: SigningKey;
let foreign: SigningKey;
beforeAll(async () => {
  const date = new Date("2026-01-01T00:00:00Z");
  [key, foreign] = await Promise.all([makeKey("Archive", { date }), makeKey("Foreign", { date })]);
});

async function start(): Promise<{ readonly mirror: TinyMirror; readonly at: PinScene }> {
  const mirror = await startMirror(key);
  return { mirror, at: pinScene(mirror, key) };
}

const common = [
  "app 1 | Depends: lib",
  "lib 1 | Depends: libc6",
  "libc6 2",
  "awk 1",
  "data 5 all",
  "tool 1 | Depends: lib",
];

const arm = (version: string, source: string) => ({
  amd64: [...base, ...common],
  arm64: [
    ...base.map((item) => (typeof item === "string" ? item.replace(" |", " arm64 |") : item)),
    `app ${version} arm64 | Source: ${source}`,
  ],
});

describe("pin", () => {
  it("writes down exactly what the archive offers, with the release that vouches for it", async () => {
    const { mirror, at } = await start();
    await mirror.publish({
      main: [...base, ...common],
      security: ["lib 1+sec1 | Source: libsrc (1+sec1) | Depends: libc6"],
    });
    const { lock, diff } = await at.pin({ specs: specsOf({ web: { packages: ["app", "data"] } }) });
    expect(packagesOf(lock, "web")).toEqual([
      "app 1",
      "base-files 13",
      "base-passwd 3",
      "data 5",
      "lib 1+sec1",
      "libc6 2",
    ]);
    expect(lock.images.get("web")).toEqual({
      suite: "trixie",
      dependencies: "all",
      request: ["app", "data"],
      platforms: {
        "linux/amd64": [
          "app_1_amd64",
          "base-files_13_amd64",
          "base-passwd_3_amd64",
          "data_5_all",
          "lib_1+sec1_amd64",
          "libc6_2_amd64",
        ],
        "linux/arm64": [
          "app_1_arm64",
          "base-files_13_arm64",
          "base-passwd_3_arm64",
          "data_5_all",
          "lib_1+sec1_arm64",
          "libc6_2_arm64",
        ],
      },
    });
    const release = mirror.web.files.get("/debian-security/dists/trixie-security/InRelease");
    const sha256 = hexOf(digestOf(release instanceof Uint8Array ? release : ""));
    expect(lock.packages.get("lib_1+sec1_arm64")).toEqual({
      name: "lib",
      version: "1+sec1",
      architecture: "arm64",
      archive: "debian-security",
      path: "pool/main/l/lib/lib_1+sec1_arm64.deb",
      size: 1009,
      sha256: hexOf(digestOf("lib 1+sec1 arm64")),
      source: "libsrc",
      sourceVersion: "1+sec1",
      release: `trixie-security@${sha256.slice(0, 12)}`,
    });
    expect([...lock.releases.values()].map(({ suite }) => suite).toSorted()).toEqual(["trixie", "trixie-security"]);
    expect(lock.releases.get(`trixie-security@${sha256.slice(0, 12)}`)).toEqual({
      suite: "trixie-security",
      archive: "debian-security",
      date: "2026-11-20T00:00:00Z",
      sha256,
      signedBy: [key.key.getFingerprint().toUpperCase()],
    });
    expect(diff.addedImages).toEqual(["web"]);
    expect(parseLock(formatLock(lock), "lockstep.lock")).toEqual(lock);
  });

  it("changes nothing when nothing is new, although the release is", async () => {
    const { mirror, at } = await start();
    const specs = specsOf({ web: { packages: ["app"] } });
    await mirror.publish({ main: [...base, ...common] });
    const first = await at.pin({ specs });
    await mirror.publish({ main: [...base, ...common, "new 1"], date: new Date("2026-11-20T06:00:00Z") });
    const second = await at.pin({ specs, lock: parseLock(formatLock(first.lock), "lockstep.lock") });
    expect(second.lock).toEqual(first.lock);
    expect(second.diff.unchanged).toBe(true);
    expect(formatDiff(second.diff)).toBe("nothing changed\n");
  });

  it("takes new versions, keeps the other entries, and drops what is no longer used", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...common] });
    const first = await at.pin({ specs: specsOf({ old: { packages: ["tool"] }, web: { packages: ["app"] } }) });
    await mirror.publish({
      main: [...base, ...common, "lib 1.1 | Depends: libc6, more", "more 1"],
      date: new Date("2026-11-20T06:00:00Z"),
    });
    const { lock, diff } = await at.pin({ specs: specsOf({ web: { packages: ["app"] } }), lock: first.lock });
    expect(packagesOf(lock, "web")).toContain("lib 1.1");
    expect(lock.packages.get("app_1_amd64")).toEqual(first.lock.packages.get("app_1_amd64"));
    expect(lock.packages.get("lib_1.1_amd64")?.release).not.toBe(lock.packages.get("app_1_amd64")?.release);
    expect(lock.packages.has("tool_1_amd64")).toBe(false);
    expect(lock.packages.has("lib_1_amd64")).toBe(false);
    expect(lock.releases.size).toBe(2);
    expect(formatDiff(diff)).toBe(
      [
        "- image old",
        "  lib   1 → 1.1  +2 B    web",
        "+ more  1        1005 B  web",
        "packages: 1 upgraded, 1 added",
        "download of everything locked: 11.8 KiB (+4 B)",
        "licences: 1 not compared (pin --licences fetches the packages)",
        "",
      ].join("\n"),
    );
    expect(diff.removedImages).toEqual(["old"]);
  });

  it("gives an image all that its base has, and follows only what it asks for itself", async () => {
    const { mirror, at } = await start();
    await mirror.publish({
      main: [...base, ...common, "chooser 1 | Depends: one | two", "one 1", "two 1", "cert 1 | Depends: big", "big 1"],
    });
    const specs = specsOf({
      small: { packages: ["cert"], dependencies: "none" },
      node: { from: "small", packages: ["chooser"] },
      web: { from: "node" },
      other: { from: "node", packages: ["app", "two"] },
    });
    const { lock } = await at.pin({ specs });
    const bottom = ["base-files 13", "base-passwd 3", "cert 1"];
    expect(packagesOf(lock, "small")).toEqual(bottom);
    expect(packagesOf(lock, "node")).toEqual([...bottom, "chooser 1", "one 1"]);
    expect(packagesOf(lock, "web")).toEqual(packagesOf(lock, "node"));
    expect(packagesOf(lock, "other")).toEqual(["app 1", ...bottom, "chooser 1", "lib 1", "libc6 2", "one 1", "two 1"]);
    expect([...lock.images].map(([name, { request, dependencies }]) => [name, dependencies, request])).toEqual([
      ["node", "all", ["cert", "chooser"]],
      ["other", "all", ["app", "cert", "chooser", "two"]],
      ["small", "none", ["cert"]],
      ["web", "all", ["cert", "chooser"]],
    ]);
  });

  it("accepts a rebuild on one architecture, and refuses another source", async () => {
    const { mirror, at } = await start();
    const specs = specsOf({ web: { packages: ["app"] } });
    await mirror.publish({ main: arm("1+b1", "app (1)") });
    expect(packagesOf((await at.pin({ specs })).lock, "web", "linux/arm64")).toContain("app 1+b1");
    await mirror.publish({ main: arm("0.9", "app") });
    expect(await at.failure({ specs })).toBe(
      'LS2105 images/web/image.yaml:3:5 package "app" is 1 on linux/amd64 (source app 1) and 0.9 on linux/arm64 (source app 0.9); ' +
        "the archive has not built it for every platform yet; pin again later",
    );
  });
});

describe("pin --only", () => {
  const newer = ["app 2 | Depends: lib (>= 2)", "lib 2 | Depends: libc6", "libc6 3", "tool 2 | Depends: lib"];

  it("moves one package, and what must move with it", async () => {
    const { mirror, at } = await start();
    const specs = specsOf({ web: { packages: ["app"] }, shell: { packages: ["tool"] } });
    await mirror.publish({ main: [...base, ...common] });
    const { lock } = await at.pin({ specs });
    await mirror.publish({ main: [...base, ...common, ...newer], date: new Date("2026-11-20T06:00:00Z") });
    const app = await at.pin({ specs, lock, only: "app" });
    expect(packagesOf(app.lock, "web")).toEqual(["app 2", "base-files 13", "base-passwd 3", "lib 2", "libc6 2"]);
    expect(packagesOf(app.lock, "shell")).toEqual(packagesOf(lock, "shell"));
    const libc = await at.pin({ specs, lock, only: "libc6" });
    expect(libc.diff.changes.map(({ name }) => name)).toEqual(["libc6"]);
    expect(libc.diff.changes[0]?.images).toEqual(["shell", "web"]);
    expect(at.warnings).toEqual([]);
  });

  it("keeps what the archive no longer lists as long as the store knows it", async () => {
    const { mirror, at } = await start();
    const specs = specsOf({ web: { packages: ["app"] } });
    await mirror.publish({ main: [...base, ...common] });
    const { lock } = await at.pin({ specs });
    await mirror.publish({ main: [...base, "awk 1", ...newer], date: new Date("2026-11-20T06:00:00Z") });
    const moved = await at.pin({ specs, lock, only: "app" });
    expect(packagesOf(moved.lock, "web")).toEqual(["app 2", "base-files 13", "base-passwd 3", "lib 2", "libc6 2"]);
    expect(moved.lock.packages.get("libc6_2_amd64")).toEqual(lock.packages.get("libc6_2_amd64"));

    rmSync(at.store.directory, { recursive: true });
    const lost = await at.pin({ specs, lock, only: "app" });
    expect(packagesOf(lost.lock, "web")).toContain("libc6 3");
    expect(at.warnings).toContain(
      'libc6 2 of image "web" (linux/amd64) is no longer in the archive and cannot be kept',
    );
  });

  it("moves one image and those on it, and leaves the others", async () => {
    const { mirror, at } = await start();
    const specs = specsOf({
      node: { packages: ["lib"] },
      shell: { packages: ["tool"] },
      web: { from: "node", packages: ["app"] },
    });
    await mirror.publish({ main: [...base, ...common] });
    const { lock } = await at.pin({ specs });
    await mirror.publish({ main: [...base, ...common, ...newer], date: new Date("2026-11-20T06:00:00Z") });
    const node = (await at.pin({ specs, lock, only: "node" })).lock;
    expect(packagesOf(node, "node")).toEqual(["base-files 13", "base-passwd 3", "lib 2", "libc6 3"]);
    expect(packagesOf(node, "web")).toEqual(["app 1", "base-files 13", "base-passwd 3", "lib 2", "libc6 3"]);
    expect(packagesOf(node, "shell")).toEqual(packagesOf(lock, "shell"));
    expect(await at.failure({ specs, lock, only: "web" })).toBe(
      "LS2104 images/web/image.yaml:10:9 web → app → lib (>= 2): lib 2 is needed, but lib of the base image is 1; " +
        "pin the base image anew, or leave one of the packages out",
    );
  });

  it("needs no network when no image has packages", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...common] });
    const { lock } = await at.pin({ specs: specsOf({ web: { packages: ["app"] } }) });
    mirror.web.requests.length = 0;
    const { lock: emptied, diff } = await at.pin({ specs: specsOf({ web: {} }), lock });
    expect(emptied).toEqual(emptyLock);
    expect(diff.removedImages).toEqual(["web"]);
    expect(mirror.web.requests).toEqual([]);
  });

  it("knows what can be meant", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...common] });
    const specs = specsOf({ web: { packages: ["app"] } });
    const { lock } = await at.pin({ specs });
    expect(await at.failure({ specs, lock, only: "lipc6" })).toBe(
      'LS2106 "lipc6" is neither an image with locked inputs, nor a package or another input of one; did you mean "libc6"?',
    );
  });
});

describe("pin refuses", () => {
  const specs = specsOf({ web: { packages: ["app"] } });

  it("packages that are not there, of all images and platforms at once", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: { amd64: [...base, ...common, "only 1"], arm64: [] } });
    const both = specsOf({
      web: { packages: ["ap", "app"] },
      one: { packages: ["only", "liib"], platforms: ["linux/amd64"] },
    });
    expect(await at.failure({ specs: both })).toBe(
      [
        'LS2103 images/web/image.yaml:10:9 package "ap" is not in trixie; did you mean "app"?',
        'LS2103 images/one/image.yaml:11:9 package "liib" is not in trixie; did you mean "lib"?',
        'LS2103 images/web/image.yaml:11:9 package "app" is not in trixie (linux/arm64)',
        'LS2103 images/web/image.yaml:3:5 package "base-files" is not in trixie (linux/arm64)',
        'LS2103 images/web/image.yaml:3:5 package "base-passwd" is not in trixie (linux/arm64)',
      ].join("\n"),
    );
  });

  it.each([
    ["an unsigned release", (text: string) => text.replace(/^[^]*?\n\n/, "").replace(/-----BEGIN[^]*/, ""), "LS2301"],
    ["a changed release", (text: string) => text.replace("Origin: Test", "Origin: Tset"), "LS2302"],
    ["a truncated release", (text: string) => text.slice(0, 300), "LS2301"],
  ])("%s", async (_, change, code) => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...common] });
    const path = "/debian/dists/trixie/InRelease";
    const genuine = mirror.web.files.get(path);
    mirror.web.files.set(path, Buffer.from(change(Buffer.from(genuine as Uint8Array).toString())));
    const message = await at.failure({ specs });
    expect(message).toContain(`${code} ${mirror.web.base}/debian/dists/trixie/InRelease `);
    expect(message.split("\n")).toHaveLength(1);

    // Another mirror with the genuine one is enough.
    mirror.web.files.set("/second/dists/trixie/InRelease", genuine as Uint8Array);
    const mirrors = {
      debian: [`${mirror.web.base}/debian`, `${mirror.web.base}/second`],
      "debian-security": [`${mirror.web.base}/debian-security`],
    };
    expect(packagesOf((await at.pin({ specs, mirrors })).lock, "web")).toContain("app 1");
  });

  it("a release by keys that are not the archive's", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...common] }, { key: foreign });
    const message = await at.failure({ specs });
    for (const suite of [
      "debian/dists/trixie",
      "debian/dists/trixie-updates",
      "debian-security/dists/trixie-security",
    ]) {
      expect(message).toContain(
        `LS2303 ${mirror.web.base}/${suite}/InRelease the release is signed only by keys that are not Debian's`,
      );
    }
  });

  it("a release that has expired, is from the future, or is older than the lock's", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...common], validUntil: new Date("2026-11-20T11:00:00Z") });
    expect(await at.failure({ specs })).toContain("LS2305");
    expect(await at.failure({ specs })).toContain(
      "it is valid until 2026-11-20T11:00:00Z, and now is 2026-11-20T12:00:00Z",
    );
    await mirror.publish({ main: [...base, ...common] });
    const { lock } = await at.pin({ specs });
    await mirror.publish({ main: [...base, ...common], date: new Date("2026-11-19T00:00:00Z") });
    expect(await at.failure({ specs, lock })).toContain("LS2308");
    await mirror.publish({ main: [...base, ...common], date: new Date("2026-11-21T13:00:00Z") });
    expect(await at.failure({ specs })).toMatch(/LS2306|LS2302/);
  });

  it("a suite that is not there, or is called otherwise", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...common] });
    expect(await at.failure({ specs: specsOf({ web: { packages: ["app"], suite: "trixi" } }) })).toContain(
      `LS3103 images/web/image.yaml:3:5 suite "trixi" is not in the archive "debian" (${mirror.web.base}/debian/dists/trixi/InRelease); check the name of the suite`,
    );
    for (const [path, bytes] of mirror.web.files)
      mirror.web.files.set(path.replace("/dists/trixie", "/dists/stable"), bytes);
    expect(await at.failure({ specs: specsOf({ web: { packages: ["app"], suite: "stable" } }) })).toContain(
      "LS2307 " +
        `${mirror.web.base}/debian/dists/stable/InRelease the release is for "trixie", not for "stable"; the suite is called "trixie"; write the code name "trixie" in the image spec`,
    );
  });

  it("an index that is not the release's, with both hashes", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...common] });
    for (const [path, bytes] of mirror.web.files) {
      if (/trixie\/main\/binary-amd64/.test(path))
        mirror.web.files.set(path, Buffer.from(bytes as Uint8Array).fill(0, 20, 21));
    }
    const message = await at.failure({ specs });
    expect(message).toMatch(
      /^LS3104 dists\/trixie\/main\/binary-amd64\/Packages.gz: .* has sha256:[0-9a-f]{64} instead of sha256:[0-9a-f]{64}/,
    );
  });

  it("to go on without an index or a network", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...common] });
    for (const path of mirror.web.files.keys()) if (/binary-arm64/.test(path)) mirror.web.files.delete(path);
    expect(await at.failure({ specs })).toContain(
      "LS3103 dists/trixie/main/binary-arm64/Packages.gz: no mirror has it any more",
    );
    await mirror.web.close();
    expect(await at.failure({ specs })).toContain(
      "LS3102 images/web/image.yaml:3:5 the release of trixie cannot be downloaded: ",
    );
  });

  it("to begin when it is interrupted", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...common] });
    expect(await at.failure({ specs, signal: AbortSignal.abort() })).toBe("LS1003 interrupted");
  });
});
