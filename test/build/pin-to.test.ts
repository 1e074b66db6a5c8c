import { rmSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { diffLocks } from "../../pipeline/build/pin-diff.ts";
import { resolutionStale } from "../../pipeline/build/pin-stale.ts";
import { formatLock } from "../../pipeline/lock/format.ts";
import { parseLock } from "../../pipeline/lock/parse.ts";
import { type SigningKey, makeKey } from "../source/debian/tiny-archive.ts";
import { type PinScene, type TinyMirror, base, packagesOf, pinScene, specsOf, startMirror } from "./pin-scene.ts";

let key: SigningKey;
beforeAll(async () => {
  key = await makeKey("Archive", { date: new Date("2026-01-01T00:00:00Z") });
});

async function start(): Promise<{ readonly mirror: TinyMirror; readonly at: PinScene }> {
  const mirror = await startMirror(key);
  return { mirror, at: pinScene(mirror, key) };
}

const older = ["app 1 | Depends: lib (= 1), libc6", "lib 1", "libc6 2", "awk 1", "tool 1 | Depends: libc6"];
const newer = ["app 2 | Depends: lib (= 2), libc6", "lib 2", "libc6 3"];
const specs = specsOf({ web: { packages: ["app"] }, shell: { packages: ["tool"] } });
const later = new Date("2026-11-20T06:00:00Z");
const app = (version: string): ReadonlyMap<string, string> => new Map([["app", version]]);

describe("pin --to", () => {
  it("takes the version that is asked for with what it needs, and leaves everything else", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...older, ...newer] });
    const { lock } = await at.pin({ specs });
    expect(packagesOf(lock, "web")).toEqual(["app 2", "base-files 13", "base-passwd 3", "lib 2", "libc6 3"]);
    const back = await at.pin({ specs, lock, exact: app("1") });
    expect(packagesOf(back.lock, "web")).toEqual(["app 1", "base-files 13", "base-passwd 3", "lib 1", "libc6 3"]);
    expect(packagesOf(back.lock, "shell")).toEqual(packagesOf(lock, "shell"));
    expect(back.diff.changes.map(({ name, change }) => [name, change])).toEqual([
      ["app", "downgraded"],
      ["lib", "downgraded"],
    ]);
    expect(parseLock(formatLock(back.lock), "lockstep.lock")).toEqual(back.lock);
    expect(resolutionStale(specs, back.lock)).toEqual([]);
    const forth = await at.pin({ specs, lock: back.lock, exact: app("2") });
    expect(diffLocks(lock, forth.lock).unchanged).toBe(true);
  });

  it("takes several at once", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...older, ...newer] });
    const { lock } = await at.pin({ specs });
    const both = await at.pin({ specs, lock, exact: new Map([...app("1"), ["libc6", "2"]]) });
    expect(packagesOf(both.lock, "web")).toEqual(["app 1", "base-files 13", "base-passwd 3", "lib 1", "libc6 2"]);
    expect(packagesOf(both.lock, "shell")).toEqual(["base-files 13", "base-passwd 3", "libc6 2", "tool 1"]);
  });

  it("finds an earlier version in a release that the lock still names, as long as the store has it", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...older] });
    const first = await at.pin({ specs });
    await mirror.publish({ main: [...base, "awk 1", "tool 1 | Depends: libc6", ...newer], date: later });
    const moved = await at.pin({ specs, lock: first.lock, only: "web" });
    // The shell still has packages that the first release vouches for.
    const back = await at.pin({ specs, lock: moved.lock, exact: app("1") });
    expect(packagesOf(back.lock, "web")).toEqual(["app 1", "base-files 13", "base-passwd 3", "lib 1", "libc6 3"]);
    expect(back.lock.packages.get("app_1_amd64")).toEqual(first.lock.packages.get("app_1_amd64"));

    rmSync(at.store.directory, { recursive: true });
    expect(await at.failure({ specs, lock: moved.lock, exact: app("1") })).toBe(
      'LS2108 images/web/image.yaml:10:9 no signed index of trixie offers app 1 for image "web"; there is 2; take one of these; ' +
        "an older version can be had only while the archive lists it, or the lock and the store still have the release that did",
    );
  });

  it("LS2108: lists what there is, newest first, at the place that asks for the package", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...older], security: ["app 1+sec1 | Depends: lib (= 1), libc6"] });
    const { lock } = await at.pin({ specs });
    expect(await at.failure({ specs, lock, exact: app("7") })).toMatch(
      /^LS2108 images\/web\/image.yaml:10:9 no signed index of trixie offers app 7 for image "web"; there is 1\+sec1, 1; take/,
    );
  });

  it("takes the rebuild of the same version where an architecture has no other", async () => {
    const { mirror, at } = await start();
    const lists = (version: string, architecture: string) => [
      ...base.map((item) => (typeof item === "string" ? item.replace(" |", ` ${architecture} |`) : item)),
      `awk 1 ${architecture}`,
      `app ${version} ${architecture} | Source: app (1)`,
      `app 2 ${architecture}`,
    ];
    await mirror.publish({ main: { amd64: lists("1", "amd64"), arm64: lists("1+b3", "arm64") } });
    const one = specsOf({ web: { packages: ["app"] } });
    const { lock } = await at.pin({ specs: one });
    const back = await at.pin({ specs: one, lock, exact: app("1") });
    expect(packagesOf(back.lock, "web", "linux/amd64")).toContain("app 1");
    expect(packagesOf(back.lock, "web", "linux/arm64")).toContain("app 1+b3");
  });

  it("refuses what would break another package (LS2102), and names that no image has (LS2106)", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...older.filter((item) => !item.startsWith("app")), ...newer] });
    const { lock } = await at.pin({ specs });
    expect(await at.failure({ specs, lock, exact: new Map([["lib", "1"]]) })).toMatch(
      /^LS2102 images\/web\/image.yaml:10:9 web → app → lib \(= 2\)/,
    );
    expect(await at.failure({ specs, lock, exact: new Map([["lip", "1"]]) })).toBe(
      'LS2106 "lip" is not a package of any image; did you mean "lib"?',
    );
  });

  it("says where the version of what is no Debian package is decided", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...older] });
    const { lock } = await at.pin({ specs });
    const npm = new Map([["left-pad@1.3.0", { size: 1, sha256: "ab".repeat(32), integrity: "sha512-x" }]]);
    expect(await at.failure({ specs, lock: { ...lock, npm }, exact: new Map([["left-pad", "1.2.0"]]) })).toBe(
      'LS2106 "left-pad" is not a package of any image; it is an npm package, whose version is that of the project\'s lock file: change it with npm, then pin',
    );
  });

  it("LS2108: says so when the images resolve without the package", async () => {
    const { mirror, at } = await start();
    const choice = [...base, "awk 1", "libc6 1", "app 1 | Depends: one | two", "two 1"];
    await mirror.publish({ main: [...choice, "one 2"] });
    const only = specsOf({ web: { packages: ["app"] } });
    const { lock } = await at.pin({ specs: only });
    expect(packagesOf(lock, "web")).toContain("one 2");
    await mirror.publish({ main: [...choice, "one 2", "one 1 | Conflicts: app"], date: later });
    expect(await at.failure({ specs: only, lock, exact: new Map([["one", "1"]]) })).toBe(
      "LS2108 one 1 is offered, but what the images ask for resolves without it; name one in the list of packages of the image that is to have it",
    );
  });
});
