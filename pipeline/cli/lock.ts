/** `lockstep lock merge`: merges lockstep.lock entry by entry; Git calls it as a merge driver. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Argument } from "commander";
import { mergeLockTexts } from "../build/merge-locks.ts";
import { readSpecs } from "../build/repository.ts";
import { LockstepError, formatProblem, systemCode } from "../host/errors.ts";
import { decodeLock, lockFile } from "../lock/lockfile.ts";
import type { ImageSpec } from "../spec/types.ts";
import { writeFileAtomically } from "../store/store.ts";
import type { CommandModule, Context } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .addArgument(new Argument("<action>", "merge: write the merge of three locks over the second").choices(["merge"]))
    .argument("<base>", "the lock that both sides come from; an empty file when there was none")
    .argument("<ours>", "the lock of this side, which gets the result")
    .argument("<theirs>", "the lock of the other side");
};

export const examples: CommandModule["examples"] = ["lockstep lock merge base.lock lockstep.lock theirs.lock"];

async function readText({ host }: Context, path: string, side: string): Promise<string> {
  try {
    return decodeLock(await readFile(resolve(host.cwd, path)), `${lockFile} (${side})`);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw new LockstepError({ code: "LS1002", message: `${path} cannot be read (${code})` });
  }
}

/** The specs say which image is from which. During a merge they are those of one side, or unfinished; then they say nothing. */
async function specsIfAny({ store, root, report }: Context): Promise<readonly ImageSpec[]> {
  try {
    return await readSpecs(store, root);
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    report.detail(`the specs cannot be read, and are not asked: ${error.message}`);
    return [];
  }
}

export const run: CommandModule["run"] = async (context, _options, [, base = "", ours = "", theirs = ""]) => {
  const { host, store } = context;
  const texts = {
    base: await readText(context, base, "base"),
    ours: await readText(context, ours, "ours"),
    theirs: await readText(context, theirs, "theirs"),
  };
  const specs = await specsIfAny(context);
  const { text, problems, recomputed } = await mergeLockTexts(host, store, texts, lockFile, { specs });
  await writeFileAtomically(host, resolve(host.cwd, ours), text);
  const lines = [
    ...recomputed.map(({ image, others }) => {
      const besides = others.length === 0 ? "" : `, with ${others.join(", ")} as neither side has it`;
      return `${lockFile}: both sides pinned "${image}"; resolved anew from both${besides}\n`;
    }),
    ...problems.map((problem) => `${formatProblem(problem)}\n`),
  ];
  return { exit: problems.length > 0 ? 1 : 0, result: { recomputed, problems }, text: lines.join("") };
};
