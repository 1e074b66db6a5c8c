/** Encodes content again with the encoders that this program has, to see which gives the bytes, or the choices, that there are. */
import { constants, deflateRawSync } from "node:zlib";
import { deflate, dictionarySize } from "../../image/deflate.ts";
import { digestOf } from "../../store/digest.ts";
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

/**
 * The known-answer vector: text, runs and noise from a fixed recurrence, 192 KiB, enough to pass every branch of the matcher
 * (short and long matches, lazy evaluation, stored blocks, several Huffman blocks).
 */
function knownInput(): Uint8Array {
  const bytes = new Uint8Array(192 << 10);
  const sentence = Buffer.from(
    "The quick brown fox jumps over the lazy dog; pack my box with five dozen liquor jugs. ",
  );
  let state = 0x9e3779b9;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const section = (i >>> 13) % 6;
    let value: number;
    if (section === 0) value = sentence[(i + (state >>> 28)) % sentence.length] ?? 0;
    else if (section === 1) value = 0;
    else if (section === 2) value = state >>> 24;
    else if (section === 3) value = sentence[i % sentence.length] ?? 0;
    else if (section === 4) value = 97 + ((state >>> 27) % 5);
    else value = (i * i) >>> 7;
    bytes[i] = value;
  }
  return bytes;
}

/** Digest of what `knownInput` compresses to at level 4: its last 160 KiB, primed with the 32 KiB before them. */
const knownAnswer = "sha256:d5075ddfef4fbd5e6100fd86811f66c8bfd16c7ea6a9b4e4423bd2d4ae4a5d83";

let chromium: boolean | undefined;

/** Whether this runtime's zlib is Chromium's (that of Node 18 and later is, if Node was not built with another). */
function nativeIsChromium(): boolean {
  if (chromium === undefined) {
    const input = knownInput();
    const [dictionary, block] = [input.subarray(0, dictionarySize), input.subarray(dictionarySize)];
    chromium =
      digestOf(deflateRawSync(block, { level: 4, finishFlush: constants.Z_SYNC_FLUSH, dictionary })) === knownAnswer;
  }
  return chromium;
}

async function encode(content: Uint8Array, settings: Settings): Promise<Uint8Array> {
  const { flavour, level, memLevel = 8, windowBits = 15, dictionary, finish } = settings;
  const flush = finish ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
  const primed = dictionary === undefined ? {} : { dictionary };
  if (flavour === "chromium" && nativeIsChromium())
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

/** Whether Lockstep's own compressor gives a part's bits, primed with its dictionary or not. */
export async function givesOwnBits({ content, dictionary, stream, bits }: Part, primed: boolean): Promise<boolean> {
  const before = primed && dictionary !== undefined ? dictionary : new Uint8Array(0);
  return sameBits(stream, await deflate(Buffer.concat([before, content]), before.length), bits);
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
