/** Encodes content again with the encoders that this program has, to see which gives the bytes, or the choices, that there are. */
import { constants, deflateRawSync } from "node:zlib";
import { nativeIsExact } from "../../image/deflate.ts";
import { type Block, trace } from "./inflate.ts";

/** `chromium` is the zlib of Node 18 and later, `stock` that of everybody else. */
export type Flavour = "chromium" | "stock";

export interface Settings {
  readonly flavour: Flavour;
  readonly level: number;
  /** 8 unless said. */
  readonly memLevel?: number;
  /** 15 unless said. */
  readonly windowBits?: number;
  /** What came before the content and may be referred to. */
  readonly dictionary?: Uint8Array;
  /** Whether the content is all there is; otherwise it is flushed, and its end not looked at. */
  readonly finish: boolean;
}

async function encode(content: Uint8Array, settings: Settings): Promise<Uint8Array> {
  const { flavour, level, memLevel = 8, windowBits = 15, dictionary, finish } = settings;
  const flush = finish ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
  const primed = dictionary === undefined ? {} : { dictionary };
  if (flavour === "chromium" && nativeIsExact())
    return deflateRawSync(content, { level, memLevel, windowBits, finishFlush: flush, ...primed });
  const { Deflate } = await import("pako");
  const stream = new Deflate({ level, memLevel, windowBits, raw: true, legacyHash: flavour === "stock", ...primed });
  const parts: Uint8Array[] = [];
  stream.onData = (part) => parts.push(part as Uint8Array);
  stream.push(content, finish ? 4 : 2);
  return Buffer.concat(parts);
}

/** Whether two streams are equal in their first so many bits. */
function sameBits(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >>> 3;
  if (a.length * 8 < bits || b.length * 8 < bits) return false;
  if (Buffer.compare(a.subarray(0, whole), b.subarray(0, whole)) !== 0) return false;
  const rest = (1 << (bits & 7)) - 1;
  return ((a[whole] ?? 0) & rest) === ((b[whole] ?? 0) & rest);
}

/** A part of a stream that can be encoded again: whole blocks from a byte's beginning on. */
export interface Part {
  /** The stream from the part's first byte on. */
  readonly stream: Uint8Array;
  readonly content: Uint8Array;
  readonly dictionary?: Uint8Array;
  /** Bits of the stream that are compared. */
  readonly bits: number;
  readonly finish: boolean;
  readonly blocks: readonly Block[];
  readonly tokens: Uint32Array;
}

/** Whether encoding a part again gives its bits. */
export async function givesBits(
  part: Part,
  settings: Pick<Settings, "flavour" | "level" | "memLevel" | "windowBits">,
): Promise<boolean> {
  const { dictionary, finish } = part;
  const again = await encode(part.content, {
    ...settings,
    finish,
    ...(dictionary === undefined ? {} : { dictionary }),
  });
  return sameBits(part.stream, again, part.bits);
}

/**
 * How many literals and matches of a part encoding it again gives, wherever the borders of blocks are; 0 when one is another. A stored block
 * hides those that were considered for it, so the comparison ends at the first.
 */
export async function sameChoices(part: Part, settings: Pick<Settings, "flavour" | "level">): Promise<number> {
  const again = await encode(part.content, { ...settings, finish: part.finish });
  const own = openTokens(part.blocks, part.tokens);
  const { blocks, tokens } = trace(again, part.content.length, (_, size) => size >= part.content.length);
  const others = openTokens(blocks, tokens);
  const compared = Math.min(own.length, others.length);
  for (let index = 0; index < compared; index++) if (own[index] !== others[index]) return 0;
  return compared;
}

/** The literals and matches before the first stored block with content. */
function openTokens(blocks: readonly Block[], tokens: Uint32Array): Uint32Array {
  const stored = blocks.find(({ type, start, end }) => type === "stored" && end > start);
  return tokens.subarray(0, stored?.firstToken ?? blocks.at(-1)?.endToken ?? 0);
}
