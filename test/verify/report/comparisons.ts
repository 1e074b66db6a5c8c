/** Comparisons that were made up, for tests of reports. */
import fc from "fast-check";
import type { CauseGuess, Comparison, Difference, RankedCause } from "../../../pipeline/verify/compare/comparison.ts";
import { gravest, grades, parts } from "../../../pipeline/verify/compare/finding.ts";

const digestA = `sha256:${"a".repeat(64)}`;
const digestB = `sha256:${"b".repeat(64)}`;

export const equal: Comparison = {
  schema: 1,
  verdict: "equal",
  grade: null,
  a: { name: "registry.example/web:1.2", kind: "index", digest: digestA },
  b: { name: "out/images/web", kind: "index", digest: digestA },
  causes: [],
  differences: [],
  more: 0,
  unread: [],
};

export function cause(id: string, title: string, more: Partial<RankedCause> = {}): RankedCause {
  return {
    id,
    title,
    confidence: 0.94,
    grade: "clock",
    count: 1,
    evidence: ["every time in B is 300 seconds later than in A"],
    fix: "set SOURCE_DATE_EPOCH for the step",
    examples: [0],
    ...more,
  };
}

const sure = (id: string): readonly CauseGuess[] => [{ id, confidence: 0.94 }];

export function mtime(path: string, more: Partial<Difference> = {}): Difference {
  return {
    where: { platform: "linux/amd64", part: "entry", layer: 2, path, field: "mtime" },
    a: "2026-01-01T00:00:00Z",
    b: "2026-01-01T00:05:00Z",
    grade: "clock",
    natures: ["time"],
    causes: sure("T1"),
    ...more,
  };
}

export function comparing(differences: readonly Difference[], more: Partial<Comparison> = {}): Comparison {
  return {
    ...equal,
    verdict: "differs",
    grade: gravest(differences.map(({ grade }) => grade)) ?? "encoding",
    b: { ...equal.b, digest: digestB },
    differences,
    ...more,
  };
}

export const line: Difference = {
  where: { platform: "linux/amd64", part: "entry", layer: 3, path: "srv/app/version.txt", field: "line 12" },
  a: "built on Monday",
  b: "built on Tuesday",
  grade: "content",
  format: "text",
  natures: ["text"],
  excerpt: { offset: 96, text: true, a: "same\nbuilt on Monday\nsame\n", b: "same\nbuilt on Tuesday\nsame\n" },
  causes: [{ id: "L8", confidence: 0.7 }],
};

export const setuid: Difference = {
  where: { platform: "linux/arm64", part: "entry", layer: 1, path: "usr/bin/su", field: "mode" },
  a: "0755",
  b: "4755",
  grade: "privilege",
  causes: [],
};

export const bytes: Difference = {
  where: { part: "entry", layer: 1, path: "usr/lib/x.bin", inside: ["member.o", ".text"], field: "bytes 4096" },
  grade: "content",
  format: "bytes",
  excerpt: {
    offset: 4096,
    text: false,
    a: Buffer.from("00112233445566778899aabbccddeeff0011", "hex").toString("base64"),
    b: Buffer.from("00112233445566778899aabbccddeeff0012", "hex").toString("base64"),
  },
  causes: [],
};

/** A little of everything: folded times, a line, bytes, a privilege, a waiver, reruns, and what could not be read. */
export const mixed: Comparison = comparing(
  [
    ...Array.from({ length: 3120 }, (_, n) => mtime(`usr/share/doc/package-${n}/copyright`)),
    line,
    setuid,
    bytes,
    {
      where: { platform: "linux/amd64", part: "config", field: "history[3].created" },
      a: "2026-01-01T00:00:00Z",
      b: "2026-01-02T00:00:00Z",
      grade: "clock",
      causes: sure("T8"),
      waived: { reason: "an old builder", owner: "platform team", expires: "2027-06-30" },
    },
  ],
  {
    causes: [
      cause("T1", "the times of files come from the build", { count: 3120 }),
      cause("L8", "the bundler writes the day of the week", {
        grade: "content",
        confidence: 0.7,
        evidence: [],
        fix: "give the bundler a fixed banner",
        examples: [3120],
      }),
      cause("T8", "the configuration has the time of the build", { examples: [3123] }),
    ],
    unread: [
      {
        where: { platform: "linux/amd64", part: "entry", layer: 3, path: "srv/app/x.zip" },
        reason: "the archive is truncated",
      },
    ],
    experiments: [
      { perturbations: [], start: 0, duration: 4000, outcome: "same", digest: digestA },
      { perturbations: ["clock", "umask"], start: 4100, duration: 4200, outcome: "differs", digest: digestB },
      { perturbations: ["clock"], start: 8400, duration: 900, outcome: "failed", note: "the build ended with 1" },
    ],
  },
);

/** Names that try to break out of whatever they are put in. */
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "</script><script>alert(1)</script>",
    "<!--",
    "<img src=x onerror=alert(1)>",
    "a|b|c",
    "`code`\n## title",
    "@everyone #1 https://evil.example",
    "\u001b[2J\u001b[31m",
    "\u202eright to left",
    "__proto__",
    "constructor",
    "x".repeat(3000),
  ),
);

const where = fc.record(
  {
    platform: hostile,
    part: fc.constantFrom(...parts),
    layer: fc.integer({ min: 1, max: 200 }),
    path: hostile,
    inside: fc.array(hostile, { maxLength: 3 }),
  },
  { requiredKeys: ["part"] },
);
const field = fc.oneof(
  hostile.filter((name) => name !== ""),
  fc.constantFrom("mtime", "mode", "line 12", "bytes 4096", "history[3].created"),
);
const guess = fc.record({
  id: fc.constantFrom("T1", "L8", "nobody knows"),
  confidence: fc.double({ min: 0, max: 1, noNaN: true }),
});
const grade = fc.constantFrom(...grades);
const base64 = fc.uint8Array({ maxLength: 64 }).map((value) => Buffer.from(value).toString("base64"));
const offset = fc.nat();

const difference: fc.Arbitrary<Difference> = fc.record(
  {
    where: fc.tuple(where, field).map(([place, name]) => ({ ...place, field: name })),
    a: hostile,
    b: hostile,
    grade,
    format: fc.constantFrom("elf", "text", "bytes"),
    natures: fc.subarray(["time", "path", "white space"]),
    facts: fc.dictionary(hostile, fc.oneof(hostile, fc.nat(), fc.boolean())),
    excerpt: fc.oneof(
      fc.record({ offset, text: fc.constant(true), a: hostile, b: hostile }),
      fc.record({ offset, text: fc.constant(false), a: base64, b: base64 }),
    ),
    causes: fc.array(guess, { maxLength: 3 }),
    waived: fc.record({ reason: hostile, owner: hostile, expires: fc.constantFrom("2026-12-31", "2027-02-28") }),
  },
  { requiredKeys: ["where", "grade", "causes"] },
);

/** Any comparison, with names and values that mean harm. */
export const anyComparison: fc.Arbitrary<Comparison> = fc
  .record(
    {
      differences: fc.array(difference, { maxLength: 12 }),
      causes: fc.uniqueArray(
        fc.record({
          id: fc.constantFrom("T1", "L8"),
          title: hostile.filter((title) => title !== ""),
          fix: hostile,
          evidence: fc.array(hostile),
        }),
        { selector: ({ id }) => id },
      ),
      more: fc.nat(),
      unread: fc.array(fc.record({ where, reason: hostile }), { maxLength: 3 }),
      names: fc.tuple(hostile, hostile),
      experiments: fc.array(
        fc.record(
          {
            perturbations: fc.array(hostile, { maxLength: 3 }),
            start: offset,
            duration: offset,
            outcome: fc.constantFrom("same", "differs", "failed"),
            digest: fc.constant(digestA),
            note: hostile,
          },
          { requiredKeys: ["perturbations", "start", "duration", "outcome"] },
        ),
      ),
    },
    { requiredKeys: ["differences", "causes", "more", "unread", "names"] },
  )
  .map(({ causes, names, ...rest }) => ({
    ...comparing(rest.differences, rest),
    a: { ...equal.a, name: names[0] },
    b: { ...equal.b, name: names[1], digest: digestB },
    causes: causes.map(({ id, title, ...more }) => cause(id, title, more)),
  }));
