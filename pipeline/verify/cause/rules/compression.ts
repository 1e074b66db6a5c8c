/** Causes that have to do with compression: rows Z of the catalogue. */
import { type Cause, factOf, type Rule } from "../cause.ts";
import type { Finding } from "../../compare/finding.ts";

const own = "rebuild {where} with this version of Lockstep: format 1 says every byte of the compressed stream";

interface Encoder {
  /** `zlib`, `zstd`. */
  readonly family: string;
  readonly version: string;
  readonly level: string;
  readonly text: string;
}

/** `Go compress/gzip before 1.27, level 6` in its parts. */
function encoderOf(text: string | undefined): Encoder | undefined {
  if (text === undefined || text === "" || /^(?:unknown|none)/i.test(text)) return undefined;
  const level = /(?:level|preset|quality)[ =]*(-?\d+)|\s-(\d+)\b/i.exec(text);
  const family =
    /chromium|node|zlib-ng|zlib|isa-l|igzip|pigz|pgzip|klauspost|zopfli|7-?zip|bsdtar|libdeflate|pako|fflate|zstd|xz|bzip2|\bgo\b|gnu gzip|gzip|miniz|java/i.exec(
      text,
    )?.[0] ?? text;
  return {
    family: family.toLowerCase().replace(/^node$/, "chromium"),
    version: /\b(?:before|after|since|from|up to)?\s*v?\d+\.\d+(?:\.\d+)*\b/i.exec(text)?.[0].trim() ?? "",
    level: level?.[1] ?? level?.[2] ?? "",
    text,
  };
}

const encoders = (finding: Finding) =>
  [encoderOf(factOf(finding, "encoderA") ?? finding.a), encoderOf(factOf(finding, "encoderB") ?? finding.b)] as const;

const encoder =
  (judge: (a: Encoder, b: Encoder) => number, unknown = 0): Rule =>
  (finding) => {
    const [a, b] = encoders(finding);
    return a === undefined || b === undefined ? unknown : judge(a, b);
  };

const threaded = /pigz|pgzip|klauspost|blocks? of|parallel|threads?/i;
const storing = /\bstored\b|level 0\b|\s-0\b/i;

function encoderEvidence(findings: readonly Finding[]): readonly string[] {
  return findings.slice(0, 3).flatMap((finding) => {
    const [a, b] = encoders(finding);
    if (finding.where.field !== "encoder" && finding.where.field !== "compression") return [];
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
      "layer.gzip": ({ where }) => (where.field === "gzip.mtime" ? 0 : 0.96),
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
        if (a.family !== b.family) return threaded.test(a.text) || threaded.test(b.text) ? 0.88 : 0.93;
        return a.level !== b.level ? 0.93 : 0.4;
      }, 0.65),
      "layer.compression": ({ a = "", b = "" }) => (a === "none" || b === "none" ? 0.5 : 0.8),
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
        if (a.family !== b.family) return /zlib|chromium/.test(a.family) && /zlib|chromium/.test(b.family) ? 0.6 : 0.2;
        return a.version !== b.version ? 0.95 : a.level === b.level ? 0.7 : 0.3;
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
    rules: { "layer.encoder": encoder((a, b) => (storing.test(a.text) && storing.test(b.text) ? 0.97 : 0)) },
    evidence: encoderEvidence,
  },
  {
    id: "Z7",
    title: "the stream was flushed in between",
    seen: "one stream has flushes (empty stored blocks) that the other has not",
    grade: "encoding",
    fix: { any: "write {where} without flushing in mid-stream", lockstep: own },
    rules: {
      "layer.encoder": encoder((a, b) => (/flush/i.test(a.text) !== /flush/i.test(b.text) ? 0.9 : 0)),
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
        const [x, y] = [threaded.test(a.text), threaded.test(b.text)];
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
      "layer.encoder": encoder((a, b) => (a.family === "zstd" && b.family === "zstd" ? 0.97 : 0)),
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
      "layer.compression": ({ a = "", b = "" }) => (a === "none" || b === "none" ? 0.55 : 0.75),
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
      "layer.compression": ({ a = "", b = "" }) => ((a === "none") !== (b === "none") ? 0.9 : 0),
      // An archive of `docker save` has no manifest.
      "manifest.presence": ({ grade }) => (grade === "encoding" ? 0.85 : 0),
    },
    evidence: encoderEvidence,
  },
  {
    id: "Z12",
    title: "same tar, other compressed bytes",
    seen: "the diffIDs of a layer are equal and its digests are not, and nothing says which encoders made them",
    grade: "encoding",
    fix: { any: oneEncoder, lockstep: own },
    rules: { "layer.encoder": encoder(() => 0.25, 0.45), "layer.compression": () => 0.3, "layer.bytes": () => 0.4 },
  },
  {
    id: "Z13",
    title: "the compressor had another window or less memory",
    seen: "the streams are of one encoder and level with other window or memory parameters",
    grade: "encoding",
    fix: { any: "set window and memory level of the compressor of {where}", lockstep: own },
    rules: {
      "layer.encoder": encoder((a, b) =>
        a.family === b.family && a.level === b.level && /window|mem/i.test(`${a.text}${b.text}`) ? 0.96 : 0,
      ),
    },
    evidence: encoderEvidence,
  },
];
