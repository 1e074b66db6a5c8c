/** Where file sets come from: inside the repository, by name and in fact. */
import { lstat, realpath } from "node:fs/promises";
import { join, posix, sep } from "node:path";
import { type Place, type Problem, systemCode } from "../host/errors.ts";
import type { ImageSpec } from "./types.ts";

/**
 * The source of a file set relative to the repository root, from its name relative to the folder of `file`.
 * Undefined when the name alone shows that it is not inside the repository, or is all of it.
 */
export function resolveSource(file: string, from: string): string | undefined {
  if (from.startsWith("/")) return undefined;
  const path = posix.join(posix.dirname(file), from).replace(/\/$/, "");
  return path === "." || path === ".." || path.startsWith("../") ? undefined : path;
}

async function checkSource(root: string, realRoot: string, from: string, place: Place): Promise<Problem | undefined> {
  // A name that leads out was told when the text was read, and nothing out there is looked at.
  if (/^(?:\/|\.\.?(?:\/|$))/.test(posix.normalize(from))) return undefined;
  const path = join(root, from);
  let real: string;
  try {
    const info = await lstat(path);
    if (info.isSymbolicLink()) {
      const hint = "name what the link points to";
      return { code: "LS2015", message: `${from} is a symbolic link`, place, hint };
    }
    if (!info.isFile() && !info.isDirectory()) {
      const hint = "name a file or a directory";
      return { code: "LS2015", message: `${from} is neither a file nor a directory`, place, hint };
    }
    real = await realpath(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      const hint = "names are relative to the folder of image.yaml";
      return { code: "LS2015", message: `${from} is not there`, place, hint };
    }
    if (code === "EACCES" || code === "ELOOP" || code === "ENAMETOOLONG") {
      return { code: "LS2015", message: `${from} cannot be read (${code})`, place };
    }
    throw error;
  }
  if (real.startsWith(realRoot + sep)) return undefined;
  const message = `${from} leads through a symbolic link out of the repository`;
  return { code: "LS2016", message, place, hint: "copy the files into the repository" };
}

/** Problems LS2015 and LS2016 of the file sets, npm projects, contexts, files of requirements and keys of an image. */
export async function checkSources(
  root: string,
  spec: ImageSpec,
  placeOfSource: (layer: number, ...key: readonly string[]) => Place,
): Promise<readonly Problem[]> {
  const realRoot = await realpath(root);
  const checks = spec.layers.map((layer, index) => {
    if (layer.kind === "files") return checkSource(root, realRoot, layer.from, placeOfSource(index, "files", "from"));
    if (layer.kind === "npm") return checkSource(root, realRoot, layer.project, placeOfSource(index, "npm", "project"));
    if (layer.kind === "http" && layer.signature !== undefined)
      return checkSource(root, realRoot, layer.signature.key, placeOfSource(index, "http", "signature", "key"));
    if (layer.kind === "dockerfile")
      return checkSource(root, realRoot, layer.context, placeOfSource(index, "dockerfile", "context"));
    if (layer.kind !== "python") return undefined;
    return checkSource(root, realRoot, layer.requirements, placeOfSource(index, "python", "requirements"));
  });
  const ofSteps = spec.layers.flatMap((layer, index) =>
    layer.kind === "run"
      ? (layer.tools?.files ?? []).map(({ from }) =>
          checkSource(root, realRoot, from, placeOfSource(index, "run", "files")),
        )
      : [],
  );
  return (await Promise.all([...checks, ...ofSteps])).filter((problem) => problem !== undefined);
}
