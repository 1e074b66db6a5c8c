/** `lockstep capsule`: every locked input of images in one artefact, to build from without a network. */
import { resolve } from "node:path";
import { Argument } from "commander";
import { capsuleBlobs } from "../build/capsule/blobs.ts";
import { fetchLocked } from "../build/repository.ts";
import { withUses } from "../build/step/open.ts";
import { createCapsule } from "../build/capsule/create.ts";
import { LockstepError } from "../host/errors.ts";
import { humanBytes } from "../report/format.ts";
import { fetchAll } from "./build.ts";
import { type CommandModule, shown } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .addArgument(new Argument("<action>", "create: write a capsule").choices(["create"]))
    .argument("[image...]", "images whose inputs go into it; all when none is named")
    .requiredOption(
      "-o, --out <path>",
      "where it goes: one archive when it ends in .tar, else the directory of a layout",
    )
    .option("--offline", "never touch the network");
};

export const examples: CommandModule["examples"] = [
  "lockstep capsule create --out inputs.tar",
  "lockstep capsule create web --out /media/disk/web-inputs",
];

export const run: CommandModule["run"] = async (context, options, [, ...names]) => {
  const { host, store, report, signal } = context;
  const out = options["out"];
  if (typeof out !== "string") throw new LockstepError({ code: "LS1002", message: "--out needs a path" });
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
