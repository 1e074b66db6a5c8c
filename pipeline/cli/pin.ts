/** `lockstep pin`: the only command that decides what is in an image; everything else reads the lock. */
import { formatDiff } from "../build/pin-diff.ts";
import { pin } from "../build/pin.ts";
import { readSpecs } from "../build/repository.ts";
import { formatProblem } from "../host/errors.ts";
import { lockFile, readLockText, writeLock } from "../lock/lockfile.ts";
import { salvageLock } from "../lock/salvage.ts";
import { emptyLock } from "../lock/types.ts";
import type { CommandModule } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .option("--only <name>", "move this image, package or other input alone, and what must move with it")
    .option("-n, --dry-run", "show the difference and write nothing");
};

export const examples: CommandModule["examples"] = [
  "lockstep pin",
  "lockstep pin --dry-run",
  "lockstep pin --only openssl",
];

export const run: CommandModule["run"] = async ({ host, store, report, root, signal }, options) => {
  const specs = await readSpecs(store, root);
  const text = await readLockText(root);
  // What is damaged is resolved anew; everything else stays where it is.
  const { lock, problems } = text === undefined ? { lock: emptyLock, problems: [] } : salvageLock(text, lockFile);
  for (const problem of problems) report.warn(formatProblem(problem));
  const only = typeof options["only"] === "string" ? { only: options["only"] } : {};
  const pinned = await pin(host, store, report, { root, specs, lock, signal, ...only });
  const dryRun = options["dryRun"] === true;
  const written = !dryRun && (await writeLock(host, root, pinned.lock));
  const state = dryRun
    ? "dry run: nothing was written"
    : written
      ? "wrote lockstep.lock"
      : "lockstep.lock is up to date";
  return { exit: 0, result: { written, diff: pinned.diff }, text: `${formatDiff(pinned.diff)}${state}\n` };
};
