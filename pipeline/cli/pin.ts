/** `lockstep pin`: the only command that decides what is in an image; everything else reads the lock. */
import { formatDiff } from "../build/pin-diff.ts";
import { pin } from "../build/pin.ts";
import { openRepository } from "../build/repository.ts";
import { writeLock } from "../lock/lockfile.ts";
import type { CommandModule } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .option("--only <name>", "move this image or package alone, and what must move with it")
    .option("-n, --dry-run", "show the difference and write nothing");
};

export const examples: CommandModule["examples"] = [
  "lockstep pin",
  "lockstep pin --dry-run",
  "lockstep pin --only openssl",
];

export const run: CommandModule["run"] = async ({ host, store, report, root, signal }, options) => {
  const { specs, lock } = await openRepository(root);
  const only = typeof options["only"] === "string" ? { only: options["only"] } : {};
  const pinned = await pin(host, store, report, { specs, lock, signal, ...only });
  const dryRun = options["dryRun"] === true;
  const written = !dryRun && (await writeLock(host, root, pinned.lock));
  const state = dryRun
    ? "dry run: nothing was written"
    : written
      ? "wrote lockstep.lock"
      : "lockstep.lock is up to date";
  return { exit: 0, result: { written, diff: pinned.diff }, text: `${formatDiff(pinned.diff)}${state}\n` };
};
