/** What git or the other side said, fit to be shown. */
import type { GitOutput } from "./program.ts";

// oxlint-disable-next-line no-control-regex -- exactly those characters are taken out
const controls = /[\u0000-\u001f\u007f-\u009f]+/g;

/** A few lines, without user names, passwords and control characters. */
export function said({ stderr }: Pick<GitOutput, "stderr">): string {
  const lines = stderr.split("\n").filter((line) => /^(?:fatal|error|remote|ssh|Permission)\b/i.test(line));
  const text = (lines.length > 0 ? lines : stderr.split("\n")).slice(-3).join(" ");
  return text
    .replace(controls, " ")
    .replace(/\/\/[^/@\s]*@/g, "//")
    .slice(0, 500);
}
