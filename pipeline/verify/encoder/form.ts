/**
 * Names encoders that cannot be run here by the form of what they make: how many literals and matches a block has, which matches are never
 * made, what the stream ends in. The numbers were read off the tools themselves; test/verify/encoder/ holds them against the tools.
 */
import { type Facts, inUnits, pieceSize } from "./facts.ts";
import type { GzipHeader } from "./gzip-header.ts";
import type { Block, Trace } from "./inflate.ts";
import type { Candidate } from "./recognised.ts";

const form = (encoder: Candidate["encoder"], levels: readonly number[] = []): Candidate => ({
  encoder,
  levels,
  by: "form",
});

/** The levels that go with what the header says of the encoder's effort. */
const byEffort = (
  { extraFlags }: GzipHeader,
  levels: { readonly fast?: readonly number[]; readonly normal: readonly number[]; readonly best: readonly number[] },
): readonly number[] => (extraFlags === 4 ? (levels.fast ?? []) : extraFlags === 2 ? levels.best : levels.normal);

const all = (numbers: readonly number[], wanted: (value: number) => boolean): boolean =>
  numbers.length > 0 && numbers.every(wanted);

interface Row {
  readonly fits: (facts: Facts, trace: Trace, header: GzipHeader) => boolean;
  readonly names: (facts: Facts, header: GzipHeader) => readonly Candidate[];
}

const newGo = (levels: readonly number[]): readonly Candidate[] => [form("go-1.27", levels), form("klauspost", levels)];

/** Symbols of the block in which reading ended, or of the last one. */
function lastBlock(tokens: number, blocks: readonly Block[]): number {
  const last = blocks.findLast(({ firstToken, endToken }) => endToken > firstToken);
  if (last === undefined || tokens > last.endToken) return tokens - (last?.endToken ?? 0);
  return last.endToken - last.firstToken;
}

/** The first row that fits counts. */
const rows: readonly Row[] = [
  {
    // Blocks of 1 MiB that end in a flush, made by an encoder that makes no matches of three bytes.
    fits: ({ flushes, short }) => flushes.length > 0 && short === 0 && flushes.every((at) => at % (1 << 20) === 0),
    names: (_, header) => [form("pgzip", byEffort(header, { fast: [1], normal: [6, 5, 2, 3, 4, 7, 8], best: [9] }))],
  },
  {
    // The old encoder of Go closes with an empty stored block; its level 1 cuts the content, the others count 16384 symbols.
    fits: ({ symbols, short, flushes, ending, sizes }) =>
      short === 0 &&
      flushes.length === 0 &&
      (all(symbols, (count) => count === 16384) ||
        (ending === "empty stored" && sizes.every((size) => size === 65535))),
    names: (_, header) => [
      form("go-before-1.27", byEffort(header, { fast: [1], normal: [6, 2, 3, 4, 5, 7, 8], best: [9] })),
    ],
  },
  {
    // Only libdeflate's level 1 lets the last match of a block reach beyond 65535 bytes.
    fits: ({ sizes, short, flushes }) =>
      short === 0 &&
      flushes.length === 0 &&
      sizes.every((size) => size < 65535 + 258) &&
      sizes.some((size) => size > 65535) &&
      sizes.filter((size) => size >= 65535).length * 4 >= sizes.length * 3,
    names: () => [form("libdeflate", [1])],
  },
  {
    fits: (facts) => facts.short === 0 && facts.flushes.length === 0 && inUnits(facts),
    names: (_, header) => [
      ...newGo(byEffort(header, { fast: [1], normal: [6, 5, 2, 3, 4], best: [9] })),
      ...(header.extraFlags === 4 ? [form("libdeflate", [1])] : []),
    ],
  },
  {
    fits: ({ symbols, short, flushes }) =>
      short === 0 && flushes.length === 0 && all(symbols, (count) => count % 32768 === 0),
    names: (_, header) => newGo(byEffort(header, { normal: [7, 8], best: [9] })),
  },
  {
    fits: ({ symbols, short, furthest }) =>
      short === 0 && furthest <= 32506 && all(symbols, (count) => count === 16383),
    names: (_, header) => [form("zlib-ng", byEffort(header, { normal: [6, 2, 3, 4, 5, 7, 8], best: [9] }))],
  },
  {
    fits: ({ symbols, shortAndFar, furthest }, _, { extraFlags }) =>
      extraFlags === 2 && shortAndFar > 0 && furthest <= 32506 && all(symbols, (count) => count === 16383),
    names: () => [form("zlib-ng", [9])],
  },
  {
    // zlib-ng's fastest level makes one block with the fixed codes.
    fits: ({ short, furthest }, { blocks, open }) =>
      short === 0 &&
      furthest <= 32506 &&
      (blocks.length === 0
        ? open === "fixed"
        : blocks.length === 1 && blocks[0]?.type === "fixed" && blocks[0].endToken > 16384),
    names: () => [form("zlib-ng", [1])],
  },
  {
    // Nobody else counts so many symbols a block.
    fits: ({ symbols, short, matches }, { tokens, blocks }) =>
      short * 1000 <= matches &&
      (all(symbols, (count) => count > 65536) || (symbols.length === 0 && lastBlock(tokens.length, blocks) > 65536)),
    names: () => [form("isal", [2, 1, 3, 0])],
  },
  {
    // Its slowest level is Zopfli's, in the usual pieces.
    fits: (facts, trace) => pieceSize(trace, facts) === 128 << 10 && facts.symbols.some((count) => count !== 16383),
    names: () => [form("pigz", [11])],
  },
  {
    // Blocks end where the statistics change.
    fits: ({ symbols, short, flushes, sizes }) =>
      flushes.length === 0 &&
      short > 0 &&
      symbols.length > 3 &&
      new Set(symbols).size > 2 &&
      all(sizes, (size) => size <= 310_000) &&
      symbols.some((count) => count % 4096 !== 0),
    names: ({ shortAndFar, furthest }, header) => {
      const libdeflate = form(
        "libdeflate",
        byEffort(header, { normal: shortAndFar === 0 ? [4, 3, 2] : [6, 5, 7], best: [12, 9, 8, 10, 11] }),
      );
      return header.os === 255 || furthest > 32506 ? [libdeflate, form("zopfli")] : [form("zopfli"), libdeflate];
    },
  },
];

/** Candidates by form alone, the likeliest first; a stream with few matches says too little. */
export function byForm(facts: Facts, trace: Trace, header: GzipHeader): readonly Candidate[] {
  if (facts.matches < 200) return [];
  return rows.find(({ fits }) => fits(facts, trace, header))?.names(facts, header) ?? [];
}
