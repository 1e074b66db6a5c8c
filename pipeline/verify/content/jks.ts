/**
 * Compares key stores of Java in its own form (JKS, version 2): the dates of entries, what they hold, and their order.
 *
 * The names within are aliases. Fields: `creation date`, `certificate`, `private key`, `presence`, `order`, `digest` (over all of it, when nothing else
 * differs: another password).
 * Facts: of dates `valueA`, `valueB` (milliseconds since 1970).
 */
import type { Format, Looker, Pair } from "./format.ts";
import { compareOrder } from "./order.ts";
import { wholeOf } from "./windows.ts";

const largest = 32 << 20;

interface Entry {
  readonly date: bigint;
  readonly kind: "certificate" | "private key";
  readonly value: string;
}

function read(bytes: Buffer): { readonly entries: ReadonlyMap<string, Entry>; readonly digest: string } {
  if (bytes.readUInt32BE(4) !== 2) throw new RangeError("its version is not known");
  const count = bytes.readUInt32BE(8);
  const entries = new Map<string, Entry>();
  let at = 12;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError("an entry is not whole");
    at += length;
    return bytes.subarray(at - length, at);
  };
  const certificate = (): void => {
    take(take(2).readUInt16BE(0));
    take(take(4).readUInt32BE(0));
  };
  for (let index = 0; index < count; index++) {
    const tag = take(4).readUInt32BE(0);
    if (tag !== 1 && tag !== 2) throw new RangeError("an entry has a kind that is not known");
    const alias = take(take(2).readUInt16BE(0)).toString("utf8");
    const date = take(8).readBigUInt64BE(0);
    const start = at;
    if (tag === 1) {
      take(take(4).readUInt32BE(0));
      const chain = take(4).readUInt32BE(0);
      for (let link = 0; link < chain; link++) certificate();
    } else certificate();
    if (entries.has(alias)) throw new RangeError("an alias is there twice");
    entries.set(alias, {
      date,
      kind: tag === 1 ? "private key" : "certificate",
      value: bytes.toString("latin1", start, at),
    });
  }
  const digest = take(20).toString("hex");
  if (at !== bytes.length) throw new RangeError("something follows its digest");
  return { entries, digest };
}

function compareJks({ a, b }: Pair, looker: Looker): void {
  const [x, y] = [read(wholeOf(a, largest)), read(wholeOf(b, largest))];
  let count = 0;
  const date = (value: bigint): string =>
    value < 8_640_000_000_000_000n ? new Date(Number(value)).toISOString() : String(value);
  for (const [alias, entry] of x.entries) {
    const inner = looker.within(alias);
    const other = y.entries.get(alias);
    if (other === undefined) inner.found("presence", { grade: "content", a: entry.kind });
    else {
      if (entry.date !== other.date)
        inner.found("creation date", {
          grade: "clock",
          natures: ["time"],
          a: date(entry.date),
          b: date(other.date),
          facts: { valueA: Number(entry.date), valueB: Number(other.date) },
        });
      if (entry.kind !== other.kind || entry.value !== other.value)
        inner.found(entry.kind, {
          grade: "content",
          natures: ["random"],
          a: `a ${entry.kind}`,
          b: `another ${other.kind}`,
        });
      if (entry.date === other.date && entry.value === other.value) continue;
    }
    count++;
  }
  for (const [alias, entry] of y.entries)
    if (!x.entries.has(alias)) {
      count++;
      looker.within(alias).found("presence", { grade: "content", b: entry.kind });
    }
  if (compareOrder(x.entries, y.entries, looker, "cosmetic")) count++;
  if (count === 0 && x.digest !== y.digest)
    looker.found("digest", { grade: "content", a: "one password or digest", b: "another" });
}

export const jks: Format = {
  name: "jks",
  accepts: ({ a, b }) =>
    [a, b].every((side) => side.size <= largest && side.size >= 32 && side.read(0, 4).readUInt32BE(0) === 0xfeedfeed),
  compare: compareJks,
};
