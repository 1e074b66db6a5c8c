/** Reading specs as a user does: what comes back, or the lines that tell what is wrong. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { LockstepError, formatProblem } from "../../pipeline/host/errors.ts";
import { loadImages } from "../../pipeline/spec/load.ts";
import { parseImage } from "../../pipeline/spec/parse.ts";
import type { ImageSpec } from "../../pipeline/spec/types.ts";

async function linesOf(read: () => Promise<unknown>): Promise<readonly string[]> {
  try {
    await read();
    return [];
  } catch (error) {
    if (error instanceof LockstepError) return error.problems.map(formatProblem);
    throw error;
  }
}

const web = "images/web/image.yaml";

/** The lines a user sees for the text of images/web/image.yaml; none when it is good. */
export function problemsOfText(text: string): Promise<readonly string[]> {
  return linesOf(() => parseImage(text, web));
}

export function specOfText(text: string): Promise<ImageSpec> {
  return parseImage(text, web);
}

export type Files = Readonly<Record<string, string>>;

/** Runs with a repository of these files; removes it afterwards. */
export async function withRepository<T>(files: Files, use: (root: string) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), "lockstep-spec-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), text);
    }
    return await use(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** The lines a user sees for a repository; `prepare` may add what is not a plain file. */
export function problemsOfRepository(
  files: Files,
  prepare: (root: string) => Promise<void> = () => Promise.resolve(),
): Promise<readonly string[]> {
  return withRepository(files, async (root) => {
    await prepare(root);
    const lines = await linesOf(() => loadImages(root));
    return lines.map((line) => line.replaceAll(root, "<root>"));
  });
}
