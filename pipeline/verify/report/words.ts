/** The words that reports use for places, fields, values and shares, so that all of them say the same. */
import { counted, humanCount, printable } from "../../report/format.ts";
import type { Compared, Comparison } from "../compare/comparison.ts";
import type { Excerpt, Finding, Where } from "../compare/finding.ts";

/** `/usr/bin/x`; members of archives follow after `›`. */
function pathOf({ path, inside = [] }: Omit<Where, "field">): string {
  return printable([`/${path ?? ""}`, ...inside].join(" › "));
}

/** `layer 2` of an entry, `layer 2` of a layer, `config`. */
function partOf({ part, layer }: Omit<Where, "field">): string {
  if (part === "layer" || part === "entry") return layer === undefined ? "the layer" : `layer ${layer}`;
  return part;
}

/** The document or layer that a difference is in: `linux/arm64 layer 2`, `index`. */
export function documentOf(where: Omit<Where, "field">): string {
  return [where.platform === undefined ? [] : printable(where.platform), partOf(where)].flat().join(" ");
}

/** A file that was compared on its own. */
function isFile({ part, layer, path }: Omit<Where, "field">): boolean {
  return part === "entry" && layer === undefined && (path === undefined || path === "");
}

/** The innermost place, without what differs there: `linux/arm64 layer 2 /usr/bin/x`. */
export function placeOf(where: Omit<Where, "field">): string {
  if (isFile(where)) return ["the file", ...(where.inside ?? []).map(printable)].join(" › ");
  return where.part === "entry" ? `${documentOf(where)} ${pathOf(where)}` : documentOf(where);
}

/** The place within its document: a path, or nothing for the document itself. */
export function innerPlaceOf(where: Omit<Where, "field">): string {
  return isFile(where) ? placeOf(where) : where.part === "entry" ? pathOf(where) : "";
}

/** The field without the numbers in it that only say which one: `history[3].created` → `history[].created`, `line 12` → `line`. */
export function kindOfField(field: string): string {
  return field.replaceAll(/\[\d+\]/g, "[]").replace(/[ :]+(?:0x[\da-f]+|\d+)(?:[-–]\d+)?$/, "");
}

/** What differs in one place: `mtime`, `elf sh_addr`, `bytes 4096`. */
export function fieldOf({ where: { field }, format }: Finding): string {
  const named = format === undefined || field === format || field.startsWith(`${format} `);
  return printable(named ? field : `${format} ${field}`);
}

const nouns: Readonly<Record<Where["part"], readonly [string, string]>> = {
  index: ["index", "indexes"],
  manifest: ["manifest", "manifests"],
  config: ["config", "configs"],
  layer: ["layer", "layers"],
  entry: ["file", "files"],
};

/** `3,120 files`, `1 config`. */
export function countedPlaces(part: Where["part"], count: number): string {
  const [one, many] = nouns[part];
  return counted(count, one, many);
}

/** A value of one side; a side that has nothing there says so. */
function valueOf(value: string | undefined): string {
  return value === undefined ? "nothing" : value === "" ? "empty" : printable(value);
}

/** The sixteen bytes from the first that differs on, in hexadecimal digits. */
function excerptBytes({ a, b, offset }: Excerpt): readonly [string, string] {
  const [left, right] = [Buffer.from(a, "base64"), Buffer.from(b, "base64")];
  const at = Math.max(
    0,
    left.findIndex((byte, index) => byte !== right[index]),
  );
  const hex = (bytes: Buffer): string =>
    bytes
      .subarray(at, at + 16)
      .toString("hex")
      .replaceAll(/../g, "$& ")
      .trimEnd();
  const from = ` (from byte ${humanCount(offset + at)})`;
  return [valueOf(hex(left)) + from, valueOf(hex(right)) + from];
}

/** The first lines of an excerpt that are not the same on both sides. */
function excerptLines(excerpt: Excerpt): readonly [string, string] {
  if (!excerpt.text) return excerptBytes(excerpt);
  const { a, b } = excerpt;
  const left = a.split("\n");
  const right = b.split("\n");
  const at = Math.max(
    0,
    left.findIndex((line, index) => line !== right[index]),
  );
  return [valueOf(left[at]), valueOf(right[at])];
}

/** Both values of a difference; where it has none, the first of its content that differs. */
export function valuesOf({ a, b, excerpt }: Finding): readonly [string, string] {
  return a === undefined && b === undefined && excerpt !== undefined ? excerptLines(excerpt) : [valueOf(a), valueOf(b)];
}

/** 0.94 → `94 %`. */
export function percentOf(share: number): string {
  return `${Math.round(Math.min(1, Math.max(0, share)) * 100)} %`;
}

/** How much differs in all, listed or not. */
function totalOf({ differences, more }: Comparison): number {
  return differences.length + more;
}

/** The first sentence of every report: the verdict and the likeliest cause. */
export function headlineOf(comparison: Comparison): string {
  const { verdict, causes, a } = comparison;
  if (verdict === "equal") return `equal: both are ${printable(a.digest)}`;
  const [first, ...rest] = causes;
  const others = rest.filter(({ count }) => count > 0);
  if (first === undefined) return "differs: no known cause";
  const also = others.length === 0 ? "" : `; and ${counted(others.length, "more cause")}`;
  return `differs: ${printable(first.title)} (${printable(first.id)}, ${percentOf(first.confidence)})${also}`;
}

/** The second: how grave it is and how much there is. */
export function summaryOf(comparison: Comparison): string {
  const { grade, differences, unread } = comparison;
  const waived = differences.filter((difference) => difference.waived !== undefined).length;
  return [
    ...(grade === null ? [] : [`grade ${grade}`]),
    counted(totalOf(comparison), "difference"),
    ...(waived === 0 ? [] : [`${counted(waived, "of them", "of them")} waived`]),
    ...(unread.length === 0 ? [] : [`${counted(unread.length, "place")} could not be looked into`]),
  ].join(", ");
}

/** `image sha256:…`. */
export function sideOf({ kind, digest }: Compared): string {
  return `${kind} ${printable(digest)}`;
}
