/**
 * Compares caches of the linker, ld.so.cache, in the form of glibc 2.2 and later (dl-cache.h): entries by library and path, and their order.
 *
 * The names within are those of libraries. Fields: `presence`, `order`, `flags`, `extensions` (what wrote the file), `header`.
 */
import { shown } from "../compare/shown.ts";
import type { Format, Looker, Pair } from "./format.ts";
import { compareOrder } from "./order.ts";
import { wholeOf } from "./windows.ts";

const magic = "glibc-ld.so.cache1.1";
const largest = 16 << 20;

interface Cache {
  readonly entries: ReadonlyMap<string, string>;
  readonly header: string;
  readonly tail: string;
}

function read(bytes: Buffer): Cache {
  const [count, strings] = [bytes.readUInt32LE(20), bytes.readUInt32LE(24)];
  const end = 48 + count * 24;
  if (end + strings > bytes.length) throw new RangeError("its entries are not whole");
  const text = (at: number): string => {
    const stop = bytes.indexOf(0, at);
    if (at < end || stop < 0) throw new RangeError("a name of it is nowhere");
    return bytes.toString("latin1", at, Math.min(stop, at + 4096));
  };
  const entries = new Map<string, string>();
  for (let at = 48; at < end; at += 24) {
    const key = `${text(bytes.readUInt32LE(at + 4))} => ${text(bytes.readUInt32LE(at + 8))}`;
    entries.set(
      key,
      `${entries.get(key) ?? ""}${bytes.readUInt32LE(at)},${bytes.readUInt32LE(at + 12)},${bytes.readBigUInt64LE(at + 16)} `,
    );
  }
  return { entries, header: bytes.toString("hex", 28, 48), tail: bytes.toString("latin1", end + strings) };
}

function compareCache({ a, b }: Pair, looker: Looker): void {
  const [x, y] = [read(wholeOf(a, largest)), read(wholeOf(b, largest))];
  const name = (key: string): string => key.slice(0, key.indexOf(" =>"));
  const path = (key: string): string => shown(key.slice(key.indexOf("=> ") + 3));
  for (const [key, flags] of x.entries) {
    const other = y.entries.get(key);
    if (other === undefined) looker.within(name(key)).found("presence", { grade: "content", a: path(key) });
    else if (other !== flags)
      looker
        .within(name(key))
        .found("flags", { grade: "content", natures: ["number"], a: flags.trim(), b: other.trim() });
  }
  for (const key of y.entries.keys())
    if (!x.entries.has(key)) looker.within(name(key)).found("presence", { grade: "content", b: path(key) });
  // Of two libraries of one name the first is taken.
  compareOrder(x.entries, y.entries, looker, "content");
  if (x.tail !== y.tail) {
    const printable = (tail: string): string => shown((/[\x20-\x7e]{4,}/.exec(tail) ?? [`${tail.length} bytes`])[0]);
    looker.found("extensions", { grade: "cosmetic", natures: ["version"], a: printable(x.tail), b: printable(y.tail) });
  }
  if (x.header !== y.header) looker.found("header", { grade: "content", a: x.header, b: y.header });
}

export const ldCache: Format = {
  name: "ld.so.cache",
  accepts: ({ a, b }) => [a, b].every((side) => side.size <= largest && side.read(0, 20).toString("latin1") === magic),
  compare: compareCache,
};
