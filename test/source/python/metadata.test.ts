import { describe, expect, it } from "vitest";
import { parseMetadata, type RequiredWheel, unmetNeeds } from "../../../pipeline/source/python/metadata.ts";
import type { Requirement } from "../../../pipeline/source/python/requirements.ts";
import type { PythonTarget } from "../../../pipeline/source/python/target.ts";

const target: PythonTarget = { platform: "linux/amd64", python: "3.13", glibc: "2.41" };

/** Problems of packages by name: their version and extras, and what their metadata says. */
function problemsOf(
  packages: Readonly<Record<string, readonly [written: string, ...headers: string[]]>>,
  on: PythonTarget = target,
): readonly string[] {
  const wheels = Object.entries(packages).map(([name, [written, ...headers]], index): RequiredWheel => {
    const [version = "", ...extras] = written.split(" ");
    const requirement: Requirement = { name, version, extras, hashes: [], place: { file: "r.txt", line: index + 1 } };
    return {
      requirement,
      file: `${name}.whl`,
      metadata: parseMetadata(`Name: ${name}\n${headers.join("\n")}\n\nRequires-Dist: not-this\n`),
    };
  });
  const all = new Map(wheels.map(({ requirement }) => [requirement.name, requirement]));
  return unmetNeeds(wheels, all, on).map(({ code, message }) => `${code} ${message}`);
}

describe("what Python packages need", () => {
  it("is read from the headers of METADATA, whatever their case, and not from the description", () => {
    const text =
      "Metadata-Version: 2.1\r\nrequires-python: >=3.8\r\nRequires-Dist: a (>=1)\r\nRequires-Dist: b\r\n ; extra == 'x'\r\n\r\nRequires-Dist: c\r\n";
    expect(parseMetadata(text)).toEqual({ requires: ["a (>=1)", "b ; extra == 'x'"], python: ">=3.8", licences: [] });
  });

  it("is there: nothing is said", () => {
    expect(problemsOf({ a: ["1.0", "Requires-Dist: B_b (>=2,<3)", "Requires-Python: >=3.9"], "b-b": ["2.5"] })).toEqual(
      [],
    );
  });

  it("is not there, or in another version", () => {
    expect(problemsOf({ a: ["1.0", "Requires-Dist: b"] })).toEqual([
      "LS2613 a 1.0 needs b, which is not required for linux/amd64",
    ]);
    expect(problemsOf({ a: ["1.0", "Requires-Dist: b<2"], b: ["2.0"] })).toEqual([
      "LS2613 a 1.0 needs b <2, and 2.0 is required in line 2",
    ]);
  });

  it("counts where its marker holds on the platform", () => {
    const marked = (marker: string): readonly string[] => problemsOf({ a: ["1.0", `Requires-Dist: b; ${marker}`] });
    expect(marked("sys_platform == 'win32'")).toEqual([]);
    expect(marked("python_version < '3.11'")).toEqual([]);
    expect(marked("platform_machine == 'x86_64'")).toHaveLength(1);
    // The third number is asked for only where it decides.
    expect(marked("python_full_version < '3.11.3'")).toEqual([]);
    expect(marked("python_full_version >= '3.8.1'")).toHaveLength(1);
    expect(marked("python_full_version < '3.13.2'")[0]).toMatch(/^LS2606 .*third number/);
    expect(
      problemsOf({ a: ["1.0", "Requires-Dist: b; python_full_version < '3.13.2'"] }, { ...target, python: "3.13.5" }),
    ).toEqual([]);
  });

  it("comes with the extras that are asked for, by the file or by another package", () => {
    const a = "Requires-Dist: b; extra == 'Fast.Mode'";
    expect(problemsOf({ a: ["1.0", a] })).toEqual([]);
    expect(problemsOf({ a: ["1.0 fast-mode", a] })).toEqual([
      "LS2613 a 1.0 with fast-mode needs b, which is not required for linux/amd64",
    ]);
    expect(problemsOf({ c: ["1", "Requires-Dist: a[fast_mode]"], a: ["1.0", a] })).toEqual([
      "LS2613 a 1.0 with fast-mode needs b, which is not required for linux/amd64",
    ]);
    // Two packages that ask for each other's extras come to an end.
    expect(
      problemsOf({ a: ["1 x", "Requires-Dist: b[x]; extra == 'x'"], b: ["1", "Requires-Dist: a[x]; extra == 'x'"] }),
    ).toEqual([]);
  });

  it("may be another Python", () => {
    expect(problemsOf({ a: ["1.0", "Requires-Python: <3.13"] })).toEqual([
      "LS2613 a 1.0 is for Python <3.13, and the layer has 3.13",
    ]);
    expect(problemsOf({ a: ["1.0", "Requires-Python: >=3.13.2"] })).toEqual([]);
    expect(problemsOf({ a: ["1.0", "Requires-Python: >=3.13.2"] }, { ...target, python: "3.13.1" })).toHaveLength(1);
  });

  it("LS2609: is malformed", () => {
    expect(problemsOf({ a: ["1.0", "Requires-Dist: ==1"] })).toEqual([expect.stringMatching(/^LS2609/)]);
  });
});
