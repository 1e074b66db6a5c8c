/** What `check` says of scripts of packages: work that nobody does for the image. */
import type { Problem } from "../host/errors.ts";
import type { BuiltImage } from "./build.ts";
import { unfinishedScripts } from "./system/system.ts";

/**
 * LS2405 for every maintainer script of an image's packages that was not carried out whole, and LS2510 for every script of an npm package;
 * each once, whatever the platforms.
 */
export function scriptWarnings(images: readonly BuiltImage[]): readonly Problem[] {
  const found = new Map<string, Problem>();
  for (const { image, platforms } of images) {
    const file = `images/${image}/image.yaml`;
    for (const { notDone, installScripts } of platforms) {
      const scripts = installScripts.map((script): Problem => {
        const message = `would have been run by npm after unpacking: ${script}`;
        return { code: "LS2510", message, place: { file }, hint: "see to it that the image works without it" };
      });
      for (const problem of [...unfinishedScripts({ notDone }, file), ...scripts]) {
        found.set(`${problem.place?.file ?? ""} ${problem.message}`, problem);
      }
    }
  }
  return [...found.values()];
}
