/** `lockstep capsule`: every locked input of images in one artefact, to build from without a network; and what such an artefact has. */
import { resolve } from "node:path";
import { Argument } from "commander";
import { capsuleBlobs } from "../build/capsule/blobs.ts";
import { fetchLocked } from "../build/repository.ts";
import { withUses } from "../build/step/open.ts";
import { createCapsule } from "../build/capsule/create.ts";
import { LockstepError } from "../host/errors.ts";
import { humanBytes } from "../report/format.ts";
import { table } from "../report/table.ts";
import { fetchAll } from "./build.ts";
import { type CommandModule, type Context, type Outcome, shown } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .addArgument(
      new Argument(
        "<action>",
        "create: write a capsule; list: say what one has; check: read one whole, and check every byte",
      ).choices(["create", "list", "check"]),
    )
    .argument(
      "[name...]",
      "create: images whose inputs go into it, all when none is named; list and check: the path of a capsule",
    )
    .option(
      "-o, --out <path>",
      "create: where it goes: one archive when it ends in .tar, else the directory of a layout",
    )
    .option("--offline", "never touch the network");
};

export const examples: CommandModule["examples"] = [
  "lockstep capsule create --out inputs.tar",
  "lockstep capsule create web --out /media/disk/web-inputs",
  "lockstep capsule check inputs.tar",
];

/** What a capsule has; with `content` after every byte of it was checked. */
async function read({ host, report, signal }: Context, paths: readonly string[], content: boolean): Promise<Outcome> {
  const [given] = paths;
  if (given === undefined || paths.length > 1)
    throw new LockstepError({ code: "LS1002", message: "name one capsule by its path" });
  const { Capsule } = await import("../build/capsule/use.ts");
  const path = resolve(host.cwd, given);
  const capsule = await Capsule.open(path);
  if (content) await capsule.check(report, signal);
  else await capsule.checkSizes();
  const { digest, inputs } = capsule;
  const size = inputs.reduce((sum, input) => sum + input.size, 0);
  const rows = table(inputs, [
    { title: "digest", value: (input) => input.digest },
    { title: "size", value: (input) => humanBytes(input.size), align: "right" },
    { title: "input", value: (input) => input.name },
  ]);
  const count = `${inputs.length} ${inputs.length === 1 ? "input" : "inputs"}, ${humanBytes(size)}`;
  const text = content ? `${digest}  ${count}: whole\n` : `${rows}${digest}  ${count}\n`;
  return { exit: 0, result: { path, digest, size, inputs }, text };
}

export const run: CommandModule["run"] = async (context, options, [action, ...names]) => {
  if (action !== "create") return read(context, names, action === "check");
  const { host, store, report, signal } = context;
  const out = options["out"];
  if (typeof out !== "string")
    throw new LockstepError({ code: "LS1002", message: "--out is missing", hint: "say where the capsule goes" });
  const path = resolve(host.cwd, out);
  const offline = options["offline"] === true;
  const { repository, planned } = await fetchAll(context, names, store, offline);
  const all = withUses(planned);
  await fetchLocked(host, store, report, repository, all, { signal, offline });
  const created = await createCapsule(host, store, report, capsuleBlobs(all), path);
  const { digest, inputs, size, unchanged } = created;
  const count = `${inputs} ${inputs === 1 ? "input" : "inputs"}, ${humanBytes(size)}`;
  const text = `${digest}  ${shown(context, path)}\n${count}${unchanged ? " (unchanged)" : ""}\n`;
  return { exit: 0, result: { path, ...created }, text };
};
