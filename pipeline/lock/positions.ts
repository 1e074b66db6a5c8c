/** Where the keys and values of a JSON text are; only asked when something is wrong, because JSON.parse is many times faster. */

/** 1-based line and column, in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A key that its object has a second time. */
export interface Duplicate {
  readonly path: readonly string[];
  readonly first: Position;
  readonly second: Position;
}

export interface Positions {
  /** Of keys, by the names that lead to them joined with NUL. */
  readonly keys: ReadonlyMap<string, Position>;
  readonly duplicates: readonly Duplicate[];
  /** Keys that sort before the key in front of them, which is `after`. */
  readonly unsorted: readonly {
    readonly path: readonly string[];
    readonly position: Position;
    readonly after: string;
  }[];
}

interface Level {
  /** Undefined in an array. */
  readonly seen: Map<string, Position> | undefined;
  /** The key whose value is being read, and the last one read. */
  key: string | undefined;
  expectsKey: boolean;
}

export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - start + 1 };
}

export function joinPath(path: readonly string[]): string {
  return path.join("\u0000");
}

/** Finds all keys of a text that JSON.parse accepts. */
export function findKeys(text: string): Positions {
  const keys = new Map<string, Position>();
  const duplicates: Duplicate[] = [];
  const unsorted: { path: readonly string[]; position: Position; after: string }[] = [];
  const levels: Level[] = [];
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],]|\n/g;
  let line = 1;
  let lineStart = 0;
  for (const match of text.matchAll(token)) {
    const level = levels.at(-1);
    const found = match[0];
    if (found === "\n") {
      line++;
      lineStart = match.index + 1;
    } else if (found === "{") levels.push({ seen: new Map(), key: undefined, expectsKey: true });
    else if (found === "[") levels.push({ seen: undefined, key: undefined, expectsKey: false });
    else if (found === "}" || found === "]") levels.pop();
    else if (found === ",") {
      if (level?.seen !== undefined) level.expectsKey = true;
    } else if (level?.seen !== undefined && level.expectsKey) {
      const key = String(JSON.parse(found));
      const position = { line, column: match.index - lineStart + 1 };
      const path = [...levels.slice(0, -1).flatMap((above) => above.key ?? []), key];
      const first = level.seen.get(key);
      if (first !== undefined) duplicates.push({ path, first, second: position });
      else if (level.key !== undefined && key < level.key) unsorted.push({ path, position, after: level.key });
      level.seen.set(key, first ?? position);
      level.key = key;
      level.expectsKey = false;
      keys.set(joinPath(path), position);
    }
  }
  return { keys, duplicates, unsorted };
}
