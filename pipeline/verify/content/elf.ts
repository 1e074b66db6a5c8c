/**
 * Compares ELF files section by section.
 *
 * The names within are those of sections; below them stand further names where a section has parts of its own.
 * Fields: those of the header as the ABI names them (`e_entry`), `program headers`, `section headers`, `presence` (of a section), `build id`
 * (.note.gnu.build-id), `Go build id`, `debug link`, `compiler` (.comment), `symbols` (a table of symbols), `DW_AT_comp_dir`, `DW_AT_name` and
 * `DW_AT_producer` (debug information), `string N` (text in data, at N), `code` (machine code), `data`, `relocations`, `size`; `build setting
 * KEY`, `go version`, `module …` (Go's build information); `bytes between sections`.
 * Facts: `section` (its name), `loaded` (whether it is in memory when the program runs), `sizeA`, `sizeB` (bytes of the section),
 * `address` of strings; `kinds` (see tokens.ts); `runs` and `differing` of code and data, see bytes.ts; of symbols `onlyA`, `onlyB`, `moved`.
 */
import type { Finding, Grade, Nature } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import { compareDebug } from "./dwarf.ts";
import { type ElfFile, isElf, readElf, type Section } from "./elf-file.ts";
import { compareSymbols } from "./elf-symbols.ts";
import { contentOf, type Format, type Looker, type Pair } from "./format.ts";
import { compareGoBuild } from "./go-build.ts";
import { withoutSecrets } from "./secrets.ts";
import { differingRuns } from "./strings.ts";
import { gradeOf, type Judged, judge, together } from "./tokens.ts";
import { firstDifference, sameContent, window } from "./windows.ts";

const allocated = 2;
const executable = 4;
/** Sections of more bytes are not read whole. */
const readWhole = 16 << 20;
const mostStrings = 20;

interface Both {
  readonly a: Section;
  readonly b: Section;
}

function factsOf({ a, b }: Both): Record<string, string | number | boolean> {
  return { section: a.name, loaded: (a.flags & allocated) !== 0, sizeA: a.size, sizeB: b.size };
}

/** The bytes of a note, as hex (gABI, "Note Section"). */
function noteOf({ content }: Section, file: ElfFile): string {
  const bytes = content.read(0, 4096);
  const [nameSize, size] = [file.read.word(bytes, 0), file.read.word(bytes, 4)];
  const from = 12 + Math.ceil(nameSize / 4) * 4;
  return bytes.subarray(from, from + size).toString("hex");
}

/** Texts of a section that holds nothing but texts. */
function textsOf({ content }: Section): string {
  return content
    .read(0, 1 << 16)
    .toString("utf8")
    .split("\0")
    .filter((text) => text !== "")
    .join("; ");
}

/** What differs in a section of one size on both sides, as text where all of it is; at most some of it is told one by one. */
function compareSameSize(both: Both, looker: Looker): void {
  const { a, b } = both;
  const code = (a.flags & executable) !== 0;
  const loaded = (a.flags & allocated) !== 0;
  let [count, bytes, told] = [0, 0, 0];
  const others: Judged[] = [];
  let first = -1;
  for (
    let offset = Math.max(0, (firstDifference(a.content, b.content) ?? 0) - 256);
    offset < a.size;
    offset += window
  ) {
    const [x, y] = [a.content.read(offset, window), b.content.read(offset, window)];
    if (x.equals(y)) continue;
    const found = differingRuns(x, y, code ? 0 : 1000);
    count += found.count;
    bytes += found.bytes;
    if (first < 0) first = offset + firstDifferenceIn(x, y);
    for (const run of found.runs) {
      if (run.a === undefined || run.b === undefined) continue;
      const verdict = judge(run.a, run.b);
      // A few letters in numbers are no text.
      if (run.a.length < 6 && verdict.natures.includes("text")) continue;
      told++;
      others.push(verdict);
      if (told > mostStrings) continue;
      const grade = gradeOf(verdict);
      looker.found(`string ${offset + run.offset}`, {
        grade: loaded ? grade : "cosmetic",
        natures: verdict.natures,
        a: shown(withoutSecrets(run.a)),
        b: shown(withoutSecrets(run.b)),
        facts: { ...factsOf(both), kinds: verdict.kinds.join(" "), address: a.address + offset + run.offset },
      });
    }
  }
  const rest = count - Math.min(told, mostStrings);
  if (rest === 0) return;
  const verdict = together(others);
  const onlyText = told === count;
  const grade = !loaded ? "cosmetic" : onlyText ? gradeOf(verdict) : "content";
  const natures: readonly Nature[] = code ? ["machine code"] : onlyText ? verdict.natures : ["number"];
  looker.found(code ? "code" : "data", {
    grade,
    natures,
    a: `${rest} places, the first at ${first}`,
    b: `${bytes} bytes of ${b.size} differ`,
    facts: { ...factsOf(both), runs: rest, differing: bytes },
  });
}

function firstDifferenceIn(x: Buffer, y: Buffer): number {
  return firstDifference(contentOf(x), contentOf(y)) ?? 0;
}

/** A section that grew or shrank: texts that only one side has, and the fact. */
function compareOtherSize(both: Both, looker: Looker): void {
  const { a, b } = both;
  const loaded = (a.flags & allocated) !== 0;
  const code = (a.flags & executable) !== 0;
  const facts = factsOf(both);
  const natures: Nature[] = [];
  let kinds: readonly string[] = [];
  const says: Partial<Finding> = {};
  let grade: Grade = loaded ? "content" : "cosmetic";
  if (!code && Math.max(a.size, b.size) <= readWhole) {
    const texts = (section: Section): readonly string[] =>
      section.content
        .read(0, section.size)
        .toString("latin1")
        .match(/[\x20-\x7e\t]{6,1000}/g) ?? [];
    const [x, y] = [texts(a), texts(b)];
    const [inA, inB] = [new Set(x), new Set(y)];
    const [onlyA, onlyB] = [x.filter((text) => !inB.has(text)), y.filter((text) => !inA.has(text))];
    const verdicts = onlyA.slice(0, 200).map((text, index) => judge(text, onlyB[index] ?? ""));
    if (onlyA.length === onlyB.length && onlyA.length > 0) {
      const verdict = together(verdicts);
      natures.push(...verdict.natures);
      ({ kinds } = verdict);
      // Text of another length moves what follows it; whether anything else changed cannot be told, so it stays `content`.
      if (!loaded) grade = "cosmetic";
    }
    if (onlyA[0] !== undefined) Object.assign(says, { a: shown(withoutSecrets(onlyA[0])) });
    if (onlyB[0] !== undefined) Object.assign(says, { b: shown(withoutSecrets(onlyB[0])) });
    Object.assign(facts, { onlyA: onlyA.length, onlyB: onlyB.length });
  }
  looker.found("size", {
    grade,
    a: `${a.size} bytes`,
    b: `${b.size} bytes`,
    ...says,
    natures: code ? ["machine code"] : natures.length > 0 ? natures : ["number"],
    facts: { ...facts, kinds: kinds.join(" ") },
  });
}

function say(looker: Looker, field: string, both: Both, a: string, b: string, natures: readonly Nature[] = []): void {
  looker.found(field, { grade: "cosmetic", a: shown(a), b: shown(b), natures, facts: factsOf(both) });
}

/** Sections that follow from where other things lie. */
const relocations =
  /^\.(?:rela?(?:\.|$)|relr|gnu\.hash|hash|gnu\.version|dynamic$|got|plt|eh_frame|gcc_except|init_array|fini_array)/;

async function compareSection(both: Both, fileA: ElfFile, fileB: ElfFile, looker: Looker): Promise<void> {
  const { a, b } = both;
  const { name } = a;
  if (name === ".note.gnu.build-id") say(looker, "build id", both, noteOf(a, fileA), noteOf(b, fileB));
  else if (name === ".note.go.buildid")
    say(
      looker,
      "Go build id",
      both,
      Buffer.from(noteOf(a, fileA), "hex").toString("latin1"),
      Buffer.from(noteOf(b, fileB), "hex").toString("latin1"),
    );
  else if (name === ".gnu_debuglink") say(looker, "debug link", both, textsOf(a), textsOf(b));
  else if (name === ".comment")
    say(looker, "compiler", both, textsOf(a), textsOf(b), judge(textsOf(a), textsOf(b)).natures);
  else if (name === ".note.package")
    await looker.inside(
      "package",
      contentOf(Buffer.from(noteOf(a, fileA).replace(/(?:00)+$/, ""), "hex")),
      contentOf(Buffer.from(noteOf(b, fileB).replace(/(?:00)+$/, ""), "hex")),
    );
  else if (/^\.(?:go\.buildinfo)$/.test(name)) compareGoBuild(a, b, looker);
  else if (/^\.(?:sym|dynsym)/.test(name)) compareSymbols(both, fileA, fileB, looker);
  else if (a.size === b.size) compareSameSize(both, looker);
  else if (relocations.test(name))
    looker.found("relocations", {
      grade: "content",
      natures: ["number"],
      a: `${a.size} bytes`,
      b: `${b.size} bytes`,
      facts: factsOf(both),
    });
  else compareOtherSize(both, looker);
}

/** Names of symbols follow from the tables of symbols. */
function isDerived(name: string, differing: ReadonlySet<string>): boolean {
  return (name === ".strtab" && differing.has(".symtab")) || name === ".shstrtab";
}

function compareHeaders(a: ElfFile, b: ElfFile, looker: Looker): void {
  for (const [field, value] of a.header) {
    const other = b.header.get(field) ?? 0;
    if (value !== other)
      looker.found(field, {
        grade: "content",
        natures: ["number"],
        a: `0x${value.toString(16)}`,
        b: `0x${other.toString(16)}`,
      });
  }
  const count = Math.max(a.programs.length, b.programs.length);
  const differing = Array.from({ length: count }, (_, index) => index).filter(
    (index) => a.programs[index] !== b.programs[index],
  );
  if (differing.length > 0)
    looker.found("program headers", {
      grade: "content",
      natures: ["number"],
      a: `${differing.length} of ${a.programs.length} are others`,
      b: `${differing.length} of ${b.programs.length} are others`,
      facts: { count: differing.length },
    });
}

/** Headers of sections: what is more than another place is told for each, the places together. */
function compareSectionHeaders(pairs: readonly Both[], looker: Looker): void {
  let moved = 0;
  let loaded = false;
  for (const { a, b } of pairs) {
    if (a.rest !== b.rest)
      looker.within(a.name).found("section header", {
        grade: "content",
        natures: ["number"],
        a: a.rest,
        b: b.rest,
        facts: { section: a.name },
      });
    if (a.place === b.place) continue;
    moved++;
    loaded ||= (a.flags & allocated) !== 0;
  }
  if (moved > 0)
    looker.found("section headers", {
      grade: loaded ? "content" : "cosmetic",
      natures: ["number"],
      a: `${moved} sections have another place or size`,
      b: `${moved} sections have another place or size`,
      facts: { count: moved, loaded },
    });
}

async function compareElf({ a, b }: Pair, looker: Looker): Promise<void> {
  const [fileA, fileB] = [readElf(a), readElf(b)];
  compareHeaders(fileA, fileB, looker);
  const pairs: Both[] = [];
  for (const [name, section] of fileA.sections) {
    const other = fileB.sections.get(name);
    if (other !== undefined) pairs.push({ a: section, b: other });
    else
      looker.within(name).found("presence", {
        grade: (section.flags & allocated) === 0 ? "cosmetic" : "content",
        a: `${section.size} bytes`,
        facts: { section: name, loaded: (section.flags & allocated) !== 0 },
      });
  }
  for (const [name, section] of fileB.sections)
    if (!fileA.sections.has(name))
      looker.within(name).found("presence", {
        grade: (section.flags & allocated) === 0 ? "cosmetic" : "content",
        b: `${section.size} bytes`,
        facts: { section: name, loaded: (section.flags & allocated) !== 0 },
      });
  const differing = pairs.filter((both) => !sameContent(both.a.content, both.b.content));
  const names = new Set(differing.map((both) => both.a.name));
  const debug = differing.filter((both) => /^\.z?debug_/.test(both.a.name));
  if (debug.length > 0) compareDebug(fileA, fileB, debug, looker);
  for (const both of differing) {
    const { name } = both.a;
    if (/^\.z?debug_/.test(name) || isDerived(name, names)) continue;
    await compareSection(both, fileA, fileB, looker.within(name));
  }
  compareSectionHeaders(pairs, looker);
  const [restA, restB] = [fileA.rest(), fileB.rest()];
  const trimmed = (bytes: Buffer): string => bytes.toString("latin1").replace(/\0+/g, "\0");
  if (trimmed(restA) !== trimmed(restB))
    looker.found("bytes between sections", {
      grade: "content",
      a: `${restA.length} bytes`,
      b: `${restB.length} bytes`,
    });
}

export const elf: Format = {
  name: "elf",
  accepts: ({ a, b }) => isElf(a.read(0, 64)) && isElf(b.read(0, 64)),
  compare: compareElf,
};
