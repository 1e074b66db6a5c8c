/** Recognises the encoder of a Zstandard frame (RFC 8878): by encoding its beginning again with the libzstd of Node, else by its header. */
import { constants, zstdCompressSync, zstdDecompressSync, type ZstdOptions } from "node:zlib";
import { type Candidate, type Recognised, unrecognised } from "./recognised.ts";

interface Frame {
  /** Bytes; 0 where the content's size stands in its place. */
  readonly window: number;
  readonly contentSize?: number;
  readonly checksum: boolean;
  /** Whether the last of the ends is that of the frame's last block. */
  readonly complete: boolean;
  /** The end of each of the first blocks, in bytes of the frame. */
  readonly ends: readonly number[];
}

/** Blocks whose ends are looked up; none has more than 128 KiB of content. */
const mostBlocks = 384;
/** Where a block ends depends on up to so much content after it. */
const ahead = 256 << 10;
/** Less content than this tells little. */
const least = 96 << 10;

function readFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 6) return undefined;
  const descriptor = bytes.readUInt8(4);
  const single = (descriptor & 0x20) !== 0;
  let at = 5;
  let window = 0;
  if (!single) {
    const value = bytes.readUInt8(at++);
    window = (1 << (10 + (value >> 3))) * (1 + (value & 7) / 8);
  }
  at += [0, 1, 2, 4][descriptor & 3] ?? 0;
  const width = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  if (bytes.length < at + width + 3) return undefined;
  const size = width === 0 ? undefined : width === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUIntLE(at, width);
  at += width;
  const ends: number[] = [];
  let complete = false;
  while (ends.length < mostBlocks && at + 3 <= bytes.length) {
    const block = bytes.readUIntLE(at, 3);
    at += 3 + (((block >> 1) & 3) === 1 ? 1 : block >> 3);
    if (at > bytes.length) break;
    ends.push(at);
    complete = (block & 1) === 1;
    if (complete) break;
  }
  return {
    window,
    ...(size === undefined ? {} : { contentSize: width === 2 ? size + 256 : size }),
    checksum: (descriptor & 4) !== 0,
    complete,
    ends,
  };
}

/** Level and window of libzstd when it does not know the size of the content. */
const windows: readonly (readonly [windowLog: number, levels: readonly number[]])[] = [
  [19, [1]],
  [20, [2]],
  [21, [3, 4, 5, 6, 7, 8]],
  [22, [9, 10, 11, 12, 13, 14, 15, 16]],
  [23, [19, 17, 18]],
  [25, [20]],
  [26, [21]],
  [27, [22]],
];

function byHeader(frame: Frame): readonly Candidate[] {
  const levels = windows.find(([log]) => 1 << log === frame.window)?.[1];
  const libzstd: Candidate[] =
    levels === undefined && frame.window > 0 ? [] : [{ encoder: "libzstd", levels: levels ?? [], by: "form" }];
  const klauspost: Candidate[] =
    frame.contentSize === undefined && frame.checksum && [22, 23, 24, 25].some((log) => 1 << log === frame.window)
      ? [{ encoder: "klauspost-zstd", levels: [], by: "form" }]
      : [];
  return frame.window === 1 << 23 ? [...klauspost, ...libzstd] : [...libzstd, ...klauspost];
}

interface Beginning {
  readonly content: Buffer;
  /** Bytes of the frame that are compared, and of the content that they hold. */
  readonly until: number;
  readonly size: number;
  /** Whether that is the whole frame. */
  readonly whole: boolean;
}

/** As little of the frame as tells: twice as many blocks each time, until enough content follows some of them. Throws what Node's zlib throws. */
function beginningOf(bytes: Buffer, frame: Frame): Beginning {
  let compared = { size: 0, until: 0 };
  for (let count = 3; ; count *= 2) {
    const blocks = Math.min(count, frame.ends.length);
    const until = frame.ends[blocks - 1] ?? 0;
    const content = zstdDecompressSync(bytes.subarray(0, until), {
      finishFlush: constants.ZSTD_e_flush,
      maxOutputLength: (blocks + 1) << 17,
    });
    const whole = frame.complete && blocks === frame.ends.length;
    if (whole && content.length <= 1 << 20) return { content, until, size: content.length, whole };
    if (compared.size >= least && content.length >= compared.size + ahead)
      return { content, ...compared, whole: false };
    if (blocks === frame.ends.length) return { content, until: 0, size: 0, whole: false };
    if (compared.size < least) compared = { size: content.length, until };
  }
}

/** The levels at which Node's libzstd gives the frame's beginning. */
function levelsThatGive(bytes: Buffer, { content, until, whole }: Beginning, frame: Frame): readonly number[] {
  if (until === 0) return [];
  const known = windows.find(([log]) => 1 << log === frame.window)?.[1];
  // Where the window is the content, every level may have made it; the slowest of them are not worth the wait.
  const tried = known ?? (frame.window === 0 ? [3, 19, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12] : []);
  return tried.filter((level) => {
    const options: ZstdOptions = {
      params: {
        [constants.ZSTD_c_compressionLevel]: level,
        [constants.ZSTD_c_checksumFlag]: frame.checksum ? 1 : 0,
        [constants.ZSTD_c_contentSizeFlag]: frame.contentSize === undefined ? 0 : 1,
      },
      finishFlush: whole ? constants.ZSTD_e_end : constants.ZSTD_e_flush,
      ...(frame.contentSize === undefined ? {} : { pledgedSrcSize: frame.contentSize }),
    };
    const again = zstdCompressSync(content, options);
    return again.length >= until && again.subarray(0, until).equals(bytes.subarray(0, until));
  });
}

const unknown = (evidence: string): Recognised => unrecognised("zstd", evidence);

/** What made a zstd stream that begins with these bytes. */
export function recogniseZstd(bytes: Buffer): Recognised {
  const frame = readFrame(bytes);
  if (frame === undefined || frame.ends.length === 0) return unknown("the first block of the frame is not there");
  let beginning: Beginning;
  try {
    beginning = beginningOf(bytes, frame);
  } catch (error) {
    return unknown(`the frame cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const levels = levelsThatGive(bytes, beginning, frame);
  const evidence = [
    `the window is ${frame.window === 0 ? "the content" : `${frame.window} bytes`}, the content's size is ${frame.contentSize === undefined ? "not " : ""}in the header`,
    ...(levels.length > 0 ? ["encoding the beginning again gives the same bytes"] : []),
  ];
  return {
    format: "zstd",
    // Its versions mostly cut blocks otherwise, and not always: the level is proven, the version is not.
    candidates: levels.length > 0 ? [{ encoder: "libzstd", levels, by: "bytes" }] : byHeader(frame),
    // What does not compress, or to almost nothing, comes out the same from other versions and encoders.
    certain:
      levels.length === 1 && frame.window > 0 && beginning.until >= 4096 && beginning.until < beginning.size * 0.9,
    examined: beginning.content.length,
    notes: frame.checksum ? ["with a checksum"] : [],
    evidence,
  };
}
