/**
 * Decoding of LZMA, and the CRC-64 of .xz, in AssemblyScript: `npm run assembly` makes ../lzma.wasm of it. What it may reach is its own memory,
 * whatever a stream says. The format is that of the LZMA SDK ("LZMA specification", lzma-specification.txt) with the chunks of LZMA2, which
 * ../xz-thread.js reads; names are those of the specification.
 *
 * Bits of literals, lengths and distances are decoded without branches, since they cannot be predicted: `select` becomes a conditional move.
 */

// Probabilities, u16 each; what there is of each kind is said beside it.
/** [12 states][16 positions] */
const IS_MATCH: usize = 0x1000;
/** [12 states] */
const IS_REP: usize = IS_MATCH + 2 * 12 * 16;
const IS_REP_G0: usize = IS_REP + 2 * 12;
const IS_REP_G1: usize = IS_REP_G0 + 2 * 12;
const IS_REP_G2: usize = IS_REP_G1 + 2 * 12;
/** [12 states][16 positions] */
const IS_REP0_LONG: usize = IS_REP_G2 + 2 * 12;
/** [4 lengths][64] */
const POS_SLOT: usize = IS_REP0_LONG + 2 * 12 * 16;
/** [115], and some that are not used */
const POS: usize = POS_SLOT + 2 * 4 * 64;
/** [16] */
const ALIGN: usize = POS + 2 * 128;
/** Choice, choice2, low[16 positions][8], mid[16 positions][8], high[256] */
const LENGTH: usize = ALIGN + 2 * 16;
const LENGTH_LOW: usize = 4;
const LENGTH_MID: usize = LENGTH_LOW + 2 * 16 * 8;
const LENGTH_HIGH: usize = LENGTH_MID + 2 * 16 * 8;
const LENGTH_SIZE: usize = LENGTH_HIGH + 2 * 256;
/** The same for repeated matches. */
const REP_LENGTH: usize = LENGTH + LENGTH_SIZE;
/** [16 contexts][0x300] */
const LITERAL: usize = REP_LENGTH + LENGTH_SIZE;
const PROBABILITIES_END: usize = LITERAL + 2 * 16 * 0x300;
/** For each place of a byte among sixteen, counted from the last, its share of the CRC: u64[16][256]. */
const CRC: usize = 0x8000;
/** The data of a chunk: at most 64 KiB, and room for what one symbol may read beyond the end. */
const INPUT: usize = 0x10000;
/** What was decoded, from here on round and round. */
const WINDOW: usize = 0x21000;

/** Of the window: bytes that a match may reach back, and of memory, which is more, since copies write up to 7 bytes too many. */
let dictionary: u32 = 0;
let size: usize = 0;
/** Where the next byte goes, and whether the window has been full. */
let position: usize = WINDOW;
let wrapped: bool = false;
/** The range decoder, and what it reads; below this the range takes another byte. */
const TOP: u32 = 1 << 24;
let range: u32 = 0;
let code: u32 = 0;
let next: usize = 0;
let inputEnd: usize = 0;
/** What was decoded last, the last four distances less 1, and how much of a match is left. */
let state: u32 = 0;
let rep0: u32 = 0;
let rep1: u32 = 0;
let rep2: u32 = 0;
let rep3: u32 = 0;
let left: u32 = 0;
/** lc, and masks for lp and pb. */
let literalBits: u32 = 0;
let literalMask: u32 = 0;
let positionMask: u32 = 0;
let crc: u64 = 0;

/** Where the data of a chunk is put. */
export function input(): usize {
  return INPUT;
}

/** Where the next byte goes. */
export function output(): usize {
  return position;
}

/** Takes memory, and makes the tables of the CRC (xz specification, section 6). Once, before anything else. */
export function prepare(): void {
  if (!takeMemory(0)) unreachable();
  for (let byte: u32 = 0; byte < 256; byte++) {
    let value: u64 = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) == 1 ? (value >> 1) ^ 0xc96c5795d7870f42 : value >> 1;
    store<u64>(CRC + (byte << 3), value);
  }
  for (let place: u32 = 1; place < 16; place++) {
    for (let byte: u32 = 0; byte < 256; byte++) {
      const value = load<u64>(CRC + ((place - 1) << 11) + (byte << 3));
      store<u64>(CRC + (place << 11) + (byte << 3), (value >> 8) ^ share(0, value));
    }
  }
}

@inline
function share(place: u32, value: u64): u64 {
  return load<u64>(CRC + (place << 11) + (<usize>(value & 0xff) << 3));
}

/** The shares of a word, after which `place` bytes follow. */
@inline
function shares(place: u32, word: u64): u64 {
  return (
    share(place + 7, word) ^
    share(place + 6, word >> 8) ^
    share(place + 5, word >> 16) ^
    share(place + 4, word >> 24) ^
    share(place + 3, word >> 32) ^
    share(place + 2, word >> 40) ^
    share(place + 1, word >> 48) ^
    share(place, word >> 56)
  );
}

export function crcBegin(): void {
  crc = ~(<u64>0);
}

/** Takes bytes of the window into the CRC: of two words after each other, neither of which waits for the other, each has a part of it. */
export function crcUpdate(from: usize, length: usize): void {
  const end = from + length;
  let value = crc;
  let at = from;
  if (length >= 16) {
    let second: u64 = 0;
    for (; at + 32 <= end; at += 16) {
      value = shares(8, value ^ load<u64>(at));
      second = shares(8, second ^ load<u64>(at, 8));
    }
    value = shares(0, value ^ load<u64>(at));
    value = shares(0, value ^ second ^ load<u64>(at, 8));
    at += 16;
  }
  for (; at < end; at++) value = share(0, value ^ load<u8>(at)) ^ (value >> 8);
  crc = value;
}

export function crcEnd(): u64 {
  return ~crc;
}

/** Takes the memory for a window of so many bytes, and for what copies write too many. */
function takeMemory(window: usize): bool {
  const pages = <i32>((WINDOW + window + 64 + 0xffff) >> 16);
  return memory.size() >= pages || memory.grow(pages - memory.size()) >= 0;
}

/** Begins with an empty window that reaches back `bytes`. False when there is no memory for it. */
export function resetDictionary(bytes: u32): bool {
  dictionary = bytes;
  // A multiple of 16, so that a place in memory says the position that contexts depend on.
  size = (<usize>bytes + 48 + 15) & ~15;
  position = WINDOW;
  wrapped = false;
  return takeMemory(size);
}

/** Sets lc, lp and pb, of which the first two are at most 4 together. */
export function setProperties(lc: u32, lp: u32, pb: u32): void {
  literalBits = lc;
  literalMask = (1 << lp) - 1;
  positionMask = (1 << pb) - 1;
}

export function resetState(): void {
  for (let probability = IS_MATCH; probability < PROBABILITIES_END; probability += 4)
    store<u32>(probability, (1024 << 16) | 1024);
  state = 0;
  rep0 = 0;
  rep1 = 0;
  rep2 = 0;
  rep3 = 0;
}

/** Begins with the data of a chunk of LZMA, `length` bytes that have been put at the input. False for damage. */
export function begin(length: u32): bool {
  if (length < 5 || length > 0x10000 || load<u8>(INPUT) != 0) return false;
  next = INPUT + 5;
  inputEnd = INPUT + length;
  range = 0xffffffff;
  code = bswap(load<u32>(INPUT, 1));
  left = 0;
  return true;
}

@inline
function normalise(): void {
  if (range < TOP) {
    range <<= 8;
    code = (code << 8) | load<u8>(next++);
  }
}

/** Whether the chunk has ended as it must. */
export function ended(): bool {
  normalise();
  return code == 0 && next == inputEnd && left == 0;
}

/** How many bytes there are to the end of the window, but at most `length`. At the end it goes on at the beginning. */
export function room(length: u32): u32 {
  if (position == WINDOW + size) {
    position = WINDOW;
    wrapped = true;
  }
  return <u32>min<usize>(length, WINDOW + size - position);
}

/** That so many bytes, within the room, have been put at the output. */
export function advance(length: u32): void {
  position += length;
}

/** One bit, by the probability at a place. With a branch, for bits that are mostly the same. */
@inline
function bit(place: usize): bool {
  const probability = <u32>load<u16>(place);
  normalise();
  const bound = (range >> 11) * probability;
  if (code < bound) {
    range = bound;
    store<u16>(place, <u16>(probability + ((2048 - probability) >> 5)));
    return false;
  }
  range -= bound;
  code -= bound;
  store<u16>(place, <u16>(probability - (probability >> 5)));
  return true;
}

/** One bit, without a branch, for bits that no processor can predict; its probability has been loaded from the place. */
@inline
function flatBit(place: usize, probability: u32): bool {
  normalise();
  const bound = (range >> 11) * probability;
  const one = code >= bound;
  range = select<u32>(range - bound, bound, one);
  code = select<u32>(code - bound, code, one);
  // What `bit` does to the probability, in one form for both.
  const towards = probability + select<u32>(0, <u32>(31 - 2048), one);
  store<u16>(place, <u16>(probability - <u32>(<i32>towards >> 5)));
  return one;
}

/** The bits of a leaf in a tree with so many leaves, the highest first, below a one. */
function tree(place: usize, leaves: u32): u32 {
  let symbol: u32 = 1;
  let probability = <u32>load<u16>(place + 2);
  do {
    // Of the two that may be next, so that the bit chooses and nothing is waited for.
    const pair = load<u32>(place + (symbol << 2));
    const one = flatBit(place + (symbol << 1), probability);
    symbol = (symbol << 1) + <u32>one;
    probability = (pair >> (<u32>one << 4)) & 0xffff;
  } while (symbol < leaves);
  return symbol;
}

/** A literal after a match, decoded by the byte that would have gone on with it as long as it is the same. */
function matchedLiteral(place: usize, byte: u32): u32 {
  let symbol: u32 = 1;
  let matched = byte;
  let offset: u32 = 0x100;
  do {
    matched <<= 1;
    const expected = matched & offset;
    const own = place + ((offset + expected + symbol) << 1);
    const one = flatBit(own, load<u16>(own));
    symbol = (symbol << 1) + <u32>one;
    offset = select<u32>(expected, offset & ~expected, one);
  } while (symbol < 0x100);
  return symbol;
}

/** So many bits of a leaf in a tree, the lowest first. */
function reverseTree(place: usize, bits: u32): u32 {
  let symbol: u32 = 1;
  let value: u32 = 0;
  for (let i: u32 = 0; i < bits; i++) {
    const own = place + (symbol << 1);
    const one = flatBit(own, load<u16>(own));
    symbol = (symbol << 1) + <u32>one;
    value |= <u32>one << i;
  }
  return value;
}

/** So many bits, each as probable as the other, the highest first. */
function directBits(bits: u32): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < bits; i++) {
    normalise();
    range >>= 1;
    code -= range;
    const zero = <u32>(<i32>code >> 31);
    code += range & zero;
    value = (value << 1) + zero + 1;
  }
  return value;
}

/** A place in the window, so many bytes back. */
@inline
function back(p: usize, distance: usize): usize {
  return p - distance + select<usize>(size, 0, p - WINDOW < distance);
}

/** The length of a match. */
function matchLength(place: usize, positionState: u32): u32 {
  if (!bit(place)) return tree(place + LENGTH_LOW + (positionState << 4), 8) - 8 + 2;
  if (!bit(place + 2)) return tree(place + LENGTH_MID + (positionState << 4), 8) - 8 + 10;
  return tree(place + LENGTH_HIGH, 256) - 256 + 18;
}

/** The distance of a match of some length, less 1. */
function matchDistance(length: u32): u32 {
  const slot = tree(POS_SLOT + (min<u32>(length - 2, 3) << 7), 64) - 64;
  if (slot < 4) return slot;
  const bits = (slot >> 1) - 1;
  const high = (2 | (slot & 1)) << bits;
  if (slot < 14) return high + reverseTree(POS + ((high - slot) << 1), bits);
  return high + (directBits(bits - 4) << 4) + reverseTree(ALIGN, 4);
}

/** Takes one of the last distances, which becomes the newest. */
function repeatedDistance(): void {
  let distance = rep1;
  if (bit(IS_REP_G1 + (state << 1))) {
    distance = rep2;
    if (bit(IS_REP_G2 + (state << 1))) {
      distance = rep3;
      rep3 = rep2;
    }
    rep2 = rep1;
  }
  rep1 = rep0;
  rep0 = distance;
}

/** Copies what is left of a match, up to a place. */
function copy(limit: usize): void {
  const stop = position + min<u32>(left, <u32>(limit - position));
  left -= <u32>(stop - position);
  const distance = <usize>rep0 + 1;
  const end = WINDOW + size;
  let p = position;
  let from = back(p, distance);
  if (distance >= 8 && from + (stop - p) <= end) {
    for (; p < stop; p += 8, from += 8) store<u64>(p, load<u64>(from));
  } else {
    while (p < stop) {
      store<u8>(p++, load<u8>(from++));
      if (from == end) from = WINDOW;
    }
  }
  position = stop;
}

/** Decodes so many bytes, within the room. False for damage. */
export function decode(length: u32): bool {
  const limit = position + length;
  for (;;) {
    if (left > 0) copy(limit);
    if (position >= limit) break;
    // A symbol may have read beyond the end, but no more than there is room for.
    if (next > inputEnd) return false;
    const positionState = <u32>position & positionMask;
    if (!bit(IS_MATCH + (state << 5) + (positionState << 1))) {
      const previous: u32 = position > WINDOW || wrapped ? load<u8>(back(position, 1)) : 0;
      const context = ((<u32>position & literalMask) << literalBits) + (previous >> (8 - literalBits));
      const literal: usize = LITERAL + ((context * 0x300) << 1);
      if (state < 7) {
        store<u8>(position, <u8>tree(literal, 0x100));
        state = state < 4 ? 0 : state - 3;
      } else {
        store<u8>(position, <u8>matchedLiteral(literal, load<u8>(back(position, <usize>rep0 + 1))));
        state = state < 10 ? state - 3 : state - 6;
      }
      position++;
      continue;
    }
    if (!bit(IS_REP + (state << 1))) {
      rep3 = rep2;
      rep2 = rep1;
      rep1 = rep0;
      left = matchLength(LENGTH, positionState);
      rep0 = matchDistance(left);
      state = state < 7 ? 7 : 10;
    } else if (bit(IS_REP_G0 + (state << 1))) {
      repeatedDistance();
      left = matchLength(REP_LENGTH, positionState);
      state = state < 7 ? 8 : 11;
    } else if (bit(IS_REP0_LONG + (state << 5) + (positionState << 1))) {
      left = matchLength(REP_LENGTH, positionState);
      state = state < 7 ? 8 : 11;
    } else {
      left = 1;
      state = state < 7 ? 9 : 11;
    }
    if (rep0 >= (wrapped ? dictionary : min<u32>(<u32>(position - WINDOW), dictionary))) return false;
  }
  return true;
}
