import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LockstepError, formatProblem } from "../../pipeline/host/errors.ts";
import { createHost } from "../../pipeline/host/host.ts";
import { formatLock } from "../../pipeline/lock/format.ts";
import { readLock, writeLock } from "../../pipeline/lock/lockfile.ts";
import { parseLock } from "../../pipeline/lock/parse.ts";
import { salvageLock } from "../../pipeline/lock/salvage.ts";
import { type Lock, emptyLock, packageKey, releaseKey } from "../../pipeline/lock/types.ts";
import { lock, packages, release } from "./sample.ts";

const file = "lockstep.lock";
const text = formatLock(lock);

/** What a user reads of a text that is refused; empty when it is taken. */
function problemsOf(changed: string): readonly string[] {
  try {
    parseLock(changed, file);
    return [];
  } catch (error) {
    if (error instanceof LockstepError) return error.problems.map(formatProblem);
    throw error;
  }
}

type Json = Record<string, Record<string, Record<string, unknown>>>;

/** The text after a change of its value, written as JSON.stringify does. */
function changed(change: (value: Json) => void): string {
  const value = JSON.parse(text) as Json;
  change(value);
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

const anyPackage = fc.record({
  name: fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,10}$/),
  version: fc.stringMatching(/^([0-9]:)?[0-9][A-Za-z0-9.+~-]{0,8}$/),
  architecture: fc.constantFrom("amd64" as const, "arm64" as const, "all" as const),
  archive: fc.constant("debian" as const),
  path: fc.stringMatching(/^pool\/main\/[a-z]\/[a-z0-9][a-z0-9+._~-]{1,10}\.deb$/),
  size: fc.integer({ min: 1 }),
  sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
  source: fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,10}$/),
  sourceVersion: fc.stringMatching(/^[0-9][A-Za-z0-9.+~-]{0,8}$/),
  release: fc.constant(releaseKey(release)),
});

const anyLock = fc
  .tuple(fc.uniqueArray(anyPackage, { selector: (p) => p.name, minLength: 1, maxLength: 12 }), fc.boolean())
  .map(([items, reverse]): Lock => {
    const of = (architecture: string): string[] =>
      items
        .filter((p) => p.architecture === "all" || p.architecture === architecture)
        .map(packageKey)
        .toSorted();
    const entries = items.map((p) => [packageKey(p), p] as const);
    return {
      ...emptyLock,
      releases: new Map([[releaseKey(release), release]]),
      packages: new Map(reverse ? entries.toReversed() : entries),
      images: new Map([
        [
          "a",
          {
            suite: "trixie",
            dependencies: "all",
            request: items.map((p) => p.name).toSorted(),
            platforms: { "linux/arm64": of("arm64"), "linux/amd64": of("amd64") },
          },
        ],
      ]),
    };
  });

describe("the text of a lock", () => {
  it("is this", async () => {
    await expect(text).toMatchFileSnapshot("golden/lockstep.lock");
  });

  it("comes back as the lock it was written from", () => {
    expect(parseLock(text, file)).toEqual(lock);
    expect(parseLock(formatLock(emptyLock), file)).toEqual(emptyLock);
    fc.assert(
      fc.property(anyLock, (any) => {
        const written = formatLock(any);
        const read = parseLock(written, file);
        expect(read).toEqual(any);
        expect(formatLock(read)).toBe(written);
      }),
    );
  });

  it("does not depend on the order of the maps", () => {
    const reversed: Lock = {
      ...emptyLock,
      releases: new Map([...lock.releases].toReversed()),
      packages: new Map([...lock.packages].toReversed()),
      images: new Map([...lock.images].toReversed()),
    };
    expect(formatLock(reversed)).toBe(text);
  });

  it("changes only in the lines of an entry that changes, so that merges of different entries do not conflict", () => {
    const [first] = packages;
    if (first === undefined) throw new Error("the sample has packages");
    const other = new Map([...lock.packages, [packageKey(first), { ...first, size: 7 }] as const]);
    const before = text.split("\n");
    const after = formatLock({ ...lock, packages: other }).split("\n");
    const differing = after.filter((line, index) => line !== before[index]);
    expect(after).toHaveLength(before.length);
    expect(differing.map((line) => line.trim().split(":")[0])).toEqual(['"seal"', '"size"']);
  });
});

describe("a lock that was changed by hand", () => {
  const value = JSON.parse(text) as Json;
  const fields = ["images", "packages", "releases"].flatMap((section) =>
    Object.entries(value[section] ?? {}).flatMap(([key, content]) =>
      Object.keys(content).map((field) => [section, key, field] as const),
    ),
  );

  it("is caught for every field of every entry, changed to any other value of its kind or removed", () => {
    expect(fields.length).toBeGreaterThan(60);
    for (const [section, key, field] of fields) {
      const others = [
        "changed",
        "0".repeat(16),
        "1",
        "trixie-updates",
        "2026-11-21T09:15:45Z",
        7,
        null,
        [],
        ["netbase"],
        {},
      ];
      for (const other of others) {
        const result = problemsOf(changed((v) => Object.assign(v[section]?.[key] ?? {}, { [field]: other })));
        expect(result, `${section} ${key} ${field} = ${JSON.stringify(other)}`).not.toEqual([]);
      }
      const removed = problemsOf(changed((v) => delete v[section]?.[key]?.[field]));
      expect(removed.join("\n"), `${section} ${key} ${field} removed`).toContain(`has no field "${field}"`);
    }
  });

  it("is caught for every entry that is removed, renamed or copied to another name", () => {
    for (const section of ["packages", "releases"]) {
      for (const [key, content] of Object.entries(value[section] ?? {})) {
        expect(problemsOf(changed((v) => delete v[section]?.[key])).join("\n")).toContain("which is not there");
        const moved = key.replace(/^./, "z");
        expect(problemsOf(changed((v) => Object.assign(v[section] ?? {}, { [moved]: content })))).not.toEqual([]);
      }
    }
    for (const section of Object.keys(value)) {
      expect(problemsOf(changed((v) => delete v[section])), section).not.toEqual([]);
    }
  });

  it("is caught for every single character that is changed, whatever it is", () => {
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom("0", "a", "}", '"', " ", "\n", ""), (at, character) => {
        if (text[at] === character) return;
        expect(problemsOf(text.slice(0, at) + character + text.slice(at + 1))).not.toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, (t: string) => string, readonly string[]]>([
    [
      "a hash",
      (t) => t.replace("00000000", "00000001"),
      [
        'LS2206 lockstep.lock:65:5 package "libc6_2.41-12_arm64" was edited by hand: its seal is of other content; run `lockstep pin`, which keeps what is intact and writes the rest anew',
      ],
    ],
    [
      "two entries at once",
      (t) => t.replace('"size": 1005', '"size": "1005"').replace("T09:15:44Z", "T09:15"),
      [
        'LS2205 lockstep.lock:60:7 package "libc6_2.41-12_amd64": size must be a number of bytes; run `lockstep pin`, which keeps what is intact and writes the rest anew',
        'LS2205 lockstep.lock:118:7 release "trixie@abababababab": date must be a time in UTC such as 2026-11-21T09:15:44Z; run `lockstep pin`, which keeps what is intact and writes the rest anew',
      ],
    ],
    [
      "a day that no calendar has",
      (t) => t.replace("2026-11-21T", "2026-02-30T"),
      [
        'LS2205 lockstep.lock:118:7 release "trixie@abababababab": date must be a time in UTC such as 2026-11-21T09:15:44Z; run `lockstep pin`, which keeps what is intact and writes the rest anew',
      ],
    ],
    [
      "a path that leads out of the archive",
      (t) => t.replace("pool/main/n/netbase", "pool/../../etc"),
      [
        'LS2205 lockstep.lock:95:7 package "netbase_6.5_all": path must be a path in the pool of the archive, ending in .deb; run `lockstep pin`, which keeps what is intact and writes the rest anew',
      ],
    ],
    [
      "an unknown field",
      (t) => t.replace('"size": 1005', '"sice": 1005'),
      [
        'LS2205 lockstep.lock:52:5 package "libc6_2.41-12_amd64" has no field "size"; run `lockstep pin`, which keeps what is intact and writes the rest anew',
        'LS2205 lockstep.lock:60:7 package "libc6_2.41-12_amd64" has the unknown field "sice"; did you mean "size"?',
      ],
    ],
    [
      "an unknown section",
      (t) => t.replace('  "releases": {', '  "charts": {},\n  "releases": {'),
      [
        'LS2205 lockstep.lock:105:3 the lock has the unknown section "charts"; run `lockstep pin`, which keeps what is intact and writes the rest anew',
        'LS2210 lockstep.lock:105:3 "charts" is not in the order of the lock; run `lockstep pin`, which keeps what is intact and writes the rest anew',
      ],
    ],
    [
      "the version",
      (t) => t.replace('"lockfileVersion": 1', '"lockfileVersion": 2'),
      [
        "LS2204 lockstep.lock:2:3 lock is of version 2; this Lockstep reads version 1; use the Lockstep that wrote it, or a newer one",
      ],
    ],
    [
      "the version to nothing",
      (t) => t.replace('  "lockfileVersion": 1,\n', ""),
      [
        "LS2204 lockstep.lock:1:1 lock has no usable lockfileVersion; this Lockstep reads version 1; run `lockstep pin`, which keeps what is intact and writes the rest anew",
      ],
    ],
    [
      "a comma",
      (t) => t.replace('"dependencies": "none",', '"dependencies": "none"'),
      [
        "LS2203 lockstep.lock:6:7 is not JSON from here on; run `lockstep pin`, which keeps what is intact and writes the rest anew",
      ],
    ],
    [
      "its end",
      (t) => t.slice(0, -3),
      [
        "LS2203 lockstep.lock:127:4 is not JSON from here on; run `lockstep pin`, which keeps what is intact and writes the rest anew",
      ],
    ],
    [
      "everything",
      () => "[]",
      [
        "LS2203 lockstep.lock:1:1 is not a JSON object; run `lockstep pin`, which keeps what is intact and writes the rest anew",
      ],
    ],
    [
      "its line endings",
      (t) => t.replaceAll("\n", "\r\n"),
      ["LS2210 lockstep.lock:1:1 line ends with CR and LF; write `lockstep.lock text eol=lf` into .gitattributes"],
    ],
    [
      "its indentation",
      (t) => t.replace('  "packages"', '    "packages"'),
      [
        "LS2210 lockstep.lock:51:1 line is not spaced as it is written; run `lockstep pin`, which keeps what is intact and writes the rest anew",
      ],
    ],
    [
      "the order of two fields",
      (t) => t.replace(/("archive": "debian",)\n( +)("date": .*)/, "$3\n$2$1"),
      [
        'LS2210 lockstep.lock:118:7 "archive" in "trixie@abababababab" in "releases" is not in the order of the lock; run `lockstep pin`, which keeps what is intact and writes the rest anew',
      ],
    ],
    [
      "a field to be there twice",
      (t) => t.replace('"size": 1005', '"size": 1004,\n      "size": 1005'),
      [
        'LS2209 lockstep.lock:61:7 "size" in "libc6_2.41-12_amd64" in "packages" is there twice, first in line 60; run `lockstep pin`, which keeps what is intact and writes the rest anew',
      ],
    ],
    [
      "an unfinished merge",
      (t) => t.replace(/( +"size": 1005,\n)/, "<<<<<<< HEAD\n$1=======\n$1>>>>>>> topic\n"),
      [
        "LS2202 lockstep.lock:60:1 an unfinished merge begins here; merge the specs, then run `lockstep pin --only IMAGE` for each image between the marks, which moves nothing else",
      ],
    ],
  ])("says what is wrong after a change of %s", (_, change, expected) => {
    const result = change(text);
    expect(result).not.toBe(text);
    expect(problemsOf(result)).toEqual(expected);
  });

  it("tells entries that lead nowhere and entries nobody uses", () => {
    const others = [...lock.packages].filter(([key]) => key !== "libc6_2.41-12_arm64");
    expect(problemsOf(formatLock({ ...lock, packages: new Map(others) }))).toEqual([
      'LS2207 lockstep.lock:38:9 image "web" has on linux/arm64 the package "libc6_2.41-12_arm64", which is not there; run `lockstep pin`, which keeps what is intact and writes the rest anew',
    ]);
    expect(problemsOf(formatLock({ ...lock, releases: new Map() })).join("\n")).toContain(
      'package "netbase_6.5_all" is vouched for by release "trixie@abababababab", which is not there',
    );
    const images = new Map([...lock.images].filter(([name]) => name !== "web"));
    const unused = problemsOf(formatLock({ ...lock, images })).map((line) => line.slice(0, line.indexOf(";")));
    expect(unused).toEqual([
      'LS2208 lockstep.lock:32:5 package "libc6_2.41-12_amd64" is used by no image',
      'LS2208 lockstep.lock:45:5 package "libc6_2.41-12_arm64" is used by no image',
      'LS2208 lockstep.lock:58:5 package "libstdc++6_1:14.2.0-19~deb13u1_amd64" is used by no image',
    ]);
  });

  it("tells packages of another architecture, in two versions, or of another archive than their release", () => {
    const [libc] = packages.filter((p) => p.architecture === "amd64");
    const web = lock.images.get("web");
    if (web === undefined || libc === undefined) throw new Error("the sample has both");
    const newer = { ...libc, version: "2.41-13", architecture: "arm64" as const };
    const two = { ...lock, packages: new Map([...lock.packages, [packageKey(newer), newer] as const]) };
    const onArm = ["libc6_2.41-12_amd64", "libc6_2.41-12_arm64", "libc6_2.41-13_arm64"];
    const wrong = { ...web, platforms: { "linux/arm64": onArm } };
    const found = problemsOf(formatLock({ ...two, images: new Map([["web", wrong]]) })).map(
      (line) => line.split(";")[0],
    );
    expect(found).toEqual([
      'LS2207 lockstep.lock:7:9 image "web" has on linux/arm64 the package "libc6_2.41-12_amd64" of another architecture',
      'LS2207 lockstep.lock:7:9 image "web" has on linux/arm64 libc6 in two versions, 2.41-12 and 2.41-13',
      'LS2208 lockstep.lock:61:5 package "libstdc++6_1:14.2.0-19~deb13u1_amd64" is used by no image',
      'LS2208 lockstep.lock:74:5 package "netbase_6.5_all" is used by no image',
    ]);
    const moved = packages.map((p) => [packageKey(p), { ...p, archive: "debian" as const }] as const);
    expect(problemsOf(formatLock({ ...lock, packages: new Map(moved) })).join("\n")).toContain(
      'package "libstdc++6_1:14.2.0-19~deb13u1_amd64" is in the archive debian, its release in debian-security;',
    );
  });
});

describe("a damaged lock", () => {
  it("gives everything when nothing is wrong", () => {
    expect(salvageLock(text, file)).toEqual({ lock, problems: [] });
  });

  it("keeps the entries that are intact", () => {
    const damaged = text.replace('"size": 1005', '"size": 1006');
    const { lock: rest, problems } = salvageLock(damaged, file);
    expect(problems.map(({ code }) => code)).toEqual(["LS2206"]);
    expect([...rest.packages.keys()]).toEqual(
      [...lock.packages.keys()].filter((key) => key !== "libc6_2.41-12_amd64").toSorted(),
    );
    expect([...rest.images.keys()]).toEqual(["10", "9"]);
  });

  it("keeps the entries of both sides of an unfinished merge", () => {
    const theirs = packages.map((p) => (p.name === "netbase" ? { ...p, size: 7 } : p));
    const other = formatLock({ ...lock, packages: new Map(theirs.map((p) => [packageKey(p), p])) });
    const [a, b] = [text.split("\n"), other.split("\n")];
    const merged = a.flatMap((line, i) =>
      line === b[i] ? [line] : ["<<<<<<< HEAD", line, "||||||| base", "x", "=======", b[i] ?? "", ">>>>>>> topic"],
    );
    const { lock: rest, problems } = salvageLock(merged.join("\n"), file);
    expect(problems.map(({ code }) => code)).toEqual(["LS2202", "LS2202"]);
    expect(rest).toEqual(lock);
  });

  it.each(["", "{", "null", "not JSON", '{"lockfileVersion":0}', '{"lockfileVersion":1}'])(
    "is empty after %j",
    (broken) => {
      const { lock: rest, problems } = salvageLock(broken, file);
      expect(rest).toEqual(emptyLock);
      expect(problems.length).toBeGreaterThan(0);
    },
  );

  it("LS2204: is not one that a newer Lockstep wrote, of which nothing would be left", () => {
    expect(() => salvageLock(text.replace('"lockfileVersion": 1', '"lockfileVersion": 2'), file)).toThrow(
      /^LS2204 .*this Lockstep reads version 1; use the Lockstep that wrote it/,
    );
  });

  it("never makes the reader fail in another way than with coded problems", () => {
    const json = fc
      .jsonValue()
      .map((value) => JSON.stringify({ lockfileVersion: 1, images: value, packages: value, releases: { a: value } }));
    fc.assert(
      fc.property(fc.oneof(fc.string(), json), (hostile) => {
        expect(problemsOf(hostile)).not.toEqual([]);
        expect(salvageLock(hostile, file).lock).toEqual(emptyLock);
      }),
    );
  });
});

describe("lockstep.lock", () => {
  const host = createHost();
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "lockstep-lock-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it("is the empty lock where there is no file", async () => {
    expect(await readLock(join(root, "nothing"))).toBe(emptyLock);
  });

  it("is written once, and read back", async () => {
    expect(await writeLock(host, root, lock)).toBe(true);
    expect(await writeLock(host, root, lock)).toBe(false);
    expect(await readLock(root)).toEqual(lock);
    expect(await readFile(join(root, file), "utf8")).toBe(text);
    expect(await readdir(root)).toEqual([file]);
  });

  it("is not touched when what should be written could not be read again", async () => {
    await expect(writeLock(host, root, { ...lock, releases: new Map() })).rejects.toThrow("LS2207");
    expect(await readFile(join(root, file), "utf8")).toBe(text);
  });

  it("is refused when it is not UTF-8", async () => {
    const other = join(root, "latin1");
    await writeLock(host, other, lock);
    await writeFile(join(other, file), Buffer.concat([Buffer.from(text), Buffer.from([0xe4])]));
    await expect(readLock(other)).rejects.toThrow("LS2203 lockstep.lock is not UTF-8 text");
  });

  it("of a thousand packages is read within the time of a keystroke", () => {
    const many = Array.from({ length: 1000 }, (_, i) => {
      const [, first] = packages;
      if (first === undefined) throw new Error("the sample has packages");
      return { ...first, name: `lib${String(i).padStart(4, "0")}` };
    });
    const keys = many.map(packageKey);
    const big: Lock = {
      ...emptyLock,
      releases: new Map([[releaseKey(release), release]]),
      packages: new Map(many.map((p) => [packageKey(p), p])),
      images: new Map([
        ["a", { suite: "trixie", dependencies: "all", request: ["lib0000"], platforms: { "linux/amd64": keys } }],
      ]),
    };
    expect(parseLock(formatLock(big), file)).toEqual(big);
  });
});
