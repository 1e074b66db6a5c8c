/** Commands in node_modules/.bin: which package gets a name that several have, and where its link leads. */
import { posix } from "node:path";
import { isTop } from "./graph.ts";
import { folderName, type NpmEntry } from "./package-lock.ts";

export interface BinLink {
  /** Where the link is, below the project: `node_modules/.bin/tsc`. */
  readonly link: string;
  /** What it leads to, below the project: `node_modules/typescript/bin/tsc`. */
  readonly file: string;
  /** The entry whose command it is; for links the link. */
  readonly of: NpmEntry;
}

/** Characters of names in the order of the Unicode collation for the languages that npm sorts by; capitals come after small letters. */
const order = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";

/** The order in which npm links packages of one folder: that of a dictionary, not of bytes. */
export function compareNames(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const difference = order.indexOf(x[i] ?? "") - order.indexOf(y[i] ?? "");
    if (difference !== 0) return difference;
  }
  if (x.length !== y.length) return x.length - y.length;
  const at = [...a].findIndex((character, index) => character !== b[index]);
  return at < 0 ? 0 : a[at] === x[at] ? -1 : 1;
}

/** `node_modules/@s/a` → `node_modules`. */
function modulesOf(location: string): string {
  return location.slice(0, location.length - folderName(location).length - 1);
}

/**
 * The links of all selected entries. Whoever comes first has a name: packages before links to the project's own, each in the order of
 * their names. `entries` are all of the lock file, by location.
 */
export function binLinks(selected: Iterable<NpmEntry>, entries: ReadonlyMap<string, NpmEntry>): readonly BinLink[] {
  const ordered = [...selected]
    .filter((entry) => !isTop(entry))
    .toSorted(
      (a, b) =>
        Number(a.link !== undefined) - Number(b.link !== undefined) ||
        compareNames(folderName(a.location), folderName(b.location)),
    );
  const taken = new Map<string, BinLink>();
  for (const entry of ordered) {
    const { bin } = entry.link === undefined ? entry : (entries.get(entry.link) ?? entry);
    for (const [command, target] of Object.entries(bin)) {
      const link = `${modulesOf(entry.location)}/.bin/${command}`;
      if (!taken.has(link)) taken.set(link, { link, file: `${entry.location}/${target}`, of: entry });
    }
  }
  return [...taken.values()];
}

/** The text of a link at `link` that leads to `file`, both below one directory. */
export function linkText(link: string, file: string): string {
  return posix.relative(posix.dirname(link), file);
}
