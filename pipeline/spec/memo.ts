/** Remembers specs that were found good, so that a command on unchanged specs loads neither the YAML reader nor the schema. */
import { hash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { comparePaths } from "../tree/entry.ts";
import type { ImageSpec } from "./types.ts";

/** Where specs are remembered, by keys of 64 hexadecimal digits; what it gives back must be what was put. */
export interface SpecMemo {
  get(key: string): Promise<unknown>;
  put(key: string, value: ImageSpec): Promise<void>;
}

let reader: Promise<string> | undefined;

/** Digest of the code that reads specs, with the versions of what it builds on: another reader may read another spec. */
async function digestOfReader(): Promise<string> {
  const names = (await readdir(import.meta.dirname)).filter((name) => name.endsWith(".ts")).toSorted(comparePaths);
  const paths = [
    ...names.map((name) => join(import.meta.dirname, name)),
    join(import.meta.dirname, "../../package.json"),
  ];
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8")));
  return hash("sha256", JSON.stringify(texts), "hex");
}

/** The key of one spec: what it says, where it says it, and who reads it. */
export async function memoKey(file: string, text: string): Promise<string> {
  reader ??= digestOfReader();
  return hash("sha256", JSON.stringify([await reader, file, text]), "hex");
}
