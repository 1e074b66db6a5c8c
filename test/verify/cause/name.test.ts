import fc from "fast-check";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nameCauses } from "../../../pipeline/verify/cause/name.ts";
import { causes } from "../../../pipeline/verify/cause/table.ts";
import { type Finding, grades, natures, parts } from "../../../pipeline/verify/compare/finding.ts";
import { root } from "../../support.ts";
import { cases } from "./cases.ts";
import { causesPage } from "./page.ts";
import { content, document, entry, layer, mode, mtime, only, scene, type Told } from "./scenes.ts";

const idsOf = (findings: readonly Finding[], told: Told = {}): readonly string[] =>
  nameCauses(scene(findings, told)).causes.map(({ id }) => id);

/** Rows that always come after a likelier one, and say so: they are the second or third guess. */
const seconds = new Set(["T10", "T11", "I12", "X16", "consequence"]);

describe("the cause of differences", () => {
  it.each(cases)("is $id when $what", ({ id, scene: given }) => {
    const { causes: ranked, guesses } = nameCauses(given);
    expect(ranked[0]?.id, JSON.stringify(ranked.map((one) => [one.id, one.confidence, one.count]))).toBe(id);
    expect(ranked[0]?.evidence.length).toBeGreaterThan(0);
    expect(ranked[0]?.fix).not.toMatch(/[{}]|undefined/);
    expect(guesses).toHaveLength(given.findings.length);
  });

  it("has a case for every cause that can come first", () => {
    const tested = new Set(cases.map(({ id }) => id));
    expect(causes.map(({ id }) => id).filter((id) => tested.has(id) === seconds.has(id))).toEqual([]);
  });

  it("is among the first three where another one is likelier", () => {
    const inRun = { steps: ["RUN /bin/sh -c make # buildkit"], created: 1_700_000_000 };
    const date = content("app/x.txt", "line 1", "2024-01-01", "2024-01-02", { natures: ["time"] });
    expect(idsOf([date], inRun)).toContain("T11");
    expect(idsOf([layer("compression", "gzip", "zstd")])).toContain("Z10");
    expect(idsOf([layer("encoder", undefined, undefined)])).toEqual(["Z2", "Z3", "Z12"]);
    expect(idsOf([content("app/x", "line 1", "jobs 2", "jobs 9", { natures: ["number"] })])).toContain("L17");
    const fetched = { steps: ["RUN /bin/sh -c curl -O https://files.example/x # buildkit"] };
    expect(idsOf([content("opt/x", "bytes 1", "a", "b", { format: "bytes" })], fetched)).toContain("E6");
    expect(idsOf([document("config", "history[4]", undefined, "{}")])).toContain("I9");
    expect(idsOf([content("opt/x", "bytes 1", "a", "b", { format: "bytes" })], { steps: ["a step"] })).toContain("X16");
    const apart = [
      document("config", "created", "2024-01-01T00:00:03Z", "2024-01-01T00:00:05Z", {
        grade: "clock",
        natures: ["time"],
      }),
      mtime("app/x", "1704067202", "1704067203"),
    ];
    expect(idsOf(apart)).toContain("T10");
    const types = document(
      "manifest",
      "mediaType",
      "application/vnd.docker.distribution.manifest.v2+json",
      "application/vnd.oci.image.manifest.v1+json",
    );
    expect(idsOf([types])).toContain("I12");
    expect(idsOf([content("app/x", "line 1", "1.000,5", "1,000.5", { natures: ["language"] })])).toContain("L21");
  });

  it("is that of an entry where it is one of an archive within a file", () => {
    const within = (
      entry: string,
      field: string,
      a: string,
      b: string,
      of: Partial<Pick<Finding, "grade" | "natures">> = {},
    ): Finding => {
      const one = content("app/app.deb", field, a, b, { format: "tar", ...of });
      return { ...one, where: { ...one.where, inside: ["data.tar.xz", "data.tar", entry] } };
    };
    expect(idsOf([within("usr", "mtime", "1700000000", "1700086400", { natures: ["time"] })])[0]).toBe("T1");
    expect(idsOf([within("usr/bin/x", "mode", "0644", "0664", { grade: "privilege" })])[0]).toBe("P1");
    expect(idsOf([within("usr", "uid", "0", "1000", { natures: ["identity"] })])[0]).toBe("P4");
    const order = content("app/app.deb", "dialect", "ustar (4)", "gnu (4)", { format: "tar" });
    expect(idsOf([{ ...order, where: { ...order.where, inside: ["data.tar.xz", "data.tar"] } }])[0]).toBe("O7");
    // Times of the layer say nothing of those within: each archive is surveyed on its own.
    const inner = within("usr", "mtime", "1700000000", "1700000000.5", { natures: ["time"] });
    expect(nameCauses(scene([mtime("app", "1", "2"), inner])).guesses.map(([first]) => first?.id)).toEqual([
      "T1",
      "T4",
    ]);
  });

  it("takes the end of an archive that has other contents for what follows from them", () => {
    const padding = layer("padding", "3 blocks", "9 blocks");
    expect(idsOf([padding])[0]).toBe("O12");
    const changed = content("app/x.gz", "encoder", "1", "2", {
      format: "gzip",
      natures: ["encoder"],
      grade: "encoding",
    });
    expect(idsOf([padding, changed]).slice(0, 1)).toEqual(["L22"]);
  });

  it("has ids that are rows of the catalogue or words, each once", () => {
    const ids = causes.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^(?:[TOZPSLEIVX]\d{1,2}|[a-z]+)$/.test(id))).toEqual([]);
  });

  it("has a page that says the same", async () => {
    await expect(causesPage()).toMatchFileSnapshot(join(root, "docs/causes.md"));
  });
});

describe("the ranking", () => {
  const times = Array.from({ length: 3000 }, (_, i) => mtime(`app/${i}`, "1700000000", "1700086400"));

  it("folds equal causes, with what they show as a whole and some examples from all over", () => {
    const [first] = nameCauses(scene(times, { steps: ["COPY app /app # buildkit"] })).causes;
    expect(first).toMatchObject({ id: "T1", count: 3000, grade: "clock", examples: [0, 750, 1500, 2249, 2999] });
    expect(first?.evidence[0]).toBe("3000 times of layer 1 differ, all by +86400 seconds");
  });

  it("puts one privilege before thousands of times", () => {
    expect(idsOf([...times, mode("usr/bin/x", "0755", "4755")]).slice(0, 2)).toEqual(["P7", "T1"]);
  });

  it("puts what follows, and what nobody knows, after all else", () => {
    const digests = Array.from({ length: 50 }, (_, i) =>
      document("manifest", `layers[${i}].digest`, "sha256:a", "sha256:b"),
    );
    const strange = Array.from({ length: 50 }, (_, i) =>
      document("config", `strange${i}`, "a", "b", { grade: "privilege" }),
    );
    const ids = idsOf([...digests, ...strange, layer("gzip.mtime", "1", "0")]);
    expect(ids[0]).toBe("T7");
    expect(ids.slice(1, 3).toSorted()).toEqual(["consequence", "unknown"]);
  });

  it("says what it may be instead, with a count of 0, where there is one cause", () => {
    const { causes: ranked } = nameCauses(scene([mode("app/x", "0644", "0664")]));
    expect(ranked.map(({ id, count }) => [id, count])).toEqual([
      ["P1", 1],
      ["permissions", 0],
      ["P2", 0],
    ]);
  });

  it("says what to do for the tool that made the layer, and names the step", () => {
    const found = [mode("app/x", "0644", "0664", "file", { layer: 2 })];
    const fixOf = (steps: readonly string[], format?: string) =>
      nameCauses(scene(found, { steps, ...(format === undefined ? {} : { format }) })).causes[0]?.fix;
    expect(fixOf(["FROM x", "COPY app /app # buildkit"])).toBe(
      "add `--chmod=` to layer 2 (`COPY app /app`), or set modes before the build (`git ls-files -z | xargs -0 chmod …` by git's own modes)",
    );
    expect(fixOf(["x", "lockstep: files app /app"], "1")).toBe(
      "layer 2 (`files app /app`) was made with the modes of a checkout: use those of git (644 and 755), or say `mode:` in the spec",
    );
    expect(fixOf([])).toBe("copy into layer 2 with modes that are set, not taken from the checkout: 644 and 755");
    const steps = ["x", "/bin/sh -c useradd \u001b[31mapp"];
    const [shadow] = nameCauses(
      scene([content("etc/shadow", "last change", "1", "2", { layer: 2, natures: ["time"] })], { steps }),
    ).causes;
    expect(shadow?.fix).toContain("layer 2 (`RUN useradd  [31mapp`)");
  });

  it("does not call a base moved that one side alone has", () => {
    const named = (a: string | undefined, b: string | undefined) =>
      nameCauses(scene([document("manifest", 'annotations["org.opencontainers.image.base.digest"]', a, b)])).causes[0];
    expect(named("sha256:1", "sha256:2")?.id).toBe("I11");
    expect(named(undefined, "sha256:2")?.id).not.toBe("I11");
  });

  it("says in evidence what both sides have, and nothing for a side that has none", () => {
    const evidence = (finding: Finding) => nameCauses(scene([finding])).causes[0]?.evidence;
    expect(evidence(content("etc/machine-id", "line 1", "a", "b"))).toEqual([
      "/etc/machine-id in layer 1: line 1 is a in A and b in B",
    ]);
    expect(evidence(only("etc/passwd-", "b"))).toEqual(["/etc/passwd- in layer 1 is in B only"]);
    const alone = (a: string, b: string) => layer("presence", a, b);
    expect(evidence(alone("0 layers", "1 layers"))).toEqual(["layer 1 is in B only"]);
    expect(evidence(alone("2 layers", "0 layers"))).toEqual(["layer 1 is in A only"]);
    expect(evidence(document("config", "variant", undefined, "v8"))).toEqual([
      "the config: variant is nothing in A and v8 in B",
    ]);
    expect(evidence(content("etc/ssh/ssh_host_rsa_key", "key", undefined, undefined))).toEqual([
      "/etc/ssh/ssh_host_rsa_key in layer 1: key differs",
    ]);
  });
});

const fields = [
  "presence",
  "type",
  "mode",
  "uid",
  "gid",
  "mtime",
  "user",
  "group",
  "target",
  "device",
  "header",
  "sparse",
  "content",

  "xattr.user.x",
  "xattr.security.capability",
  "pax.atime",
  "pax.x",
  "line 3",
  "order",
  "created",
  "history[0].created_by",

  "gzip.os",
  "encoder",
  "compression",
  "dialect",
  "padding",
  "config.Env.X",
  "annotations",
  'annotations["x"]',
  "manifests[0].digest",
  "form",
  "",
  "[",
];
const paths = [
  "",
  "app",
  "etc/shadow",
  "var/log/x",
  "a/__pycache__/b.pyc",
  "usr/lib/x.so",
  "var/lib/dpkg/status",
  "app/.wh.x",
  "x/node_modules/y/package.json",
  "\u00e9",
  "//",
  "a/../b",
];
const text = fc.option(
  fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.constantFrom("0644", "4755", "1700000000.5", "-1", "file", "directory", "sha256:a", "NaN", "1e400"),
  ),
  { nil: undefined },
);

const anyFinding: fc.Arbitrary<Finding> = fc
  .record({
    part: fc.constantFrom(...parts),
    layer: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    path: fc.option(fc.oneof(fc.constantFrom(...paths), fc.string({ maxLength: 20 })), { nil: undefined }),
    inside: fc.option(fc.array(fc.string({ maxLength: 8 }), { maxLength: 3 }), { nil: undefined }),
    field: fc.oneof(fc.constantFrom(...fields), fc.string({ maxLength: 12 })),
    a: text,
    b: text,
    grade: fc.constantFrom(...grades),
    format: fc.option(fc.constantFrom("elf", "text", "json", "zip", "gzip", "bytes"), { nil: undefined }),
    natures: fc.option(fc.uniqueArray(fc.constantFrom(...natures)), { nil: undefined }),
    facts: fc.option(
      fc.dictionary(
        fc.constantFrom("type", "mode", "sortedA", "valueA", "encoderA", "encoderB", "lineEnds"),
        fc.oneof(fc.string(), fc.integer(), fc.boolean()),
      ),
      { nil: undefined },
    ),
  })
  .map(({ part, layer: number, path, inside, field, ...rest }) => {
    const defined = (value: object): object =>
      Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));
    return { ...defined(rest), where: { ...defined({ layer: number, path, inside }), part, field } } as Finding;
  });

describe("of any findings", () => {
  it("are named one to three causes each, likeliest first, with confidences from 0 to 1", () => {
    fc.assert(
      fc.property(fc.array(anyFinding, { maxLength: 12 }), (findings) => {
        const { causes: ranked, guesses } = nameCauses(
          scene(findings, { created: 1_700_000_000, steps: ["COPY . /", "RUN x"] }),
        );
        expect(guesses).toHaveLength(findings.length);
        for (const list of guesses) {
          expect(list.length).toBeGreaterThanOrEqual(1);
          expect(list.length).toBeLessThanOrEqual(3);
          expect(new Set(list.map(({ id }) => id)).size).toBe(list.length);
          for (const [index, { confidence }] of list.entries()) {
            expect(confidence).toBeGreaterThan(0);
            expect(confidence).toBeLessThanOrEqual(list[index - 1]?.confidence ?? 1);
          }
        }
        expect(ranked.reduce((sum, { count }) => sum + count, 0)).toBe(findings.length);
        for (const { examples, evidence, fix, confidence, count } of ranked) {
          expect(examples.length).toBeGreaterThan(0);
          expect(examples.every((index) => index >= 0 && index < findings.length)).toBe(true);
          expect(evidence.length <= 4 && fix !== "" && confidence > 0 && confidence <= 1 && count >= 0).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("are named the same causes in any order of the findings", () => {
    fc.assert(
      fc.property(
        fc
          .array(anyFinding, { maxLength: 10 })
          .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([findings, shuffled]) => {
          const essence = (list: readonly Finding[]) =>
            nameCauses(scene(list)).causes.map(({ id, count, confidence, grade }) => [id, count, confidence, grade]);
          expect(essence(shuffled)).toEqual(essence(findings));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("of entries are judged by what their layer shows: the same time is another cause in another layer", () => {
    const directory = mtime("d", "1700000000", "1700000001", "directory");
    expect(idsOf([directory])[0]).toBe("T22");
    const files = Array.from({ length: 9 }, (_, i) => mtime(`f${i}`, "1700000000", "1700000001"));
    const { guesses } = nameCauses(scene([directory, ...files]));
    expect(guesses[0]?.[0]?.id).toBe("T1");
    expect(entry("x", "mtime", "1", "2").where.part).toBe("entry");
  });
});
