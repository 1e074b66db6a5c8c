/** What is wrong with the Dockerfiles of specs, told before anything is built. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, type Problem } from "../../host/errors.ts";
import type { DockerfileLayer, ImageSpec } from "../../spec/types.ts";
import { hermeticDockerfile } from "./dockerfile.ts";

async function problemsOf(root: string, layer: DockerfileLayer): Promise<readonly Problem[]> {
  const { context, file, target, args, images, secrets, place, timeout } = layer;
  const path = `${context}/${file}`;
  const text = await readFile(join(root, path), "utf8").catch(() => undefined);
  if (text === undefined) {
    const message = `there is no ${file} in the context`;
    return [{ code: "LS2058", message, place, hint: "name it with file:" }];
  }
  const named = Object.fromEntries(images.map((name) => [name, name]));
  try {
    const command = { file, args, images: named, secrets, ...(target === undefined ? {} : { target }) };
    hermeticDockerfile(text, path, command, {}, [], [], { timeout, nonce: "check" });
    return [];
  } catch (error) {
    if (error instanceof LockstepError) return error.problems;
    throw error;
  }
}

/** Problems LS2058 and LS2059 of the Dockerfiles that specs name. */
export async function dockerfileProblems(root: string, specs: readonly ImageSpec[]): Promise<readonly Problem[]> {
  const layers = specs.flatMap((spec) => spec.layers.filter((layer) => layer.kind === "dockerfile"));
  return (await Promise.all(layers.map((layer) => problemsOf(root, layer)))).flat();
}
