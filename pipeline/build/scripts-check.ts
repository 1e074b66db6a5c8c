/** What `check` says of maintainer scripts: work that nobody does for the image. */
import type { Problem } from "../host/errors.ts";
import type { BuiltImage } from "./build.ts";
import { unfinishedScripts } from "./system/system.ts";

/** LS2405 for every script of an image's packages that was not carried out whole; each once, whatever the platforms. */
export function scriptWarnings(images: readonly BuiltImage[]): readonly Problem[] {
  const found = new Map<string, Problem>();
  for (const { image, platforms } of images) {
    for (const { notDone } of platforms) {
      for (const problem of unfinishedScripts({ notDone }, `images/${image}/image.yaml`)) {
        found.set(`${problem.place?.file ?? ""} ${problem.message}`, problem);
      }
    }
  }
  return [...found.values()];
}
