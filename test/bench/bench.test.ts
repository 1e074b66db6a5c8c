import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { array, assert, double, property } from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { readLock } from "../../pipeline/lock/lockfile.ts";
import { packageKey, type Lock } from "../../pipeline/lock/types.ts";
import { resolutionStale } from "../../pipeline/build/pin-stale.ts";
import { planImages } from "../../pipeline/build/planner.ts";
import { loadImages } from "../../pipeline/spec/load.ts";
import { root, scene } from "../support.ts";
import { interleave, timed } from "./measure.ts";
import type { Bench, Figure, Result } from "./model.ts";
import { readOptions } from "./options.ts";
import { asMarkdown, asText, beginMarker, endMarker, replaceMarked, type BenchDocument } from "./report.ts";
import { lockFor, packagesOf, writeRepository } from "./repository.ts";
import { fleetOf } from "./rows/fleet.ts";
import { combination } from "./rows/image.ts";
import { Scratch } from "./scratch.ts";
import { fastest, isReached, spreadOf, summarise } from "./statistics.ts";

const of = (name: string, wall: number) => summarise(name, [{ wall }]);

let lock: Lock;
beforeAll(async () => {
  lock = await readLock(root);
});

describe("figures", () => {
  it("take the middle of odd and even numbers of rounds", () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(() => spreadOf([])).toThrow(RangeError);
  });

  it("do not depend on the order of rounds, and the median lies between the extremes", () => {
    const samples = array(double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });
    assert(
      property(samples, (values) => {
        const spread = spreadOf(values);
        expect(spreadOf(values.toReversed())).toEqual(spread);
        expect(spread.min).toBeLessThanOrEqual(spread.median);
        expect(spread.median).toBeLessThanOrEqual(spread.max);
      }),
    );
  });

  it("give memory and CPU time only when every round has them", () => {
    const one = { wall: 1, cpu: 2, peak: 3 };
    expect(summarise("a", [one, { wall: 2, cpu: 1, peak: 9 }])).toMatchObject({ peak: 9, cpu: { max: 2 } });
    expect(summarise("a", [one, { wall: 2 }])).not.toHaveProperty("peak");
  });

  it("compare with the fastest, and reach a target that they equal", () => {
    expect(fastest([of("slow", 3), of("fast", 1), of("middle", 2)])?.name).toBe("fast");
    expect(fastest([])).toBeUndefined();
    const figure: Figure = { name: "x", value: 0.55, unit: "×", target: 0.55 };
    expect([isReached(figure), isReached({ ...figure, value: 0.551 })]).toEqual([true, false]);
    expect(isReached({ name: "x", value: 1, unit: "×" })).toBeUndefined();
  });
});

describe("the command line", () => {
  it("has defaults, and one round when it is to be quick", () => {
    expect(readOptions([])).toEqual({ rounds: 5, quick: false, only: [], json: "out/bench.json", help: false });
    expect(readOptions(["--quick"]).rounds).toBe(1);
    expect(readOptions(["--only", "image,pin", "--only", "gzip"]).only).toEqual(["image", "pin", "gzip"]);
  });

  it.each([["--rounds", "0"], ["--rounds", "many"], ["--rounds", "21"], ["--fast"]])("refuses %s %s", (...args) => {
    expect(() => readOptions(args)).toThrow();
  });
});

describe("repositories of the benchmark", () => {
  it("answer their own specs, with the packages of this repository's lock", async () => {
    const { host, directory } = scene();
    const packages = packagesOf(lock, "node");
    expect(packages.length).toBeGreaterThan(20);
    mkdirSync(join(directory, "images", "web", "app"), { recursive: true });
    writeFileSync(join(directory, "images", "web", "app", "server.js"), "");
    await writeRepository(host, lock, directory, [
      { name: "base", packages },
      { name: "web", packages, from: "base", files: "app" },
    ]);
    const specs = await loadImages(directory);
    const own = await readLock(directory);
    expect(resolutionStale(specs, own)).toEqual([]);
    const [planned] = planImages({ root: directory, specs, lock: own }, ["web"]);
    expect(planned?.packages.size).toBe(packages.length);
    expect(planned?.plan.layers).toHaveLength(2);
  });

  it("have releases for their packages only", () => {
    const [item] = packagesOf(lock, "node");
    const small = lockFor(lock, [{ name: "small", packages: item === undefined ? [] : [item] }]);
    expect([...small.releases.keys()]).toEqual([item?.release]);
  });

  it("leave out another package each round, and never one that every image needs", () => {
    const packages = packagesOf(lock, "node");
    const left = Array.from({ length: 20 }, (_, round) => {
      const kept = new Set(combination(packages, round));
      return packages.filter((item) => !kept.has(item)).map(({ name }) => name);
    });
    expect(left.every((names) => names.length === 1)).toBe(true);
    const names = left.flat();
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain("base-files");
    expect(() => combination(packages, packages.length)).toThrow(RangeError);
  });

  it("make twenty images of thirty packages that share twenty-four", () => {
    const sets = fleetOf(packagesOf(lock, "node"), packagesOf(lock, "toolbox")).map(
      (packages) => new Set(packages.map(packageKey)),
    );
    expect(sets.map((set) => set.size)).toEqual(Array.from({ length: 20 }, () => 30));
    const [first] = sets;
    expect([...(first ?? [])].filter((key) => sets.every((set) => set.has(key)))).toHaveLength(24);
  });
});

const results: readonly Result[] = [
  {
    row: 1,
    title: "work",
    figures: [
      { name: "÷ other", value: 0.5, unit: "×", target: 0.55 },
      { name: "peak", value: 400, unit: "MiB", target: 300 },
    ],
    measured: [summarise("ours", [{ wall: 1, cpu: 2, peak: 2 ** 20 }])],
    notes: ["a | b"],
  },
];
const document: BenchDocument = {
  version: 1,
  machine: {
    cpu: "CPU",
    cores: 2,
    memory: 2 ** 30,
    system: "Linux",
    architecture: "x64",
    fileSystem: "ext4",
    node: "v24",
    programs: { gzip: "gzip 1.12" },
    commit: "abc",
    date: "2026-01-01T00:00:00Z",
    load: 0,
  },
  rounds: 1,
  results,
  skipped: [{ name: "pin", reason: "no network" }],
};

describe("the report", () => {
  it("says of each target whether it is reached", () => {
    const lines = asText(document).split("\n");
    expect(lines.find((line) => line.includes("÷ other"))).toMatch(/0\.500 × +≤ 0\.55 × +yes$/);
    expect(lines.find((line) => line.includes("peak  "))).toMatch(/400 MiB +≤ 300 MiB +no$/);
    expect(lines).toContain("skipped: pin (no network)");
  });

  it("replaces what is between the markers, again and again, and nothing else", () => {
    const text = `# Title\n\n${beginMarker}\nold\n${endMarker}\n\nend\n`;
    const once = replaceMarked(text, asMarkdown(document));
    expect(once).toMatch(/^# Title\n/);
    expect(once).toMatch(/<!-- end -->\n\nend\n$/);
    expect(once).not.toContain("old");
    expect(replaceMarked(once, asMarkdown(document))).toBe(once);
    expect(() => replaceMarked("# Title\n", "")).toThrow(/needs one line/);
  });
});

function benchHere(): Bench {
  const { host } = scene();
  return { host, scratch: new Scratch(), root, lock, rounds: 2, warmUp: true, say: () => {} };
}

describe("measuring", () => {
  it("takes turns, and does not count the first round", async () => {
    const bench = benchHere();
    const order: string[] = [];
    const contender = (name: string) => ({
      name,
      run: async (round: number) => {
        order.push(`${name}${round}`);
        return { wall: round };
      },
    });
    const measured = await interleave(bench, [contender("a"), contender("b")]);
    expect(order).toEqual(["a0", "b0", "a1", "b1", "a2", "b2"]);
    expect(measured.map(({ wall }) => wall)).toEqual([
      { median: 1.5, min: 1, max: 2 },
      { median: 1.5, min: 1, max: 2 },
    ]);
    bench.scratch.close();
    expect(existsSync(bench.scratch.directory)).toBe(false);
  });

  it("gives a program's output, and its complaints when it fails", async () => {
    const bench = benchHere();
    const { stdout, sample } = await timed(bench, { program: "sh", args: ["-c", "echo out"] });
    expect(stdout).toBe("out\n");
    expect(sample.wall).toBeGreaterThan(0);
    await expect(timed(bench, { program: "sh", args: ["-c", "echo why >&2; exit 3"] })).rejects.toThrow(
      /ended with 3:\nwhy/,
    );
    bench.scratch.close();
  });

  it("ends what still runs when it is closed", async () => {
    const bench = benchHere();
    const running = timed(bench, { program: "sh", args: ["-c", "tail -f /dev/null"] });
    bench.scratch.close();
    await expect(running).rejects.toThrow(/ended with null/);
  });
});
