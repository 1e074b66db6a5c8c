/** Recognises the encoder of a gzip member: by encoding its beginning again where that can be done here, otherwise by the form of its blocks. */
import { NotDeflate } from "./deflate-codes.ts";
import { type Facts, factsOf, inUnits, pieceSize } from "./facts.ts";
import { byForm } from "./form.ts";
import { type GzipHeader, readGzipHeader } from "./gzip-header.ts";
import { isMatch, trace, type Trace } from "./inflate.ts";
import { again, proven } from "./proven.ts";
import { type Candidate, type Recognised, unrecognised } from "./recognised.ts";

/** Content that is looked at: more than one block of Lockstep or pgzip, but at most this much where blocks are long. */
const wanted = (1 << 20) + (1 << 17);
const most = 8 << 20;
/** Fewer matches than this could agree by chance. */
const telling = 256;

const matchesIn = (tokens: Uint32Array, from: number, to: number): number =>
  tokens.subarray(from, to).reduce((count, token) => count + (isMatch(token) ? 1 : 0), 0);

function evidenceOf(header: GzipHeader, facts: Facts, found: readonly Candidate[]): readonly string[] {
  const counts = [...new Set(facts.symbols)];
  const [first] = found;
  return [
    `the header says system ${header.os}, effort ${header.extraFlags}${header.mtime === 0 ? "" : ", a time"}${(header.flags & 8) === 0 ? "" : ", a name"}`,
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

/** What else sets this stream apart from others of the same encoder. */
function notesOf(stream: Buffer, traced: Trace, facts: Facts, found: readonly Candidate[]): readonly string[] {
  const full = traced.blocks.filter(({ start, end }) => end > start);
  const [first] = full;
  const end = Math.ceil((traced.blocks.at(-1)?.endBit ?? 0) / 8) + 8;
  return [
    ...(found[0]?.settings === undefined ? [] : [found[0].settings]),
    ...(first !== undefined && traced.tokens.length === 0
      ? [`level 0, stored blocks of ${first.end - first.start} bytes`]
      : []),
    ...(facts.flushes.length > 0 && pieceSize(traced, facts) === undefined && !flushing.has(found[0]?.encoder ?? "")
      ? ["flushed in mid-stream"]
      : []),
    ...(traced.complete && stream.length > end + 10 && stream.readUInt16BE(end) === 0x1f8b
      ? ["several gzip streams joined"]
      : []),
  ];
}

/** Encoders that always flush. */
const flushing: ReadonlySet<string> = new Set(["lockstep", "pigz", "pgzip"]);

const unknown = (evidence: string): Recognised => unrecognised("gzip", evidence);

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
    certain:
      found.length === 1 && found.every(({ levels, by }) => levels.length < 2 && by !== "form") && matches >= telling,
    examined: traced.content.length,
    notes: notesOf(stream, traced, facts, found),
    evidence: evidenceOf(header, facts, found),
  };
}
