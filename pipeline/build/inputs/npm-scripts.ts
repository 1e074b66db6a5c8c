/** Scripts of npm packages as the lock has them. */

/** A script as the lock has it: for a review, so a line of it is enough. */
export function shortened(script: string): string {
  return script
    .replaceAll(/\p{Cc}+/gu, " ")
    .slice(0, 200)
    .trimEnd();
}
