/**
 * Compares PNG images chunk by chunk (PNG, third edition, section 5).
 *
 * Fields: names of chunks: `tIME`, `tEXt KEYWORD` (also of zTXt and iTXt), `IDAT` (pixels, or only their compression), others as they are called; `bytes
 * after IEND`.
 * Facts: `kinds` (see tokens.ts) of texts.
 */
import { inflateSync } from "node:zlib";
import { shown } from "../compare/shown.ts";
import type { Format, Looker, Pair } from "./format.ts";
import { withoutSecrets } from "./secrets.ts";
import { gradeOf, judge } from "./tokens.ts";
import { wholeOf } from "./windows.ts";

const largest = 64 << 20;
const magic = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** Chunks by name, texts by keyword too; those of one name are joined, as those of pixels are meant to be. */
function read(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const chunks = new Map<string, Buffer[]>();
  let at = magic.length;
  for (let name = ""; name !== "IEND";) {
    const length = bytes.readUInt32BE(at);
    name = bytes.toString("latin1", at + 4, at + 8);
    if (at + 12 + length > bytes.length) throw new RangeError("a chunk is not whole");
    const data = bytes.subarray(at + 8, at + 8 + length);
    const key = /^(?:tEXt|zTXt|iTXt)$/.test(name)
      ? `${name} ${data.toString("latin1", 0, Math.max(0, data.indexOf(0)))}`
      : name;
    const parts = chunks.get(key);
    const part = name === key ? data : data.subarray(data.indexOf(0) + 1);
    if (parts === undefined) chunks.set(key, [part]);
    else parts.push(part);
    at += 12 + length;
  }
  chunks.set("bytes after IEND", [bytes.subarray(at)]);
  return new Map([...chunks].map(([name, parts]) => [name, Buffer.concat(parts)]));
}

function pixels(data: Buffer): Buffer {
  return inflateSync(data, { maxOutputLength: largest });
}

function comparePng({ a, b }: Pair, looker: Looker): void {
  const [x, y] = [read(wholeOf(a, largest)), read(wholeOf(b, largest))];
  for (const name of new Set([...x.keys(), ...y.keys()])) {
    const [p, q] = [x.get(name), y.get(name)];
    if (p !== undefined && q !== undefined && p.equals(q)) continue;
    const text = /^[ti]/.test(name) && name !== "tIME";
    const say = (data: Buffer): string =>
      text
        ? shown(withoutSecrets(data.toString("utf8")))
        : name === "tIME" && data.length === 7
          ? `${data.readUInt16BE(0)}-${[...data.subarray(2)].join("-")}`
          : `${data.length} bytes`;
    const sides = { ...(p === undefined ? {} : { a: say(p) }), ...(q === undefined ? {} : { b: say(q) }) };
    if (name === "tIME" && p !== undefined && q !== undefined)
      looker.found(name, { grade: "clock", natures: ["time"], ...sides });
    else if (name === "IDAT" && p !== undefined && q !== undefined) {
      const same = pixels(p).equals(pixels(q));
      looker.found(name, { grade: same ? "encoding" : "content", natures: same ? ["encoder"] : [], ...sides });
    } else if (text && p !== undefined && q !== undefined) {
      const verdict = judge(p.toString("utf8"), q.toString("utf8"));
      looker.found(name, {
        grade: gradeOf(verdict),
        natures: verdict.natures,
        ...sides,
        facts: { kinds: verdict.kinds.join(" ") },
      });
    } else
      looker.found(name, {
        grade: /^[a-z]/.test(name) && name !== "bytes after IEND" ? "cosmetic" : "content",
        ...sides,
      });
  }
}

export const png: Format = {
  name: "png",
  accepts: ({ a, b }) => [a, b].every((side) => side.size <= largest && side.read(0, 8).equals(magic)),
  compare: comparePng,
};
