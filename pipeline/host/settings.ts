/** Sections of the user's config.yaml, with the place of whatever is wrong in them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, messageOf, type Place, type Problem, systemCode } from "./errors.ts";
import type { Host } from "./host.ts";

/** Makes the error for what stands at a path of keys, or for the last key itself. */
export type Fault = (message: string, path: readonly string[], at?: "value" | "key") => LockstepError;

export interface ReadSection {
  /** The section's value; undefined when the file does not have it. */
  readonly section: unknown;
  readonly file: string;
  readonly fault: Fault;
}

export function mapOf(value: unknown, path: readonly string[], fault: Fault): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value))
    throw fault(path.length === 0 ? "the settings are not a map" : `${path.join(".")} is not a map`, path);
  return value as Readonly<Record<string, unknown>>;
}

/** Reads one section; undefined without a file. Throws an error of the given code when the file is not readable YAML. */
export async function readSettings(
  host: Host,
  name: string,
  { code, hint }: Required<Pick<Problem, "code" | "hint">>,
): Promise<ReadSection | undefined> {
  const file = join(host.configDirectory, "config.yaml");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
  const { isMap, isNode, isScalar, LineCounter, parseDocument } = await import("yaml");
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const problem = (message: string, offset: number | undefined): LockstepError => {
    const position = offset === undefined ? undefined : counter.linePos(offset);
    const place: Place = position === undefined ? { file } : { file, line: position.line, column: position.col };
    return new LockstepError({ code, message, place, hint });
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) throw problem(syntax.message.split("\n")[0] ?? messageOf(syntax), syntax.pos[0]);
  const keyAt = (path: readonly string[]): unknown => {
    const map: unknown = document.getIn(path.slice(0, -1), true);
    const named = (key: unknown): boolean => isScalar(key) && String(key.value) === path.at(-1);
    return isMap(map) ? map.items.find(({ key }) => named(key))?.key : undefined;
  };
  const fault: Fault = (message, path, at = "value") => {
    const node: unknown = at === "key" ? keyAt(path) : document.getIn(path, true);
    return problem(message, isNode(node) ? node.range?.[0] : undefined);
  };
  return { section: mapOf(document.toJS() as unknown, [], fault)[name], file, fault };
}
