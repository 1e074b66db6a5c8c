/** `lockstep.lint.yaml`: files that are not linted, and findings that are suppressed where a file has no comments; each with a reason. */
import { LockstepError, type Problem } from "../host/errors.ts";
import { type Glob, parseGlob } from "../tree/glob.ts";
import { DocumentError, entries, items, type Node, scalar, type YamlReader } from "../dockerfile/tree.ts";
import { Lines } from "../dockerfile/text.ts";

export const settingsFile = "lockstep.lint.yaml";

export interface Ignored {
  readonly globs: readonly Glob[];
  readonly at: number;
  readonly end: number;
}

export interface Listed {
  readonly file: string;
  readonly rule: string;
  readonly reason: string;
  readonly at: number;
  readonly end: number;
}

export interface Settings {
  readonly text: string;
  readonly ignore: readonly Ignored[];
  readonly suppress: readonly Listed[];
}

export const noSettings: Settings = { text: "", ignore: [], suppress: [] };

/** Reads the settings; LS8001 with all problems at once. */
export function readSettings(text: string, readYaml: YamlReader, known: ReadonlySet<string>): Settings {
  const problems: Problem[] = [];
  const lines = new Lines(text);
  const wrong = (node: { readonly at: number }, message: string, hint: string): void => {
    problems.push({ code: "LS8001", message, place: { file: settingsFile, ...lines.place(node.at) }, hint });
  };
  const fields = (node: Node, names: readonly string[]): Readonly<Record<string, Node>> => {
    if (node.kind !== "map") wrong(node, "is not a mapping", `write ${names.join(", ")}`);
    const found: Record<string, Node> = {};
    for (const { key, keyExtent, value } of entries(node)) {
      if (!names.includes(key)) wrong(keyExtent, `key "${key}" is not known`, `keys are ${names.join(", ")}`);
      else if (found[key] === undefined) found[key] = value;
      else wrong(keyExtent, `key "${key}" is written twice`, "keep one of them");
    }
    return found;
  };
  const textAt = (node: Node, field: Node | undefined, name: string): string => {
    const value = scalar(field);
    if (value === undefined || !value.string || value.text.trim() === "") {
      wrong(
        field ?? node,
        `${name} is missing, or is no text`,
        name === "reason" ? "say why, for whoever reads it later" : `write ${name}: with its value`,
      );
      return "";
    }
    return value.text;
  };
  const listAt = (node: Node | undefined, name: string): readonly Node[] => {
    if (node !== undefined && node.kind !== "list")
      wrong(node, `${name} is not a list`, "begin each item with a hyphen");
    return items(node);
  };
  let document: Node | undefined;
  try {
    [document] = readYaml(text);
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    wrong(error, error.message, "correct the syntax");
    throw new LockstepError(problems, { cause: error });
  }
  if (document === undefined) return { ...noSettings, text };
  const top = fields(document, ["ignore", "suppress"]);
  const ignore = listAt(top["ignore"], "ignore").map((node): Ignored => {
    const { paths, reason } = fields(node, ["paths", "reason"]);
    textAt(node, reason, "reason");
    const globs = listAt(paths, "paths").map((each) => parseGlob(textAt(node, each, "paths")));
    if (globs.length === 0) wrong(node, "no paths are given", "list globs relative to the repository");
    return { globs, at: node.at, end: node.end };
  });
  const suppress = listAt(top["suppress"], "suppress").map((node): Listed => {
    const item = fields(node, ["file", "rule", "reason"]);
    const rule = textAt(node, item["rule"], "rule");
    if (rule !== "" && !known.has(rule))
      wrong(item["rule"] ?? node, `there is no rule ${rule}`, "`lockstep check --rules` lists them");
    return {
      file: textAt(node, item["file"], "file"),
      rule,
      reason: textAt(node, item["reason"], "reason"),
      at: node.at,
      end: node.end,
    };
  });
  if (problems.length > 0) throw new LockstepError(problems);
  return { text, ignore, suppress };
}
