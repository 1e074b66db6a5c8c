/** Recognises the encoder of a gzip member: by encoding its beginning again where that can be done here, otherwise by the form of its blocks. */
import { dictionarySize } from "../../image/deflate.ts";
import { NotDeflate } from "./deflate-codes.ts";
import { type Flavour, givesBits, type Part, sameChoices } from "./encode-again.ts";
import { type Facts, factsOf, inUnits, pieceSize } from "./facts.ts";
import { byForm } from "./form.ts";
import { type GzipHeader, readGzipHeader } from "./gzip-header.ts";
import { type Block, isMatch, trace, type Trace } from "./inflate.ts";
import type { Candidate, Recognised } from "./recognised.ts";

/** Content that is looked at: more than one block of Lockstep or pgzip, but at most this much where blocks are long. */
const wanted = (1 << 20) + (1 << 17);
const most = 8 << 20;
/** Content that is encoded again, at each level. */
const again = 128 << 10;
/** And at the levels that are left, if the first did not tell. */
const more = 1 << 20;
/** So much content after the last border that is compared, that what follows has no influence on it: longer than any match. */
const beyond = 1024;
/** Fewer matches than this could agree by chance. */
const telling = 256;

const levels = [6, 9, 1, 2, 3, 4, 5, 7, 8];

const matchesIn = (tokens: Uint32Array, from: number, to: number): number =>
  tokens.subarray(from, to).reduce((count, token) => count + (isMatch(token) ? 1 : 0), 0);

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
    header.system !== 255 ||
    facts.flushes.length === 0
  )
    return false;
  const borders = [0, ...facts.flushes];
  for (const [index, end] of facts.flushes.entries()) {
    const start = borders[index] ?? 0;
    if (start === end && index > 0) continue;
    if (end - start > 1 << 20 || end === start) return false;
    const part = partOf(stream, traced, start, end, true);
    if (part === undefined) return false;
    const settings = { flavour: "chromium", level: 4 } as const;
    const { dictionary: _, ...unprimed } = part;
    const whole = start - (borders[index - 1] ?? start) === 1 << 20;
    if (!(await givesBits(unprimed, settings)) && !(whole && (await givesBits(part, settings)))) return false;
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

/** Encoders that can be run here and give what there is. */
async function proven(stream: Buffer, traced: Trace, facts: Facts, header: GzipHeader): Promise<readonly Candidate[]> {
  if (await isLockstep(stream, traced, facts, header)) return [{ encoder: "lockstep", levels: [4], by: "bytes" }];
  const parts = [beginning(stream, traced, facts, again), beginning(stream, traced, facts, more)];
  if (parts.every((part) => part === undefined)) return [];
  const gives =
    (flavour: Flavour, memLevel = 8): Test =>
    (part, level) =>
      givesBits(part, { flavour, level, memLevel });
  const found: Candidate[] = [];
  const add = (encoder: Candidate["encoder"], levels: readonly number[], by: Candidate["by"]): void => {
    if (levels.length > 0) found.push({ encoder, levels, by });
  };
  if (pieceSize(traced, facts) !== undefined || facts.flushes.length > 0) {
    add("pigz", await levelsThat(parts, gives("stock")), "bytes");
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
    add("zlib", await levelsThat(parts, gives("stock", 9)), "bytes");
  return found;
}

function evidenceOf(header: GzipHeader, facts: Facts, found: readonly Candidate[]): readonly string[] {
  const counts = [...new Set(facts.symbols)];
  const [first] = found;
  return [
    `the header says system ${header.system}, effort ${header.extraFlags}${header.mtime === 0 ? "" : ", a time"}${header.name === undefined ? "" : ", a name"}`,
    ...(facts.symbols.length === 0 && facts.sizes.length > 0
      ? [`blocks are stored, the first of ${facts.sizes[0]} bytes`]
      : []),
    ...(facts.matches > telling && facts.furthest <= 1 << 14
      ? [`no match reaches back further than ${facts.furthest} bytes`]
      : []),
    ...(counts.length === 1 && facts.symbols.length > 1 ? [`blocks have ${counts[0]} symbols each`] : []),
    ...(facts.flushes.length > 0 ? [`the stream is flushed after ${facts.flushes[0]} bytes of content`] : []),
    ...(facts.matches > 0 && facts.short === 0 ? ["no match has three bytes"] : []),
    ...(facts.ending === "empty stored" || facts.ending === "empty fixed"
      ? [`the stream ends in an ${facts.ending} block`]
      : []),
    ...(first?.by === "bytes" ? ["encoding the beginning again gives the same bytes"] : []),
    ...(first?.by === "choices" ? ["encoding the beginning again gives the same literals and matches"] : []),
  ];
}

const unknown = (evidence: string): Recognised => ({
  format: "gzip",
  candidates: [],
  certain: false,
  examined: 0,
  evidence: [evidence],
});

/** The facts, with the stream's end where reading stopped before it and it tells: an empty stored block is the last thing before the trailer. */
async function completed(facts: Facts, end: () => Promise<Buffer>): Promise<Facts> {
  if (facts.ending !== "not read" || facts.short > 0 || !inUnits(facts)) return facts;
  const tail = (await end()).subarray(0, -8);
  return tail.subarray(-4).equals(Buffer.from([0, 0, 255, 255])) ? { ...facts, ending: "empty stored" } : facts;
}

/** What made a gzip stream that begins with these bytes; `end` gives its last 16. */
export async function recogniseGzip(bytes: Buffer, end: () => Promise<Buffer>): Promise<Recognised> {
  const header = readGzipHeader(bytes);
  if (header === undefined) return unknown("the header is not one of gzip");
  const stream = bytes.subarray(header.length);
  let traced: Trace;
  try {
    traced = trace(stream, most, (blocks, content) => content >= wanted && blocks.length > 1);
  } catch (error) {
    if (!(error instanceof NotDeflate)) throw error;
    return unknown(`the content is not DEFLATE: ${error.message}`);
  }
  const facts = await completed(factsOf(traced), end);
  const certain = await proven(stream, traced, facts, header);
  const found = certain.length > 0 ? certain : byForm(facts, traced, header);
  const matches = matchesIn(
    traced.tokens,
    0,
    traced.blocks.findLast((block) => block.end <= again)?.endToken ?? traced.blocks[0]?.endToken ?? 0,
  );
  return {
    format: "gzip",
    candidates: found,
    certain: found.length === 1 && found[0]?.levels.length === 1 && found[0].by !== "form" && matches >= telling,
    examined: traced.content.length,
    evidence: evidenceOf(header, facts, found),
  };
}
