/** The options of commands that compare, for writing what they found as a page and as Markdown. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { LockstepError } from "../host/errors.ts";
import { writeFileAtomically } from "../store/store.ts";
import type { Comparison } from "../verify/compare/comparison.ts";
import type { Sizes } from "../verify/report/sizes-page.ts";
import type { Verdict } from "../verify/judge.ts";
import type { Compares } from "../verify/compare-rebuilt.ts";
import type { Context } from "./command.ts";

export function reportOptions(command: Command): void {
  command
    .option("--html <file>", "write the comparison as a page that needs no network")
    .option("--markdown <file>", "write the comparison as Markdown, for a pull request");
}

/** Writes what was asked for, relative to where the user is; LS1004. `sizes` is for the page. */
export async function writeReports(
  { host }: Context,
  options: Readonly<Record<string, unknown>>,
  comparison: Comparison,
  sizes: readonly Sizes[],
): Promise<void> {
  const { html, markdown } = options;
  if (typeof html === "string") {
    const { comparisonHtml } = await import("../verify/report/html.ts");
    await writeFileAtomically(host, resolve(host.cwd, html), comparisonHtml(comparison, { sizes }));
  }
  if (typeof markdown === "string") {
    const { comparisonMarkdown } = await import("../verify/report/markdown.ts");
    await writeFileAtomically(host, resolve(host.cwd, markdown), comparisonMarkdown(comparison));
  }
}

/** A page is about one comparison: LS1002 when a report is asked for and not one image is named. */
export function requireOneForReports(options: Readonly<Record<string, unknown>>, images: readonly string[]): void {
  for (const name of ["html", "markdown"])
    if (options[name] !== undefined && images.length !== 1)
      throw new LockstepError({
        code: "LS1002",
        message: `--${name} is about one image, and not one is named`,
        hint: "name the image that the report is to be about",
      });
}

/** What a verdict says of two digests, and which comparison that is; nothing when it could not be told. */
function comparisonOf(about: Verdict): readonly [Comparison, Compares] | undefined {
  const { verdict, image, expected, comparison, against } = about;
  for (const part of ["comparison", "against"] as const) {
    const found = about[part];
    if (found?.verdict === "differs") return [found, part];
  }
  const found = against ?? comparison;
  if (found !== undefined) return [found, "comparison"];
  if (verdict !== "reproduced") return undefined;
  const side = (name: string) => ({ name: `${image}, ${name}`, kind: "index", digest: expected }) as const;
  const same = { verdict: "equal", grade: null, causes: [], differences: [], more: 0, unread: [] } as const;
  return [{ schema: 1, a: side("as it was built"), b: side("as it was rebuilt"), ...same }, "comparison"];
}

/** Writes the reports of the image that was verified; where it could not be told whether it differs, there is nothing to write. */
export async function writeVerdictReports(
  context: Context,
  options: Readonly<Record<string, unknown>>,
  verdicts: readonly Verdict[],
  sizes: ReadonlyMap<Compares, readonly Sizes[]>,
): Promise<void> {
  for (const verdict of verdicts) {
    const [comparison, part] = comparisonOf(verdict) ?? [];
    if (comparison !== undefined && part !== undefined)
      await writeReports(context, options, comparison, sizes.get(part) ?? []);
  }
}
