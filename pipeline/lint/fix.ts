/** Puts the edits of fixes into a text. */
import type { Edit } from "./rule.ts";

/** How often a text is read again after edits: one fix may make room for another. */
const passes = 10;

/** The text with as many of the groups of edits as do not touch each other; a group is put in as a whole or not at all. */
function applyEdits(text: string, groups: readonly (readonly Edit[])[]): string {
  const taken: Edit[] = [];
  // Two edits at one place are not put in together, not even insertions: their order would be a guess.
  const free = (edit: Edit): boolean => taken.every((other) => edit.end < other.at || other.end < edit.at);
  for (const group of groups) if (group.every(free)) taken.push(...group);
  let result = text;
  for (const { at, end, text: inserted } of taken.toSorted((a, b) => b.at - a.at))
    result = result.slice(0, at) + inserted + result.slice(end);
  return result;
}

/** Applies what `fixes` finds until there is nothing left to apply. */
export function fixText(text: string, fixes: (text: string) => readonly (readonly Edit[])[]): string {
  let current = text;
  for (let pass = 0; pass < passes; pass++) {
    const groups = fixes(current);
    if (groups.length === 0) break;
    const next = applyEdits(current, groups);
    if (next === current) break;
    current = next;
  }
  return current;
}
