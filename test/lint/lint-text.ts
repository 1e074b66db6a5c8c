/** Lints a text as if it were a file of a repository. */
import { kindOfPath, type FileKind } from "../../pipeline/lint/kinds.ts";
import { lintText } from "../../pipeline/lint/lint.ts";
import type { Finding } from "../../pipeline/lint/rule.ts";
import { noSettings } from "../../pipeline/lint/settings.ts";
import { readYamlDocuments } from "../../pipeline/lint/yaml.ts";
import { fixText } from "../../pipeline/lint/fix.ts";
import { Lines } from "../../pipeline/dockerfile/text.ts";

function kindOf(path: string): FileKind {
  const kind = kindOfPath(path);
  if (kind === undefined) throw new Error(`${path} is not linted`);
  return kind === "perhaps" ? "script" : kind;
}

export function findingsOf(path: string, text: string, beside?: string): readonly Finding[] {
  const source = { path, text, complete: true, beside: (name: string) => name === beside, readBeside: () => undefined };
  return lintText(source, kindOf(path), noSettings, readYamlDocuments);
}

/** `LK2001 2:1`, what is not suppressed, in order. */
export function found(path: string, text: string, beside?: string): readonly string[] {
  const lines = new Lines(text);
  return findingsOf(path, text, beside)
    .filter(({ suppressed }) => suppressed === undefined)
    .map(({ rule, at }) => {
      const { line, column } = lines.place(at);
      return `${rule.id} ${line}:${column}`;
    });
}

export function idsOf(path: string, text: string, beside?: string): readonly string[] {
  return found(path, text, beside).map((each) => each.split(" ")[0] ?? "");
}

export function fixed(path: string, text: string): string {
  return fixText(text, (content) =>
    findingsOf(path, content).flatMap(({ fix, suppressed }) =>
      fix === undefined || suppressed !== undefined ? [] : [fix],
    ),
  );
}
