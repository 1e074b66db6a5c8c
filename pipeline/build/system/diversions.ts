/** Which files of packages go elsewhere because a script of another package diverts them (dpkg-divert(1)). */
import type { PackageFacts } from "../../source/debian/facts.ts";
import { mergedUsr } from "../../source/debian/merged-usr.ts";
import { type Diversion, normalise } from "../../source/debian/script-model.ts";
import { comparePaths } from "../../tree/entry.ts";

/**
 * For every package, in the order of the list, the paths of its entries that are moved: `[from, to]`, sorted. dpkg compares the names that
 * packages use, so a diversion of `/bin/sh` does not touch `/usr/bin/sh`: diversions of aliased paths are kept in dpkg's records, where
 * packages on their way to a merged /usr put them, and move nothing.
 */
export function divertedEntries(
  packages: readonly PackageFacts[],
  diversions: readonly Diversion[],
): readonly (readonly (readonly [string, string])[])[] {
  const effective = diversions
    .map(({ from, to, by }) => ({ from: normalise(from), to: mergedUsr(normalise(to)), by }))
    .filter(({ from, to }) => from !== to && mergedUsr(from) === from);
  if (effective.length === 0) return packages.map(() => []);
  return packages.map((facts) => {
    const own = facts.control["Package"] ?? "";
    const paths = new Set(facts.entries.filter(({ type }) => type !== "directory").map(({ path }) => path));
    return effective
      .filter(({ from, by }) => by !== own && paths.has(from))
      .map(({ from, to }) => [from, to] as const)
      .toSorted(([a], [b]) => comparePaths(a, b));
  });
}
