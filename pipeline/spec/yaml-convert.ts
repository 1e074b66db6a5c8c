/** Turns the yaml package's nodes into plain values with places, within limits that stop alias bombs. */
import { type ParsedNode, isAlias, isMap, isScalar, isSeq } from "yaml";
import { LockstepError, type Place, type Problem } from "../host/errors.ts";
import { type Path, type Spot, pathKey } from "./located.ts";

/** Values a document may have once its aliases are expanded. */
const maxValues = 50_000;
const maxDepth = 64;

/** Values with places; throws LS2001, LS2002 and LS2006, all problems of the document at once. */
export function convert(
  contents: ParsedNode | null,
  at: (offset: number) => Place,
): { readonly value: unknown; readonly spots: ReadonlyMap<string, Spot> } {
  const spots = new Map<string, Spot>();
  const anchors = new Map<string, ParsedNode>();
  const problems: Problem[] = [];
  let values = 0;

  function checkText(text: string, place: Place): void {
    if (!text.isWellFormed() || text.includes("\u0000")) {
      const message = "text holds a NUL character or half of a surrogate pair, which no file name and no JSON can";
      problems.push({ code: "LS2001", message, place });
    }
  }

  function keyOf(node: ParsedNode, seen: Map<string, Place>): string | undefined {
    const place = at(node.range[0]);
    if (!isScalar(node) || node.value === null || typeof node.value === "object") {
      problems.push({ code: "LS2001", message: "a key must be plain text", place });
      return undefined;
    }
    // A key such as 8080 or true is meant as it is written.
    const name = typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
    checkText(name, place);
    const first = seen.get(name);
    if (first !== undefined) {
      const message = `key "${name}" is written twice; the first is in line ${first.line}`;
      problems.push({ code: "LS2002", message, place, hint: "keep one of them" });
      return undefined;
    }
    if (name === "__proto__") {
      problems.push({ code: "LS2001", message: 'a key must not be called "__proto__"', place });
      return undefined;
    }
    seen.set(name, place);
    return name;
  }

  function valueOf(node: ParsedNode | null, path: Path, place: Place, key?: Place): unknown {
    values++;
    if (values > maxValues || path.length > maxDepth) {
      const what = path.length > maxDepth ? "is nested too deeply" : `has more than ${maxValues} values`;
      // Nothing that follows can be read, so this one is told at once.
      throw new LockstepError([...problems, { code: "LS2006", message: `document ${what}`, place }]);
    }
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === undefined) {
        problems.push({ code: "LS2001", message: `alias *${node.source} has no anchor before it`, place });
        return null;
      }
      return valueOf(target, path, at(target.range[0]), key);
    }
    const written =
      isScalar(node) && node.type === "PLAIN" && node.source !== undefined ? { written: node.source } : {};
    spots.set(pathKey(path), { value: place, ...(key === undefined ? {} : { key }), ...written });
    const value = contentOf(node, path, place);
    // After the content: an alias inside its own anchor must not be found.
    if (node !== null && node.anchor !== undefined) anchors.set(node.anchor, node);
    return value;
  }

  function contentOf(
    node: Exclude<ParsedNode, { source: string; anchor?: never }> | null,
    path: Path,
    place: Place,
  ): unknown {
    if (node === null) return null;
    if (isSeq(node)) return node.items.map((item, index) => valueOf(item, [...path, index], at(item.range[0])));
    if (isMap(node)) {
      const seen = new Map<string, Place>();
      const members: [string, unknown][] = [];
      for (const { key, value } of node.items) {
        const name = keyOf(key, seen);
        if (name === undefined) continue;
        const keyPlace = at(key.range[0]);
        // Nothing is best shown where it was announced.
        const nothing = value === null || (isScalar(value) && value.source === "" && value.value === null);
        const valuePlace = nothing ? keyPlace : at(value.range[0]);
        members.push([name, valueOf(value, [...path, name], valuePlace, keyPlace)]);
      }
      return Object.fromEntries(members);
    }
    if (typeof node.value === "string") checkText(node.value, place);
    return node.value;
  }

  const value = valueOf(contents, [], contents === null ? at(0) : at(contents.range[0]));
  if (problems.length > 0) throw new LockstepError(problems);
  return { value, spots };
}
