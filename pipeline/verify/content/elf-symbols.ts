/** Compares tables of symbols (gABI, "Symbol Table"): names that only one side has, and how many are at another place. */
import type { Finding } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import type { ElfFile, Section } from "./elf-file.ts";
import type { Looker } from "./format.ts";
import { judge } from "./tokens.ts";

const largest = 64 << 20;

/** Symbols by name with their numbers; those of one name together. */
function symbolsOf(table: Section, file: ElfFile): ReadonlyMap<string, string> {
  const strings = file.sections.get(table.name === ".dynsym" ? ".dynstr" : ".strtab");
  if (strings === undefined || strings.size > largest || table.size > largest)
    throw new RangeError(`${table.name} cannot be read`);
  const names = strings.content.read(0, strings.size);
  const bytes = table.content.read(0, table.size);
  const each = file.wide ? 24 : 16;
  const symbols = new Map<string, string>();
  for (let at = 0; at + each <= bytes.length; at += each) {
    const start = file.read.word(bytes, at);
    const end = names.indexOf(0, start);
    const name =
      start >= names.length
        ? ""
        : names.toString("latin1", start, Math.min(end < 0 ? names.length : end, start + 1024));
    const rest = bytes.toString("latin1", at + 4, at + each);
    symbols.set(name, (symbols.get(name) ?? "") + rest);
  }
  return symbols;
}

export function compareSymbols(
  { a, b }: { readonly a: Section; readonly b: Section },
  fileA: ElfFile,
  fileB: ElfFile,
  looker: Looker,
): void {
  const [x, y] = [symbolsOf(a, fileA), symbolsOf(b, fileB)];
  const onlyA = [...x.keys()].filter((name) => !y.has(name));
  const onlyB = [...y.keys()].filter((name) => !x.has(name));
  let moved = 0;
  for (const [name, rest] of x) {
    const other = y.get(name);
    if (other !== undefined && other !== rest) moved++;
  }
  const order = onlyA.length === 0 && onlyB.length === 0 && moved === 0;
  const list = (names: readonly string[]): string =>
    names.length === 0
      ? `${x.size} names, ${moved} at another place`
      : shown(`${names.length} of its own: ${names.slice(0, 5).join(", ")}`);
  const natures: Finding["natures"] = order
    ? ["order"]
    : onlyA.length > 0 && onlyA.length === onlyB.length
      ? judge(onlyA[0] ?? "", onlyB[0] ?? "").natures
      : ["number"];
  looker.found(order ? "order" : "symbols", {
    grade: a.name === ".dynsym" ? "content" : "cosmetic",
    a: list(onlyA),
    b: list(onlyB),
    natures,
    facts: {
      section: a.name,
      loaded: a.name === ".dynsym",
      onlyA: onlyA.length,
      onlyB: onlyB.length,
      moved,
      sizeA: a.size,
      sizeB: b.size,
    },
  });
}
