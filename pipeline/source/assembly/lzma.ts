/**
 * Decoding of LZMA, and the CRC-64 of .xz, in AssemblyScript: `npm run assembly` makes ../lzma.wasm of it. What it may reach is its own memory,
 * whatever a stream says. The format is that of the LZMA SDK ("LZMA specification", lzma-specification.txt) with the chunks of LZMA2, which
 * ../xz-thread.js reads; names are those of the specification.
 *
 * Bits of literals, lengths and distances are decoded without branches, since they cannot be predicted: `select` becomes a conditional move.
 * What is decoded is kept in locals, which the compiler keeps in registers.
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
/** For each place of a byte among eight, its share of the CRC: u64[8][256]. */
const CRC: usize = 0xa000;
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
/** The range decoder, and what it reads. */
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
  for (let place: u32 = 1; place < 8; place++) {
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

export function crcBegin(): void {
  crc = ~(<u64>0);
}

/** Takes bytes of the window into the CRC. */
export function crcUpdate(from: usize, length: usize): void {
  const end = from + length;
  let value = crc;
  let at = from;
  for (; at + 8 <= end; at += 8) {
    const word = value ^ load<u64>(at);
    value =
      share(7, word) ^
      share(6, word >> 8) ^
      share(5, word >> 16) ^
      share(4, word >> 24) ^
      share(3, word >> 32) ^
      share(2, word >> 40) ^
      share(1, word >> 48) ^
      share(0, word >> 56);
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

/** Whether the chunk has ended as it must. */
export function ended(): bool {
  if (range < 1 << 24) {
    range <<= 8;
    code = (code << 8) | load<u8>(next++);
  }
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

/** Below this the range takes another byte. */
const TOP: u32 = 1 << 24;

// What the probability of a zero becomes after a zero, after a one, and after a bit without a branch.
@inline
function was0(place: usize, probability: u32): void {
  store<u16>(place, <u16>(probability + ((2048 - probability) >> 5)));
}

@inline
function was1(place: usize, probability: u32): void {
  store<u16>(place, <u16>(probability - (probability >> 5)));
}

@inline
function was(place: usize, probability: u32, one: bool): void {
  const towards = probability + select<u32>(0, <u32>(31 - 2048), one);
  store<u16>(place, <u16>(probability - <u32>(<i32>towards >> 5)));
}

/** Decodes so many bytes, within the room. False for damage. */
export function decode(length: u32): bool {
  const limit = position + length;
  let p = position;
  let r = range;
  let c = code;
  let at = next;
  let s = state;
  let r0 = rep0;
  let len = left;
  const end = WINDOW + size;
  let good = true;
  for (;;) {
    if (len > 0) {
      const stop = p + min<u32>(len, <u32>(limit - p));
      len -= <u32>(stop - p);
      const distance: usize = <usize>r0 + 1;
      let from = p - distance;
      if (p - WINDOW < distance) from += size;
      if (distance >= 8 && from + (stop - p) <= end) {
        for (; p < stop; p += 8, from += 8) store<u64>(p, load<u64>(from));
        p = stop;
      } else {
        while (p < stop) {
          store<u8>(p++, load<u8>(from++));
          if (from == end) from = WINDOW;
        }
      }
    }
    if (p >= limit) break;
    // A symbol may have read beyond the end, but no more than there is room for.
    if (at > inputEnd) {
      good = false;
      break;
    }
    const posState = <u32>p & positionMask;
    let q: usize = IS_MATCH + (s << 5) + (posState << 1);
    let prob = <u32>load<u16>(q);
    if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
    let bound = (r >> 11) * prob;
    if (c < bound) {
      r = bound;
      was0(q, prob);
      const previous: u32 = p > WINDOW ? load<u8>(p - 1) : wrapped ? load<u8>(end - 1) : 0;
      const context = ((<u32>p & literalMask) << literalBits) + (previous >> (8 - literalBits));
      const literal: usize = LITERAL + ((context * 0x300) << 1);
      let symbol: u32 = 1;
      if (s < 7) {
        s = s < 4 ? 0 : s - 3;
        let prob = <u32>load<u16>(literal + 2);
        for (let i = 0; i < 8; i++) {
          // Of the two that may be next, so that the bit chooses and nothing is waited for.
          const pair = load<u32>(literal + (symbol << 2));
          if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
          bound = (r >> 11) * prob;
          const bit = c >= bound;
          const place = literal + (symbol << 1);
          r = select<u32>(r - bound, bound, bit);
          c = select<u32>(c - bound, c, bit);
          was(place, prob, bit);
          symbol = (symbol << 1) + <u32>bit;
          prob = (pair >> (<u32>bit << 4)) & 0xffff;
        }
      } else {
        s = s < 10 ? s - 3 : s - 6;
        let from = p - <usize>r0 - 1;
        if (p - WINDOW < <usize>r0 + 1) from += size;
        let matched: u32 = load<u8>(from);
        let offset: u32 = 0x100;
        for (let i = 0; i < 8; i++) {
          matched <<= 1;
          const expected = matched & offset;
          const place = literal + ((offset + expected + symbol) << 1);
          const prob = <u32>load<u16>(place);
          if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
          bound = (r >> 11) * prob;
          const bit = c >= bound;
          r = select<u32>(r - bound, bound, bit);
          c = select<u32>(c - bound, c, bit);
          was(place, prob, bit);
          symbol = (symbol << 1) + <u32>bit;
          offset = select<u32>(expected, offset & ~expected, bit);
        }
      }
      store<u8>(p++, <u8>symbol);
      continue;
    }
    r -= bound; c -= bound;
    was1(q, prob);
    q = IS_REP + (s << 1);
    prob = load<u16>(q);
    if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
    bound = (r >> 11) * prob;
    let lengths: usize;
    if (c < bound) {
      r = bound;
      was0(q, prob);
      rep3 = rep2; rep2 = rep1; rep1 = r0;
      lengths = LENGTH;
      s = s < 7 ? 7 : 10;
    } else {
      r -= bound; c -= bound;
      was1(q, prob);
      if (p == WINDOW && !wrapped) {
        good = false;
        break;
      }
      q = IS_REP_G0 + (s << 1);
      prob = load<u16>(q);
      if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
      bound = (r >> 11) * prob;
      if (c < bound) {
        r = bound;
        was0(q, prob);
        q = IS_REP0_LONG + (s << 5) + (posState << 1);
        prob = load<u16>(q);
        if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
        bound = (r >> 11) * prob;
        if (c < bound) {
          r = bound;
          was0(q, prob);
          s = s < 7 ? 9 : 11;
          len = 1;
          continue;
        }
        r -= bound; c -= bound;
        was1(q, prob);
      } else {
        r -= bound; c -= bound;
        was1(q, prob);
        q = IS_REP_G1 + (s << 1);
        prob = load<u16>(q);
        if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
        bound = (r >> 11) * prob;
        let d: u32;
        if (c < bound) {
          r = bound;
          was0(q, prob);
          d = rep1;
        } else {
          r -= bound; c -= bound;
          was1(q, prob);
          q = IS_REP_G2 + (s << 1);
          prob = load<u16>(q);
          if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
          bound = (r >> 11) * prob;
          if (c < bound) {
            r = bound;
            was0(q, prob);
            d = rep2;
          } else {
            r -= bound; c -= bound;
            was1(q, prob);
            d = rep3;
            rep3 = rep2;
          }
          rep2 = rep1;
        }
        rep1 = r0;
        r0 = d;
      }
      lengths = REP_LENGTH;
      s = s < 7 ? 8 : 11;
    }
    prob = load<u16>(lengths);
    if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
    bound = (r >> 11) * prob;
    let tree: usize;
    let leaves: u32;
    let base: u32;
    if (c < bound) {
      r = bound;
      was0(lengths, prob);
      tree = lengths + LENGTH_LOW + (posState << 4);
      leaves = 8;
      base = 2;
    } else {
      r -= bound; c -= bound;
      was1(lengths, prob);
      prob = load<u16>(lengths + 2);
      if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
      bound = (r >> 11) * prob;
      if (c < bound) {
        r = bound;
        was0(lengths + 2, prob);
        tree = lengths + LENGTH_MID + (posState << 4);
        leaves = 8;
        base = 10;
      } else {
        r -= bound; c -= bound;
        was1(lengths + 2, prob);
        tree = lengths + LENGTH_HIGH;
        leaves = 256;
        base = 18;
      }
    }
    let symbol: u32 = 1;
    do {
      q = tree + (symbol << 1);
      prob = load<u16>(q);
      if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
      bound = (r >> 11) * prob;
      const bit = c >= bound;
      r = select<u32>(r - bound, bound, bit);
      c = select<u32>(c - bound, c, bit);
      was(q, prob, bit);
      symbol = (symbol << 1) + <u32>bit;
    } while (symbol < leaves);
    len = symbol - leaves + base;
    if (lengths == LENGTH) {
      const slots: usize = POS_SLOT + (min<u32>(len - 2, 3) << 7);
      symbol = 1;
      prob = <u32>load<u16>(slots + 2);
      for (let i = 0; i < 6; i++) {
        const pair = load<u32>(slots + (symbol << 2));
        q = slots + (symbol << 1);
        if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
        bound = (r >> 11) * prob;
        const bit = c >= bound;
        r = select<u32>(r - bound, bound, bit);
        c = select<u32>(c - bound, c, bit);
        was(q, prob, bit);
        symbol = (symbol << 1) + <u32>bit;
        prob = (pair >> (<u32>bit << 4)) & 0xffff;
      }
      symbol -= 64;
      if (symbol < 4) r0 = symbol;
      else {
        let k: u32 = (symbol >> 1) - 1;
        r0 = 2 | (symbol & 1);
        let reverse: usize;
        if (symbol < 14) {
          r0 <<= k;
          reverse = POS + ((r0 - symbol) << 1);
        } else {
          k -= 4;
          do {
            if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
            r >>= 1;
            c -= r;
            const mask = <u32>(<i32>c >> 31);
            c += r & mask;
            r0 = (r0 << 1) + mask + 1;
          } while (--k > 0);
          r0 <<= 4;
          reverse = ALIGN;
          k = 4;
        }
        symbol = 1;
        let value: u32 = 1;
        do {
          q = reverse + (symbol << 1);
          prob = load<u16>(q);
          if (r < TOP) { r <<= 8; c = (c << 8) | load<u8>(at++); }
          bound = (r >> 11) * prob;
          const bit = c >= bound;
          r = select<u32>(r - bound, bound, bit);
          c = select<u32>(c - bound, c, bit);
          was(q, prob, bit);
          symbol = (symbol << 1) + <u32>bit;
          r0 += select<u32>(value, 0, bit);
          value <<= 1;
        } while (--k > 0);
      }
    }
    if (r0 >= (wrapped ? dictionary : min<u32>(<u32>(p - WINDOW), dictionary))) {
      good = false;
      break;
    }
  }
  position = p;
  range = r;
  code = c;
  next = at;
  state = s;
  rep0 = r0;
  left = len;
  return good;
}
