/** `lockstep outdated`: of which locked inputs there is something newer; changes nothing. */
import { type OutdatedItem, findOutdated } from "../build/outdated.ts";
import { signedBytes } from "../report/format.ts";
import { openRepository } from "../build/repository.ts";
import { table } from "../report/table.ts";
import type { CommandModule } from "./command.ts";
import type { OutdatedDocument } from "./documents/pin.ts";

export const define: CommandModule["define"] = (command) => {
  command.argument("[names...]", "images, packages and other inputs to look at; all unless given");
};

export const examples: CommandModule["examples"] = [
  "lockstep outdated",
  "lockstep outdated web",
  "lockstep outdated openssl libssl3t64 --json",
];

function newest({ current, newest }: OutdatedItem): string {
  if (newest === undefined) return "no longer offered";
  return newest.version === current.version ? `${newest.version} (other bytes)` : newest.version;
}

export const run: CommandModule["run"] = async ({ host, store, report, root, signal }, _options, args) => {
  const { specs, lock } = await openRepository(store, root);
  const outdated = await findOutdated(host, store, report, { root, specs, lock, names: args, signal });
  const count = new Set(outdated.map(({ kind, name }) => `${kind} ${name}`)).size;
  const rows = table(outdated, [
    { title: "name", value: ({ name }) => name },
    { title: "current", value: ({ current }) => current.version },
    { title: "newest", value: newest },
    {
      title: "download",
      value: (item) => (item.newest === undefined ? "" : signedBytes(item.newest.size - item.current.size)),
      align: "right",
    },
    { title: "platforms", value: ({ platforms }) => platforms.join(", ") },
    { title: "images", value: ({ images }) => images.join(", ") },
  ]);
  return {
    exit: count > 0 ? 1 : 0,
    result: { outdated } satisfies OutdatedDocument,
    text: count === 0 ? "nothing is outdated\n" : `${rows}${count} outdated; \`lockstep pin\` moves them\n`,
  };
};
