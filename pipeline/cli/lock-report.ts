/** What commands that show the difference of two locks share: options for licences, advisories and format, and the report itself. */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { compareAdvisories } from "../build/pin-advisories.ts";
import type { PinDiff } from "../build/pin-diff.ts";
import { factsOfDiff } from "../build/pin-facts.ts";
import { reportMarkdown } from "../build/pin-markdown.ts";
import type { PinReport } from "../build/pin-report.ts";
import { reportText } from "../build/pin-text.ts";
import { fetchDebs } from "../build/repository.ts";
import { LockstepError } from "../host/errors.ts";
import type { Lock } from "../lock/types.ts";
import type { Context } from "./command.ts";

type Options = Readonly<Record<string, unknown>>;

/** The values of an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

export function defineReport(command: Command): void {
  command
    .option("--licences", "fetch the packages that changed, to compare licences and installed sizes")
    .option(
      "--advisories <path>",
      "file, directory or zip archive of OSV advisories; may be given several times",
      collect,
    )
    .addOption(
      new Option("--format <format>", "how the difference is written").choices(["text", "markdown"]).default("text"),
    );
}

/** Two locks that are compared. */
interface Compared {
  readonly before: Lock;
  readonly after: Lock;
  readonly diff: PinDiff;
  /** Bytes once installed, where indexes gave them, by SHA-256. */
  readonly installed: ReadonlyMap<string, number>;
}

/** Fetches what a difference names. What the archive no longer has cannot be looked at, and stays unknown. */
async function fetchChanged(
  { host, store, report, signal }: Context,
  { before, after, diff }: Compared,
): Promise<void> {
  const title = "downloading packages that changed";
  for (const [side, lock] of [
    ["to", after],
    ["from", before],
  ] as const) {
    const hashes = new Set(diff.changes.flatMap((change) => change[side]?.sha256 ?? []));
    const packages = [...lock.packages.values()].filter(({ sha256 }) => hashes.has(sha256));
    try {
      await fetchDebs(host, store, report, packages, { signal, title });
    } catch (error) {
      const gone = error instanceof LockstepError && error.problems.every(({ code }) => code === "LS3103");
      if (!gone || side === "to") throw error;
      report.detail(error.message);
    }
  }
}

/** The difference with all that is known about it, and asked for. Throws LS2212, LS2213, and with --licences LS31xx. */
export async function describeDiff(context: Context, options: Options, compared: Compared): Promise<PinReport> {
  const { host, store, report } = context;
  const { diff, before, after, installed } = compared;
  const licences = options["licences"] === true;
  if (licences) await fetchChanged(context, compared);
  const sources = texts(options["advisories"]).map((path) => ({ path: resolve(host.cwd, path), shown: path }));
  const facts = await factsOfDiff(store, report, diff, { before, after }, installed, licences);
  if (sources.length === 0) return { diff, facts };
  return { diff, facts, advisories: await compareAdvisories(sources, before, after) };
}

/** The report in the format that is asked for; `state`: a last line for people, which a pull request has no use for. */
export function writtenReport({ report }: Context, options: Options, described: PinReport, state = ""): string {
  if (options["format"] !== "markdown") return `${reportText(described)}${state}`;
  if (state !== "") report.detail(state.trimEnd());
  return reportMarkdown(described);
}
