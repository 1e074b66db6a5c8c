/** `lockstep lock`: merges the lock of two branches entry by entry, as Git's merge driver, and shows how two locks differ. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Argument } from "commander";
import { mergeLockTexts } from "../build/merge-locks.ts";
import { diffLocks } from "../build/pin-diff.ts";
import { type InputImages, imagesOfInputs } from "../build/pin-items.ts";
import { reportDocument } from "../build/pin-report.ts";
import { readSpecs } from "../build/repository.ts";
import { LockstepError, formatProblem, systemCode } from "../host/errors.ts";
import { decodeLock, lockFile } from "../lock/lockfile.ts";
import { parseLock } from "../lock/parse.ts";
import { type Lock, emptyLock } from "../lock/types.ts";
import type { ImageSpec } from "../spec/types.ts";
import { writeFileAtomically } from "../store/store.ts";
import type { CommandModule, Context, Outcome } from "./command.ts";
import { defineReport, describeDiff, writtenReport } from "./lock-report.ts";
import type { PinDocument } from "./documents/pin.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .addArgument(
      new Argument(
        "<action>",
        "merge: write the merge of three locks over the second; diff: show how the second of two locks differs",
      ).choices(["merge", "diff"]),
    )
    .argument(
      "<files...>",
      "merge: the lock that both sides come from, ours and theirs; diff: the old lock and the new",
    );
  defineReport(command);
};

export const examples: CommandModule["examples"] = [
  "lockstep lock merge base.lock lockstep.lock theirs.lock",
  "lockstep lock diff old.lock lockstep.lock --format markdown",
];

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

async function merge(context: Context, [base = "", ours = "", theirs = ""]: readonly string[]): Promise<Outcome> {
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
}

/** A lock that is compared; an empty file is that of a branch without one. */
async function readSide(context: Context, path: string, side: string): Promise<Lock> {
  const text = await readText(context, path, side);
  return text === "" ? emptyLock : parseLock(text, `${lockFile} (${side})`);
}

/** Images that ask for inputs, as far as specs and projects can be read: a lock may be compared anywhere. */
async function imagesIfAny(context: Context, lock: Lock): Promise<InputImages> {
  try {
    return imagesOfInputs({ root: context.root, specs: await readSpecs(context.store, context.root) }, lock);
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return new Map();
  }
}

async function diff(
  context: Context,
  options: Readonly<Record<string, unknown>>,
  [old = "", now = ""]: readonly string[],
): Promise<Outcome> {
  const before = await readSide(context, old, "old");
  const after = await readSide(context, now, "new");
  const found = diffLocks(before, after, await imagesIfAny(context, after));
  const described = await describeDiff(context, options, { before, after, diff: found, installed: new Map() });
  return {
    exit: 0,
    result: { diff: reportDocument(described) } satisfies PinDocument,
    text: writtenReport(context, options, described),
  };
}

export const run: CommandModule["run"] = async (context, options, [action = "", ...files]) => {
  const wanted = action === "merge" ? 3 : 2;
  if (files.length !== wanted)
    throw new LockstepError({ code: "LS1002", message: `lock ${action} takes ${wanted} files, not ${files.length}` });
  return action === "merge" ? await merge(context, files) : await diff(context, options, files);
};
