/** Whether an image's own layers would have the same bytes on another base: pure, from what the image notes of its old one. */
import type { Problem } from "../../host/errors.ts";
import type { LayerEntry } from "../../source/image/layer.ts";
import type { BaseTree } from "../../source/image/tree.ts";
import { parentOf } from "../../tree/entry.ts";
import { showDirectory } from "../directories.ts";
import { accountStates, type BaseNeeds } from "./foundation.ts";

/** The image's own layers, lowest first. */
export type OwnLayers = readonly { readonly entries: readonly LayerEntry[] }[];

function state(entry: LayerEntry | undefined): string {
  if (entry === undefined) return "is not there";
  return entry.type === "directory" ? `is ${showDirectory(entry)}` : "is not a directory";
}

/**
 * Problems LS2809, one for each path for which a full build on the new base could write something else: directories that own layers name
 * must be in the new base as they were in the old, no others may be there, and files that were made from the base's must be made from the
 * same. A path whose directory nobody accounts for is a problem too: nothing is known of it.
 */
export function rebaseProblems(needs: BaseNeeds, own: OwnLayers, base: BaseTree, place: string): readonly Problem[] {
  const problems: Problem[] = [];
  const differs = (path: string, was: string, is: string): number =>
    problems.push({
      code: "LS2809",
      message: `own layers have ${path}, which in the old base ${was} and in the new one ${is}`,
      place: { file: place },
      hint: "build the image on the new base",
    });
  for (const [path, metadata] of Object.entries(needs.directories)) {
    const there = base.find(path);
    if (there?.type !== "directory" || showDirectory(there) !== metadata) differs(path, `is ${metadata}`, state(there));
  }
  const files = accountStates(base);
  for (const [path, was] of Object.entries(needs.files ?? {})) {
    if (files[path] !== was) differs(path, "has other content, owner or mode", "has its own");
  }
  const known = new Set(Object.keys(needs.directories));
  const told = new Set<string>();
  for (const { entries } of own) {
    for (const { path, type } of entries) {
      if (type !== "directory" || known.has(path)) continue;
      known.add(path);
      const there = base.find(path);
      if (there !== undefined) differs(path, "is not there", state(there));
    }
    for (const { path, type } of entries) {
      if (type !== "directory" && base.find(path)?.type === "directory") differs(path, "is no directory", "is one");
      for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent)) {
        if (known.has(parent) || told.has(parent)) continue;
        told.add(parent);
        differs(parent, "is not known of", state(base.find(parent)));
      }
    }
  }
  return problems;
}
