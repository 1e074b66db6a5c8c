import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluateMarker } from "../../../pipeline/source/python/markers.ts";
import { parseWheelName, Ranking } from "../../../pipeline/source/python/select.ts";
import { markerEnvironment, type PythonTarget, supportedTags } from "../../../pipeline/source/python/target.ts";
import { allows, compareVersions, parseVersion } from "../../../pipeline/source/python/version.ts";
import { hasPip, python } from "./pip.ts";

const amd64: PythonTarget = { platform: "linux/amd64", python: "3.13", glibc: "2.41" };
const arm64: PythonTarget = { platform: "linux/arm64", python: "3.11.9", glibc: "2.36" };

describe("versions of Python packages", () => {
  const numbers = fc.integer({ min: 0, max: 12 });
  const version = fc
    .record({
      epoch: fc.constantFrom("", "1!"),
      release: fc.array(numbers, { minLength: 1, maxLength: 4 }),
      pre: fc.constantFrom("", "a1", "b2", "rc1", ".alpha.3", "-c0", "pre"),
      post: fc.constantFrom("", ".post1", "-2", "r3"),
      dev: fc.constantFrom("", ".dev0", "dev4"),
      local: fc.constantFrom("", "+abc", "+1.abc", "+ubuntu_1", "+2"),
    })
    .map(({ epoch, release, pre, post, dev, local }) => `${epoch}${release.join(".")}${pre}${post}${dev}${local}`);

  it.skipIf(!hasPip)("are read and ordered as packaging orders them (needs pip)", () => {
    const texts = fc.sample(version, { numRuns: 400, seed: 1 });
    const expected = python<readonly number[]>(
      `from pip._vendor.packaging.version import Version as V
a = [V(t) for t in data]
print(json.dumps([(x > y) - (x < y) for x, y in zip(a, a[1:] + a[:1])]))`,
      texts,
    );
    const parsed = texts.map((text) => parseVersion(text));
    expect(parsed).not.toContain(undefined);
    const order = parsed.map((one, i) => {
      const other = parsed[(i + 1) % parsed.length];
      return one === undefined || other === undefined ? undefined : Math.sign(compareVersions(one, other));
    });
    expect(order).toEqual(expected);
  });

  it.skipIf(!hasPip)("are allowed by specifiers as packaging allows them (needs pip)", () => {
    const clause = fc
      .tuple(fc.constantFrom("==", "!=", "<=", ">=", "<", ">", "~=", "==="), version, fc.boolean())
      .map(([operator, text, wild]) =>
        wild && /^[!=]=$/.test(operator) ? `${operator}${text.replace(/\.?[^0-9.!].*$/, "")}.*` : `${operator}${text}`,
      );
    const pairs = fc.sample(
      fc.tuple(
        fc.array(clause, { minLength: 1, maxLength: 2 }).map((all) => all.join(",")),
        version,
      ),
      { numRuns: 1500, seed: 2 },
    );
    const expected = python<readonly (boolean | null)[]>(
      `from pip._vendor.packaging.specifiers import SpecifierSet as S, InvalidSpecifier
def f(s, v):
    try: return S(s).contains(v, prereleases=True)
    except InvalidSpecifier: return None
print(json.dumps([f(s, v) for s, v in data]))`,
      pairs,
    );
    for (const [i, [specifier, text]] of pairs.entries()) {
      // packaging takes a local version with an order, which the specification has not, and does not fill up prefixes behind an epoch.
      if (expected[i] === null || /[<>~]=?[^,]*\+/.test(specifier)) continue;
      if (specifier.includes(".*") && /\d!/.test(text + specifier)) continue;
      expect(allows(specifier, text), `${text} ${specifier}`).toBe(expected[i]);
    }
  });

  it("are none when they are malformed or absurd", () => {
    for (const text of ["", "x", "1..2", "1.0-", "1+", "1.0+ä", "9".repeat(30)])
      expect(parseVersion(text), text).toBeUndefined();
    expect(allows(">=nonsense", "1")).toBeUndefined();
  });
});

describe("markers", () => {
  const markers = [
    "python_version >= '3.8'",
    "python_version < '3.9'",
    "python_version == '3.13' and sys_platform == 'linux'",
    "sys_platform == 'win32' or (os_name == 'posix' and platform_machine != 'aarch64')",
    "platform_machine in 'x86_64 aarch64'",
    "platform_machine not in 'x86_64'",
    "'linux' in sys_platform",
    '"3.10" <= python_version',
    "implementation_name == 'cpython' and platform_python_implementation == \"CPython\"",
    "python_version not in '3.12'",
    "python_version ~= '3.4'",
    "extra == 'test'",
    "platform_system == 'Linux' and (python_version != '3.11.*' or extra == '')",
  ];

  it.skipIf(!hasPip).each([amd64, arm64])("are evaluated as packaging does (needs pip): $platform", (target) => {
    const environment = markerEnvironment(target);
    const expected = python<readonly boolean[]>(
      `from pip._vendor.packaging.markers import Marker
print(json.dumps([Marker(m).evaluate(data["environment"]) for m in data["markers"]]))`,
      { environment: Object.fromEntries(environment), markers },
    );
    expect(markers.map((marker) => evaluateMarker(marker, environment))).toEqual(expected);
  });

  it.each([
    ["python_full_version >= '3.13.1'", "three numbers"],
    ["platform_release >= '5'", "machines"],
    ["sys_platform", "operator"],
    ["sys_platform == 'a' b", "b"],
    ["(sys_platform == 'a'", "closing"],
    ["sys_platform >= 'a'", "no order"],
    ["python_version >= 'abc'", "no version"],
    ["os_version == 'a'", "os_version"],
    ["'a' == 'b'", "variable"],
    ["sys_platform = 'a'", "="],
    [`${"(".repeat(100)}os_name == 'a'${")".repeat(100)}`, "parentheses"],
  ])("have no answer when they are malformed or ask for the unknown: %s", (marker, why) => {
    expect(() => evaluateMarker(marker, markerEnvironment(amd64))).toThrow(why);
  });

  it("know the full version where the spec says it", () => {
    expect(evaluateMarker("python_full_version >= '3.11.4'", markerEnvironment(arm64))).toBe(true);
  });
});

describe("tags of wheels", () => {
  it.skipIf(!hasPip).each([amd64, arm64])("are those of pip in its order (needs pip): $platform", (target) => {
    const tags = supportedTags(target);
    const platforms = [...new Set(tags.map((tag) => tag.split("-")[2] ?? ""))].filter((platform) => platform !== "any");
    const expected = python<readonly string[]>(
      `from pip._vendor.packaging import tags as t
v = data["version"]
print(json.dumps([str(x) for x in t.cpython_tags(v, ["cp%d%d" % (v[0], v[1])], data["platforms"])] + [str(x) for x in t.compatible_tags(v, "cp%d%d" % (v[0], v[1]), data["platforms"])]))`,
      { version: target.python.split(".").slice(0, 2).map(Number), platforms },
    );
    // The specification lets pip name more than any wheel has: the interpreter's own untagged ABI for every version.
    expect(tags).toEqual(expected);
  });

  it("name the platforms of the C library from its version down, and never those of musl", () => {
    const platforms = [...new Set(supportedTags({ ...amd64, glibc: "2.18" }).map((tag) => tag.split("-")[2]))];
    expect(platforms.slice(0, 4)).toEqual([
      "manylinux_2_18_x86_64",
      "manylinux_2_17_x86_64",
      "manylinux2014_x86_64",
      "manylinux_2_16_x86_64",
    ]);
    expect(platforms.slice(-4)).toEqual(["manylinux_2_5_x86_64", "manylinux1_x86_64", "linux_x86_64", "any"]);
    expect(supportedTags(arm64).join(" ")).not.toMatch(/musllinux|manylinux_2_16_|manylinux1_|x86_64/);
  });
});

describe("choosing a wheel", () => {
  const hash = "a".repeat(64);
  const requirement = { name: "numpy", version: "2.1.0", extras: [], hashes: [hash], place: { file: "r.txt" } };
  const choose = (target: PythonTarget, ...files: readonly string[]): string | undefined =>
    new Ranking(target).choose(
      requirement,
      files.map((file) => ({ file, sha256: hash })),
    )?.file;
  const [cp313, old, musl, abi3, pure, arm, build, future] = [
    "numpy-2.1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "numpy-2.1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
    "numpy-2.1.0-cp313-cp313-musllinux_1_2_x86_64.whl",
    "numpy-2.1.0-cp39-abi3-manylinux_2_28_x86_64.whl",
    "numpy-2.1.0-py2.py3-none-any.whl",
    "numpy-2.1.0-cp313-cp313-manylinux_2_27_aarch64.whl",
    "numpy-2.1.0-2-cp313-cp313-manylinux_2_17_x86_64.whl",
    "numpy-2.1.0-cp313-cp313-manylinux_2_99_x86_64.whl",
  ] as const;

  it("takes the most specific one that the target can use, whatever their order", () => {
    expect(choose(amd64, pure, abi3, old, musl, cp313, arm, future)).toBe(cp313);
    expect(choose(amd64, future, arm, cp313, musl, old, abi3, pure)).toBe(cp313);
    expect(choose(amd64, pure, abi3, old, musl)).toBe(abi3);
    expect(choose({ ...amd64, glibc: "2.17" }, abi3, pure)).toBe(pure);
    expect(choose(arm64, cp313, abi3, pure)).toBe(pure);
    expect(choose({ ...arm64, python: "3.13" }, cp313, arm)).toBe(arm);
    expect(choose(amd64, cp313, build)).toBe(build);
  });

  it("takes none of another C library, platform, Python, package, version or hash", () => {
    expect(choose(amd64, musl, old, arm, future)).toBeUndefined();
    expect(choose(amd64, "numpy-2.1.1-py3-none-any.whl", "other-2.1.0-py3-none-any.whl")).toBeUndefined();
    expect(new Ranking(amd64).choose(requirement, [{ file: pure, sha256: "b".repeat(64) }])).toBeUndefined();
    expect(
      new Ranking({ ...amd64, python: "3.13" }).choose({ ...requirement, name: "my-pkg", version: "1.0" }, [
        { file: "My_Pkg-1.0.0-py3-none-any.whl", sha256: hash },
      ]),
    ).toBeDefined();
  });

  it("believes no file name that could mean anything else", () => {
    for (const file of [
      "../a-1-py3-none-any.whl",
      "a-1-py3-none-any.whl?x",
      "a-1-py3-none.whl",
      "a-1.tar.gz",
      ".whl",
      "a-1-x-py3-none-any.whl",
      `${"a".repeat(300)}-1-py3-none-any.whl`,
    ])
      expect(parseWheelName(file), file).toBeUndefined();
    expect(parseWheelName("a-1-3b-py2.py3-none-any.whl")).toMatchObject({
      build: [3, "b"],
      tags: ["py2-none-any", "py3-none-any"],
    });
  });
});
