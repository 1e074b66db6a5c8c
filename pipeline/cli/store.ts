/** `lockstep store`: what the store holds, whether it is whole, what can go, and what is shared through a registry. */
import { Argument } from "commander";
import { formatProblem, LockstepError } from "../host/errors.ts";
import { humanBytes } from "../report/format.ts";
import { table } from "../report/table.ts";
import { checkStore, collectGarbage, measureStore } from "../store/maintenance.ts";
import { type CommandModule, type Context, namedPath, type Outcome } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .addArgument(
      new Argument(
        "<action>",
        "gc: remove what was not used lately; check: read everything and remove what is corrupt; du: show sizes; push, pull: share what images need through a registry",
      ).choices(["gc", "check", "du", "push", "pull"]),
    )
    .argument("[image...]", "push, pull: the images; all when none is named")
    .option("--days <number>", "gc: keep what was used in this many days", "30")
    .option("--remote <reference>", "push, pull: the repository, in place of the configured one")
    .option("--trust <file>", "pull: public keys whose results are believed, in place of the configured ones");
};

export const examples: CommandModule["examples"] = [
  "lockstep store du",
  "lockstep store gc --days 7",
  "lockstep store check",
  "lockstep store push --remote registry.example/team/store",
  "lockstep store pull web --remote registry.example/team/store --trust ci.pub",
];

/** `push` and `pull`: modules of registries are loaded for these only. */
async function share(
  context: Context,
  options: Readonly<Record<string, unknown>>,
  [action, ...names]: readonly string[],
): Promise<Outcome> {
  const { host, store, report, root, signal } = context;
  const trust = namedPath(context, options["trust"]);
  const { admitRepositoryBases, openRepository, planRepository } = await import("../build/repository.ts");
  const { pullStore, pushStore } = await import("../share/share.ts");
  const { remote } = options;
  const settings = {
    signal,
    ...(typeof remote === "string" ? { remote } : {}),
    ...(trust === undefined ? {} : { trust }),
  };
  const repository = await openRepository(store, root);
  const bases = await admitRepositoryBases(host, store, report, repository, names, { signal });
  const images = planRepository(host, repository, names, bases);
  if (action === "push") {
    const pushed = await pushStore(host, store, report, root, images, settings);
    const text = `shared ${pushed.inputs} inputs, ${pushed.fragments} fragments and ${pushed.layers} layers with ${pushed.remote}; ${humanBytes(pushed.sent)} sent\n`;
    return { exit: 0, result: pushed, text };
  }
  const pulled = await pullStore(host, store, report, images, settings);
  const refused = pulled.refused.map((problem) => `${formatProblem(problem)}\n`).join("");
  const text = `took ${pulled.inputs} inputs, ${pulled.fragments} fragments and ${pulled.layers} layers from ${pulled.remote}\n`;
  return { exit: pulled.refused.length > 0 ? 1 : 0, result: pulled, text: `${refused}${text}` };
}

export const run: CommandModule["run"] = async (context, options, args) => {
  const { host, store, report } = context;
  const [action, ...names] = args;
  if (action === "push" || action === "pull") return share(context, options, args);
  if (names.length > 0)
    throw new LockstepError({ code: "LS1002", message: `store ${action} is about the whole store, not about images` });
  switch (action) {
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
