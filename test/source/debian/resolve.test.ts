import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matches } from "../../../pipeline/source/debian/candidate.ts";
import { resolve } from "../../../pipeline/source/debian/resolve.ts";
import { digestOf, hexOf } from "../../../pipeline/store/digest.ts";
import { errorOf, resolved, source, universe } from "./universes.ts";

const provider = (name: string, more = ""): string => `${name} 1 | Provides: v${more}`;

describe("what is chosen", () => {
  it("is the newest version of all suites, and on equal versions the first suite's", () => {
    const from = universe(["a 1", "b 1"], ["a 3", "b 1"], ["a 2"]);
    expect(resolved(from, ["a", "b"])).toEqual(["a 3", "b 1"]);
    expect(from.offered("b").map(({ release }) => release)).toEqual(["suite@0", "suite@1"]);
  });

  it("follows Pre-Depends and Depends, and nothing else", () => {
    const from = universe([
      "a 1 | Pre-Depends: b | Depends: c | Recommends: d | Suggests: e",
      "b 1 | Depends: f",
      "c 1",
      "d 1",
      "e 1",
      "f 1",
    ]);
    expect(resolved(from, ["a"])).toEqual(["a 1", "b 1", "c 1", "f 1"]);
    expect(resolved(from, ["a"], { dependencies: "none" })).toEqual(["a 1"]);
  });

  it("ends where packages depend on each other", () => {
    expect(resolved(universe(["a 1 | Depends: b", "b 1 | Depends: a"]), ["a"])).toEqual(["a 1", "b 1"]);
  });

  it("takes the first alternative that is there, unless another is chosen already", () => {
    const from = universe(["a 1 | Depends: none | b | c", "b 1", "c 1", "z 1 | Depends: b (>= 2) | c"]);
    expect(resolved(from, ["a"])).toEqual(["a 1", "b 1"]);
    expect(resolved(from, ["a", "c"])).toEqual(["a 1", "c 1"]);
    expect(resolved(from, ["z"])).toEqual(["c 1", "z 1"]);
  });

  it("takes for a virtual package what is chosen, then Essential, then by Priority, then by name", () => {
    const a = "a 1 | Depends: v";
    expect(resolved(universe([a, provider("x"), provider("c"), provider("d")]), ["a"])).toEqual(["a 1", "c 1"]);
    expect(resolved(universe([a, provider("c"), provider("x", " | Priority: important")]), ["a"])).toEqual([
      "a 1",
      "x 1",
    ]);
    expect(
      resolved(universe([a, provider("c", " | Priority: required"), provider("x", " | Essential: yes")]), ["a"]),
    ).toEqual(["a 1", "x 1"]);
    expect(resolved(universe([a, provider("c"), provider("x")]), ["a", "x"])).toEqual(["a 1", "x 1"]);
  });

  it("prefers the package of that name to those that provide it", () => {
    expect(resolved(universe(["a 1 | Depends: v", "b 1 | Provides: v | Priority: required", "v 1"]), ["a"])).toEqual([
      "a 1",
      "v 1",
    ]);
  });

  it("matches versions of what is provided", () => {
    const from = universe([
      "a 1 | Depends: v (>= 2)",
      "b 1 | Provides: v",
      "c 1 | Provides: v (= 1)",
      "d 1 | Provides: v (= 2)",
      "e 1 | Provides: v (>= 9)",
    ]);
    expect(resolved(from, ["a"])).toEqual(["a 1", "d 1"]);
  });

  it("knows architecture qualifiers", () => {
    const from = universe([
      "a 1 | Depends: b:any | c:amd64",
      "b 1",
      "c 1",
      "d 1 | Depends: e:any",
      "e 1 | Multi-Arch: allowed",
    ]);
    expect(resolved(from, ["a"])).toEqual(["a 1", "c 1"]);
    expect(resolved(from, ["d"])).toEqual(["d 1", "e 1"]);
  });

  it("adds implied packages last and does not follow them, unless something asks for them", () => {
    const from = universe(["a 1", "b 1 | Depends: base-files", "base-files 1 | Pre-Depends: awk", "awk 1"]);
    const implied = ["base-files"];
    expect(resolved(from, ["a"], { implied })).toEqual(["a 1", "base-files 1"]);
    expect(resolved(from, ["a", "base-files"], { implied })).toEqual(["a 1", "awk 1", "base-files 1"]);
    expect(resolved(from, ["b"], { implied })).toEqual(["awk 1", "b 1", "base-files 1"]);
  });

  it("keeps all of the base image as it is", () => {
    const from = universe(["a 1 | Depends: v", "b 1 | Provides: v", "c 1 | Provides: v | Depends: d", "d 1"]);
    const base = from.offered("c");
    expect(resolved(from, ["a"], { base })).toEqual(["a 1", "c 1"]);
    expect(resolved(from, ["b"], { base })).toEqual(["b 1", "c 1"]);
  });
});

describe("packages that exclude each other", () => {
  it("takes another alternative", () => {
    expect(resolved(universe(["a 1 | Depends: b | c", "b 1", "c 1", "d 1 | Conflicts: b"]), ["a", "d"])).toEqual([
      "a 1",
      "c 1",
      "d 1",
    ]);
    expect(resolved(universe(["a 1 | Depends: b | c", "b 1 | Breaks: d (<< 2)", "c 1", "d 1"]), ["a", "d"])).toEqual([
      "a 1",
      "c 1",
      "d 1",
    ]);
  });

  it("goes back to a choice that was made earlier", () => {
    const from = universe(["a 1 | Depends: b | c, d", "b 1", "c 1", "d 1 | Depends: e", "e 1 | Conflicts: b"]);
    expect(resolved(from, ["a"])).toEqual(["a 1", "c 1", "d 1", "e 1"]);
  });

  it("goes back over choices that have nothing to do with it", () => {
    const noise = Array.from({ length: 40 }, (_, i) => [
      `n${i} 1 | Depends: x${i} | y${i}`,
      `x${i} 1`,
      `y${i} 1`,
    ]).flat();
    const from = universe([...noise, "a 1 | Depends: b | c", "b 1", "c 1", "z 1 | Depends: zz", "zz 1 | Conflicts: b"]);
    const names = ["a", ...Array.from({ length: 40 }, (_, i) => `n${i}`), "z"];
    expect(resolved(from, names)).toContain("c 1");
  });

  it("lets a package conflict with the name it provides", () => {
    expect(resolved(universe(["a 1 | Provides: v | Conflicts: v"]), ["a"])).toEqual(["a 1"]);
    expect(
      errorOf(() => resolved(universe(["a 1 | Provides: v | Conflicts: v", "b 1 | Provides: v"]), ["a", "b"])),
    ).toContain("LS2104");
  });

  it("does not take an unversioned Provides for a versioned conflict", () => {
    expect(resolved(universe(["a 1 | Conflicts: v (<< 2)", "b 1 | Provides: v"]), ["a", "b"])).toEqual(["a 1", "b 1"]);
  });
});

const bad = (fields: Record<string, string>): string =>
  errorOf(() => resolved(universe([{ Package: "a", ...fields }]), ["a"]));

describe("messages", () => {
  it("names every package that is missing, with its place and a suggestion", () => {
    const from = universe(["nodejs 1", "exim4 1 | Provides: mta", "postfix 1 | Provides: mta"]);
    expect(errorOf(() => resolved(from, ["nodjs", "mta", "qqqq"]))).toBe(
      [
        'LS2103 images/web/image.yaml:14:9 package "nodjs" is not in trixie; did you mean "nodejs"?',
        'LS2103 images/web/image.yaml:14:10 package "mta" is not in trixie; it is a virtual package: name one that provides it (exim4, postfix)',
        'LS2103 images/web/image.yaml:14:11 package "qqqq" is not in trixie',
      ].join("\n"),
    );
  });

  it("gives the chain to a dependency that nothing satisfies", () => {
    const from = universe(["nodejs 1 | Depends: libnode115 (= 1)", "libnode115 2"]);
    expect(errorOf(() => resolved(from, ["nodejs"]))).toBe(
      "LS2102 images/web/image.yaml:14:9 web → nodejs → libnode115 (= 1): libnode115 is 2 in trixie; " +
        "the archive does not offer what this package needs; leave the package out, or pin again when the archive has it",
    );
    const deeper = universe([
      "a 1 | Depends: b",
      "b 1 | Depends: c | d (>= 3), e",
      "d 2",
      "e 1 | Provides: c (= 1)",
      "f 1 | Depends: c (= 2)",
    ]);
    expect(errorOf(() => resolved(deeper, ["f"]))).toContain(
      "web → f → c (= 2): c is provided by e, but not in that version;",
    );
    expect(errorOf(() => resolved(universe(["a 1 | Depends: b | c (>= 3)", "c 2"]), ["a"]))).toContain(
      "web → a → b | c (>= 3): b is not in trixie; c is 2 in trixie;",
    );
    expect(errorOf(() => resolved(universe(["a 1 | Depends: b:any", "b 2"]), ["a"]))).toContain(
      "b is 2 in trixie and not marked Multi-Arch: allowed",
    );
  });

  it("gives both chains of packages that exclude each other", () => {
    const from = universe(["a 1 | Depends: b", "b 1", "c 1 | Depends: d", "d 1 | Breaks: b (<< 2)"]);
    expect(errorOf(() => resolved(from, ["a", "c"]))).toBe(
      "LS2104 images/web/image.yaml:14:10 web → c → d cannot be with web → a → b: Breaks b (<< 2); " +
        "leave one of the two out, or name another alternative in the list of packages",
    );
  });

  it("says when the base image is in the way", () => {
    const from = universe(["b 1", "a 1 | Depends: b (= 2)"], ["b 2"]);
    const base = from.offered("b").filter(({ version }) => version === "1");
    expect(errorOf(() => resolved(from, ["a"], { base }))).toContain(
      "web → a → b (= 2): b 2 is needed, but b of the base image is 1; pin the base image anew",
    );
  });

  it("refuses a malformed stanza by name", () => {
    expect(bad({ Filename: "pool/../../etc/a_1.deb" })).toContain(
      'LS2101 trixie/main/binary-amd64/Packages package "a": "pool/../../etc/a_1.deb" is not a path of the pool',
    );
    expect(bad({ Filename: "/pool/a.deb" })).toContain("LS2101");
    expect(bad({ SHA256: "00" })).toContain("there is no SHA256");
    expect(bad({ Size: "-1" })).toContain('"-1" is not a size');
    expect(bad({ Depends: "b (c)" })).toContain("Depends is not a list of relations");
    expect(bad({ Version: "x" })).toContain('"x" is not a version');
    expect(bad({ Architecture: "arm64" })).toContain('architecture "arm64" is not amd64 or all');
    expect(bad({ Source: "x y" })).toContain("is not a source package");
  });
});

describe("preferences", () => {
  it("keeps what is preferred where it fits, and moves what must", () => {
    const from = universe(["a 1 | Depends: b (= 1), c", "b 1", "c 1"], ["a 2 | Depends: b (= 2), c", "b 2", "c 2"]);
    const prefer = (released: string) => (name: string) => (name === released ? undefined : from.offered(name).at(-1));
    expect(resolved(from, ["a"], { prefer: prefer("") })).toEqual(["a 1", "b 1", "c 1"]);
    expect(resolved(from, ["a"], { prefer: prefer("a") })).toEqual(["a 2", "b 2", "c 1"]);
    expect(resolved(from, ["b", "a"], { prefer: prefer("a") })).toEqual(["a 2", "b 2", "c 1"]);
    expect(resolved(from, ["a"], { prefer: prefer("c") })).toEqual(["a 1", "b 1", "c 2"]);
  });
});

describe("packages recalled from earlier indexes", () => {
  it("are kept when they are preferred, and are never the newest", () => {
    const earlier = source(["a 9", "b 9 | Provides: v", "c 9"], "earlier@0");
    const from = universe(["a 1", "b 1", "d 1 | Depends: v"]).recalling([earlier]);
    const kept = (name: string) => from.find(name, { version: "9", sha256: hexOf(digestOf(`${name} 9 amd64`)) });
    expect(resolved(from, ["a", "b"])).toEqual(["a 1", "b 1"]);
    expect(resolved(from, ["a", "b", "c"], { prefer: kept })).toEqual(["a 9", "b 9", "c 9"]);
    expect(resolved(from, ["d"], { prefer: kept })).toEqual(["b 9", "d 1"]);
    expect(errorOf(() => resolved(from, ["c"]))).toContain("LS2103");
    expect(errorOf(() => resolved(from, ["d"]))).toContain("v is provided by b, but not in that version");
  });
});

describe("any universe", () => {
  const names = ["a", "b", "c", "d", "e"];
  const relation = fc
    .tuple(fc.constantFrom(...names), fc.constantFrom("", "", " (>= 2)", " (= 1)"))
    .map((parts) => parts.join(""));
  const clause = fc.array(relation, { minLength: 1, maxLength: 2 }).map((items) => items.join(" | "));
  const item = fc.record({
    version: fc.constantFrom("1", "2"),
    depends: fc.array(clause, { maxLength: 2 }),
    conflicts: fc.array(relation, { maxLength: 1 }),
    provides: fc.array(fc.constantFrom(...names), { maxLength: 1 }),
  });
  const archive = fc.tuple(...names.map(() => item)).map((items) =>
    items.map(({ version, depends, conflicts, provides }, position) => ({
      Package: names[position] ?? "x",
      Version: version,
      ...(depends.length > 0 ? { Depends: depends.join(", ") } : {}),
      ...(conflicts.length > 0 ? { Conflicts: conflicts.join(", ") } : {}),
      ...(provides.length > 0 ? { Provides: provides.join(", ") } : {}),
    })),
  );

  it("is answered with a consistent set, or with no only when there is none", () => {
    fc.assert(
      fc.property(archive, fc.constantFrom(...names), (packages, wanted) => {
        const from = universe(packages);
        const all = names.flatMap((name) => from.offered(name));
        const consistent = (set: typeof all): boolean =>
          set.every(
            (one) =>
              one.depends.every((clause) => clause.some((it) => set.some((other) => matches(it, other)))) &&
              one.conflicts.every(({ relation: it }) => !set.some((other) => other !== one && matches(it, other))),
          );
        let found: typeof all | undefined;
        try {
          found = [
            ...resolve({
              universe: from,
              image: "x",
              base: [],
              request: [{ name: wanted }],
              dependencies: "all",
              implied: [],
            }),
          ];
        } catch {
          found = undefined;
        }
        if (found !== undefined) {
          expect(consistent(found)).toBe(true);
          return;
        }
        // Five packages have few enough subsets to try them all.
        for (let bits = 0; bits < 1 << all.length; bits++) {
          const set = all.filter((_, position) => ((bits >> position) & 1) === 1);
          if (set.some(({ name }) => name === wanted)) expect(consistent(set)).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });
});
