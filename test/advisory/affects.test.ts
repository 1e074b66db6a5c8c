import { describe, expect, it } from "vitest";
import { type Answer, affects, loadEcosystems } from "../../pipeline/advisory/affects.ts";
import type { Affected, RangeEvent } from "../../pipeline/advisory/osv.ts";
import { hasProgram, run } from "../support.ts";

type Short = Readonly<Partial<Record<RangeEvent["bound"], string>>>;

function affected(
  ecosystem: string,
  ranges: readonly (readonly Short[])[],
  versions: readonly string[] = [],
): Affected {
  return {
    ecosystem,
    name: "x",
    versions: new Set(versions),
    ranges: ranges.map((events) =>
      events.flatMap((event) =>
        (Object.entries(event) as [RangeEvent["bound"], string][]).map(([bound, version]) => ({ bound, version })),
      ),
    ),
  };
}

const ecosystems = await loadEcosystems();

function ask(about: Affected, version: string): Answer {
  const ecosystem = ecosystems.get(about.ecosystem);
  if (ecosystem === undefined) throw new Error(about.ecosystem);
  return affects(about, version, ecosystem.order);
}

describe("an advisory", () => {
  it("is about the versions from introduced up to fixed, without the latter", () => {
    const about = affected("Debian", [[{ introduced: "0" }, { fixed: "1.2-3+deb13u1" }]]);
    expect(["0~a", "1.2-3", "1.2-3+deb13u1~1", "1.2-3+deb13u1", "1:0"].map((version) => ask(about, version))).toEqual([
      "affected",
      "affected",
      "affected",
      "unaffected",
      "unaffected",
    ]);
  });

  it("is about last_affected itself, about several ranges, and about versions that are listed", () => {
    const about = affected(
      "npm",
      [
        [{ introduced: "1.0.0" }, { last_affected: "1.2.0" }],
        [{ introduced: "2.0.0-rc.1" }, { fixed: "2.0.1" }, { introduced: "3.0.0" }],
      ],
      ["0.1.0"],
    );
    const versions = [
      "0.1.0",
      "0.2.0",
      "1.2.0",
      "1.2.1",
      "2.0.0-beta",
      "2.0.0-rc.2",
      "2.0.1",
      "2.9.9",
      "3.0.0",
      "99.0.0",
    ];
    expect(versions.filter((version) => ask(about, version) === "affected")).toEqual([
      "0.1.0",
      "1.2.0",
      "2.0.0-rc.2",
      "3.0.0",
      "99.0.0",
    ]);
  });

  it("does not depend on the order of its events", () => {
    const events: readonly Short[] = [{ fixed: "3" }, { introduced: "2" }, { fixed: "1" }, { introduced: "0" }];
    const about = affected("PyPI", [events]);
    expect(["0.5", "1", "1.5", "2", "2.5.dev1", "3"].map((version) => ask(about, version))).toEqual([
      "affected",
      "unaffected",
      "unaffected",
      "affected",
      "affected",
      "unaffected",
    ]);
  });

  it("ends at a limit", () => {
    expect(ask(affected("npm", [[{ introduced: "0" }, { limit: "1.0.0" }]]), "1.0.0")).toBe("unaffected");
    expect(ask(affected("npm", [[{ introduced: "0" }, { limit: "1.0.0" }]]), "0.9.0")).toBe("affected");
    expect(ask(affected("npm", [[{ introduced: "0" }, { limit: "*" }]]), "9.0.0")).toBe("affected");
  });

  it("about versions without an order is undecided, unless the version is listed", () => {
    expect(ask(affected("PyPI", [[{ introduced: "0" }, { fixed: "2004d" }]]), "1")).toBe("undecided");
    expect(ask(affected("PyPI", [[{ introduced: "0" }, { fixed: "2" }]]), "2004d")).toBe("undecided");
    expect(ask(affected("PyPI", [[{ introduced: "0" }, { fixed: "2004d" }]], ["1"]), "1")).toBe("affected");
    expect(ask(affected("npm", []), "not semver")).toBe("unaffected");
  });

  it.skipIf(!hasProgram("dpkg"))("about Debian's packages orders versions as dpkg does (needs dpkg)", () => {
    const versions = [
      "1",
      "1.0-1",
      "1.0-1+b1",
      "1.0-1+deb13u1",
      "1.0-1~bpo1",
      "1.0~rc1-1",
      "1:0.1",
      "1.0-10",
      "1.0.1-1",
    ];
    for (const fixed of versions) {
      const about = affected("Debian", [[{ introduced: "0" }, { fixed }]]);
      for (const version of versions) {
        const older = run("dpkg", ["--compare-versions", version, "lt", fixed]).status === 0;
        expect([version, fixed, ask(about, version)]).toEqual([version, fixed, older ? "affected" : "unaffected"]);
      }
    }
  });
});

describe("names of packages", () => {
  it("are compared as each ecosystem compares them", () => {
    expect(ecosystems.get("PyPI")?.nameOf("Ruamel_yaml.Clib")).toBe("ruamel-yaml-clib");
    expect(ecosystems.get("npm")?.nameOf("@Scope/Name")).toBe("@Scope/Name");
  });
});
