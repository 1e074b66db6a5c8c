import { describe, expect, it } from "vitest";
import { recipeKey } from "../../pipeline/build/package-fragment.ts";
import { format, layerKey, type PackagesLayer, type Plan, planHash } from "../../pipeline/build/plan.ts";
import { sourceDateEpoch } from "../../pipeline/build/planner.ts";
import { LockstepError } from "../../pipeline/host/errors.ts";
import { scene } from "../support.ts";
import { image, tinyRepository } from "./tiny-repository.ts";

const plan: Plan = {
  format,
  platform: "linux/amd64",
  epoch: 1_700_000_000,
  layers: [
    {
      kind: "packages",
      title: "lockstep: debian trixie: a",
      epoch: 1_600_000_000,
      packages: [
        { key: "a_1_all", sha256: "aa" },
        { key: "b_1_all", sha256: "bb" },
      ],
      system: {
        users: [{ name: "u", uid: 1000, gid: 1000, home: "/home/u", shell: "/bin/sh", gecos: "U" }],
        groups: [{ name: "u", gid: 1000, members: ["u"] }],
      },
    },
    {
      kind: "entries",
      title: "lockstep: files app /app",
      epoch: 1_700_000_000,
      entries: [
        { path: "app", type: "directory", mode: 0o755, uid: 0, gid: 0 },
        { path: "app/a", type: "file", mode: 0o644, uid: 1, gid: 2, size: 3, sha256: "cc" },
        { path: "app/l", type: "symlink", mode: 0o777, uid: 0, gid: 0, target: "a" },
      ],
    },
  ],
  config: { User: "1000", Env: ["A=1"], Entrypoint: ["/app/a"], ExposedPorts: { "80/tcp": {} }, Labels: { a: "b" } },
};

interface Mutant<Value> {
  /** `layers.0.packages.1.sha256`. */
  readonly path: string;
  readonly value: Value;
}

/** The value with one leaf changed, one member removed, or one item repeated or moved: every way, one at a time. */
function mutants(value: unknown, path = ""): readonly Mutant<unknown>[] {
  const at = (key: string | number): string => (path === "" ? String(key) : `${path}.${key}`);
  if (typeof value === "string") return [{ path, value: `${value}x` }];
  if (typeof value === "number") return [{ path, value: value + 1 }];
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return [
      ...items.flatMap((item, index) =>
        mutants(item, at(index)).map((mutant) => ({ path: mutant.path, value: items.with(index, mutant.value) })),
      ),
      ...items.map((_, index) => ({ path: at(`-${index}`), value: items.toSpliced(index, 1) })),
      ...items.slice(1).map((_, index) => ({ path: at(`~${index}`), value: items.toReversed() })),
    ];
  }
  const members = Object.entries(value as Record<string, unknown>);
  return members.flatMap(([key, member]) => [
    ...mutants(member, at(key)).map((mutant) => ({
      path: mutant.path,
      value: { ...(value as object), [key]: mutant.value },
    })),
    { path: at(`-${key}`), value: Object.fromEntries(members.filter(([other]) => other !== key)) },
  ]);
}

describe("the key of a plan", () => {
  const all = mutants(plan) as readonly Mutant<Plan>[];

  it("changes with every field, whatever is changed", () => {
    expect(all.length).toBeGreaterThan(100);
    const hashes = new Map([[planHash(plan), "the plan itself"]]);
    for (const mutant of all) {
      const hash = planHash(mutant.value);
      const other = hashes.get(hash);
      // Two mutations may come to the same: a list of two, reversed.
      if (other !== undefined) expect(`${other} ${mutant.path}`).toMatch(/~/);
      expect(hash).not.toBe(planHash(plan));
      hashes.set(hash, mutant.path);
    }
  });

  it("of a layer changes with everything that layer and those below are made from, and with nothing else", () => {
    const keys = [layerKey(plan, 0), layerKey(plan, 1)] as const;
    for (const { path, value } of all) {
      // Without one of its own members it is no plan.
      if (path.startsWith("-")) continue;
      const first = /^(?:format|platform|layers\.0|layers\.-0|layers\.~)/.test(path);
      const second = first || path.startsWith("layers");
      expect([path, layerKey(value, 0) !== keys[0], layerKey(value, 1) !== keys[1]]).toEqual([path, first, second]);
    }
  });

  it("is the same for equal plans, however they were put together", () => {
    const { config, layers, ...rest } = plan;
    const other: Plan = { config: { ...config }, layers: [...layers], ...rest };
    expect(planHash(other)).toBe(planHash(plan));
    // A change here makes every layer that anyone has built unknown; the bytes must have changed as well.
    expect(planHash(plan)).toMatchInlineSnapshot(
      `"sha256:a604b6e6983caa9e1aa017fbe0c175c9a0ae09f32adbe0e5fd677036f358c08e"`,
    );
  });

  it("of a fragment changes with every field of its recipe", () => {
    const recipe = {
      sha256: "aa",
      drop: ["etc/a", "etc/b"],
      divert: [["usr/bin/a", "usr/bin/a.distrib"]] as const,
      override: [{ path: "usr/bin/b", mode: 0o4755, uid: 1, gid: 2 }],
      clamp: 5,
    };
    for (const { path, value } of mutants(recipe))
      expect(`${path} ${recipeKey(value as typeof recipe)}`).not.toBe(`${path} ${recipeKey(recipe)}`);
  });
});

describe("sourceDateEpoch", () => {
  const of = (text: string): number | undefined => sourceDateEpoch(scene({ SOURCE_DATE_EPOCH: text }).host);

  it("is read in whole seconds", () => {
    expect(of("0")).toBe(0);
    expect(of("1700000000")).toBe(1_700_000_000);
    expect(of("253402300799")).toBe(253_402_300_799);
    expect(sourceDateEpoch(scene().host)).toBeUndefined();
  });

  it.each(["yesterday", "-1", "1.5", " 5", "5 ", "0x10", "1e9", "253402300800", "99999999999999999999", "٣"])(
    "is not %j",
    (text) => {
      expect(() => of(text)).toThrow(/^LS1005 SOURCE_DATE_EPOCH is /);
      expect(() => of(text)).toThrow(LockstepError);
    },
  );
});

describe("planImages", () => {
  const date = Date.parse("2026-01-02T03:04:05Z") / 1000;
  const pack = (
    name: string,
    size = 10,
  ): { readonly name: string; readonly data: [{ name: string; content: string }] } => ({
    name,
    data: [{ name: `./usr/share/${name}`, content: "x".repeat(size) }],
  });

  it("takes the date of the release that vouches for the packages, unless SOURCE_DATE_EPOCH is set", async () => {
    const options = { images: { app: image("tiny") }, packages: [pack("tiny")] };
    const usual = await tinyRepository(options);
    expect((await usual.plan())[0]?.plan).toMatchObject({ epoch: date, layers: [{ epoch: date }] });
    const later = await tinyRepository({ ...options, environment: { SOURCE_DATE_EPOCH: "1234567890" } });
    expect((await later.plan())[0]?.plan).toMatchObject({ epoch: 1_234_567_890, layers: [{ epoch: 1_234_567_890 }] });
    const wrong = await tinyRepository({ ...options, environment: { SOURCE_DATE_EPOCH: "today" } });
    await expect(wrong.plan()).rejects.toThrow(/^LS1005 /);
  });

  it("plans the same from any directory, with nothing of the machine in it", async () => {
    const options = {
      images: { app: image("tiny", "  - files: { from: a, into: /a }\n") },
      packages: [pack("tiny")],
      files: { "images/app/a/f": "content" },
    };
    const repositories = [await tinyRepository(options), await tinyRepository(options)] as const;
    const [[one], [two]] = [await repositories[0].plan(), await repositories[1].plan()];
    expect(one?.hash).toBe(two?.hash);
    expect(JSON.stringify(one?.plan)).not.toContain(repositories[0].directory);
    expect(one?.sources).not.toEqual(two?.sources);
  });

  it("splits packages by source, the largest first, and keeps the files of the system in the last layer", async () => {
    const yaml = (split: number): string =>
      `platforms: [linux/amd64]\nlayers:\n  - debian: { suite: trixie, packages: [aa, bb, cc], split: ${split} }\n`;
    const packages = [pack("aa", 9000), pack("bb", 30_000), pack("cc", 9000)];
    for (const [split, expected] of [
      [1, [["aa", "base-files", "base-passwd", "bb", "cc"]]],
      [2, [["bb"], ["aa", "base-files", "base-passwd", "cc"]]],
      [3, [["bb"], ["aa"], ["base-files", "base-passwd", "cc"]]],
      [5, [["bb"], ["aa"], ["cc"], ["base-passwd"], ["base-files"]]],
      [9, [["bb"], ["aa"], ["cc"], ["base-passwd"], ["base-files"]]],
    ] as const) {
      const repository = await tinyRepository({ images: { app: yaml(split) }, packages });
      const layers = ((await repository.plan())[0]?.plan.layers ?? []) as readonly PackagesLayer[];
      const names = layers.map((layer) => layer.packages.map(({ key }) => key.split("_")[0]));
      // Which of the two base packages is larger is not the point.
      const shown = (list: readonly (readonly (string | undefined)[])[]): string =>
        JSON.stringify(list).replace(/base-(?:files|passwd)/g, "base");
      expect(shown(names)).toBe(shown(expected));
      expect(layers.map(({ system }) => system !== undefined)).toEqual(layers.map((_, i) => i === layers.length - 1));
    }
  });

  it("gives an image that is from another its layers, configuration and accounts", async () => {
    const user = (name: string, uid: number): string => `  - { name: ${name}, uid: ${uid}, gid: ${uid} }\n`;
    const repository = await tinyRepository({
      images: {
        base: `${image("tiny")}users:\n${user("app", 1000)}${user("old", 1001)}groups:\n  - { name: app, gid: 1000 }\n  - { name: old, gid: 1001 }\nconfig:\n  env: { A: "1", B: "2" }\n  entrypoint: [/base]\n  cmd: [x]\n`,
        top: `from: base\nplatforms: [linux/amd64]\nlayers:\n  - directories: [{ path: /data }]\nusers:\n${user("new", 1002)}groups:\n  - { name: new, gid: 1002 }\nconfig:\n  env: { B: "3", C: "4" }\n  user: "1002"\n`,
      },
      packages: [pack("tiny")],
    });
    const [base, top] = await repository.plan();
    expect(top?.plan.layers.slice(0, base?.plan.layers.length)).toEqual(base?.plan.layers);
    const accounts = top?.plan.layers[1] as PackagesLayer;
    expect(accounts.packages).toEqual([]);
    expect(accounts.system?.users.map(({ name }) => name)).toEqual(["app", "old", "new"]);
    expect(top?.plan.config).toEqual({
      Env: ["A=1", "B=3", "C=4"],
      Entrypoint: ["/base"],
      Cmd: ["x"],
      User: "1002",
    });
    expect([...(top?.packages.keys() ?? [])]).toEqual([...(base?.packages.keys() ?? [])]);
  });

  it("gives an image without packages and accounts nothing but its own layers", async () => {
    const repository = await tinyRepository({
      images: { bare: "platforms: [linux/amd64]\nlayers:\n  - symlinks: [{ path: /a, target: /b }]\n" },
    });
    const [bare] = await repository.plan();
    expect(bare?.plan).toMatchObject({
      epoch: 0,
      layers: [{ kind: "entries", entries: [{ path: "a", target: "/b" }] }],
    });
    expect(bare?.packages.size).toBe(0);
  });

  it("refuses names that are no image, all at once", async () => {
    const repository = await tinyRepository({ images: { app: image("tiny") }, packages: [pack("tiny")] });
    const error = await repository.plan(repository.host, ["ap", "app", "nothing"]).catch((reason: unknown) => reason);
    expect((error as LockstepError).problems.map(({ code }) => code)).toEqual(["LS1002", "LS1002"]);
    expect((error as LockstepError).message).toMatch(/there is no image "ap" .*did you mean "app"/);
    expect((error as LockstepError).exitCode).toBe(2);
  });
});
