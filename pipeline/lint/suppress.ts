/** Suppressions in comments: `# lockstep-ignore LK2001: reason`, on the line of the finding or on one of its own before it. */
import type { Extent } from "../shell/syntax.ts";
import type { Finding, OwnRule } from "./rule.ts";
import { unknownRule, withoutEffect, withoutReason } from "./rules/own.ts";
import { Lines } from "../dockerfile/text.ts";

export interface Suppression extends Extent {
  readonly rules: readonly string[];
  readonly reason: string;
  /** The line that it is for. */
  readonly line: number;
  /** What is removed with it: the whole line, when there is nothing else on it. */
  readonly removal: Extent;
}

const comment = /#[ \t]*lockstep-ignore\b[ \t]*([^:\n]*?)[ \t]*(?::[ \t]*([^\n]*?))?[ \t\r]*$/;

/** The suppressions of a text whose comments begin with `#`. */
export function readSuppressions(text: string): readonly Suppression[] {
  if (!text.includes("lockstep-ignore")) return [];
  const lines = text.split("\n");
  const starts = new Lines(text);
  /** For each line the next one, itself included, that is more than a comment. */
  const code: number[] = [];
  for (let index = lines.length, next = lines.length; index >= 0; index--) {
    if (index < lines.length && !/^\s*(?:#|$)/.test(lines[index] ?? "")) next = index;
    code[index] = next;
  }
  return lines.flatMap((content, index) => {
    const match = comment.exec(content);
    if (match === null) return [];
    const start = starts.start(index + 1);
    const at = start + match.index;
    const alone = content.slice(0, match.index).trim() === "";
    // One that stands alone is for what comes next, whatever other comments are in between.
    const line = alone ? (code[index + 1] ?? lines.length) : index;
    const before = content.slice(0, match.index);
    const removal = alone
      ? { at: start, end: starts.start(index + 2) }
      : { at: start + before.trimEnd().length, end: start + content.replace(/\r$/, "").length };
    const [, list = "", reason = ""] = match;
    return [
      {
        rules: list.split(/[\s,]+/).filter((id) => id !== ""),
        reason: reason.trim(),
        line: line + 1,
        at,
        end: start + content.trimEnd().length,
        removal,
      },
    ];
  });
}

/** Findings with those that are suppressed marked, and what is wrong with the suppressions. */
export function suppress(
  findings: readonly Finding[],
  suppressions: readonly Suppression[],
  known: ReadonlySet<string>,
  { path, text }: { readonly path: string; readonly text: string },
): readonly Finding[] {
  if (suppressions.length === 0) return findings;
  const lines = new Lines(text);
  const used = new Set<string>();
  const key = ({ at }: Suppression, id: string): string => `${at} ${id}`;
  const byLine = Map.groupBy(suppressions, ({ line }) => line);
  const marked = findings.map((finding): Finding => {
    const { line } = lines.place(finding.at);
    const by = byLine.get(line)?.find(({ reason, rules }) => reason !== "" && rules.includes(finding.rule.id));
    if (by === undefined) return finding;
    used.add(key(by, finding.rule.id));
    return { ...finding, suppressed: by.reason };
  });
  const about = (rule: OwnRule, message: string, { at, end, removal }: Suppression, fix: boolean): Finding => ({
    rule,
    severity: rule.severity,
    file: path,
    message,
    at,
    end,
    ...(fix ? { fix: [{ ...removal, text: "" }] } : {}),
  });
  const wrong = suppressions.flatMap((each): readonly Finding[] => {
    if (each.rules.length === 0) return [about(unknownRule, "no rule is named", each, false)];
    const unknown = each.rules.filter((id) => !known.has(id));
    if (unknown.length > 0) return [about(unknownRule, `there is no rule ${unknown.join(", ")}`, each, false)];
    if (each.reason === "") return [about(withoutReason, "no reason is given, so nothing is suppressed", each, false)];
    const idle = each.rules.filter((id) => !used.has(key(each, id)));
    if (idle.length === 0) return [];
    // Of several only the whole comment can be taken away.
    return [
      about(withoutEffect, `nothing of ${idle.join(", ")} is found here`, each, idle.length === each.rules.length),
    ];
  });
  return [...marked, ...wrong];
}
