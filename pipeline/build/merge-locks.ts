/** Merges the lock of two branches: entry by entry, images that both pinned resolved anew, and marks where a person has to decide. */
import type { Key } from "openpgp";
import { LockstepError, type Problem } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { nameOf } from "../lock/entries.ts";
import { formatLock } from "../lock/format.ts";
import { withMarks } from "../lock/marks.ts";
import { type MergedLock, type Sides, mergeLocks, resolvedTo, withoutUnused } from "../lock/merge.ts";
import { parseLock } from "../lock/parse.ts";
import { agreedLock } from "../lock/salvage.ts";
import { lockOf } from "../lock/section.ts";
import { type Lock, emptyLock } from "../lock/types.ts";
import type { ImageSpec } from "../spec/types.ts";
import type { Store } from "../store/store.ts";
import { type RecomputedImage, type RecomputedImages, recomputeImages } from "./merge-images.ts";
import { Recall } from "./merge-recall.ts";
import { packageRequests } from "./requests.ts";

/** The texts of the three locks; an empty one is of a branch that had none. */
export interface MergeTexts {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

export interface MergeOptions {
  /** The specs of the work tree; none when they cannot be read. */
  readonly specs: readonly ImageSpec[];
  /** Instead of Debian's archive keys. */
  readonly keys?: readonly Key[];
}

export interface MergeOutcome {
  /** A whole lock, or one with marks when there are problems. */
  readonly text: string;
  /** One LS2211 for every entry that a person has to decide. */
  readonly problems: readonly Problem[];
  /** Images that were resolved anew, by name. */
  readonly recomputed: readonly RecomputedImage[];
}

function read(text: string, file: string): Lock {
  return text === "" ? emptyLock : parseLock(text, file);
}

/** The common ancestor; Git makes one of several by merging them, which may have left marks: then what its sides agree on counts. */
function readBase(text: string, file: string): Lock {
  try {
    return read(text, file);
  } catch (error) {
    if (error instanceof LockstepError && error.code === "LS2202") return agreedLock(text, file);
    throw error;
  }
}

function problemOf(merged: MergedLock["conflicts"][number], reason: string | undefined, file: string): Problem {
  const why = reason === undefined ? "" : `, and it cannot be resolved anew: ${reason}`;
  return {
    code: "LS2211",
    message: `both sides changed ${nameOf(merged.section, merged.key)}${why}`,
    place: { file },
    hint: ["packages", "releases"].includes(merged.section)
      ? "merge the specs, then run `lockstep pin`"
      : `merge the specs, then run \`lockstep pin --only ${merged.key}\`, which finds it anew and leaves everything else`,
  };
}

/** Images that follow one that moved, and could not be resolved anew: their entries are whole, but stale. */
function staleProblems(
  { reasons }: RecomputedImages,
  conflicting: ReadonlySet<string>,
  file: string,
): readonly Problem[] {
  return [...reasons]
    .filter(([image]) => !conflicting.has(image))
    .map(([image, reason]) => ({
      code: "LS2211",
      message: `the image that "${image}" is from moved on the other side, and "${image}" cannot be resolved anew: ${reason}`,
      place: { file },
      hint: `run \`lockstep pin --only ${image}\``,
    }));
}

/** Both sides' answers where they differ, between marks. */
function marked(sides: Sides, merged: MergedLock): string {
  const [ours, theirs] = [sides.ours, sides.theirs].map((side) => formatLock(resolvedTo(merged, side)));
  return withMarks(ours ?? "", theirs ?? "");
}

/**
 * The merge of two locks. What one side changed is taken, what both changed to different things is resolved anew where it is the packages
 * of an image and the store has what is needed, and is a problem otherwise. The answer does not depend on which side is whose, but for the
 * order within marks. `file`: the lock's name for messages. Throws LS22xx for a side that is no lock of this version.
 */
export async function mergeLockTexts(
  host: Host,
  store: Store,
  texts: MergeTexts,
  file: string,
  { specs, keys }: MergeOptions,
): Promise<MergeOutcome> {
  const sides: Sides = {
    base: readBase(texts.base, `${file} (base)`),
    ours: read(texts.ours, `${file} (ours)`),
    theirs: read(texts.theirs, `${file} (theirs)`),
  };
  const merged = mergeLocks(sides);
  const recall = new Recall(host, store, merged.lock, keys);
  const resolved = await recomputeImages(sides, merged.lock, merged.conflicts, packageRequests(specs), recall);
  const settled = new Set(resolved.recomputed.map(({ image }) => image));
  const left: MergedLock = {
    lock: resolved.lock,
    conflicts: merged.conflicts.filter(({ section, key }) => section !== "images" || !settled.has(key)),
  };
  // A package that the sides hold different files of matters only where an image has it.
  const used = withoutUnused(lockOf((section) => unionOf(left, sides, section)));
  const conflicts = left.conflicts.filter(
    ({ section, key }) => !(section === "packages" || section === "releases") || used[section].has(key),
  );
  const problems = [
    ...conflicts.map((conflict) =>
      problemOf(conflict, conflict.section === "images" ? resolved.reasons.get(conflict.key) : undefined, file),
    ),
    ...staleProblems(
      resolved,
      new Set(conflicts.filter(({ section }) => section === "images").map(({ key }) => key)),
      file,
    ),
  ];
  const whole = { lock: left.lock, conflicts };
  const text = conflicts.length > 0 ? marked(sides, whole) : formatLock(withoutUnused(left.lock));
  // What is written without marks is a lock that can be read again, or nothing is.
  if (conflicts.length === 0) parseLock(text, file);
  return { text, problems, recomputed: resolved.recomputed };
}

/** Every entry that either side's answer could have. */
function unionOf({ lock }: MergedLock, { ours, theirs }: Sides, section: keyof Lock): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>([...theirs[section], ...ours[section], ...lock[section]]);
}
