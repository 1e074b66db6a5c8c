/** `lockstep store`: what the store holds, whether it is whole, and what can go. */
import { Argument } from "commander";
import { LockstepError } from "../host/errors.ts";
import { humanBytes } from "../report/format.ts";
import { table } from "../report/table.ts";
import { checkStore, collectGarbage, measureStore } from "../store/maintenance.ts";
import type { CommandModule } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .addArgument(
      new Argument(
        "<action>",
        "gc: remove what was not used lately; check: read everything and remove what is corrupt; du: show sizes",
      ).choices(["gc", "check", "du"]),
    )
    .option("--days <number>", "gc: keep what was used in this many days", "30");
};

export const examples: CommandModule["examples"] = [
  "lockstep store du",
  "lockstep store gc --days 7",
  "lockstep store check",
];

export const run: CommandModule["run"] = async ({ host, store, report }, options, args) => {
  switch (args[0]) {
    case "du": {
      const sizes = await measureStore(store);
      const sum = sizes.reduce((all, { files, bytes }) => ({ files: all.files + files, bytes: all.bytes + bytes }), {
        files: 0,
        bytes: 0,
      });
      const text = table(
        [...sizes, { part: "all", ...sum }],
        [
          { title: store.directory, value: ({ part }) => part },
          { title: "files", value: ({ files }) => String(files), align: "right" },
          { title: "size", value: ({ bytes }) => humanBytes(bytes), align: "right" },
        ],
      );
      return { exit: 0, result: { directory: store.directory, sizes }, text };
    }
    case "check": {
      const found = await checkStore(store, report);
      const lines = found.corrupt.map(
        (digest) => `LS3001 ${digest} was corrupt and is removed; it is fetched or made anew when it is needed\n`,
      );
      return {
        exit: found.corrupt.length > 0 ? 1 : 0,
        result: found,
        text: `${lines.join("")}${found.checked} blobs read, ${found.corrupt.length} corrupt\n`,
      };
    }
    default: {
      const days = Number(options["days"]);
      if (!Number.isFinite(days) || days < 0) {
        throw new LockstepError({
          code: "LS1002",
          message: `--days ${String(options["days"])} is not a number of days`,
        });
      }
      const removed = await collectGarbage(host, store, days);
      return { exit: 0, result: removed, text: `removed ${removed.files} files, ${humanBytes(removed.bytes)}\n` };
    }
  }
};
