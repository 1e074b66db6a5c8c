import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { strongest } from "../../../pipeline/source/npm/integrity.ts";
import { npmTree } from "../../../pipeline/source/npm/layout.ts";
import { normaliseBin, parsePackageLock } from "../../../pipeline/source/npm/package-lock.ts";

const sha512 = `sha512-${createHash("sha512").update("a").digest("base64")}`;
const sha1 = `sha1-${createHash("sha1").update("a").digest("base64")}`;

function lockText(packages: Readonly<Record<string, unknown>>, rest: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ lockfileVersion: 3, packages: { "": { name: "app" }, ...packages }, ...rest }, undefined, 2);
}

/** What is wrong, as code, line, column and message. */
function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return error.problems.map(({ code, place, message }) => `${code} ${place?.line}:${place?.column} ${message}`);
  }
  return [];
}

const parse = (text: string) => problemsOf(() => parsePackageLock(text, "package-lock.json"));
const tree = (text: string) =>
  problemsOf(() =>
    npmTree(parsePackageLock(text, "package-lock.json"), { platform: "linux/amd64", libc: "glibc", omit: ["dev"] }),
  );

describe("a package lock that is not one", () => {
  it("LS2501: is told where it stops being JSON, and how a merge is finished", () => {
    expect(parse('{\n  "a": 1,\n  x')).toEqual(["LS2501 3:3 is not JSON from here on"]);
    expect(() => parsePackageLock("<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n", "f")).toThrow(/finish the merge/);
    expect(parse("[]")).toEqual(["LS2501 undefined:undefined is not a JSON object"]);
    expect(parse('{ "lockfileVersion": 3, "packages": {} }')).toEqual([
      "LS2501 1:25 has no entry of the project itself in its packages",
    ]);
  });

  it("LS2502: is told apart by its version", () => {
    expect(parse('{\n  "lockfileVersion": 1,\n  "dependencies": {}\n}')).toEqual([
      "LS2502 2:3 has lockfileVersion 1; versions 2 and 3 are read",
    ]);
    expect(parse('{ "lockfileVersion": 4, "packages": {} }')).toEqual([
      "LS2502 1:3 has lockfileVersion 4; versions 2 and 3 are read",
    ]);
    expect(parse("{}")).toEqual(["LS2502 1:1 has no lockfileVersion; versions 2 and 3 are read"]);
  });

  it("LS2503: names every entry with a wrong field, each with its place", () => {
    const text = lockText({
      "node_modules/a": { version: 1, integrity: "md5-AAAA", dev: "yes", dependencies: [], os: [1] },
      "node_modules/b": [],
      "node_modules/c": { link: true },
      "node_modules/d": { link: true, resolved: "../elsewhere" },
      "node_modules/e": { link: true, resolved: "packages/none" },
    });
    expect(parse(text)).toEqual([
      'LS2503 8:7 entry "node_modules/a": version must be a text',
      'LS2503 9:7 entry "node_modules/a": integrity must have a sha512, sha384, sha256 or sha1 hash',
      'LS2503 10:7 entry "node_modules/a": dev must be true or false',
      'LS2503 11:7 entry "node_modules/a": dependencies must be a mapping of names to texts',
      'LS2503 12:7 entry "node_modules/a": os must be a list of texts',
      'LS2503 16:5 entry "node_modules/b" must be a mapping',
      'LS2503 17:5 entry "node_modules/c": resolved must say where the link leads',
      'LS2503 22:7 "node_modules/d" is a link out of the project, to ../elsewhere',
      'LS2503 26:7 "node_modules/e" is a link to "packages/none", which is no package of the lock file',
    ]);
  });

  it.each([
    "../a",
    "/node_modules/a",
    "node_modules/..",
    "node_modules/../a",
    "node_modules/a/../../../../etc",
    "node_modules//a",
    "node_modules/a/b",
    "node_modules/@s",
    "node_modules/.bin",
    "node_modules/@s/..",
    "node_modules/node_modules",
    "node_modules",
    "node_modules/a\\b",
    "node_modules/a\u0000b",
    "packages/.wh.a",
    "",
  ])("LS2503: refuses the location %j", (location) => {
    const [problem] = parse(lockText({ [location]: location === "" ? 5 : { version: "1.0.0", integrity: sha512 } }));
    expect(problem).toMatch(location === "" ? /^LS2501 / : /^LS2503 .*location/);
  });
});

describe("entries that cannot be installed", () => {
  it("LS2504: have no version, as when the registry lacked a package for a platform", () => {
    const text = lockText({ "node_modules/a": { optional: true } });
    expect(tree(text)).toEqual(['LS2504 7:5 entry "node_modules/a" has no version']);
  });

  it("LS2504: have no integrity", () => {
    const text = lockText({ "node_modules/a": { version: "1.0.0" } });
    expect(tree(text)).toEqual(["LS2504 7:5 a@1.0.0 has no integrity"]);
  });

  it("LS2506: come from git, from an unknown place, or from an address with a password, which is not repeated", () => {
    const text = lockText({
      "node_modules/a": { version: "1.0.0", resolved: "git+ssh://git@example.org/a.git#0123" },
      "node_modules/b": { version: "1.0.0", resolved: "hg+https://example.org/b" },
      "node_modules/c": { version: "1.0.0", resolved: "https://me:secret@example.org/c.tgz", integrity: sha512 },
      "node_modules/d": { version: "1.0.0", resolved: "https://example.org/%zz/d.tgz", integrity: sha512 },
    });
    expect(tree(text)).toEqual([
      "LS2506 9:7 a@1.0.0 comes from a git repository, without the id of a commit",
      "LS2506 13:7 b@1.0.0 comes from a place of a kind that is not known",
      "LS2506 17:7 c@1.0.0 comes from an address with a user name or a password in it",
      "LS2506 22:7 d@1.0.0 comes from an address that cannot be read",
    ]);
  });

  it.each([
    ["git+https://git.example/a.git", "https://git.example/a.git"],
    ["git+ssh://git@git.example/team/a.git", "ssh://git@git.example/team/a.git"],
    ["git+ssh://git@git.example:team/a.git", "git@git.example:team/a.git"],
    ["git+ssh://git@git.example:22/team/a.git", "ssh://git@git.example:22/team/a.git"],
    ["git://git.example/a.git", "git://git.example/a.git"],
    ["git+file:///srv/a.git", "file:///srv/a.git"],
  ])("that come from git are commits: %s", (address, repository) => {
    const commit = "ab".repeat(20);
    const text = lockText({ "node_modules/a": { version: "1.0.0", resolved: `${address}#${commit}` } });
    const lock = parsePackageLock(text, "package-lock.json");
    const { commits, places } = npmTree(lock, { platform: "linux/amd64", libc: "glibc", omit: [] });
    expect(places).toEqual([]);
    expect(commits).toEqual([
      { location: "node_modules/a", commit: { repository, commit }, bins: [], executable: [], drop: [] },
    ]);
  });

  it.each([
    ["git+https://git.example/a.git#v1", "without the id of a commit"],
    [`git+https://git.example/a.git#${"ab".repeat(20)}::path:sub`, "without the id of a commit"],
    [`git+https://me:hush@git.example/a.git#${"ab".repeat(20)}`, "whose address must be without a password"],
    [`git+https://hush@git.example/a.git#${"ab".repeat(20)}`, "whose address must be without a user name"],
    [`git+ext::sh -c hush#${"ab".repeat(20)}`, "whose address must be"],
    [`git+ssh://git@-oProxyCommand=hush/x#${"ab".repeat(20)}`, "whose address must be"],
    [`git+.#${"ab".repeat(20)}`, "whose address is missing"],
    [`github:team/hush#${"ab".repeat(20)}`, "whose address must be"],
  ])("LS2506: come from git in a way that nobody could follow: %s", (resolved, reason) => {
    const [problem] = tree(lockText({ "node_modules/a": { version: "1.0.0", resolved } }));
    expect(problem).toMatch(/^LS2506 9:7 a@1\.0\.0 comes from a git repository/);
    expect(problem).toContain(reason);
    expect(problem).not.toContain("hush");
  });

  it("LS2507: are required and not for the platform", () => {
    const text = lockText({ "node_modules/a": { version: "1.0.0", integrity: sha512, os: ["darwin"] } });
    expect(tree(text)).toEqual([
      "LS2507 7:5 a@1.0.0 is required and is not for linux/amd64 with glibc (it is for darwin)",
    ]);
  });

  it("LS2505: need what the lock file does not have, or marks as left out", () => {
    const text = lockText({
      "node_modules/a": { version: "1.0.0", integrity: sha512, dependencies: { b: "1", c: "1" } },
      "node_modules/b": { version: "1.0.0", integrity: sha512, dev: true },
    });
    expect(tree(text)).toEqual([
      "LS2505 7:5 a@1.0.0 needs b, which the lock file marks as left out",
      "LS2505 7:5 a@1.0.0 needs c, which the lock file does not have",
    ]);
  });
});

describe("origins", () => {
  const originOf = (entry: Readonly<Record<string, unknown>>, location = "node_modules/@s/a") => {
    const text = lockText({ [location]: { version: "1.0.0-rc.1", integrity: sha512, ...entry } });
    const options = { platform: "linux/amd64", libc: "glibc", omit: [] } as const;
    return npmTree(parsePackageLock(text, "f"), options).places[0]?.tarball.origin;
  };

  it("are the registry when nothing is said, or when the address is that of a registry's tarball", () => {
    expect(originOf({})).toEqual({ kind: "registry" });
    const resolved = "https://registry.example/npm/@s/a/-/a-1.0.0-rc.1.tgz";
    expect(originOf({ resolved })).toEqual({ kind: "registry", resolved });
  });

  it("are an address or a file otherwise", () => {
    const address = "https://example.org/a.tgz";
    expect(originOf({ resolved: address })).toEqual({ kind: "address", address });
    expect(originOf({ resolved: "file:./vendor/a.tgz" })).toEqual({ kind: "file", path: "vendor/a.tgz" });
  });

  it("of an alias are those of the package's own name", () => {
    const resolved = "https://registry.example/real/-/real-1.0.0-rc.1.tgz";
    expect(originOf({ name: "real", resolved }, "node_modules/other")).toEqual({ kind: "registry", resolved });
  });
});

describe("integrity", () => {
  it("is the strongest hash there is, whatever the order and the options", () => {
    expect(strongest(`${sha1} ${sha512}?option`)).toEqual([sha512]);
    expect(strongest(`md5-AAAA ${sha1}`)).toEqual([sha1]);
  });

  it.each(["", "sha512-", "sha512-AAAA", `${sha512.slice(0, -2)}`, "sha512", `x${sha512}`, `${sha1.slice(0, -3)}B==`])(
    "LS2503: is refused as %j",
    (integrity) => {
      const [problem = ""] = parse(lockText({ "node_modules/a": { version: "1.0.0", integrity } }));
      expect(problem).toMatch(/^LS2503/);
    },
  );
});

describe("commands", () => {
  it("are named by their last part and lead nowhere else than into the package", () => {
    expect(normaliseBin({ "a/../../b": "../../x/./y", "..": "z", c: "..", d: 5, "e\\f": "\\g" }, "p")).toEqual({
      b: "x/y",
      f: "g",
    });
    expect(normaliseBin("./cli.js", "@s/tool")).toEqual({ tool: "cli.js" });
    expect(normaliseBin(["bin/no.js"], "p")).toEqual({ "no.js": "bin/no.js" });
  });
});
