import { rmSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { type MergeOutcome, mergeLockTexts } from "../../pipeline/build/merge-locks.ts";
import { resolutionStale } from "../../pipeline/build/pin-stale.ts";
import { formatLock } from "../../pipeline/lock/format.ts";
import { parseLock } from "../../pipeline/lock/parse.ts";
import { salvageLock } from "../../pipeline/lock/salvage.ts";
import { type Lock, emptyLock } from "../../pipeline/lock/types.ts";
import type { ImageSpec } from "../../pipeline/spec/types.ts";
import { type SigningKey, makeKey } from "../source/debian/tiny-archive.ts";
import { type PinScene, type TinyMirror, base, packagesOf, pinScene, specsOf, startMirror } from "./pin-scene.ts";

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

const old = ["app 1 | Depends: lib", "lib 1", "tool 1", "awk 1"];
const hours = (hour: number): Date => new Date(`2026-11-20T${String(hour).padStart(2, "0")}:00:00Z`);

interface Sides {
  readonly base: Lock;
  readonly ours: Lock;
  readonly theirs: Lock;
}

/** The merge, held to be the same from the other side. */
async function merge(at: PinScene, sides: Sides, specs: readonly ImageSpec[], keys = [key]): Promise<MergeOutcome> {
  const texts = { base: formatLock(sides.base), ours: formatLock(sides.ours), theirs: formatLock(sides.theirs) };
  const options = { specs, keys: keys.map((each) => each.key) };
  const outcome = await mergeLockTexts(at.host, at.store, texts, "lockstep.lock", options);
  const swapped = { ...texts, ours: texts.theirs, theirs: texts.ours };
  const other = await mergeLockTexts(at.host, at.store, swapped, "lockstep.lock", options);
  expect(other.problems).toEqual(outcome.problems);
  expect(other.recomputed).toEqual(outcome.recomputed);
  if (outcome.problems.length === 0) expect(other.text).toBe(outcome.text);
  return outcome;
}

function whole({ text, problems }: MergeOutcome): Lock {
  expect(problems).toEqual([]);
  return parseLock(text, "lockstep.lock");
}

describe("the merge of locks", () => {
  const specs = specsOf({ web: { packages: ["app", "tool"] } });

  it("of two branches that each pinned another package of one image has both, resolved anew without a network", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...old] });
    const first = (await at.pin({ specs })).lock;
    await mirror.publish({ main: [...base, ...old, "app 2 | Depends: lib", "tool 2"], date: hours(6) });
    const ours = (await at.pin({ specs, lock: first, only: "app" })).lock;
    const theirs = (await at.pin({ specs, lock: first, only: "tool" })).lock;
    await mirror.web.close();
    const outcome = await merge(at, { base: first, ours, theirs }, specs);
    expect(outcome.recomputed).toEqual([{ image: "web", others: [] }]);
    const merged = whole(outcome);
    expect(packagesOf(merged, "web")).toEqual(["app 2", "base-files 13", "base-passwd 3", "lib 1", "tool 2"]);
    expect(packagesOf(merged, "web", "linux/arm64")).toEqual(packagesOf(merged, "web"));
    expect(resolutionStale(specs, merged)).toEqual([]);
  });

  it("takes the newer version where both moved one package, and the older where only one side went back", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...old, "lib 2", "tool 2"] });
    const first = (await at.pin({ specs })).lock;
    const ours = (await at.pin({ specs, lock: first, exact: new Map([["tool", "1"]]) })).lock;
    await mirror.publish({ main: [...base, ...old, "lib 3", "tool 2"], date: hours(6) });
    const theirs = (await at.pin({ specs, lock: first, only: "lib" })).lock;
    await mirror.publish({ main: [...base, ...old, "lib 4", "tool 2"], date: hours(7) });
    const ourLater = (await at.pin({ specs, lock: ours, only: "lib" })).lock;
    const merged = whole(await merge(at, { base: first, ours: ourLater, theirs }, specs));
    expect(packagesOf(merged, "web")).toEqual(["app 1", "base-files 13", "base-passwd 3", "lib 4", "tool 1"]);
  });

  it("keeps dependencies satisfied where the two changes do not fit together", async () => {
    const { mirror, at } = await start();
    const packages = [...base, "app 1 | Depends: lib", "lib 1", "tool 1", "awk 1"];
    await mirror.publish({ main: packages });
    const first = (await at.pin({ specs })).lock;
    await mirror.publish({ main: [...packages, "app 2 | Depends: lib (<< 2)", "lib 2"], date: hours(6) });
    const ours = (await at.pin({ specs, lock: first, only: "lib" })).lock;
    const theirs = (await at.pin({ specs, lock: first, only: "app" })).lock;
    expect(packagesOf(ours, "web")).toEqual(["app 1", "base-files 13", "base-passwd 3", "lib 2", "tool 1"]);
    expect(packagesOf(theirs, "web")).toEqual(["app 2", "base-files 13", "base-passwd 3", "lib 1", "tool 1"]);
    // app 2 does not work with lib 2, so taking the one from here and the other from there would be a broken image.
    const { problems, text } = await merge(at, { base: first, ours, theirs }, specs);
    expect(problems.map(({ message }) => message)).toEqual([
      'both sides changed image "web", and it cannot be resolved anew: LS2102 web → app → lib (<< 2): lib is 2 in trixie',
    ]);
    expect(text).toContain("<<<<<<< ours");
  });

  it("says which packages are as neither side pinned them", async () => {
    const { mirror, at } = await start();
    const packages = [...base, "app 1 | Depends: lib", "lib 1", "tool 1", "awk 1"];
    await mirror.publish({ main: packages });
    const first = (await at.pin({ specs })).lock;
    // The app comes to need what the lock of neither side has.
    await mirror.publish({
      main: [...packages, "app 2 | Depends: lib, helper (<< 2) | other", "helper 1"],
      date: hours(6),
    });
    const ours = (await at.pin({ specs, lock: first, only: "app" })).lock;
    await mirror.publish({
      main: [...packages, "helper 2", "tool 2"],
      security: ["tool 2+sec", "other 5"],
      date: hours(7),
    });
    const theirs = (await at.pin({ specs, lock: first, only: "tool" })).lock;
    expect(packagesOf(ours, "web")).toContain("helper 1");
    const outcome = await merge(at, { base: first, ours, theirs }, specs);
    expect(outcome.recomputed).toEqual([{ image: "web", others: [] }]);
    expect(packagesOf(whole(outcome), "web").join(" ")).toBe(
      "app 2 base-files 13 base-passwd 3 helper 1 lib 1 tool 2+sec",
    );
    // A side that asks for a package of its own is answered with what the newest release offers.
    const ask = specsOf({ web: { packages: ["app", "tool", "other"] } });
    const web = theirs.images.get("web");
    if (web === undefined) throw new Error("no web");
    const asking = { ...theirs, images: new Map([["web", { ...web, request: ["app", "other", "tool"] }]]) };
    const asked = await merge(at, { base: first, ours, theirs: asking }, ask);
    expect(asked.recomputed).toEqual([{ image: "web", others: ["other 5"] }]);
  });

  it("joins what both specs ask for, and drops what one no longer does", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...old, "more 1 | Depends: extra", "extra 1", "other 1"] });
    const ask = (...packages: readonly string[]) => specsOf({ web: { packages } });
    const first = (await at.pin({ specs: ask("app", "tool") })).lock;
    const ours = (await at.pin({ specs: ask("app", "more", "tool"), lock: first })).lock;
    const theirs = (await at.pin({ specs: ask("app", "other"), lock: first })).lock;
    const merged = whole(await merge(at, { base: first, ours, theirs }, ask("app", "more", "tool")));
    expect(merged.images.get("web")?.request).toEqual(["app", "more", "other"]);
    expect(packagesOf(merged, "web").join(" ")).toBe("app 1 base-files 13 base-passwd 3 extra 1 lib 1 more 1 other 1");
    expect(resolutionStale(ask("app", "more", "other"), merged)).toEqual([]);
  });

  it("lets an image follow the one it is from, which moved on the other side", async () => {
    const { mirror, at } = await start();
    const stacked = specsOf({ node: { packages: ["lib"] }, web: { from: "node", packages: ["app"] } });
    await mirror.publish({ main: [...base, ...old] });
    const first = (await at.pin({ specs: stacked })).lock;
    const ours = (
      await at.pin({
        specs: specsOf({ node: { packages: ["lib"] }, web: { from: "node", packages: ["app", "tool"] } }),
        lock: first,
      })
    ).lock;
    await mirror.publish({ main: [...base, ...old, "lib 2"], date: hours(6) });
    // The other side moved the base alone, and the image on it with it.
    const theirs = (await at.pin({ specs: stacked, lock: first, only: "lib" })).lock;
    const more = specsOf({ node: { packages: ["lib"] }, web: { from: "node", packages: ["app", "tool"] } });
    const merged = whole(await merge(at, { base: first, ours, theirs }, more));
    expect(packagesOf(merged, "node")).toEqual(["base-files 13", "base-passwd 3", "lib 2"]);
    expect(packagesOf(merged, "web")).toEqual(["app 1", "base-files 13", "base-passwd 3", "lib 2", "tool 1"]);
    expect(resolutionStale(more, merged)).toEqual([]);
  });

  it("of branches that both added a lock has what both have", async () => {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...old] });
    const ours = (await at.pin({ specs: specsOf({ web: { packages: ["app"] } }) })).lock;
    const theirs = (await at.pin({ specs: specsOf({ shell: { packages: ["tool"] }, web: { packages: ["app"] } }) }))
      .lock;
    const merged = whole(await merge(at, { base: emptyLock, ours, theirs }, []));
    expect(merged).toEqual(parseLock(formatLock(theirs), "theirs"));
    const empty = { base: "", ours: formatLock(ours), theirs: formatLock(theirs) };
    expect((await mergeLockTexts(at.host, at.store, empty, "lockstep.lock", { specs: [] })).text).toBe(
      formatLock(theirs),
    );
  });
});

describe("LS2211: leaves to a person", () => {
  const specs = specsOf({ web: { packages: ["app", "tool"] } });

  async function conflicting(): Promise<{ readonly at: PinScene; readonly sides: Sides }> {
    const { mirror, at } = await start();
    await mirror.publish({ main: [...base, ...old] });
    const first = (await at.pin({ specs })).lock;
    await mirror.publish({ main: [...base, ...old, "app 2 | Depends: lib", "tool 2"], date: hours(6) });
    const ours = (await at.pin({ specs, lock: first, only: "app" })).lock;
    return { at, sides: { base: first, ours, theirs: (await at.pin({ specs, lock: first, only: "tool" })).lock } };
  }

  it("an image that cannot be resolved anew, because the store lacks a release", async () => {
    const { at, sides } = await conflicting();
    rmSync(at.store.directory, { recursive: true });
    const { text, problems } = await merge(at, sides, specs);
    expect(problems.map(({ code, message, hint }) => [code, message.replace(/@[0-9a-f]+/, "@…"), hint])).toEqual([
      [
        "LS2211",
        'both sides changed image "web", and it cannot be resolved anew: the store does not have trixie@…',
        "merge the specs, then run `lockstep pin --only web`, which finds it anew and leaves everything else",
      ],
    ]);
    // What the hint says ends the conflict, and moves nothing else.
    const { lock, problems: damaged } = salvageLock(text, "lockstep.lock");
    expect(new Set(damaged.map(({ code }) => code))).toEqual(new Set(["LS2202"]));
    const solved = await at.pin({ specs, lock, only: "web" });
    expect(packagesOf(solved.lock, "web")).toEqual(["app 2", "base-files 13", "base-passwd 3", "lib 1", "tool 2"]);
    expect(() => parseLock(text, "lockstep.lock")).toThrow(
      /^LS2202 lockstep.lock:\d+:1 an unfinished merge begins here/,
    );
  });

  it("an image whose releases are not signed by the archive's keys any more", async () => {
    const { at, sides } = await conflicting();
    const { problems } = await merge(at, sides, specs, [foreign]);
    expect(problems[0]?.message).toMatch(/cannot be resolved anew: LS2303 trixie@/);
  });

  it("an image that one side removed and the other pinned", async () => {
    const { at, sides } = await conflicting();
    const { problems } = await merge(at, { ...sides, theirs: emptyLock }, specs);
    expect(problems.map(({ message }) => message)).toEqual([
      'both sides changed image "web", and it cannot be resolved anew: one side removed the image',
    ]);
  });

  it("an image that the sides have in two suites", async () => {
    const { at, sides } = await conflicting();
    const web = sides.theirs.images.get("web");
    if (web === undefined) throw new Error("no web");
    const theirs = { ...sides.theirs, images: new Map([["web", { ...web, suite: "bookworm" }]]) };
    const ours = {
      ...sides.ours,
      images: new Map([["web", { ...web, suite: "forky" }]]),
      packages: sides.theirs.packages,
      releases: sides.theirs.releases,
    };
    expect((await merge(at, { ...sides, ours, theirs }, specs)).problems[0]?.message).toContain(
      "the sides have it in two suites",
    );
  });

  it("a file that both took other bytes of, and merges the rest", async () => {
    const { at, sides } = await conflicting();
    const url = "https://files.example/tool";
    const withFile = (lock: Lock, digit: string): Lock => ({
      ...lock,
      http: new Map([[url, { size: 4, sha256: digit.repeat(64) }]]),
    });
    const files = {
      base: withFile(sides.base, "a"),
      ours: withFile(sides.ours, "b"),
      theirs: withFile(sides.theirs, "c"),
    };
    const { text, problems, recomputed } = await merge(at, files, specs);
    expect(problems.map(({ message }) => message)).toEqual([`both sides changed file "${url}"`]);
    expect(recomputed.map(({ image }) => image)).toEqual(["web"]);
    const lines = text.split("\n");
    expect(lines.filter((line) => line.startsWith("<<<<<<<"))).toHaveLength(1);
    expect(lines.slice(lines.indexOf("=======") + 1, lines.indexOf(">>>>>>> theirs")).join("\n")).toContain(
      "c".repeat(64),
    );
  });
});

describe("a side of a merge", () => {
  it("LS2204: of another format version is refused by name, as is one that is damaged", async () => {
    const { at } = await start();
    const text = formatLock(emptyLock);
    const merged = (texts: { readonly base?: string; readonly ours?: string; readonly theirs?: string }) =>
      mergeLockTexts(at.host, at.store, { base: text, ours: text, theirs: text, ...texts }, "lockstep.lock", {
        specs: [],
      });
    await expect(merged({ theirs: text.replace('"lockfileVersion": 1', '"lockfileVersion": 2') })).rejects.toThrow(
      "LS2204 lockstep.lock (theirs):2:3 lock is of version 2; this Lockstep reads version 1",
    );
    await expect(merged({ ours: text.slice(0, 30) })).rejects.toThrow("LS2203 lockstep.lock (ours):");
    await expect(merged({ ours: `<<<<<<< ours\n=======\n>>>>>>> theirs\n${text}` })).rejects.toThrow(
      "LS2202 lockstep.lock (ours):1:1",
    );
    // An ancestor that Git made itself may be unfinished: nothing of it is taken for granted.
    expect((await merged({ base: `<<<<<<< ours\n${text}=======\n${text}>>>>>>> theirs\n` })).text).toBe(text);
  });
});
