/** Writes the lock: JSON with two spaces, everything in order of bytes, each entry a group of lines with its seal. */
import { comparePaths } from "../tree/entry.ts";
import { sealOf, sectionNames, sections } from "./section.ts";
import type { Lock, SectionName } from "./types.ts";

export const lockfileVersion = 1;

function inOrder<T>(members: Iterable<readonly [string, T]>): readonly (readonly [string, T])[] {
  return [...members].toSorted((a, b) => comparePaths(a[0], b[0]));
}

/** Members of objects in order of bytes, also within and in lists. No name here looks like an integer, which objects would put first. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(inOrder(Object.entries(value)).map(([name, member]) => [name, ordered(member)]));
}

function formatEntry(section: SectionName, key: string, content: Readonly<Record<string, unknown>>): string {
  const entry = ordered({ ...content, seal: sealOf(section, key, content) });
  return `    ${JSON.stringify(key)}: ${JSON.stringify(entry, undefined, 2).replaceAll("\n", "\n    ")}`;
}

/** The text of a lock; the same lock gives the same text whatever the order of its maps. */
export function formatLock(lock: Lock): string {
  const written = sectionNames.filter((section) => sections[section].always || lock[section].size > 0);
  const parts = written.map((section) => {
    const entries: Iterable<readonly [string, object]> = lock[section];
    const lines = inOrder(entries).map(([key, content]) => formatEntry(section, key, { ...content }));
    return `  "${section}": ${lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n  }`}`;
  });
  return `{\n  "lockfileVersion": ${lockfileVersion},\n${parts.join(",\n")}\n}\n`;
}
