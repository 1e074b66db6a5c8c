/** `lockstep pin`: the only command that decides what is in an image; everything else reads the lock. */
import { resolve } from "node:path";
import { Option } from "commander";
import type { PinDiff } from "../build/pin-diff.ts";
import { compareAdvisories } from "../build/pin-advisories.ts";
import { factsOfDiff } from "../build/pin-facts.ts";
import { reportMarkdown } from "../build/pin-markdown.ts";
import { type PinReport, reportDocument } from "../build/pin-report.ts";
import { reportText } from "../build/pin-text.ts";
import { type Pinned, pin } from "../build/pin.ts";
import { fetchDebs, readSpecs } from "../build/repository.ts";
import { LockstepError, formatProblem } from "../host/errors.ts";
import { lockFile, readLockText, writeLock } from "../lock/lockfile.ts";
import { salvageLock } from "../lock/salvage.ts";
import { type Lock, emptyLock } from "../lock/types.ts";
import type { CommandModule, Context } from "./command.ts";

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

export const define: CommandModule["define"] = (command) => {
  command
    .option("--only <name>", "move this image, package or other input alone, and what must move with it")
    .option("--to <version>", "NAME=VERSION, or the version for --only; may be given several times", collect)
    .option("-n, --dry-run", "show the difference and write nothing")
    .option("--licences", "fetch the packages that changed, to compare licences and installed sizes")
    .option(
      "--advisories <path>",
      "file, directory or zip archive of OSV advisories; may be given several times",
      collect,
    )
    .addOption(
      new Option("--format <format>", "how the difference is written").choices(["text", "markdown"]).default("text"),
    );
};

export const examples: CommandModule["examples"] = [
  "lockstep pin",
  "lockstep pin --dry-run",
  "lockstep pin --only openssl",
  "lockstep pin --to curl=8.14.1-2+deb13u2",
  "lockstep pin --licences --advisories osv/ --format markdown",
];

function usage(message: string): LockstepError {
  return new LockstepError({ code: "LS1002", message });
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** What may move: `only`, or exact versions by name. Throws LS1002. */
function wanted(options: Readonly<Record<string, unknown>>): {
  readonly only?: string;
  readonly exact?: ReadonlyMap<string, string>;
} {
  const only = typeof options["only"] === "string" ? options["only"] : undefined;
  const exact = new Map<string, string>();
  for (const text of texts(options["to"])) {
    const at = text.indexOf("=");
    const name = at < 0 ? only : text.slice(0, at);
    const version = text.slice(at + 1);
    if (name === undefined || name === "" || version === "")
      throw usage(`--to ${text} names no package; write --to NAME=VERSION, or --only NAME --to VERSION`);
    if (only !== undefined && name !== only) throw usage(`--only ${only} and --to ${text} are about two things`);
    if (exact.has(name) && exact.get(name) !== version) throw usage(`--to is given twice for ${name}`);
    exact.set(name, version);
  }
  if (exact.size > 0) return { exact };
  return only === undefined ? {} : { only };
}

/** The difference with all that is known about it, and asked for. */
async function describe(
  context: Context,
  options: Readonly<Record<string, unknown>>,
  before: Lock,
  { lock, diff, installed }: Pinned,
): Promise<PinReport> {
  const { host, store, report } = context;
  const licences = options["licences"] === true;
  if (licences) await fetchChanged(context, diff, { before, after: lock });
  const sources = texts(options["advisories"]).map((path) => ({ path: resolve(host.cwd, path), shown: path }));
  const facts = await factsOfDiff(store, report, diff, { before, after: lock }, installed, licences);
  if (sources.length === 0) return { diff, facts };
  return { diff, facts, advisories: await compareAdvisories(sources, before, lock) };
}

/** Fetches what a difference names. What the archive no longer has cannot be looked at, and stays unknown. */
async function fetchChanged(
  { host, store, report, signal }: Context,
  diff: PinDiff,
  locks: { readonly before: Lock; readonly after: Lock },
): Promise<void> {
  const title = "downloading packages that changed";
  for (const [side, lock] of [
    ["to", locks.after],
    ["from", locks.before],
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

export const run: CommandModule["run"] = async (context, options) => {
  const { host, store, report, root, signal } = context;
  const move = wanted(options);
  const specs = await readSpecs(store, root);
  const text = await readLockText(root);
  // What is damaged is resolved anew; everything else stays where it is.
  const { lock, problems } = text === undefined ? { lock: emptyLock, problems: [] } : salvageLock(text, lockFile);
  for (const problem of problems) report.warn(formatProblem(problem));
  const pinned = await pin(host, store, report, { root, specs, lock, signal, ...move });
  // Advisories are read before anything is written: a wrong file among them leaves the lock as it was.
  const described = await describe(context, options, lock, pinned);
  const dryRun = options["dryRun"] === true;
  const written = !dryRun && (await writeLock(host, root, pinned.lock));
  const state = dryRun
    ? "dry run: nothing was written"
    : written
      ? "wrote lockstep.lock"
      : "lockstep.lock is up to date";
  const markdown = options["format"] === "markdown";
  if (markdown) report.detail(state);
  return {
    exit: 0,
    result: { written, diff: reportDocument(described) },
    text: markdown ? reportMarkdown(described) : `${reportText(described)}${state}\n`,
  };
};
