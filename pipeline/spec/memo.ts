/** Remembers specs that were found good, so that a command on unchanged specs loads neither the YAML reader nor the schema. */
import { hash } from "node:crypto";
import type { ImageSpec } from "./types.ts";

/** Where one program remembers specs, by keys of 64 hexadecimal digits; another one may read another spec, so it must not be given them. */
export interface SpecMemo {
  get(key: string): Promise<unknown>;
  put(key: string, value: ImageSpec): Promise<void>;
}

/** The key of one spec: what it says, and where it says it. */
export function memoKey(file: string, text: string): string {
  return hash("sha256", JSON.stringify([file, text]), "hex");
}
