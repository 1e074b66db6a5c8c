/** What commands that show the difference of two locks share: options for licences, advisories and format, and the report itself. */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { compareAdvisories } from "../build/pin-advisories.ts";
import type { PinDiff } from "../build/pin-diff.ts";
import { factsOfDiff } from "../build/pin-facts.ts";
import { reportMarkdown } from "../build/pin-markdown.ts";
import type { PinReport } from "../build/pin-report.ts";
import { reportText } from "../build/pin-text.ts";
import { kindOf } from "../build/inputs/kinds.ts";
import type { LockedItem } from "../build/pin-items.ts";
import { fetchDebs, readSpecs } from "../build/repository.ts";
import { LockstepError } from "../host/errors.ts";
import type { InputEntry, Lock } from "../lock/types.ts";
import { collect, type Context, texts } from "./command.ts";

type Options = Readonly<Record<string, unknown>>;

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

/** Fetches what one side of a difference names, of the kinds that say what their licence is. */
async function fetchSide(context: Context, lock: Lock, items: readonly LockedItem[]): Promise<void> {
  const { host, store, report, signal, root } = context;
  const options = { signal, title: "downloading packages that changed" };
  const hashes = new Set(items.map(({ sha256 }) => sha256));
  const packages = [...lock.packages.values()].filter(({ sha256 }) => hashes.has(sha256));
  await fetchDebs(host, store, report, packages, options);
  for (const section of ["npm", "wheels"] as const) {
    const keys = new Set(items.flatMap(({ kind, key }) => (kind === section && key !== undefined ? [key] : [])));
    const entries = new Map<string, InputEntry>([...lock[section]].filter(([key]) => keys.has(key)));
    const source = { root, specs: entries.size === 0 ? [] : await readSpecs(store, root) };
    if (entries.size > 0) await kindOf(section).fetch(host, store, report, source, entries, options);
  }
}

/** Fetches what a difference names. What was there before may be gone; then it cannot be looked at, and stays unknown. */
async function fetchChanged(context: Context, { before, after, diff }: Compared): Promise<void> {
  await fetchSide(
    context,
    after,
    diff.changes.flatMap(({ to }) => to ?? []),
  );
  try {
    await fetchSide(
      context,
      before,
      diff.changes.flatMap(({ from }) => from ?? []),
    );
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code === "LS1003") throw error;
    context.report.warn(`licences of before are not all known: ${error.message}`);
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
