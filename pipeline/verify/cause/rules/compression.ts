/** Causes that have to do with compression: rows Z of the catalogue. */
import { type Cause, factOf, type Rule } from "../cause.ts";
import type { Finding } from "../../compare/finding.ts";

const own = "rebuild {where} with this version of Lockstep: format 1 says every byte of the compressed stream";

interface Encoder {
  /** As it is called without its version: `zlib`, `Go's compress/gzip`. */
  readonly family: string;
  readonly version: string;
  readonly level: string;
  /** Whether it may also be another one. */
  readonly probable: boolean;
  readonly text: string;
  /** What was seen in the stream, as clauses. */
  readonly evidence: string;
}

/** `probably Go's compress/gzip before 1.27, level 6, or pigz, level 6` in the parts of the first. */
function encoderOf(text = "", evidence = ""): Encoder | undefined {
  const probable = text.startsWith("probably ");
  // What sets the stream apart stands in parentheses at the end.
  const [first = ""] = text
    .replace(/ \((?:flushed|level 0|several|memory|window|with )[^()]*\)$/, "")
    .replace(/^probably /, "")
    .split(/, or (?!\d)/);
  if (first === "" || /not (?:known|compressed)|^(?:unknown|none)/.test(first)) return undefined;
  const level = /,? (?:at )?level (-?\d+(?: or -?\d+)*)/.exec(first)?.[1] ?? "";
  const name = first.replace(/,? (?:at )?level .*$/, "").trim();
  const version = /\b(?:(?:before|after|since|from|up to) )?v?\d+\.\d+(?:\.\d+)*\b/.exec(name)?.[0] ?? "";
  return { family: name.replace(version, "").trim(), version, level, probable, text: first, evidence };
}

const encoders = (finding: Finding) =>
  [
    encoderOf(factOf(finding, "encoderA") ?? finding.a, factOf(finding, "evidenceA")),
    encoderOf(factOf(finding, "encoderB") ?? finding.b, factOf(finding, "evidenceB")),
  ] as const;

const evidenceOf = (finding: Finding): readonly [string, string] => [
  `${factOf(finding, "encoderA") ?? ""}; ${factOf(finding, "evidenceA") ?? ""}`,
  `${factOf(finding, "encoderB") ?? ""}; ${factOf(finding, "evidenceB") ?? ""}`,
];

const encoder =
  (judge: (a: Encoder, b: Encoder) => number, unknown = 0): Rule =>
  (finding) => {
    const [a, b] = encoders(finding);
    return a === undefined || b === undefined ? unknown : judge(a, b);
  };

/** What is seen in the streams themselves, on both sides or on one. */
const seen =
  (pattern: RegExp, both: number, one: number): Rule =>
  (finding) => {
    const [a, b] = evidenceOf(finding).map((text) => pattern.test(text));
    return a === true && b === true ? both : a === b ? 0 : one;
  };

const threaded = /^(?:pigz|klauspost\/pgzip|pgzip)/;
const isZstd = (finding: Finding): boolean =>
  factOf(finding, "compression") === undefined
    ? evidenceOf(finding).every((text) => /zstd/.test(text))
    : factOf(finding, "compression") === "zstd";

/** Whether window and memory, as the recogniser says them or as they show, are others. */
function otherSettings(finding: Finding): boolean {
  const said = /\bwindow(?: of)? \d+|\bmemory level \d+|no match reaches back further/g;
  const [a, b] = evidenceOf(finding).map((text) => (text.match(said) ?? []).join());
  return a !== b;
}

const saved: Rule = (_finding, survey) => (survey.documentsMissing ? 0.96 : 0);

/** Says nothing of a layer that could not be followed on one side: what is in it may differ as well. */
const followed =
  (rule: Rule): Rule =>
  (finding, survey) =>
    survey.layer(finding).fields.has("unread") ? 0 : rule(finding, survey);

function encoderEvidence(findings: readonly Finding[]): readonly string[] {
  return findings.slice(0, 3).flatMap((finding) => {
    const [a, b] = encoders(finding);
    // That the tar is the same is known where the encoders were asked for: only then are they.
    if (finding.where.field !== "encoder") return [];
    const where = finding.where.layer === undefined ? "the archive" : `layer ${finding.where.layer}`;
    return [
      `the tar of ${where} is the same; A is compressed by ${a?.text ?? "an encoder that is not known"}, B by ${b?.text ?? "one that is not known"}`,
    ];
  });
}

const oneEncoder =
  "compress {where} with the same program, version and level on both machines, or push the compressed bytes that were made first";

export const compressionCauses: readonly Cause[] = [
  {
    id: "Z1",
    title: "the gzip header has a file name, an operating system or flags",
    seen: "a field of the gzip header other than the time differs, and the compressed data does not",
    grade: "encoding",
    fix: { any: "compress {where} with `gzip -n`, or with a library and nothing set in the header", lockstep: own },
    rules: {
      "layer.gzip": (finding, survey) =>
        finding.where.field === "gzip.mtime" ? 0 : survey.layer(finding).fields.has("encoder") ? 0.5 : 0.96,
      content: ({ format, where }) =>
        format === "gzip" && /name|\bos\b|xfl|flags|FNAME|comment/i.test(where.field) ? 0.9 : 0,
    },
  },
  {
    id: "Z2",
    title: "another compressor, or another level of it",
    seen: "the tar is the same; the compressed streams are of two encoders or of two levels",
    grade: "encoding",
    fix: { any: oneEncoder, lockstep: own },
    rules: {
      "layer.encoder": encoder((a, b) => {
        if (a.family !== b.family) return threaded.test(a.family) || threaded.test(b.family) ? 0.88 : 0.93;
        return a.level !== b.level ? 0.93 : 0.4;
      }, 0.65),
      "layer.compression": followed(({ a = "", b = "" }) => (a === "none" || b === "none" ? 0.5 : 0.8)),
    },
    evidence: encoderEvidence,
  },
  {
    id: "Z3",
    title: "another version of one compressor",
    seen: "the tar is the same; the compressed streams are of one encoder in two versions",
    grade: "encoding",
    fix: { any: "pin the version of the tool and of the library that compresses {where}", lockstep: own },
    rules: {
      "layer.encoder": encoder((a, b) => {
        if (a.family !== b.family) return /zlib/i.test(a.family) && /zlib/i.test(b.family) ? 0.6 : 0.2;
        if (a.version !== b.version) return 0.95;
        return a.level === b.level ? 0.6 : 0.3;
      }, 0.5),
    },
    evidence: encoderEvidence,
  },
  {
    id: "Z4",
    title: "the compressor gives other bytes on another processor architecture",
    seen: "the tar is the same; the streams are of one encoder, and it was built for two architectures",
    grade: "encoding",
    fix: { any: "compress {where} on one architecture, or with an encoder that does not depend on it", lockstep: own },
    rules: {
      "layer.encoder": encoder((a, b) => {
        if (/s390|dfltcc|big.endian/i.test(`${a.text} ${b.text}`)) return 0.96;
        return a.family === b.family && a.version === b.version && a.level === b.level ? 0.4 : 0;
      }),
    },
    evidence: encoderEvidence,
  },
  {
    id: "Z6",
    title: "stored blocks end where writes ended",
    seen: "the streams are not compressed, and cut into blocks of other lengths",
    grade: "encoding",
    fix: { any: "compress {where} at a level above 0, or cut stored blocks at 65,535 bytes", lockstep: own },
    rules: { "layer.encoder": seen(/\bstored\b|level 0\b/, 0.97, 0.4) },
    evidence: encoderEvidence,
  },
  {
    id: "Z7",
    title: "the stream was flushed in between",
    seen: "one stream has flushes (empty stored blocks) that the other has not",
    grade: "encoding",
    fix: { any: "write {where} without flushing in mid-stream", lockstep: own },
    rules: {
      "layer.encoder": (finding, survey) => {
        const [a, b] = encoders(finding);
        // Compressors with threads flush where their blocks end.
        if (threaded.test(a?.family ?? "") || threaded.test(b?.family ?? "")) return 0.3;
        return seen(/is flushed|flushed in mid-stream|, flushed/, 0.5, 0.96)(finding, survey);
      },
    },
    evidence: encoderEvidence,
  },
  {
    id: "Z8",
    title: "the compressor works in threads, and their number or blocks show",
    seen: "one stream is made of blocks of a parallel compressor (pigz, pgzip) and the other in one piece or in other blocks",
    grade: "encoding",
    fix: {
      any: "compress {where} with one number of threads and one block size, or with a compressor that has none",
      lockstep: own,
    },
    rules: {
      "layer.encoder": encoder((a, b) => {
        const [x, y] = [threaded.test(a.family), threaded.test(b.family)];
        if (x && y) return a.family === b.family ? 0.96 : 0.7;
        return x !== y ? 0.95 : 0;
      }),
    },
    evidence: encoderEvidence,
  },
  {
    id: "Z9",
    title: "another version of zstd, or other parameters of it",
    seen: "both streams are zstd, and their frames or bytes differ",
    grade: "encoding",
    fix: {
      any: "pin the version of zstd, its level, its number of workers and its checksum flag for {where}",
      lockstep: own,
    },
    rules: {
      "layer.encoder": (finding) => (isZstd(finding) ? 0.97 : 0),
      "layer.zstd": () => 0.97,
    },
    evidence: encoderEvidence,
  },
  {
    id: "Z10",
    title: "a client compressed again when it copied",
    seen: "the tar is the same, and the layers are compressed by other algorithms or encoders",
    grade: "encoding",
    fix: { any: "copy with a client that keeps the bytes (`skopeo copy --preserve-digests`), and push what was built" },
    rules: {
      // A client that compresses anew writes another manifest.
      "layer.compression": followed(({ a = "", b = "" }, survey) =>
        a === "none" || b === "none" ? 0.55 : survey.rewritten ? 0.85 : 0.75,
      ),
      "manifest.form": (_finding, survey) => (survey.recompressed ? 0.98 : 0),
      "layer.encoder": () => 0.3,
    },
    evidence: encoderEvidence,
  },
  {
    id: "Z11",
    title: "one side was saved without compression, the other pushed",
    seen: "the tar is the same, and one side is not compressed",
    grade: "encoding",
    fix: { any: "compare what was pushed, or export an OCI layout in place of `docker save`" },
    rules: {
      "layer.compression": followed(({ a = "", b = "" }) => ((a === "none") !== (b === "none") ? 0.9 : 0)),
      // An archive of `docker save` has no manifest.
      "manifest.presence": ({ grade }, survey) => (grade === "encoding" && !survey.unread ? 0.85 : 0),
      "config.mediaType (as named)": saved,
      "layer.mediaType": saved,
    },
    evidence: encoderEvidence,
  },
  {
    id: "Z12",
    title: "same tar, other compressed bytes",
    seen: "the diffIDs of a layer are equal and its digests are not, and nothing says which encoders made them",
    grade: "encoding",
    fix: { any: oneEncoder, lockstep: own },
    rules: {
      "layer.encoder": (finding, survey) =>
        Math.max(
          encoder((a, b) => (a.text === b.text && !a.probable && !b.probable ? 0.8 : 0.25), 0.45)(finding, survey),
          seen(/several gzip streams/, 0.3, 0.94)(finding, survey),
        ),
      "layer.compression": followed(() => 0.3),
      "layer.bytes": () => 0.4,
    },
  },
  {
    id: "Z13",
    title: "the compressor had another window or less memory",
    seen: "the streams are of one encoder and level with other window or memory parameters",
    grade: "encoding",
    fix: { any: "set window and memory level of the compressor of {where}", lockstep: own },
    rules: {
      "layer.encoder": (finding) => {
        if (isZstd(finding)) return 0;
        const reach = otherSettings(finding) ? 0.96 : 0;
        const [a, b] = evidenceOf(finding).map((text) => /blocks have (\d+) symbols/.exec(text)?.[1]);
        const [x, y] = encoders(finding);
        // The memory level decides after how many symbols zlib ends a block, and nothing else tells such a stream from zlib's.
        const memory =
          a !== undefined &&
          b !== undefined &&
          a !== b &&
          (x === undefined) !== (y === undefined) &&
          [a, b].every((count) => /^(?:127|255|511|1023|2047|4095|8191|16383|32767)$/.test(count));
        return Math.max(reach, memory ? 0.95 : 0);
      },
    },
    evidence: encoderEvidence,
  },
];
