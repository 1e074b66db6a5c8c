/** Loads the image specs of a repository: images/<name>/image.yaml, all of them, with all that is wrong with any of them. */
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, type Problem, systemCode } from "../host/errors.ts";
import { comparePaths } from "../tree/entry.ts";
import { type Images, buildOrder, checkGraph } from "./graph.ts";
import { type SpecMemo, memoKey } from "./memo.ts";
import { type ParsedImage, parseLocated } from "./parse.ts";
import { inOrder } from "./schema-problems.ts";
import { checkSources } from "./sources.ts";
import type { ImageSpec } from "./types.ts";

/** Bytes; the same limit as for any YAML document, applied before the file is read. */
const maxSize = 1 << 20;

async function foldersOf(root: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(join(root, "images"), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
    return folders.map(({ name }) => name).toSorted(comparePaths);
  } catch (error) {
    if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") throw error;
    const hint = "run the command in a repository with a folder images/<name>/image.yaml for each image";
    throw new LockstepError({ code: "LS1006", message: "there is no folder images/", place: { file: root }, hint });
  }
}

function fileOf(folder: string): string {
  return `images/${folder}/image.yaml`;
}

/** The text of a spec; throws LS2001, LS2006 and LS2009. */
async function readSpec(root: string, file: string): Promise<string> {
  const path = join(root, file);
  let bytes: Buffer;
  try {
    const info = await stat(path);
    if (!info.isFile()) {
      throw new LockstepError({ code: "LS2009", message: "is not a file", place: { file }, hint: "make it one" });
    }
    if (info.size > maxSize) {
      throw new LockstepError({ code: "LS2006", message: "document is larger than 1 MiB", place: { file } });
    }
    bytes = await readFile(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    const folder = file.slice(0, file.lastIndexOf("/"));
    const names = await readdir(join(root, folder));
    const similar = names.toSorted(comparePaths).find((name) => /^(image|lockstep)\.(ya?ml|json)$/i.test(name));
    const hint = similar === undefined ? "write one, or remove the folder" : `rename ${similar} to image.yaml`;
    throw new LockstepError({ code: "LS2009", message: "has no image.yaml", place: { file: folder }, hint });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new LockstepError({
      code: "LS2001",
      message: "is not UTF-8 text",
      place: { file },
      hint: "save it as UTF-8",
    });
  }
}

/** Problems by file, then by line and column. */
function byFile(problems: readonly Problem[]): readonly Problem[] {
  return inOrder(problems).toSorted((a, b) => comparePaths(a.place?.file ?? "", b.place?.file ?? ""));
}

/** Specs that are all remembered as good, and are still good together; undefined when there is anything to tell or to parse. */
async function recall(root: string, texts: ReadonlyMap<string, string>, memo: SpecMemo) {
  const images = new Map<string, ParsedImage>();
  for (const [folder, text] of texts) {
    const file = fileOf(folder);
    const value = await memo.get(memoKey(file, text));
    if (value === undefined) return undefined;
    images.set(folder, { spec: value as ImageSpec, at: () => ({ file }) });
  }
  const problems = await checkTogether(root, images, [...texts.keys()]);
  return problems.length === 0 ? images : undefined;
}

/** Problems between images, and of their sources. */
async function checkTogether(root: string, images: Images, folders: readonly string[]): Promise<readonly Problem[]> {
  const sources = [...images.values()].map(({ spec, at }) =>
    checkSources(root, spec, (layer, ...key) => at(["layers", layer, ...key])),
  );
  return [...checkGraph(images, folders), ...(await Promise.all(sources)).flat()];
}

function ordered(images: Images): readonly ImageSpec[] {
  return buildOrder([...images.values()].map(({ spec }) => spec));
}

/**
 * The image specs below `root`, a base before the images that are from it, otherwise by name. With a memo, specs that have not changed
 * since they were found good are not parsed again; what depends on other files is checked every time. Throws one LockstepError with all
 * problems of all files: LS1006 and LS2001 to LS2023.
 */
export async function loadImages(root: string, memo?: SpecMemo): Promise<readonly ImageSpec[]> {
  const folders = await foldersOf(root);
  const problems: Problem[] = [];
  const collect = (error: unknown): undefined => {
    if (!(error instanceof LockstepError)) throw error;
    problems.push(...error.problems);
  };
  const texts = new Map<string, string>();
  for (const folder of folders) {
    const text = await readSpec(root, fileOf(folder)).catch(collect);
    if (text !== undefined) texts.set(folder, text);
  }
  const recalled = memo === undefined || problems.length > 0 ? undefined : await recall(root, texts, memo);
  if (recalled !== undefined) return ordered(recalled);

  const images = new Map<string, ParsedImage>();
  for (const [folder, text] of texts) {
    const result = await parseLocated(text, fileOf(folder)).catch(collect);
    problems.push(...(result?.problems ?? []));
    // One with the wrong name would be taken for another image.
    if (result?.image?.spec.name === folder) images.set(folder, result.image);
  }
  problems.push(...(await checkTogether(root, images, folders)));
  if (problems.length > 0) throw new LockstepError(byFile(problems));
  if (memo !== undefined) {
    for (const [folder, { spec }] of images) {
      await memo.put(memoKey(spec.file, texts.get(folder) ?? ""), spec);
    }
  }
  return ordered(images);
}
