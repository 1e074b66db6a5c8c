/** What packages say of themselves, as the lock has it. */

/** A script as the lock has it: for a review, so a line of it is enough. */
export function shortened(script: string): string {
  return script
    .replaceAll(/\p{Cc}+/gu, " ")
    .slice(0, 200)
    .trimEnd();
}

/** Characters of a statement in the lock. A longer one is not shortened, which could give it another meaning. */
const longest = 1000;

/** A statement of a licence as the lock has it; undefined where there is none, or none that is a line. */
export function inOneLine(statement: string | undefined): string | undefined {
  const line = statement?.replaceAll(/[\p{Cc}\s]+/gu, " ").trim() ?? "";
  return line === "" || line.length > longest || !line.isWellFormed() ? undefined : line;
}
