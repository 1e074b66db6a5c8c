/** Values of a document with their places: every problem of a spec is told with the line and column it is at. */
import type { Place } from "../host/errors.ts";

/** Steps from the top of a document to a value: names of keys and indexes of list items. */
export type Path = readonly (string | number)[];

/** What is known of one value besides the value. */
export interface Spot {
  readonly value: Place;
  /** Of the key, when the value is in a mapping. */
  readonly key?: Place;
  /** A plain (unquoted) scalar as it is written: `0755`, `1.10`. */
  readonly written?: string;
}

export interface LocatedDocument {
  readonly file: string;
  /** Strings, numbers, booleans, null, arrays and objects; aliases are expanded. */
  readonly value: unknown;
  /** By `pathKey`. */
  readonly spots: ReadonlyMap<string, Spot>;
}

export function pathKey(path: Path): string {
  return path.join("\u0000");
}

/** Where a value is; for one that is not there, where the nearest value around it is. */
export function placeOf(document: LocatedDocument, path: Path): Place {
  for (let length = path.length; length >= 0; length--) {
    const spot = document.spots.get(pathKey(path.slice(0, length)));
    if (spot !== undefined) return spot.value;
  }
  return { file: document.file };
}

/** Where the key of a value is; the value's own place when it has no key. */
export function keyPlaceOf(document: LocatedDocument, path: Path): Place {
  return document.spots.get(pathKey(path))?.key ?? placeOf(document, path);
}

/** The text of a plain scalar as it is written; undefined for quoted strings, lists, mappings and what is not there. */
export function writtenAt(document: LocatedDocument, path: Path): string | undefined {
  return document.spots.get(pathKey(path))?.written;
}

/** `layers[0].debian.packages[2]`; the whole document is `the document`. */
export function showPath(path: Path): string {
  let shown = "";
  for (const step of path) {
    if (typeof step === "number") shown += `[${step}]`;
    else if (!/^[\w-]+$/.test(step)) shown += `[${JSON.stringify(step)}]`;
    else shown += shown === "" ? step : `.${step}`;
  }
  return shown === "" ? "the document" : shown;
}

/** The same document without the values at some paths; places of what remains are kept although list items move up. */
export function without(document: LocatedDocument, paths: readonly Path[]): LocatedDocument {
  const dropped = new Set(paths.map(pathKey));
  const spots = new Map<string, Spot>();
  const copy = (value: unknown, from: Path, to: Path): unknown => {
    const spot = document.spots.get(pathKey(from));
    if (spot !== undefined) spots.set(pathKey(to), spot);
    if (Array.isArray(value)) {
      const kept = value.map((item: unknown, index) => ({ item, index }));
      return kept
        .filter(({ index }) => !dropped.has(pathKey([...from, index])))
        .map(({ item, index }, at) => copy(item, [...from, index], [...to, at]));
    }
    if (typeof value !== "object" || value === null) return value;
    const members = Object.entries(value).filter(([name]) => !dropped.has(pathKey([...from, name])));
    return Object.fromEntries(members.map(([name, member]) => [name, copy(member, [...from, name], [...to, name])]));
  };
  return { file: document.file, value: copy(document.value, [], []), spots };
}
