/**
 * Compares PDF documents (ISO 32000-1): when they were made, the identifiers of their files, and whatever else differs.
 *
 * Fields: `CreationDate`, `ModDate`, `Producer`, `Creator`, `ID`, those of XMP (`xmp:CreateDate`, `xmpMM:DocumentID` and the like), numbered
 * where there are several; `bytes N` for all else. Objects within compressed streams are bytes.
 */
import type { Grade, Nature } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import { compareBytes } from "./bytes.ts";
import { contentOf, type Format } from "./format.ts";
import { wholeOf } from "./windows.ts";

/** Larger ones are compared as bytes. */
const largest = 64 << 20;

interface Kind {
  readonly pattern: RegExp;
  readonly grade: Grade;
  readonly natures: readonly Nature[];
}

/** The first group is the name, the second the value (14.3.3, "Document Information Dictionary"; 14.4, "File Identifiers"). */
const kinds: readonly Kind[] = [
  { pattern: /\/(CreationDate|ModDate) ?\(([^()\\]{0,200})\)/g, grade: "clock", natures: ["time"] },
  { pattern: /\/(Producer|Creator) ?\(([^()\\]{0,1000})\)/g, grade: "cosmetic", natures: ["version"] },
  { pattern: /\/(ID) ?\[([^\]]{0,400})\]/g, grade: "cosmetic", natures: ["random"] },
  {
    pattern: /<(xmp:(?:CreateDate|ModifyDate|MetadataDate))>([^<]{0,200})</g,
    grade: "clock",
    natures: ["time"],
  },
  { pattern: /<(xmpMM:(?:DocumentID|InstanceID))>([^<]{0,200})</g, grade: "cosmetic", natures: ["random"] },
];

interface Value extends Omit<Kind, "pattern"> {
  readonly field: string;
  readonly text: string;
}

/** The values of the known kinds, by name and number, and the bytes with blanks in their place. */
function valuesOf(bytes: Buffer): { readonly values: ReadonlyMap<string, Value>; readonly rest: Buffer } {
  const text = bytes.toString("latin1");
  const values = new Map<string, Value>();
  const rest = Buffer.from(bytes);
  for (const { pattern, grade, natures } of kinds) {
    const counts = new Map<string, number>();
    for (const found of text.matchAll(pattern)) {
      const [whole, name = "", value = ""] = found;
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      const field = count === 1 ? name : `${name} ${count}`;
      values.set(field, { field, text: value, grade, natures });
      const start = found.index + whole.lastIndexOf(value);
      rest.fill(0x20, start, start + value.length);
    }
  }
  return { values, rest };
}

export const pdf: Format = {
  name: "pdf",
  accepts: ({ a, b }) =>
    [a, b].every((content) => content.size <= largest && content.read(0, 5).toString("latin1") === "%PDF-"),
  compare({ path, a, b }, looker) {
    const [left, right] = [valuesOf(wholeOf(a, largest)), valuesOf(wholeOf(b, largest))];
    for (const field of new Set([...left.values.keys(), ...right.values.keys()])) {
      const [x, y] = [left.values.get(field), right.values.get(field)];
      const known = x ?? y;
      if (known === undefined || x?.text === y?.text) continue;
      looker.found(field, {
        grade: known.grade,
        natures: known.natures,
        ...(x === undefined ? {} : { a: shown(x.text) }),
        ...(y === undefined ? {} : { b: shown(y.text) }),
      });
    }
    // Nothing else is passed over: what the values stood in is compared too.
    if (!left.rest.equals(right.rest))
      compareBytes({ path, a: contentOf(left.rest), b: contentOf(right.rest) }, looker);
  },
};
