/**
 * The compressor (docs/format.md, "Compression"), in AssemblyScript: `npm run assembly` makes ../deflate.wasm of it. Whole numbers and its own
 * memory are all it has, so that the bytes it gives are the same with every processor and every runtime.
 *
 * Everything lies at a fixed place in memory; names of places are in capitals, and what is there is said beside them. Loads of 8 bytes may go
 * beyond the data, never beyond the memory.
 */

const BLOCK: u32 = 1 << 20;
/** How far back a match may lie (RFC 1951, section 2), and how much may come before a block. */
const WINDOW: u32 = 1 << 15;
/** The longest match. */
const LONGEST: u32 = 258;
/** How far back a match of three bytes may lie: further away, its bits cost more than three literals. */
const NEAR: u32 = 2048;
/** Matches of a DEFLATE block. */
const MATCHES: u32 = 1 << 12;
/** The last bytes of a block are literals, so that 8 bytes can be compared from wherever a match may begin. */
const TAIL: usize = 8;

const LITERALS: u32 = 286;
const DISTANCES: u32 = 30;
const LENGTHS: u32 = 19;
const END_OF_BLOCK: u32 = 256;

/** For each length, its symbol above 257: u8[259]. */
const LENGTH_SYMBOL: usize = 0x400;
/** Of symbols of lengths: extra bits, u8[29], and the shortest length, u16[29]. */
const LENGTH_EXTRA: usize = 0x520;
const LENGTH_BASE: usize = 0x540;
/** Of symbols of distances: extra bits, u8[30], and the least distance, u16[30]. */
const DISTANCE_EXTRA: usize = 0x580;
const DISTANCE_BASE: usize = 0x5a0;
/** How often each symbol occurs in the block: u32[286], u32[30], u32[19]. */
const LITERAL_COUNT: usize = 0x600;
const DISTANCE_COUNT: usize = 0xb00;
const LENGTH_COUNT: usize = 0xb80;
/** Codes, with the first bit lowest, and their lengths above bit 24: u32[286], u32[30], u32[19]. */
const LITERAL_CODE: usize = 0xc00;
const DISTANCE_CODE: usize = 0x1100;
const LENGTH_CODE: usize = 0x1180;
/** For each length, the bits of its code and of what is extra: u32[259], and how many these are: u8[259]. */
const MATCH_BITS: usize = 0x1200;
const MATCH_SIZE: usize = 0x1640;
/** The lengths of the codes of a block, u8[316], and what is said of them: u16[316], the symbol below bit 5, extra bits above. */
const CODE_LENGTHS: usize = 0x1780;
const CODE_ITEMS: usize = 0x1900;
/** For the making of a code: used symbols by how often they occur, u64[286]; weights and parents of nodes, u32[572]; codes of each length, u32[17]. */
const SORTED: usize = 0x2000;
const WEIGHT: usize = 0x2900;
const PARENT: usize = 0x3200;
const OF_LENGTH: usize = 0x3b00;

/** The two newest positions for each hash of four bytes, the newest lower: u64[1 << 15]. */
const BY_FOUR: usize = 0x10000;
const FOUR_BITS: u32 = 15;
/** The newest position for each hash of three bytes: u32[1 << 13]. */
const BY_THREE: usize = BY_FOUR + (8 << FOUR_BITS);
const THREE_BITS: u32 = 13;
/** The matches of the block: literals before it, u32; length, u16; distance, u16. */
const MATCH: usize = BY_THREE + (4 << THREE_BITS);
const MATCH_END: usize = MATCH + 8 * <usize>MATCHES;
/** What comes before the block, and the block. */
const INPUT: usize = MATCH_END + 64;
const START: usize = INPUT + WINDOW;
const OUTPUT: usize = START + BLOCK + 64;
/** Stored blocks take 5 bytes for each 65535, and no block takes more than if it were stored. */
const OUTPUT_SIZE: usize = BLOCK + 4096;

/** Where the block begins. What comes before it ends there. */
export function input(): usize {
  return START;
}

/** Where the output begins. */
export function output(): usize {
  return OUTPUT;
}

/** Makes the tables of RFC 1951, section 3.2.5, and takes the memory. Once, before anything else. */
export function prepare(): void {
  const pages = <i32>((OUTPUT + OUTPUT_SIZE + 0xffff) >> 16);
  if (memory.size() < pages && memory.grow(pages - memory.size()) < 0) unreachable();
  let base: u32 = 3;
  for (let symbol: u32 = 0; symbol < 28; symbol++) {
    const extra: u32 = symbol < 8 ? 0 : (symbol - 4) >> 2;
    store<u8>(LENGTH_EXTRA + symbol, <u8>extra);
    store<u16>(LENGTH_BASE + (symbol << 1), <u16>base);
    for (let length = base; length < base + (1 << extra); length++) store<u8>(LENGTH_SYMBOL + length, <u8>symbol);
    base += 1 << extra;
  }
  store<u16>(LENGTH_BASE + (28 << 1), <u16>LONGEST);
  store<u8>(LENGTH_SYMBOL + LONGEST, 28);
  base = 1;
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++) {
    const extra: u32 = symbol < 4 ? 0 : (symbol - 2) >> 1;
    store<u8>(DISTANCE_EXTRA + symbol, <u8>extra);
    store<u16>(DISTANCE_BASE + (symbol << 1), <u16>base);
    base += 1 << extra;
  }
}

// Bits that are not written yet, how many, and where they go.
let bits: u64 = 0;
let count: u32 = 0;
let at: usize = 0;

/** At most 56 bits between two calls of `flush`. */
@inline
function put(value: u32, size: u32): void {
  bits |= <u64>value << count;
  count += size;
}

/** A code, as it is in a table of codes. */
@inline
function putCode(code: u32): void {
  put(code & 0xffffff, code >> 24);
}

/** Writes whole bytes. */
@inline
function flush(): void {
  store<u64>(at, bits);
  at += count >> 3;
  bits >>= count & ~7;
  count &= 7;
}

/** Goes on with a whole byte. */
function align(): void {
  flush();
  if (count > 0) at++;
  bits = 0;
  count = 0;
}

@inline
function hashOfFour(word: u32): usize {
  return BY_FOUR + (<usize>((word * 0x1e35a7bd) >> (32 - FOUR_BITS)) << 3);
}

@inline
function hashOfThree(word: u32): usize {
  return BY_THREE + (<usize>(((word << 8) * 0x1e35a7bd) >> (32 - THREE_BITS)) << 2);
}

/** Enters a position, at which these four bytes are. */
@inline
function enter(word: u32, position: usize): void {
  const four = hashOfFour(word);
  store<u64>(four, (load<u64>(four) << 32) | <u64>position);
  store<u32>(hashOfThree(word), <u32>position);
}

/** Enters the positions from one up to another. */
@inline
function enterUpTo(from: usize, to: usize): void {
  let position = from;
  for (; position + 4 <= to; position += 4) {
    const word = load<u64>(position);
    enter(<u32>word, position);
    enter(<u32>(word >> 8), position + 1);
    enter(<u32>(word >> 16), position + 2);
    enter(<u32>(word >> 24), position + 3);
  }
  for (; position < to; position++) enter(load<u32>(position), position);
}

@inline
function countOne(place: usize, symbol: u32): void {
  const one = place + (<usize>symbol << 2);
  store<u32>(one, load<u32>(one) + 1);
}

@inline
function lengthOf(code: usize, symbol: u32): u32 {
  return load<u8>(code + (<usize>symbol << 2), 3);
}

@inline
function distanceSymbol(distance: u32): u32 {
  const less = distance - 1;
  if (less < 4) return less;
  const high = 31 - clz(less);
  return (high << 1) + ((less >> (high - 1)) & 1);
}

/** How many bytes from two places on are equal, of which the first 8 are known to be; at most `most`. */
function equalBytes(a: usize, b: usize, most: u32): u32 {
  let length: u32 = 8;
  while (length < most) {
    const difference = load<u64>(a + length) ^ load<u64>(b + length);
    if (difference != 0) return min<u32>(length + <u32>(ctz(difference) >> 3), most);
    length += 8;
  }
  return most;
}

/**
 * Compresses `size` bytes, at least one, with `before` bytes that come before them and may be referred to. Gives the size of the output, which
 * ends with a sync flush.
 */
export function deflate(before: u32, size: u32): u32 {
  if (before > WINDOW || size > BLOCK) unreachable();
  memory.fill(BY_FOUR, 0, MATCH - BY_FOUR);
  bits = 0;
  count = 0;
  at = OUTPUT;
  const end: usize = START + size;
  store<u64>(end, 0);
  const last = end - TAIL;
  enterUpTo(START - before, min<usize>(START, last));
  let position: usize = START;
  while (position < end) position = block(position, end);
  // RFC 1951, section 3.2.4: an empty stored block.
  put(0, 3);
  align();
  store<u32>(at, 0xffff0000);
  return <u32>(at + 4 - OUTPUT);
}

/** Finds the matches of one DEFLATE block and writes it. Gives where the next one begins. */
function block(from: usize, end: usize): usize {
  memory.fill(LITERAL_COUNT, 0, 4 * LITERALS);
  memory.fill(DISTANCE_COUNT, 0, 4 * DISTANCES);
  const last = end - TAIL;
  let position = from;
  let literals = from;
  let match = MATCH;
  let four = hashOfFour(load<u32>(position));
  // Read one position ahead: what is found there does not wait for what is decided here.
  let newest = load<u64>(four);
  while (position < last && match < MATCH_END) {
    store<u64>(four, (newest << 32) | <u64>position);
    const word = load<u64>(position);
    four = hashOfFour(<u32>(word >> 8));
    const next = load<u64>(four);
    const a = <usize>(newest & 0xffffffff);
    const b = <usize>(newest >> 32);
    const three = hashOfThree(<u32>word);
    const c = <usize>load<u32>(three);
    store<u32>(three, <u32>position);
    // Without branches, which the processor could not predict. Places that were never entered are too far away.
    const lengthA = select<u32>(<u32>(ctz(load<u64>(a) ^ word) >> 3), 0, <u32>(position - a) <= WINDOW);
    const lengthB = select<u32>(<u32>(ctz(load<u64>(b) ^ word) >> 3), 0, <u32>(position - b) <= WINDOW);
    const nearC = <u32>(<u32>(position - c) <= NEAR) & <u32>(((load<u32>(c) ^ <u32>word) << 8) == 0);
    let length = select<u32>(lengthB, lengthA, lengthB > lengthA);
    let distance = <u32>(position - select<usize>(b, a, lengthB > lengthA));
    if (length == 8) {
      const most = min<u32>(LONGEST, <u32>(end - position));
      length = equalBytes(position - distance, position, most);
      if (lengthA == lengthB) {
        const other = equalBytes(b, position, most);
        if (other > length) {
          length = other;
          distance = <u32>(position - b);
        }
      }
    }
    distance = select<u32>(distance, <u32>(position - c), length >= 4);
    length = select<u32>(length, 3 * nearC, length >= 4);
    if (length == 0) {
      countOne(LITERAL_COUNT, <u32>(word & 0xff));
      position++;
      newest = next;
      continue;
    }
    store<u32>(match, <u32>(position - literals));
    store<u32>(match, length | (distance << 16), 4);
    match += 8;
    countOne(LITERAL_COUNT, 257 + load<u8>(LENGTH_SYMBOL + length));
    countOne(DISTANCE_COUNT, distanceSymbol(distance));
    literals = position + length;
    enterUpTo(position + 1, min<usize>(literals, last));
    position = literals;
    four = hashOfFour(load<u32>(position));
    newest = load<u64>(four);
  }
  if (match < MATCH_END) {
    for (; position < end; position++) countOne(LITERAL_COUNT, load<u8>(position));
  }
  countOne(LITERAL_COUNT, END_OF_BLOCK);
  write(from, position, match);
  return position;
}

/** Sorts the used symbols by how often they occur, then by number; gives how many there are. */
function sortUsed(counts: usize, symbols: u32): u32 {
  let used: u32 = 0;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const often = load<u32>(counts + (symbol << 2));
    if (often == 0) continue;
    store<u64>(SORTED + (used << 3), (<u64>often << 16) | symbol);
    used++;
  }
  for (let gap: u32 = 121; gap > 0; gap /= 3) {
    for (let i = gap; i < used; i++) {
      const one = load<u64>(SORTED + (i << 3));
      let j = i;
      for (; j >= gap && load<u64>(SORTED + ((j - gap) << 3)) > one; j -= gap)
        store<u64>(SORTED + (j << 3), load<u64>(SORTED + ((j - gap) << 3)));
      store<u64>(SORTED + (j << 3), one);
    }
  }
  return used;
}

/** Builds Huffman's tree over the sorted symbols, of which the lightest two are joined first, a symbol before a node of its weight; gives its root. */
function joinNodes(used: u32): u32 {
  for (let leaf: u32 = 0; leaf < used; leaf++)
    store<u32>(WEIGHT + (leaf << 2), <u32>(load<u64>(SORTED + (leaf << 3)) >> 16));
  let leaf: u32 = 0;
  let inner = used;
  for (let node = used; node < 2 * used - 1; node++) {
    let weight: u32 = 0;
    for (let child = 0; child < 2; child++) {
      let lightest: u32;
      if (leaf < used && (inner == node || load<u32>(WEIGHT + (leaf << 2)) <= load<u32>(WEIGHT + (inner << 2))))
        lightest = leaf++;
      else lightest = inner++;
      weight += load<u32>(WEIGHT + (lightest << 2));
      store<u32>(PARENT + (lightest << 2), node);
    }
    store<u32>(WEIGHT + (node << 2), weight);
  }
  return 2 * used - 2;
}

/**
 * Says in OF_LENGTH how many codes have each length: from the root on, each inner node makes a code of its depth into two of the next. Where
 * that would be longer than `limit`, the longest code that may still grow does.
 */
function countLengths(used: u32, root: u32, limit: u32): void {
  memory.fill(OF_LENGTH, 0, 4 * 17);
  store<u32>(OF_LENGTH, 1);
  // Depths take the place of weights.
  for (let node = root; node >= used; node--) {
    let depth: u32 = node == root ? 0 : load<u32>(WEIGHT + (load<u32>(PARENT + (node << 2)) << 2)) + 1;
    store<u32>(WEIGHT + (node << 2), depth);
    if (depth >= limit) {
      depth = limit - 1;
      while (load<u32>(OF_LENGTH + (depth << 2)) == 0) depth--;
    }
    const place = OF_LENGTH + (depth << 2);
    store<u32>(place, load<u32>(place) - 1);
    store<u32>(place, load<u32>(place, 4) + 2, 4);
  }
}

/** Gives symbols codes of at most `limit` bits by how often they occur (RFC 1951, section 3.2.2). Two have one, whatever occurs. */
function makeCode(counts: usize, symbols: u32, limit: u32, code: usize): void {
  memory.fill(code, 0, symbols << 2);
  let used = sortUsed(counts, symbols);
  for (let symbol: u32 = 0; used < 2; symbol++) {
    if (load<u32>(counts + (symbol << 2)) > 0) continue;
    store<u64>(SORTED + (used << 3), symbol);
    used++;
  }
  countLengths(used, joinNodes(used), limit);
  // The rarest get the longest.
  let rank: u32 = 0;
  for (let length = limit; length > 0; length--) {
    for (let left = load<u32>(OF_LENGTH + (length << 2)); left > 0; left--) {
      const symbol = <usize>(load<u64>(SORTED + (rank << 3)) & 0xffff);
      store<u32>(code + (symbol << 2), length << 24);
      rank++;
    }
  }
  let first: u32 = 0;
  for (let length: u32 = 1; length <= limit; length++) {
    const place = OF_LENGTH + (length << 2);
    const codes = load<u32>(place);
    store<u32>(place, first);
    first = (first + codes) << 1;
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length = lengthOf(code, symbol);
    if (length == 0) continue;
    const place = OF_LENGTH + (length << 2);
    const own = load<u32>(place);
    store<u32>(place, own + 1);
    let reversed: u32 = 0;
    for (let bit: u32 = 0; bit < length; bit++) reversed = (reversed << 1) | ((own >> bit) & 1);
    store<u32>(code + (symbol << 2), reversed | (length << 24));
  }
}

/** The order in which the lengths of codes for lengths of codes are written (RFC 1951, section 3.2.7). */
function writtenAt(index: u32): u32 {
  if (index < 3) return 16 + index;
  if (index == 3) return 0;
  const step = (index - 4) >> 1;
  return (index & 1) == 0 ? 8 + step : 7 - step;
}

@inline
function extraBits(symbol: u32): u32 {
  return symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
}

function addItem(index: u32, symbol: u32, extra: u32): u32 {
  store<u16>(CODE_ITEMS + (index << 1), <u16>(symbol | (extra << 5)));
  countOne(LENGTH_COUNT, symbol);
  return index + 1;
}

/** Says the lengths of codes with repetitions (RFC 1951, section 3.2.7), each as long as it may be; gives the number of items. */
function addItems(total: u32): u32 {
  memory.fill(LENGTH_COUNT, 0, 4 * LENGTHS);
  let items: u32 = 0;
  for (let index: u32 = 0; index < total; ) {
    const length: u32 = load<u8>(CODE_LENGTHS + index);
    let run: u32 = 1;
    while (index + run < total && load<u8>(CODE_LENGTHS + index + run) == length) run++;
    index += run;
    if (length == 0) {
      for (; run >= 11; run -= min<u32>(run, 138)) items = addItem(items, 18, min<u32>(run, 138) - 11);
      if (run >= 3) {
        items = addItem(items, 17, run - 3);
        run = 0;
      }
    } else if (run >= 4) {
      items = addItem(items, length, 0);
      for (run--; run >= 3; run -= min<u32>(run, 6)) items = addItem(items, 16, min<u32>(run, 6) - 3);
    }
    for (; run > 0; run--) items = addItem(items, length, 0);
  }
  return items;
}

/** How many symbols have to be written, of at least `least`: those after the last with a code do not. */
function written(code: usize, symbols: u32, least: u32): u32 {
  let wanted = symbols;
  while (wanted > least && lengthOf(code, wanted - 1) == 0) wanted--;
  return wanted;
}

/** Writes the bytes between two places as one DEFLATE block, with the matches up to `matchEnd`; or stored, if that is not longer. */
function write(from: usize, to: usize, matchEnd: usize): void {
  makeCode(LITERAL_COUNT, LITERALS, 15, LITERAL_CODE);
  makeCode(DISTANCE_COUNT, DISTANCES, 15, DISTANCE_CODE);
  const literals = written(LITERAL_CODE, LITERALS, 257);
  const distances = written(DISTANCE_CODE, DISTANCES, 1);
  for (let i: u32 = 0; i < literals; i++) store<u8>(CODE_LENGTHS + i, <u8>lengthOf(LITERAL_CODE, i));
  for (let i: u32 = 0; i < distances; i++) store<u8>(CODE_LENGTHS + literals + i, <u8>lengthOf(DISTANCE_CODE, i));
  const items = addItems(literals + distances);
  makeCode(LENGTH_COUNT, LENGTHS, 7, LENGTH_CODE);
  let lengths = LENGTHS;
  while (lengths > 4 && lengthOf(LENGTH_CODE, writtenAt(lengths - 1)) == 0) lengths--;

  let size: u64 = 17 + 3 * lengths;
  for (let i: u32 = 0; i < LENGTHS; i++)
    size += load<u32>(LENGTH_COUNT + (i << 2)) * (lengthOf(LENGTH_CODE, i) + extraBits(i));
  for (let i: u32 = 0; i < literals; i++) {
    const extra: u32 = i < 257 ? 0 : load<u8>(LENGTH_EXTRA + i - 257);
    size += <u64>load<u32>(LITERAL_COUNT + (i << 2)) * (lengthOf(LITERAL_CODE, i) + extra);
  }
  for (let i: u32 = 0; i < distances; i++)
    size += <u64>load<u32>(DISTANCE_COUNT + (i << 2)) * (lengthOf(DISTANCE_CODE, i) + load<u8>(DISTANCE_EXTRA + i));
  const bytes = <u64>(to - from);
  if (8 * bytes + 40 * ((bytes + 65534) / 65535) <= size) {
    writeStored(from, to);
    return;
  }

  put(2 << 1, 3);
  put(literals - 257, 5);
  put(distances - 1, 5);
  put(lengths - 4, 4);
  flush();
  for (let i: u32 = 0; i < lengths; i++) {
    put(lengthOf(LENGTH_CODE, writtenAt(i)), 3);
    flush();
  }
  for (let i: u32 = 0; i < items; i++) {
    const item = <u32>load<u16>(CODE_ITEMS + (i << 1));
    putCode(load<u32>(LENGTH_CODE + ((item & 31) << 2)));
    put(item >> 5, extraBits(item & 31));
    flush();
  }
  for (let length: u32 = 3; length <= LONGEST; length++) {
    const symbol = <u32>load<u8>(LENGTH_SYMBOL + length);
    const code = load<u32>(LITERAL_CODE + ((257 + symbol) << 2));
    const extra = length - load<u16>(LENGTH_BASE + (symbol << 1));
    store<u32>(MATCH_BITS + (length << 2), (code & 0xffffff) | (extra << (code >> 24)));
    store<u8>(MATCH_SIZE + length, <u8>((code >> 24) + load<u8>(LENGTH_EXTRA + symbol)));
  }
  writeSymbols(from, to, matchEnd);
  putCode(load<u32>(LITERAL_CODE + (END_OF_BLOCK << 2)));
  flush();
}

function writeSymbols(from: usize, to: usize, matchEnd: usize): void {
  let position = from;
  for (let match = MATCH; ; match += 8) {
    // After the last match there may be literals.
    const end = position + (match < matchEnd ? load<u32>(match) : <u32>(to - position));
    while (position < end) {
      // Three codes are not more than may be put at once.
      for (const stop = min<usize>(position + 3, end); position < stop; position++)
        putCode(load<u32>(LITERAL_CODE + (<usize>load<u8>(position) << 2)));
      flush();
    }
    if (match == matchEnd) return;
    const lengthAndDistance = load<u32>(match, 4);
    const length = lengthAndDistance & 0xffff;
    const distance = lengthAndDistance >> 16;
    put(load<u32>(MATCH_BITS + (length << 2)), load<u8>(MATCH_SIZE + length));
    const symbol = distanceSymbol(distance);
    putCode(load<u32>(DISTANCE_CODE + (symbol << 2)));
    put(distance - load<u16>(DISTANCE_BASE + (symbol << 1)), load<u8>(DISTANCE_EXTRA + symbol));
    flush();
    position += length;
  }
}

/** RFC 1951, section 3.2.4. */
function writeStored(from: usize, to: usize): void {
  for (let position = from; position < to; ) {
    const size = min<usize>(to - position, 65535);
    put(0, 3);
    align();
    store<u32>(at, <u32>size | (~(<u32>size) << 16));
    memory.copy(at + 4, position, size);
    at += 4 + size;
    position += size;
  }
}
