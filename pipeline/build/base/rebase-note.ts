/** Reads the note that an image on a base carries about itself, from a manifest that anybody may have written. */
import type { ConfigSpec } from "../../spec/types.ts";
import { canonicalJson } from "../../store/canonical-json.ts";
import { isContent } from "../../source/image/manifest.ts";
import type { BaseNeeds } from "./foundation.ts";

export interface RebaseNote extends BaseNeeds {
  readonly config: readonly ConfigSpec[];
  /** Seconds. */
  readonly epoch: number;
  readonly fixed: boolean;
  /** How many of the image's layers are its own. */
  readonly layers: number;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && (value as readonly unknown[]).every((item) => typeof item === "string");
}

function isMembers(value: unknown): value is Readonly<Record<string, string>> {
  return isContent(value) && Object.values(value).every((item) => typeof item === "string");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

const configMembers: Readonly<Record<keyof ConfigSpec, (value: unknown) => boolean>> = {
  entrypoint: isTexts,
  cmd: isTexts,
  user: (value) => typeof value === "string",
  workdir: (value) => typeof value === "string",
  ports: isTexts,
  env: isMembers,
  labels: isMembers,
  volumes: isTexts,
  stopSignal: (value) => typeof value === "string",
};

const required = ["ports", "env", "labels", "volumes"] as const;

function isConfig(value: unknown): value is ConfigSpec {
  if (!isContent(value)) return false;
  const checks: Readonly<Record<string, (member: unknown) => boolean>> = configMembers;
  return (
    required.every((name) => name in value) &&
    Object.entries(value).every(([name, member]) => Object.hasOwn(checks, name) && checks[name]?.(member) === true)
  );
}

/** The note in an annotation; undefined when there is none, or one that no build of this version writes. */
export function readRebaseNote(text: unknown): RebaseNote | undefined {
  if (typeof text !== "string") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isContent(value) || canonicalJson(value) !== text) return undefined;
  const { config, directories, epoch, files, fixed, layers, ...rest } = value;
  if (!Array.isArray(config) || config.length === 0 || !(config as readonly unknown[]).every(isConfig))
    return undefined;
  if (!isMembers(directories) || !isMembers(files) || !isCount(epoch) || !isCount(layers)) return undefined;
  if (typeof fixed !== "boolean" || Object.keys(rest).length > 0) return undefined;
  return { config, directories, epoch, files, fixed, layers };
}
