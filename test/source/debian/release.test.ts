import { describe, expect, it } from "vitest";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import {
  type Expected,
  isoDate,
  judgeRelease,
  parseRelease,
  parseReleaseDate,
} from "../../../pipeline/source/debian/release.ts";

const place = { file: "InRelease" };
const hash = "a".repeat(64);
const text = (more = "", files = ` ${hash} 12 main/binary-amd64/Packages.gz`): string =>
  `Suite: stable\nCodename: trixie\nDate: Sat, 21 Nov 2026 09:15:44 UTC\n${more}SHA256:\n${files}\n`;

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    return error instanceof LockstepError
      ? error.problems.map(({ code, message }) => `${code} ${message}`)
      : [String(error)];
  }
}

describe("dates of releases", () => {
  it.each([
    ["Sat, 21 Nov 2026 09:15:44 UTC", "2026-11-21T09:15:44Z"],
    ["Sat, 1 Jan 2028 00:00:00 +0000", "2028-01-01T00:00:00Z"],
    ["29 Feb 2028 23:59:60 UTC", "2028-03-01T00:00:00Z"],
  ])("%s is %s", (date, iso) => {
    const seconds = parseReleaseDate(date);
    // A leap second is the first second of the next day, which a day of the month check refuses.
    expect(seconds === undefined ? undefined : isoDate(seconds)).toBe(date.includes(":60") ? undefined : iso);
  });

  it.each([
    "",
    "2026-11-21",
    "Sat, 31 Nov 2026 09:15:44 UTC",
    "Sat, 21 Foo 2026 09:15:44 UTC",
    "Sat, 21 Nov 2026 24:15:44 UTC",
    "Sat, 21 Nov 2026 09:15:44 CET",
  ])("%j is none", (date) => expect(parseReleaseDate(date)).toBeUndefined());
});

describe("reading a release", () => {
  it("takes what is needed from it", () => {
    const release = parseRelease(
      text("Valid-Until: Sat, 28 Nov 2026 00:53:03 UTC\nAcquire-By-Hash: yes\nArchitectures: all amd64\n"),
      place,
    );
    expect({ ...release, files: [...release.files] }).toEqual({
      suite: "stable",
      codename: "trixie",
      date: Date.UTC(2026, 10, 21, 9, 15, 44) / 1000,
      validUntil: Date.UTC(2026, 10, 28, 0, 53, 3) / 1000,
      acquireByHash: true,
      architectures: ["all", "amd64"],
      separateAll: true,
      files: [["main/binary-amd64/Packages.gz", { sha256: hash, size: 12 }]],
    });
    expect(
      parseRelease(text("Architectures: all amd64\nNo-Support-for-Architecture-all: Packages\n"), place).separateAll,
    ).toBe(false);
  });

  it("tells everything that is wrong at once", () => {
    expect(problemsOf(() => parseRelease("Date: now\nnothing\n", place))).toEqual([
      "LS2309 the release is malformed: not a field (line 2 of the signed text)",
      "LS2309 the release is malformed: it has no Codename",
      'LS2309 the release is malformed: Date "now" is not a date',
      "LS2309 the release is malformed: it has no readable SHA256 list",
    ]);
    expect(problemsOf(() => parseRelease(`${text()}\nCodename: evil\n`, place))[0]).toContain(
      "it has 2 stanzas instead of one",
    );
  });

  it.each([
    ` ${hash} 12 ../../etc/passwd`,
    ` ${hash} 12 /etc/passwd`,
    ` ${hash} -1 a`,
    " 00 1 a",
    ` ${hash} 1 a\n ${"b".repeat(64)} 1 a`,
  ])("refuses the entry %j", (files) =>
    expect(problemsOf(() => parseRelease(text("", files), place))).toEqual([
      "LS2309 the release is malformed: it has no readable SHA256 list",
    ]),
  );
});

describe("judging a release", () => {
  const release = parseRelease(text("Valid-Until: Sat, 28 Nov 2026 09:15:44 UTC\n"), place);
  const judge = (now: string, more: Partial<Expected> = {}): readonly string[] =>
    judgeRelease(release, { codename: "trixie", now: new Date(now).getTime(), ...more }, place).map(
      ({ code, message }) => `${code} ${message}`,
    );

  it("finds nothing wrong with one of its time", () => {
    expect(judge("2026-11-23T00:00:00Z")).toEqual([]);
    expect(judge("2026-11-20T10:00:00Z")).toEqual([]);
    expect(judge("2026-11-23T00:00:00Z", { notBefore: "2026-11-21T09:15:44Z" })).toEqual([]);
  });

  it("gives both dates when it has expired or is from the future", () => {
    expect(judge("2026-11-28T09:15:44Z")).toEqual([
      "LS2305 the release expired: it is valid until 2026-11-28T09:15:44Z, and now is 2026-11-28T09:15:44Z",
    ]);
    expect(judge("2026-11-20T09:15:43Z")).toEqual([
      "LS2306 the release is dated 2026-11-21T09:15:44Z, and now is 2026-11-20T09:15:43Z",
    ]);
  });

  it("refuses another suite and a step back in time", () => {
    expect(judge("2026-11-23T00:00:00Z", { codename: "bookworm" })).toEqual([
      'LS2307 the release is for "trixie", not for "bookworm"',
    ]);
    expect(judge("2026-11-23T00:00:00Z", { codename: "stable" })).toEqual([
      'LS2307 the release is for "trixie", not for "stable"; the suite is called "trixie"',
    ]);
    expect(judge("2026-11-23T00:00:00Z", { notBefore: "2026-11-21T09:15:45Z" })).toEqual([
      "LS2308 the release is of 2026-11-21T09:15:44Z, but the lock already has one of 2026-11-21T09:15:45Z",
    ]);
  });
});
