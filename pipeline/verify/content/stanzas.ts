/**
 * Compares files of paragraphs by package: Debian's control files and dpkg's status (deb-control(5)), and the database of apk.
 *
 * The names within are those of packages. Fields are those of the paragraph (`Version`; of apk one letter, `t` is a time), `presence`, `order`,
 * `order of fields`.
 * Facts: `kinds` (see tokens.ts), `database` (`dpkg` or `apk`).
 */
import { shown } from "../compare/shown.ts";
import type { Format, Looker, Pair } from "./format.ts";
import { compareOrder } from "./order.ts";
import { withoutSecrets } from "./secrets.ts";
import { gradeOf, judge } from "./tokens.ts";
import { wholeOf } from "./windows.ts";

const largest = 64 << 20;

type Stanza = ReadonlyMap<string, string>;

interface Dialect {
  readonly name: string;
  readonly paths: RegExp;
  readonly first: RegExp;
  /** Fields that name what a paragraph is about. */
  readonly keys: readonly string[];
}

const dialects: readonly Dialect[] = [
  {
    name: "dpkg",
    paths:
      /(?:^|\/)(?:var\/lib\/dpkg\/(?:status|available)(?:-old)?|var\/lib\/dpkg\/status\.d\/[^/]+|var\/lib\/apt\/extended_states|control)$/,
    first: /^(?:Package|Template|Source|Format): /m,
    keys: ["Package", "Architecture"],
  },
  { name: "apk", paths: /(?:^|\/)lib\/apk\/db\/installed$/, first: /^[CP]:/, keys: ["P"] },
];

function dialectOf({ path, a, b }: Pair): Dialect | undefined {
  return dialects.find(
    ({ paths, first }) =>
      paths.test(path) &&
      [a, b].every(
        (side) => side.size === 0 || (side.size <= largest && first.test(side.read(0, 4096).toString("latin1"))),
      ),
  );
}

/** Paragraphs by package. Throws for lines that are no fields, and for a package or a field that is there twice. */
function read(text: string, { name, keys }: Dialect): ReadonlyMap<string, Stanza> {
  const stanzas = new Map<string, Stanza>();
  for (const paragraph of text.split(/\n{2,}/)) {
    if (paragraph.trim() === "") continue;
    const fields = new Map<string, string>();
    let last = "";
    for (const line of paragraph.replace(/^\n+|\n+$/g, "").split("\n")) {
      if (name === "dpkg" && /^[ \t]/.test(line) && last !== "") {
        fields.set(last, `${fields.get(last) ?? ""}\n${line}`);
        continue;
      }
      const colon = line.indexOf(":");
      if (colon <= 0) throw new Error("a line is no field");
      last = line.slice(0, colon);
      const value = line.slice(colon + 1).trimStart();
      const before = fields.get(last);
      // Files of apk's packages have fields that come again, in their order.
      if (before !== undefined && name === "dpkg") throw new Error("a field is there twice");
      fields.set(last, before === undefined ? value : `${before}\n${value}`);
    }
    const key =
      keys
        .map((field) => fields.get(field))
        .filter((value) => value !== undefined)
        .join(":") || "paragraph";
    if (stanzas.has(key)) throw new Error("a package is there twice");
    stanzas.set(key, fields);
  }
  return stanzas;
}

/** Lines that are only on one side, for values of many. */
function ownLines(a: string, b: string): readonly [string, string] {
  if (!a.includes("\n") && !b.includes("\n")) return [a, b];
  const [x, y] = [a.split("\n"), b.split("\n")];
  const [inA, inB] = [new Set(x), new Set(y)];
  return [x.filter((line) => !inB.has(line)).join("\n"), y.filter((line) => !inA.has(line)).join("\n")];
}

function compareFields(a: Stanza, b: Stanza, { name: database }: Dialect, looker: Looker): void {
  for (const field of new Set([...a.keys(), ...b.keys()])) {
    const [x, y] = [a.get(field), b.get(field)];
    if (x === y) continue;
    const [left, right] = ownLines(x ?? "", y ?? "");
    const order = x !== undefined && y !== undefined && left === "" && right === "";
    const verdict = judge(left, right);
    looker.found(field, {
      grade: order ? "cosmetic" : x === undefined || y === undefined ? "content" : gradeOf(verdict),
      ...(x === undefined ? {} : { a: shown(withoutSecrets(order ? x : left)) }),
      ...(y === undefined ? {} : { b: shown(withoutSecrets(order ? y : right)) }),
      natures: order ? ["order"] : field === "Version" || field === "V" ? ["version"] : verdict.natures,
      facts: { kinds: verdict.kinds.join(" "), database },
    });
  }
  const [x, y] = [[...a.keys()].filter((key) => b.has(key)), [...b.keys()].filter((key) => a.has(key))];
  if (x.join() !== y.join())
    looker.found("order of fields", {
      grade: "cosmetic",
      natures: ["order"],
      a: shown(x.join(", ")),
      b: shown(y.join(", ")),
      facts: { database },
    });
}

function compareStanzas(pair: Pair, looker: Looker): void {
  const dialect = dialectOf(pair);
  if (dialect === undefined) return;
  const [x, y] = [
    read(wholeOf(pair.a, largest).toString("utf8"), dialect),
    read(wholeOf(pair.b, largest).toString("utf8"), dialect),
  ];
  const facts = { database: dialect.name };
  const say = (stanza: Stanza): string => shown(stanza.get("Version") ?? stanza.get("V") ?? "present");
  for (const [name, stanza] of x) {
    const other = y.get(name);
    if (other === undefined)
      looker.within(name).found("presence", { grade: "content", a: say(stanza), natures: ["version"], facts });
    else compareFields(stanza, other, dialect, looker.within(name));
  }
  for (const [name, stanza] of y)
    if (!x.has(name))
      looker.within(name).found("presence", { grade: "content", b: say(stanza), natures: ["version"], facts });
  compareOrder(x, y, looker, "cosmetic", facts);
}

export const stanzas: Format = {
  name: "packages",
  accepts: (pair) => dialectOf(pair) !== undefined,
  compare: compareStanzas,
};
