/** Saves what is intact in a damaged lock, so that `pin` has to find anew only what is not. */
import { LockstepError, type Problem } from "../host/errors.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { readEntries, repin } from "./entries.ts";
import { parseJson, parseLock } from "./parse.ts";
import { withoutDangling } from "./references.ts";
import { lockOf } from "./section.ts";
import { type Lock, emptyLock } from "./types.ts";

/** The two texts an unfinished merge stands between; a text without its marks is the only one. */
function sidesOf(text: string): readonly string[] {
  if (!/^<{7}( |\r?$)/m.test(text)) return [text];
  const ours: string[] = [];
  const theirs: string[] = [];
  let part: "both" | "ours" | "base" | "theirs" = "both";
  for (const line of text.split("\n")) {
    const mark = /^(<{7}|\|{7}|={7}|>{7})( |\r?$)/.exec(line)?.[1]?.charAt(0);
    if (mark === "<") part = "ours";
    else if (mark === "|") part = "base";
    else if (mark === "=") part = "theirs";
    else if (mark === ">") part = "both";
    else {
      if (part === "both" || part === "ours") ours.push(line);
      if (part === "both" || part === "theirs") theirs.push(line);
    }
  }
  return [ours.join("\n"), theirs.join("\n")];
}

function intactEntries(text: string, file: string): Lock {
  try {
    return readEntries(parseJson(text, file)).lock;
  } catch (error) {
    if (error instanceof LockstepError) return emptyLock;
    throw error;
  }
}

/** The entries that both sides of an unfinished merge have alike. Does not throw. */
export function agreedLock(text: string, file: string): Lock {
  const [ours = emptyLock, theirs = ours] = sidesOf(text).map((side) => intactEntries(side, file));
  return lockOf((name) => {
    const entries: Iterable<readonly [string, unknown]> = ours[name];
    const others: ReadonlyMap<string, unknown> = theirs[name];
    return new Map(
      [...entries].filter(([key, entry]) => canonicalJson(entry) === canonicalJson(others.get(key) ?? null)),
    );
  });
}

/**
 * The entries of a lock that hold together, and what is wrong with the rest. Of the two sides of an unfinished merge both are taken;
 * where both have an image, ours. Packages that no image uses any more may remain: `pin` drops them. Throws LS2204 for a lock that a newer
 * Lockstep wrote: nothing of it would be saved.
 */
export function salvageLock(
  text: string,
  file: string,
): { readonly lock: Lock; readonly problems: readonly Problem[] } {
  try {
    return { lock: parseLock(text, file), problems: [] };
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    // A text without a version is no lock, and what is intact in it is nothing.
    if (error.problems.some(({ code, hint }) => code === "LS2204" && hint !== repin)) throw error;
    // Ours comes last, and so wins.
    const sides = sidesOf(text)
      .map((side) => intactEntries(side, file))
      .toReversed();
    const lock = lockOf((name) => new Map(sides.flatMap((side): readonly [string, unknown][] => [...side[name]])));
    return { lock: withoutDangling(lock), problems: error.problems };
  }
}
