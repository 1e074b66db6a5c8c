/** Finds the encoders that can be run here, or are told by what those choose, and give what a gzip member has. */
import { blockSize, dictionarySize } from "../../image/deflate.ts";
import { type Flavour, givesBits, givesOwnBits, type Part, sameChoices, type Settings } from "./encode-again.ts";
import { type Facts, pieceSize } from "./facts.ts";
import type { GzipHeader } from "./gzip-header.ts";
import type { Block, Trace } from "./inflate.ts";
import type { Candidate } from "./recognised.ts";

/** Content that is encoded again, at each level. */
export const again = 128 << 10;
/** And at the levels that are left, if the first did not tell. */
const more = 1 << 20;
/** So much content after the last border that is compared, that what follows has no influence on it: longer than any match. */
const beyond = 1024;
const levels = [6, 9, 1, 2, 3, 4, 5, 7, 8];

/** A block with more symbols than any encoder has that can be run here. */
const tooMany = 1 << 15;

/** The blocks from `from` up to a border at or before `limit`, or one block where the first is longer, as something to encode again. */
function partOf(stream: Buffer, traced: Trace, from: number, limit: number, flushed: boolean): Part | undefined {
  const least = (traced.blocks[0]?.endToken ?? 0) <= tooMany ? (traced.blocks[0]?.end ?? 0) : 0;
  const blocks = traced.blocks.filter(({ start, end }) => start >= from && end <= Math.max(limit, least));
  const first = traced.blocks.find(({ start, end }) => start >= from && end > from);
  const last = blocks.filter(({ start, end }) => end > start).at(-1);
  if (first === undefined || last === undefined || first.bit % 8 !== 0) return undefined;
  const finish = traced.complete && last.end === traced.content.length && !flushed;
  const compared = finish ? (traced.blocks.at(-1) ?? last) : last;
  const end = finish || flushed ? last.end : Math.min(traced.content.length, last.end + beyond);
  if (!finish && !flushed && end - last.end < beyond) return undefined;
  return {
    stream: stream.subarray(first.bit / 8),
    content: traced.content.subarray(from, end),
    ...(from === 0 ? {} : { dictionary: traced.content.subarray(Math.max(0, from - dictionarySize), from) }),
    bits: compared.endBit - first.bit,
    finish,
    blocks,
    tokens: traced.tokens,
  };
}

/** What to encode again: what is before the first flush, or the beginning. */
function beginning(stream: Buffer, traced: Trace, facts: Facts, limit: number): Part | undefined {
  const flush = pieceSize(traced, facts) ?? facts.flushes.find((at) => at > 0);
  if (flush !== undefined && flush <= limit) return partOf(stream, traced, 0, flush, true);
  const short = traced.complete && traced.content.length <= limit;
  return partOf(stream, traced, 0, short ? traced.content.length : limit, false);
}

type Test = (part: Part, level: number) => Promise<boolean>;

/** The levels that a part passes the test at; where several do, more of the stream is asked. */
async function levelsThat(parts: readonly (Part | undefined)[], test: Test): Promise<readonly number[]> {
  let left: readonly number[] = levels;
  for (const part of parts) {
    if (part === undefined) continue;
    const passing: number[] = [];
    for (const level of left) if (await test(part, level)) passing.push(level);
    left = passing;
    if (left.length < 2) break;
  }
  return left;
}

/** Lockstep's pieces: each flushed, of at most 1 MiB, primed where the one before it is of the same fragment. */
async function isLockstep(stream: Buffer, traced: Trace, facts: Facts, header: GzipHeader): Promise<boolean> {
  if (
    header.flags !== 0 ||
    header.mtime !== 0 ||
    header.extraFlags !== 0 ||
    header.os !== 255 ||
    facts.flushes.length === 0
  )
    return false;
  const borders = [0, ...facts.flushes];
  for (const [index, end] of facts.flushes.entries()) {
    const start = borders[index] ?? 0;
    if (start === end && index > 0) continue;
    if (end - start > blockSize || end === start) return false;
    const part = partOf(stream, traced, start, end, true);
    if (part === undefined) return false;
    const whole = start - (borders[index - 1] ?? start) === blockSize;
    if (!(await givesOwnBits(part, false)) && !(whole && (await givesOwnBits(part, true)))) return false;
  }
  return true;
}

/** Whether GNU gzip ends blocks there: at 32767 symbols, and above level 2 at whole multiples of 4096 as well. */
function bordersOfGnuGzip(blocks: readonly Block[], level: number): boolean {
  const symbols = blocks
    .filter(({ final, type }) => !final && type !== "stored")
    .map(({ firstToken, endToken }) => endToken - firstToken);
  return symbols.every((count) => count === 32767 || (level > 2 && count > 0 && count % 4096 === 0 && count < 32767));
}

/** Whether all blocks are such as zlib with its usual memory makes: of 16383 symbols, unless the stream is flushed. */
const bordersOfZlib = (facts: Facts): boolean => facts.symbols.every((count) => count === 16383);

/** Window and memory of zlib as its blocks and distances tell them, where they are not the usual ones. */
function unusualMemory({
  symbols,
  furthest,
  matches,
}: Facts): { readonly settings: Partial<Settings>; readonly text: string } | undefined {
  const [count = 16_383] = symbols;
  const memLevel = symbols.every((one) => one === count)
    ? [1, 2, 3, 4, 5, 6, 7, 8, 9].find((level) => (1 << (level + 6)) - 1 === count)
    : undefined;
  // A match cannot reach back by all of the window: zlib keeps 262 bytes of it for what comes.
  const windowBits = [9, 10, 11, 12, 13, 14, 15].find((bits) => furthest <= (1 << bits) - 262);
  if (memLevel === undefined || windowBits === undefined || matches < 1000) return undefined;
  if (memLevel === 8 && windowBits === 15) return undefined;
  const texts = [
    ...(windowBits === 15 ? [] : [`window of ${windowBits} bits`]),
    ...(memLevel === 8 ? [] : [`memory level ${memLevel}`]),
  ];
  return { settings: { memLevel, windowBits }, text: texts.join(", ") };
}

/** Encoders that can be run here and give what there is. */
export async function proven(
  stream: Buffer,
  traced: Trace,
  facts: Facts,
  header: GzipHeader,
): Promise<readonly Candidate[]> {
  if (await isLockstep(stream, traced, facts, header)) return [{ encoder: "lockstep", levels: [], by: "bytes" }];
  const parts = [beginning(stream, traced, facts, again), beginning(stream, traced, facts, more)];
  if (parts.every((part) => part === undefined)) return [];
  const gives =
    (flavour: Flavour, more: Partial<Settings> = {}): Test =>
    (part, level) =>
      givesBits(part, { flavour, level, ...more });
  const found: Candidate[] = [];
  const add = (
    encoder: Candidate["encoder"],
    levels: readonly number[],
    by: Candidate["by"],
    settings?: string,
  ): void => {
    if (levels.length > 0) found.push({ encoder, levels, by, ...(settings === undefined ? {} : { settings }) });
  };
  if (pieceSize(traced, facts) !== undefined) {
    add("pigz", await levelsThat(parts, gives("stock")), "bytes");
    return found;
  }
  if (facts.flushes.length > 0) {
    add("node", await levelsThat(parts, gives("chromium")), "bytes");
    add("zlib", await levelsThat(parts, gives("stock")), "bytes");
    return found;
  }
  if (bordersOfZlib(facts)) {
    const stock = await levelsThat(parts, gives("stock"));
    add("node", await levelsThat(parts, gives("chromium")), "bytes");
    add("zlib", stock, "bytes");
    if (traced.complete && traced.content.length <= 128 << 10) add("pigz", stock, "bytes");
  }
  const gnu = await levelsThat(
    parts,
    async (part, level) =>
      bordersOfGnuGzip(traced.blocks, level) && (await sameChoices(part, { flavour: "stock", level })) > 0,
  );
  add("gnu-gzip", gnu, "choices");
  // BusyBox has the code of an old GNU gzip, without levels and without anything in its header.
  if (gnu.includes(6) && header.mtime === 0 && header.flags === 0) add("busybox", [6], "choices");
  // With more memory zlib, too, has blocks of 32767 symbols; only above level 2 does GNU gzip have shorter ones.
  if (gnu.some((level) => level <= 2) && !bordersOfZlib(facts))
    add("zlib", await levelsThat(parts, gives("stock", { memLevel: 9 })), "bytes", "memory level 9");
  const unusual = found.length === 0 ? unusualMemory(facts) : undefined;
  if (unusual !== undefined) {
    const { settings, text } = unusual;
    add("node", await levelsThat(parts, gives("chromium", settings)), "bytes", text);
    add("zlib", await levelsThat(parts, gives("stock", settings)), "bytes", text);
  }
  return found;
}
