/** The mark of layouts that were spoiled on purpose, to prove that the checks see it (docs/sabotage.md). Nothing else may take one for a build. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, systemCode } from "../host/errors.ts";

/** The annotation of `index.json` that names the cause. It is not in the image, whose bytes differ by the cause alone. */
export const injectedAnnotation = "dev.lockstep.injected";

/** The cause that a layout is marked with; undefined of layouts without a mark and of directories that are none. */
async function injectedCause(directory: string): Promise<string | undefined> {
  try {
    const index = JSON.parse(await readFile(join(directory, "index.json"), "utf8")) as {
      readonly annotations?: Readonly<Record<string, unknown>>;
    } | null;
    const cause = index?.annotations?.[injectedAnnotation];
    return typeof cause === "string" ? cause : undefined;
  } catch (error) {
    // What is wrong with the layout is said by who reads it.
    if (error instanceof SyntaxError || systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

/** Throws LS5403 for a layout with the mark. */
export async function refuseInjected(directory: string): Promise<void> {
  const cause = await injectedCause(directory);
  if (cause === undefined) return;
  throw new LockstepError({
    code: "LS5403",
    message: `was made with --inject ${cause}: it is spoiled on purpose`,
    place: { file: directory },
    hint: "build the image without --inject, and take that",
  });
}
