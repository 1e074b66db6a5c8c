/**
 * Compares archives of ar(1), as static libraries and Debian packages are: the header of each member, their order, and what they hold.
 *
 * The names within are those of members. Fields are those of ar.h: `ar_date`, `ar_uid`, `ar_gid`, `ar_mode`; `presence`, `order`, `symbol table`,
 * `bytes between members`, `compression` (of members of Debian packages that are compressed in another way on each side).
 * Facts: of `ar_date` `valueA`, `valueB` (seconds since 1970).
 */
import { decompress } from "../../source/decompress.ts";
import type { Finding } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import { type Content, contentOf, type Format, type Looker, type Pair } from "./format.ts";
import { compareOrder } from "./order.ts";
import { partOf, piecesOf } from "./windows.ts";

const magic = "!<arch>\n";
const mostMembers = 200_000;
const largestNames = 16 << 20;
/** A member that becomes larger is not looked into. */
const largestContent = 4 * 2 ** 30;

interface Member {
  readonly name: string;
  /** Fields of the header as they are written. */
  readonly fields: ReadonlyMap<string, string>;
  readonly content: Content;
}

const columns: readonly (readonly [string, number, number])[] = [
  ["ar_date", 16, 28],
  ["ar_uid", 28, 34],
  ["ar_gid", 34, 40],
  ["ar_mode", 40, 48],
];

/** Members in order, by name; those of one name with their number. Throws for what is none. */
function read(content: Content): { readonly members: ReadonlyMap<string, Member>; readonly padding: string } {
  const members = new Map<string, Member>();
  let names = Buffer.alloc(0) as Buffer;
  let padding = "";
  for (let at = magic.length; at < content.size;) {
    const header = content.read(at, 60).toString("latin1");
    if (header.length < 60 || header.slice(58) !== "`\n") throw new RangeError("the header of a member is malformed");
    const size = Number(header.slice(48, 58).trim());
    if (!Number.isSafeInteger(size) || size < 0 || at + 60 + size > content.size)
      throw new RangeError("a member is not whole");
    let part = partOf(content, at + 60, size);
    let name = header.slice(0, 16).trimEnd();
    const long = /^\/(\d+)$/.exec(name);
    const bsd = /^#1\/(\d+)$/.exec(name);
    if (name === "//") names = size > largestNames ? names : part.read(0, size);
    else if (long !== null)
      name = /^[^/\n\0]*/.exec(names.toString("latin1", Number(long[1]), Number(long[1]) + 4096))?.[0] ?? name;
    else if (bsd !== null) {
      const length = Math.min(Number(bsd[1]), size, 4096);
      name = part.read(0, length).toString("latin1").replace(/\0+$/, "");
      part = partOf(part, length, size);
    } else if (name !== "/" && name !== "/SYM64/") name = name.replace(/\/$/, "");
    let key = name;
    for (let again = 2; members.has(key); again++) {
      if (again > 1000) throw new RangeError("too many members have one name");
      key = `${name} (${again})`;
    }
    if (members.size > mostMembers) throw new RangeError(`it has more than ${mostMembers} members`);
    members.set(key, {
      name: key,
      fields: new Map(columns.map(([field, from, to]) => [field, header.slice(from, to).trim()])),
      content: part,
    });
    at += 60 + size;
    // What makes the size even is a line end, and is none where something hides.
    if (size % 2 === 1) padding += content.read(at++, 1).toString("latin1").replace("\n", "");
  }
  return { members, padding };
}

function compareHeaders(a: Member, b: Member, looker: Looker): void {
  for (const [field, x] of a.fields) {
    const y = b.fields.get(field) ?? "";
    if (x === y) continue;
    const finding: Omit<Finding, "where" | "format"> =
      field === "ar_date"
        ? { grade: "clock", natures: ["time"], facts: { valueA: Number(x), valueB: Number(y) } }
        : { grade: "cosmetic", natures: field === "ar_mode" ? ["number"] : ["identity"] };
    looker.found(field, { ...finding, a: shown(x), b: shown(y) });
  }
}

/** `data.tar` of `data.tar.xz`, as members of Debian packages are called (deb(5)). */
const stemOf = (name: string): string | undefined => /^((?:control|data)\.tar)(?:\.\w+)?$/.exec(name)?.[1];

/** Compares members of one thing in two compressions; names within are those without. */
async function compareOtherwise(stem: string, a: Member, b: Member, looker: Looker): Promise<void> {
  looker.within(stem).found("compression", {
    grade: "encoding",
    natures: ["encoder"],
    a: shown(a.name),
    b: shown(b.name),
    facts: { sizeA: a.content.size, sizeB: b.content.size },
  });
  const [x, y] = [await opened(a, looker), await opened(b, looker)];
  await looker.inside(stem, x, y);
}

function opened({ name, content }: Member, looker: Looker): Promise<Content> {
  return looker.keep(decompress(piecesOf(content), name, { file: name }, largestContent));
}

async function compareAr({ a, b }: Pair, looker: Looker): Promise<void> {
  const [left, right] = [read(a), read(b)];
  const stems = new Map(
    [...right.members].filter(([name]) => !left.members.has(name)).map(([name, one]) => [stemOf(name), one]),
  );
  const paired = new Set<Member>();
  for (const [name, member] of left.members) {
    const other = right.members.get(name);
    const inner = looker.within(name);
    const stem = stemOf(name);
    const otherwise = stem === undefined ? undefined : stems.get(stem);
    if (other === undefined && stem !== undefined && otherwise !== undefined) {
      paired.add(otherwise);
      compareHeaders(member, otherwise, inner);
      await compareOtherwise(stem, member, otherwise, looker);
      continue;
    }
    if (other === undefined) {
      inner.found("presence", { grade: "content", a: `${member.content.size} bytes` });
      continue;
    }
    compareHeaders(member, other, inner);
    if (name === "/" || name === "/SYM64/" || name.startsWith("__.SYMDEF")) {
      const [x, y] = [member.content, other.content];
      if (x.size !== y.size || !x.read(0, x.size).equals(y.read(0, y.size)))
        looker.found("symbol table", {
          grade: "content",
          natures: ["number"],
          a: `${x.size} bytes`,
          b: `${y.size} bytes`,
        });
    } else await looker.inside(name, member.content, other.content);
  }
  for (const [name, member] of right.members)
    if (!left.members.has(name) && !paired.has(member))
      looker.within(name).found("presence", { grade: "content", b: `${member.content.size} bytes` });
  // The linker takes the first member that has a symbol.
  compareOrder(left.members, right.members, looker, "content");
  if (left.padding !== right.padding)
    looker.found("bytes between members", {
      grade: "content",
      a: `${left.padding.length} bytes`,
      b: `${right.padding.length} bytes`,
    });
}

export const ar: Format = {
  name: "ar",
  accepts: ({ a, b }) => [a, b].every((side) => side.read(0, 8).equals(contentOf(Buffer.from(magic)).read(0, 8))),
  compare: compareAr,
};
