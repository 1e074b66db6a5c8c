import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LockstepError, type Problem } from "../../../pipeline/host/errors.ts";
import { causes } from "../../../pipeline/verify/cause/table.ts";
import type { Comparison, Difference } from "../../../pipeline/verify/compare/comparison.ts";
import { applyWaivers } from "../../../pipeline/verify/waivers/apply.ts";
import { parseWaivers } from "../../../pipeline/verify/waivers/parse.ts";
import { readWaivers } from "../../../pipeline/verify/waivers/read.ts";
import { lockstep } from "../../cli/lockstep.ts";
import { temporaryDirectory } from "../../support.ts";
import { content, document, layer, mode, mtime, only } from "../cause/scenes.ts";
import { writeLayout } from "../image-of.ts";

const one = `waivers:
  - image: web
    path: /var/log/dpkg.log
    cause: S10
    reason: the base has it
    owner: team-web
    expires: 2026-06-30
`;
const also = (text: string): string => `${one}${text.replaceAll(/^/gm, "    ").replace("    ", "  - ")}\n`;

async function problemsOf(text: string, images?: readonly string[]): Promise<readonly Problem[]> {
  try {
    parseWaivers(text, images);
  } catch (error) {
    if (error instanceof LockstepError) return error.problems;
    throw error;
  }
  return [];
}

const told = async (text: string, images?: readonly string[]): Promise<readonly string[]> =>
  (await problemsOf(text, images)).map(
    ({ code, message, place }) => `${code} ${place?.file}:${place?.line}:${place?.column} ${message}`,
  );

const clock = (day: string) => ({ now: () => Date.parse(`${day}T12:00:00Z`) });

function compared(differences: readonly (Omit<Difference, "causes"> & { readonly cause: string })[]): Comparison {
  const side = { name: "x", kind: "image" as const, digest: "sha256:x" };
  return {
    schema: 1,
    verdict: differences.length === 0 ? "equal" : "differs",
    grade: differences.length === 0 ? null : "content",
    a: side,
    b: side,
    causes: [],
    differences: differences.map(({ cause, ...difference }) => ({
      ...difference,
      causes: [{ id: cause, confidence: 0.9 }],
    })),
    more: 0,
    unread: [],
  };
}

const log = { ...content("var/log/dpkg.log", "line 1", "a", "b"), cause: "S10" };

describe("waivers.yaml", () => {
  it("is read with places, and need not be there", async () => {
    const [waiver] = parseWaivers(one, ["web"]);
    expect(waiver).toMatchObject({
      image: "web",
      expires: "2026-06-30",
      place: { file: "waivers.yaml", line: 2, column: 5 },
    });
    const directory = temporaryDirectory();
    expect(await readWaivers(directory)).toEqual([]);
    writeFileSync(join(directory, "waivers.yaml"), one);
    expect(await readWaivers(directory)).toHaveLength(1);
  });

  it.each<readonly [string, string, readonly string[]]>([
    ["is no YAML", "waivers: [", ["LS5201 waivers.yaml:1:11"]],
    ["is empty", "", ["LS5201 waivers.yaml:1:1 document is empty"]],
    [
      "has another key",
      one.replace("reason:", "why:"),
      ['LS5201 waivers.yaml:2:5 waivers[0] needs the key "reason"', 'LS5201 waivers.yaml:5:5 unknown key "why"'],
    ],
    [
      "has no owner",
      one.replace("    owner: team-web\n", ""),
      ['LS5201 waivers.yaml:2:5 waivers[0] needs the key "owner"'],
    ],
    [
      "has an empty reason",
      one.replace("the base has it", '" "'),
      ["LS5201 waivers.yaml:5:13 waivers[0].reason must be some words"],
    ],
    [
      "has no day",
      one.replace("2026-06-30", "soon"),
      ['LS5201 waivers.yaml:7:14 waivers[0].expires must be a day, such as 2026-12-31, not "soon"'],
    ],
    [
      "has a day that is none",
      one.replace("06-30", "02-30"),
      ['LS5201 waivers.yaml:7:14 waivers[0].expires must be a day that the calendar has, not "2026-02-30"'],
    ],
    [
      "has a glob",
      one.replace("dpkg.log", "*.log"),
      [
        "LS5201 waivers.yaml:3:11 waivers[0].path must be one absolute path in the image, without stars and a slash at the end",
      ],
    ],
    [
      "has neither path nor field",
      one.replace("    path: /var/log/dpkg.log\n", ""),
      ["LS5201 waivers.yaml:2:5 waivers[0] must have a path, a field, or both"],
    ],
    [
      "has a field of nothing",
      one.replace("path: /var/log/dpkg.log", "field: mtime"),
      [
        "LS5201 waivers.yaml:2:5 waivers[0] must have a field that begins with index., manifest., config. or layer. where there is no path",
      ],
    ],
  ])("LS5201: is refused with line and column when it %s", async (_what, text, expected) => {
    const found = await told(text);
    expect(found).toHaveLength(expected.length);
    for (const [index, start] of expected.entries()) expect(found[index]).toContain(start);
  });

  it("LS5201: cannot be a directory", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "waivers.yaml"));
    await expect(readWaivers(directory)).rejects.toThrow(/^LS5201 waivers\.yaml cannot be read/);
  });

  it("LS5202: may not be about privileges, by cause or by field", async () => {
    expect(await told(one.replace("S10", "P7"))).toEqual([
      "LS5202 waivers.yaml:4:12 P7 (a file is setuid or setgid on one side) is about privileges",
    ]);
    for (const { id } of causes.filter(({ grade }) => grade === "privilege"))
      expect((await problemsOf(one.replace("S10", id))).map(({ code }) => code)).toEqual(["LS5202"]);
    for (const field of ["mode", "uid", "gid", "device", "xattr.security.capability", "pax.SCHILY.acl.access"])
      expect((await problemsOf(one.replace("cause:", `field: ${field}\n    cause:`))).map(({ code }) => code)).toEqual([
        "LS5202",
      ]);
  });

  it("LS5206: must name a cause and an image that are there", async () => {
    expect(await told(one.replace("S10", "T99"), ["web"])).toEqual([
      'LS5206 waivers.yaml:4:12 there is no cause "T99"',
    ]);
    expect(await told(one, ["api"])).toEqual(['LS5206 waivers.yaml:2:12 there is no image "web"']);
  });

  it("LS5207: may not cover one thing twice, but another cause of it", async () => {
    const second = "image: web\npath: /var/log/dpkg.log\ncause: S10\nreason: again\nowner: others\nexpires: 2026-07-01";
    expect(await told(also(second))).toEqual(["LS5207 waivers.yaml:8:5 covers what line 2 covers"]);
    expect(await told(also(second.replace("S10", "T13")))).toEqual([]);
    expect(await told(also(second.replace("image: web", "image: api")))).toEqual([]);
  });

  it("never fails but with a code, whatever is in it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.jsonValue().map((value) => JSON.stringify({ waivers: [value] })),
        ),
        async (text) => {
          for (const { code } of await problemsOf(text)) expect(code).toMatch(/^LS520[1-7]$/);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("a waiver", () => {
  const hold = async (text: string, comparison: Comparison, day = "2026-06-30", strict = false) => {
    const held = applyWaivers(clock(day), comparison, "web", parseWaivers(text), { strict });
    return {
      accepted: held.accepted,
      codes: held.problems.map(({ code }) => code),
      waived: held.comparison.differences.map(({ waived }) => waived?.owner),
      held,
    };
  };

  it("covers a path for one cause, until its last day is over, and hides nothing", async () => {
    const comparison = compared([log]);
    const { accepted, codes, waived, held } = await hold(one, comparison);
    expect({ accepted, codes, waived }).toEqual({ accepted: true, codes: [], waived: ["team-web"] });
    expect(held.comparison).toMatchObject({ verdict: "differs", grade: "content" });
    expect(held.comparison.differences[0]?.waived).toEqual({
      reason: "the base has it",
      owner: "team-web",
      expires: "2026-06-30",
    });
    expect(await hold(one, comparison, "2026-07-01")).toMatchObject({
      accepted: false,
      codes: ["LS5203"],
      waived: [undefined],
    });
  });

  it("LS5204: must be used, for the cause that it names, and says which one it is now", async () => {
    expect(await hold(one, compared([]))).toMatchObject({ accepted: false, codes: ["LS5204"] });
    const { held, accepted } = await hold(one, compared([{ ...log, cause: "T13" }]));
    expect(accepted).toBe(false);
    expect(held.problems[0]?.message).toBe("what the waiver for web covers differs, but its cause is T13, not S10");
    expect(await hold(one.replace("image: web", "image: api"), compared([]))).toMatchObject({
      accepted: true,
      codes: [],
    });
  });

  it("LS5202: never covers a difference of grade privilege", async () => {
    const setuid = { ...mode("var/log/dpkg.log", "0644", "4755"), cause: "S10" };
    expect(await hold(one, compared([setuid]))).toMatchObject({
      accepted: false,
      codes: ["LS5202"],
      waived: [undefined],
    });
    expect(await hold(one, compared([log, setuid]))).toMatchObject({
      accepted: false,
      codes: [],
      waived: ["team-web", undefined],
    });
  });

  it("LS5205: ends within a year", async () => {
    expect(await hold(one, compared([log]), "2025-06-29")).toMatchObject({ accepted: true, codes: [] });
    expect(await hold(one, compared([log]), "2025-06-28")).toMatchObject({
      accepted: false,
      codes: ["LS5205"],
      waived: [undefined],
    });
  });

  it("LS5208: is refused where none is allowed", async () => {
    expect(await hold(one, compared([log]), "2026-01-01", true)).toMatchObject({
      accepted: false,
      codes: ["LS5208"],
      waived: [undefined],
    });
    expect(await hold(one.replace("image: web", "image: api"), compared([]), "2026-01-01", true)).toMatchObject({
      accepted: true,
    });
  });

  it("covers exactly the field, layer and platform that it names", async () => {
    const time = {
      ...mtime("var/log/dpkg.log", "1", "2", "file", { layer: 2, platform: "linux/arm64" }),
      cause: "S10",
    };
    const withField = one.replace("cause:", "field: mtime\n    cause:");
    expect((await hold(withField, compared([time, log]))).waived).toEqual(["team-web", undefined]);
    expect((await hold(one.replace("cause:", "layer: 2\n    cause:"), compared([time, log]))).waived).toEqual([
      "team-web",
      undefined,
    ]);
    expect(
      (await hold(one.replace("cause:", "platform: linux/arm64\n    cause:"), compared([time, log]))).waived,
    ).toEqual(["team-web", undefined]);
    const elsewhere = { ...only("var/log/dpkg.log.1", "b"), cause: "S10" };
    expect((await hold(one, compared([log, elsewhere]))).waived).toEqual(["team-web", undefined]);
  });

  it("covers a field of a document or of a layer as explain names it", async () => {
    const field = 'annotations["org.opencontainers.image.created"]';
    const ofField = (name: string, cause: string) =>
      one.replace("path: /var/log/dpkg.log", `field: '${name}'`).replace("S10", cause);
    const created = { ...document("manifest", field, "a", "b"), cause: "T9" };
    expect((await hold(ofField(`manifest.${field}`, "T9"), compared([created]))).waived).toEqual(["team-web"]);
    expect((await hold(ofField(`index.${field}`, "T9"), compared([created]))).waived).toEqual([undefined]);
    const encoder = { ...layer("encoder", "a", "b"), cause: "Z2" };
    expect((await hold(ofField("layer.encoder", "Z2"), compared([encoder]))).waived).toEqual(["team-web"]);
  });

  it("does not make up for what was not looked into, or not listed", async () => {
    const unread = [{ where: { part: "layer" as const, layer: 3 }, reason: "truncated" }];
    expect((await hold(one, { ...compared([log]), unread })).accepted).toBe(false);
    expect((await hold(one, { ...compared([log]), more: 1 })).accepted).toBe(false);
    expect((await hold(one, { ...compared([]), verdict: "differs" })).accepted).toBe(false);
  });
});

describe("explain --image", () => {
  const image = (text: string) =>
    writeLayout(temporaryDirectory(), { layers: [{ items: [{ name: "var/log/dpkg.log", content: text }] }] });
  const repository = (waivers: string): string => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "images"));
    writeFileSync(join(directory, "waivers.yaml"), waivers);
    return directory;
  };
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const today = one.replace("2026-06-30", tomorrow);

  it("shows who answers for what, and says that the two differ all the same", async () => {
    const [a, b] = [image("a\n"), image("b\n")];
    const { code, stdout } = await lockstep(["explain", a, b, "--image", "web", "--json"], { cwd: repository(today) });
    expect(code).toBe(1);
    const { result } = JSON.parse(stdout) as { result: Comparison };
    expect(result.verdict).toBe("differs");
    expect(result.differences.map(({ waived }) => waived)).toEqual([
      { reason: "the base has it", owner: "team-web", expires: tomorrow },
    ]);
  });

  it("LS5204, LS5208: ends with 1 for waivers that must go, even when the two are equal", async () => {
    const a = image("a\n");
    const root = repository(today);
    expect((await lockstep(["explain", a, a], { cwd: root })).code).toBe(0);
    const unused = await lockstep(["explain", a, a, "--image", "web"], { cwd: root });
    expect(unused.code).toBe(1);
    expect(unused.stderr).toContain("LS5204 waivers.yaml:2:5");
    expect(
      (await lockstep(["explain", a, image("b\n"), "--image", "web", "--strict"], { cwd: root })).stderr,
    ).toContain("LS5208");
    expect((await lockstep(["explain", a, a, "--image", "web"], { cwd: repository("waivers: 5") })).code).toBe(3);
  });
});
