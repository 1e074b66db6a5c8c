/** Reads the lock: fast when it is as Lockstep wrote it, and exact about every line when it is not. */
import { LockstepError, type Problem } from "../host/errors.ts";
import { type Finding, readEntries, repin } from "./entries.ts";
import { formatLock, lockfileVersion } from "./format.ts";
import { type Positions, findKeys, joinPath, positionAt } from "./positions.ts";
import { checkReferences } from "./references.ts";
import type { Lock } from "./types.ts";

/** Characters of the largest lock that is read: a hundred thousand packages. */
const maxLength = 64 * 1024 * 1024;

/** Unfinished merges that are told one by one. */
const maxMarks = 20;

/** Lines that Git, and programs like it, leave in a file when two sides changed the same lines. */
const conflictMark = /^(?:<{7}|\|{7}|={7}|>{7})(?= |\r?$)/gm;

/** The value of a lock of this version; throws LS2202, LS2203 and LS2204. */
export function parseJson(text: string, file: string): Readonly<Record<string, unknown>> {
  if (text.length > maxLength) {
    throw new LockstepError({ code: "LS2203", message: "lock is larger than 64 MiB", place: { file } });
  }
  const marks = [...text.matchAll(conflictMark)].filter(([mark]) => mark.startsWith("<")).slice(0, maxMarks);
  if (marks.length > 0) {
    throw new LockstepError(
      marks.map(({ index }) => ({
        code: "LS2202",
        message: "an unfinished merge begins here",
        place: { file, ...positionAt(text, index) },
        hint: "merge the specs, then run `lockstep pin --only IMAGE` for each image between the marks, which moves nothing else",
      })),
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // V8 tells the offset in its message, except at the end of the text.
    const offset = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
    const place = { file, ...positionAt(text, offset === undefined ? text.length : Number(offset)) };
    throw new LockstepError({ code: "LS2203", message: "is not JSON from here on", place, hint: repin });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const place = { file, line: 1, column: 1 };
    throw new LockstepError({ code: "LS2203", message: "is not a JSON object", place, hint: repin });
  }
  const version = "lockfileVersion" in value ? value.lockfileVersion : undefined;
  if (version !== lockfileVersion) {
    const known = typeof version === "number" && Number.isInteger(version) && version > lockfileVersion;
    const message = known
      ? `lock is of version ${version}; this Lockstep reads version ${lockfileVersion}`
      : `lock has no usable lockfileVersion; this Lockstep reads version ${lockfileVersion}`;
    const hint = known ? "use the Lockstep that wrote it, or a newer one" : repin;
    const at = findKeys(text).keys.get("lockfileVersion") ?? { line: 1, column: 1 };
    throw new LockstepError({ code: "LS2204", message, place: { file, ...at }, hint });
  }
  return value as Readonly<Record<string, unknown>>;
}

/** The innermost name first: `"size" in "netbase_6.5_all" in "packages"`. */
function show(path: readonly string[]): string {
  return path
    .toReversed()
    .map((name) => JSON.stringify(name))
    .join(" in ");
}

/** Problems of keys that are there twice or in the wrong order, and at the least the first line that is not as it would be written. */
function formProblems(text: string, canonical: string | undefined, file: string, keys: Positions): readonly Problem[] {
  const twice = keys.duplicates.map(({ path, first, second }): Problem => {
    const message = `${show(path)} is there twice, first in line ${first.line}`;
    return { code: "LS2209", message, place: { file, ...second }, hint: repin };
  });
  const unsorted = keys.unsorted
    .filter(({ path, after }) => path.length > 1 || after !== "lockfileVersion")
    .map(({ path, position }): Problem => {
      const message = `${show(path)} is not in the order of the lock`;
      return { code: "LS2210", message, place: { file, ...position }, hint: repin };
    });
  if (canonical === undefined || twice.length + unsorted.length > 0) return [...twice, ...unsorted];
  const expected = canonical.split("\n");
  const line = text.split("\n").findIndex((written, index) => written !== expected[index]);
  const ending = text.includes("\r\n") ? "line ends with CR and LF" : "line is not spaced as it is written";
  const hint = text.includes("\r\n") ? "write `lockstep.lock text eol=lf` into .gitattributes" : repin;
  return [{ code: "LS2210", message: ending, place: { file, line: line + 1, column: 1 }, hint }];
}

/**
 * Reads the text of a lock. `file` is its name for messages. Throws a LockstepError with all problems LS2202 to LS2210, each with line and
 * column: only a text that `formatLock` would write passes.
 */
export function parseLock(text: string, file: string): Lock {
  const { lock, found } = readEntries(parseJson(text, file));
  const wrong: readonly Finding[] = found.length > 0 ? found : checkReferences(lock);
  // Whatever else can be wrong (a key twice, order, spacing) shows when the lock is written again.
  const canonical = wrong.length > 0 ? undefined : formatLock(lock);
  if (canonical === text) return lock;
  const positions = findKeys(text);
  const problems = wrong.map(({ code, message, path, hint }): Problem => {
    const lengths = path.map((_, index) => path.length - index);
    const at = lengths
      .map((length) => positions.keys.get(joinPath(path.slice(0, length))))
      .find((p) => p !== undefined);
    const place = { file, ...(at ?? { line: 1, column: 1 }) };
    return { code, message, place, ...(hint === undefined ? {} : { hint }) };
  });
  throw new LockstepError(
    [...problems, ...formProblems(text, canonical, file, positions)].toSorted(
      (a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0),
    ),
  );
}
