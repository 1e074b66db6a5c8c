/** What the blocks and matches of a DEFLATE stream say of its encoder, before anything is encoded again. */
import { distanceOf, isMatch, lengthOf, type Block, type Trace } from "./inflate.ts";

export interface Facts {
  /** Literals and matches of each block that is not the last with content, and not stored. */
  readonly symbols: readonly number[];
  /** Bytes of content of each block that is not the last with content. */
  readonly sizes: readonly number[];
  readonly matches: number;
  /** Matches of three bytes, which many encoders never make. */
  readonly short: number;
  /** Those of them that reach back more than 4096 bytes. */
  readonly shortAndFar: number;
  readonly longest: number;
  /** The greatest distance: zlib and what is made from it stop at 32506. */
  readonly furthest: number;
  /** Content before each empty block that is not the last. */
  readonly flushes: readonly number[];
  /** What the stream ends in, if its end was read: an empty block, or one with content. */
  readonly ending: "empty stored" | "empty fixed" | "content" | "not read";
}

const isEmpty = ({ start, end }: Block): boolean => start === end;

export function factsOf(trace: Trace): Facts {
  const inner = trace.blocks.filter(({ final }) => !final);
  // The last block with content is what was left, also where an empty one follows it; and where reading stopped it may be that one.
  const full = trace.blocks.filter((block) => !isEmpty(block)).slice(0, -1);
  const last = trace.blocks.at(-1);
  let matches = 0;
  let short = 0;
  let shortAndFar = 0;
  let longest = 0;
  let furthest = 0;
  for (const token of trace.tokens) {
    if (!isMatch(token)) continue;
    const length = lengthOf(token);
    const distance = distanceOf(token);
    matches++;
    if (length === 3) short++;
    if (length === 3 && distance > 4096) shortAndFar++;
    if (length > longest) longest = length;
    if (distance > furthest) furthest = distance;
  }
  return {
    symbols: full.filter(({ type }) => type !== "stored").map(({ firstToken, endToken }) => endToken - firstToken),
    sizes: full.map(({ start, end }) => end - start),
    matches,
    short,
    shortAndFar,
    longest,
    furthest,
    flushes: inner.filter(isEmpty).map(({ start }) => start),
    ending:
      !trace.complete || last === undefined
        ? "not read"
        : isEmpty(last) && last.type !== "dynamic"
          ? `empty ${last.type}`
          : "content",
  };
}

/** Whether blocks are of 65535 bytes of content, or of a multiple of it, as where several share their codes. */
export const inUnits = ({ sizes }: Facts): boolean => sizes.length > 0 && sizes.every((size) => size % 65535 === 0);

/** The size of independent pieces that all borders of blocks agree with, if there is more than one piece. */
export function pieceSize(trace: Trace, facts: Facts): number | undefined {
  const ends = new Set(trace.blocks.map(({ end }) => end));
  const reached = trace.blocks.at(-1)?.end ?? 0;
  const [first = 0] = facts.flushes;
  return [128 << 10, first].find((size) => {
    if (size === 0 || size % 1024 !== 0 || size >= reached) return false;
    for (let border = size; border < reached; border += size) if (!ends.has(border)) return false;
    return true;
  });
}
