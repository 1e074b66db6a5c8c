/** `lockstep pin`: the only command that decides what is in an image; everything else reads the lock. */
import { reportDocument } from "../build/pin-report.ts";
import { pin } from "../build/pin.ts";
import { readSpecs } from "../build/repository.ts";
import { LockstepError, formatProblem } from "../host/errors.ts";
import { lockFile, readLockText, writeLock } from "../lock/lockfile.ts";
import { salvageLock } from "../lock/salvage.ts";
import { emptyLock } from "../lock/types.ts";
import { collect, type CommandModule, texts } from "./command.ts";
import { defineReport, describeDiff, writtenReport } from "./lock-report.ts";
import type { PinDocument } from "./documents/pin.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .option("--only <name>", "move this image, package or other input alone, and what must move with it")
    .option("--to <version>", "NAME=VERSION, or the version for --only; may be given several times", collect)
    .option("-n, --dry-run", "show the difference and write nothing");
  defineReport(command);
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
  const { diff, installed } = pinned;
  const described = await describeDiff(context, options, { before: lock, after: pinned.lock, diff, installed });
  const dryRun = options["dryRun"] === true;
  const written = !dryRun && (await writeLock(host, root, pinned.lock));
  const state = dryRun
    ? "dry run: nothing was written"
    : written
      ? "wrote lockstep.lock"
      : "lockstep.lock is up to date";
  return {
    exit: 0,
    result: { written, diff: reportDocument(described) } satisfies PinDocument,
    text: writtenReport(context, options, described, `${state}\n`),
  };
};
