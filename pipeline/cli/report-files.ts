/** The options of commands that compare, for writing what they found as a page and as Markdown. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { writeFileAtomically } from "../store/store.ts";
import type { Comparison } from "../verify/compare/comparison.ts";
import type { Sizes } from "../verify/report/sizes-page.ts";
import type { Context } from "./command.ts";

export function reportOptions(command: Command): void {
  command
    .option("--html <file>", "write the comparison as a page that needs no network")
    .option("--markdown <file>", "write the comparison as Markdown, for a pull request");
}

/** Writes what was asked for, relative to where the user is; LS1004. `sizes` is asked for the page only. */
export async function writeReports(
  { host }: Context,
  options: Readonly<Record<string, unknown>>,
  comparison: Comparison,
  sizes: () => Promise<readonly Sizes[]> = async () => [],
): Promise<void> {
  const { html, markdown } = options;
  if (typeof html === "string") {
    const { comparisonHtml } = await import("../verify/report/html.ts");
    await writeFileAtomically(host, resolve(host.cwd, html), comparisonHtml(comparison, { sizes: await sizes() }));
  }
  if (typeof markdown === "string") {
    const { comparisonMarkdown } = await import("../verify/report/markdown.ts");
    await writeFileAtomically(host, resolve(host.cwd, markdown), comparisonMarkdown(comparison));
  }
}
