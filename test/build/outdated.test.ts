import { beforeAll, describe, expect, it } from "vitest";
import { type OutdatedItem, findOutdated } from "../../pipeline/build/outdated.ts";
import { silent } from "../../pipeline/report/report.ts";
import { type Lock, emptyLock } from "../../pipeline/lock/types.ts";
import { type SigningKey, makeKey } from "../source/debian/tiny-archive.ts";
import { type PinScene, type TinyMirror, base, pinScene, specsOf, startMirror } from "./pin-scene.ts";

let key: SigningKey;
beforeAll(async () => {
  key = await makeKey("Archive", { date: new Date("2026-01-01T00:00:00Z") });
});

const packages = ["app 1 | Depends: lib", "lib 1", "awk 1", "tool 1 | Depends: lib"];
const specs = specsOf({ web: { packages: ["app"] }, shell: { packages: ["tool"] }, files: {} });
const later = new Date("2026-11-20T06:00:00Z");

async function pinned(): Promise<{
  readonly mirror: TinyMirror;
  readonly lock: Lock;
  readonly ask: (...names: readonly string[]) => Promise<readonly OutdatedItem[]>;
  readonly at: PinScene;
}> {
  const mirror = await startMirror(key);
  const at = pinScene(mirror, key);
  await mirror.publish({ main: [...base, ...packages] });
  const { lock } = await at.pin({ specs });
  const ask = (...names: readonly string[]): Promise<readonly OutdatedItem[]> => {
    if (mirror.mirrors === undefined) throw new Error("no mirrors");
    return findOutdated(at.host, at.store, silent, {
      root: at.directory,
      specs,
      lock,
      names,
      mirrors: mirror.mirrors,
      keys: [key.key],
    });
  };
  return { mirror, lock, ask, at };
}

const short = ({ name, current, newest, platforms, images }: OutdatedItem): readonly string[] => [
  name,
  current.version,
  newest?.version ?? "gone",
  platforms.join(" "),
  images.join(" "),
];

describe("outdated", () => {
  it("finds nothing right after a pin", async () => {
    const { ask } = await pinned();
    expect(await ask()).toEqual([]);
  });

  it("names what has a newer version, in which images, with both sizes", async () => {
    const { mirror, ask } = await pinned();
    await mirror.publish({
      main: [...base, ...packages, "lib 1.10"],
      security: ["tool 1+sec1 | Depends: lib"],
      date: later,
    });
    const found = await ask();
    expect(found.map(short)).toEqual([
      ["lib", "1", "1.10", "linux/amd64 linux/arm64", "shell web"],
      ["tool", "1", "1+sec1", "linux/amd64 linux/arm64", "shell"],
    ]);
    expect([found[0]?.current.size, found[0]?.newest?.size]).toEqual([1004, 1007]);
  });

  it("tells platforms apart only where they differ", async () => {
    const { mirror, ask } = await pinned();
    const arm = [...base, ...packages].map((item) =>
      typeof item === "string" ? item.replace(/^(\S+ \S+)/, "$1 arm64") : item,
    );
    await mirror.publish({
      main: { amd64: [...base, ...packages, "lib 2"], arm64: [...arm, "lib 2+b1 arm64"] },
      date: later,
    });
    expect((await ask()).map(short)).toEqual([
      ["lib", "1", "2", "linux/amd64", "shell web"],
      ["lib", "1", "2+b1", "linux/arm64", "shell web"],
    ]);
  });

  it("tells of packages that were taken back, that are gone, and that have other bytes under their version", async () => {
    const { mirror, ask } = await pinned();
    const fields = { Package: "tool", Version: "1", Depends: "lib", SHA256: "cd".repeat(32) };
    await mirror.publish({ main: [...base, "app 0.9 | Depends: lib", "awk 1", fields], date: later });
    expect((await ask()).map(short)).toEqual([
      ["app", "1", "0.9", "linux/amd64 linux/arm64", "web"],
      ["lib", "1", "gone", "linux/amd64 linux/arm64", "shell web"],
      ["tool", "1", "1", "linux/amd64 linux/arm64", "shell"],
    ]);
  });

  it("looks at the images and packages that are named only, and knows what can be meant", async () => {
    const { mirror, ask } = await pinned();
    await mirror.publish({ main: [...base, ...packages, "lib 2", "app 2", "tool 2"], date: later });
    expect((await ask("web")).map(({ name }) => name)).toEqual(["app", "lib"]);
    expect((await ask("tool", "web")).map(({ name }) => name)).toEqual(["app", "lib", "tool"]);
    await expect(ask("lip", "web", "nothing")).rejects.toThrow(
      'LS1002 "lip" is neither an image with locked inputs, nor a package or another input in the lock; did you mean "lib"?\nLS1002 "nothing" is neither an image with locked inputs, nor a package or another input in the lock',
    );
  });

  it("asks nobody when nothing is locked, and refuses a release older than the lock's (LS2308)", async () => {
    const { mirror, ask, at } = await pinned();
    mirror.web.requests.length = 0;
    expect(
      await findOutdated(at.host, at.store, silent, { root: at.directory, specs, lock: emptyLock, names: [] }),
    ).toEqual([]);
    expect(mirror.web.requests).toEqual([]);
    await mirror.publish({ main: [...base, ...packages], date: new Date("2026-11-19T00:00:00Z") });
    await expect(ask()).rejects.toThrow("LS2308");
  });
});
