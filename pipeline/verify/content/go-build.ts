/** Compares what Go's linker writes about a build (debug/buildinfo): the version of Go, the modules, and the settings of the build. */
import { shown } from "../compare/shown.ts";
import type { Section } from "./elf-file.ts";
import type { Looker } from "./format.ts";
import { gradeOf, judge } from "./tokens.ts";

const largest = 4 << 20;

/** A length in the encoding of variable length that Go has, and where it ends. */
function length(bytes: Buffer, at: number): readonly [number, number] {
  let value = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes.readUInt8(at + index);
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return [value, at + index + 1];
  }
  throw new RangeError("a length is malformed");
}

/** `go version` and the lines of the module data, by what they are about. */
function read({ content, size }: Section): ReadonlyMap<string, string> {
  if (size > largest) throw new RangeError("the build information is too large");
  const bytes = content.read(0, size);
  // "\xff Go buildinf:", size of pointers, flags; with flag 2 two texts with their lengths follow at 32.
  if (bytes.toString("latin1", 1, 14) !== " Go buildinf:" || (bytes.readUInt8(15) & 2) === 0)
    throw new RangeError("the build information has a form of old");
  const [versionSize, versionAt] = length(bytes, 32);
  const [modulesSize, modulesAt] = length(bytes, versionAt + versionSize);
  const lines = new Map<string, string>([["go version", bytes.toString("utf8", versionAt, versionAt + versionSize)]]);
  // Sixteen bytes of a mark stand at both ends.
  const modules = bytes.toString("utf8", modulesAt + 16, modulesAt + modulesSize - 16);
  for (const line of modules.split("\n")) {
    const [kind = "", name = "", ...rest] = line.split("\t");
    if (kind === "build") {
      const [key = "", value = ""] = name.split(/=(.*)/s);
      lines.set(`build setting ${key}`, value);
    } else if (kind !== "")
      lines.set(
        kind === "dep" || kind === "=>" ? `module ${name}` : kind,
        kind === "dep" ? rest.join(" ") : [name, ...rest].join(" "),
      );
  }
  return lines;
}

export function compareGoBuild(a: Section, b: Section, looker: Looker): void {
  const [x, y] = [read(a), read(b)];
  let count = 0;
  for (const key of new Set([...x.keys(), ...y.keys()])) {
    const [left, right] = [x.get(key), y.get(key)];
    if (left === right) continue;
    count++;
    const verdict = judge(left ?? "", right ?? "");
    const both = left !== undefined && right !== undefined;
    looker.found(shown(key), {
      grade: both ? gradeOf(verdict) : "content",
      natures: /vcs\.revision/.test(key) ? ["version"] : verdict.natures,
      ...(left === undefined ? {} : { a: shown(left) }),
      ...(right === undefined ? {} : { b: shown(right) }),
      facts: { section: a.name, loaded: true, kinds: verdict.kinds.join(" "), sizeA: a.size, sizeB: b.size },
    });
  }
  if (count === 0)
    looker.found("data", {
      grade: "content",
      natures: ["number"],
      a: `${a.size} bytes`,
      b: `${b.size} bytes`,
      facts: { section: a.name, loaded: true },
    });
}
