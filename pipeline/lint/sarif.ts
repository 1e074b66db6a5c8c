/** Findings as a SARIF log (OASIS SARIF 2.1.0), for whatever shows them beside the lines they are about. */
import { createHash } from "node:crypto";
import type { Extent } from "../shell/syntax.ts";
import type { LintResult, LintedFile } from "./lint.ts";
import { rulePage } from "./page.ts";
import type { Finding, Severity } from "./rule.ts";
import { rules } from "./rules/rules.ts";
import { Lines } from "../dockerfile/text.ts";

const levels: Readonly<Record<Severity, string>> = { error: "error", warning: "warning", note: "note" };

function address(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function region(lines: Lines, { at, end }: Extent): object {
  const start = lines.place(at);
  const stop = lines.place(end);
  return { startLine: start.line, startColumn: start.column, endLine: stop.line, endColumn: stop.column };
}

/** The same for a finding that only moved to another line: rule, file, the text of the line, and which of several it is. */
function fingerprint(finding: Finding, line: string, seen: Map<string, number>): string {
  const key = JSON.stringify([finding.rule.id, finding.file, line.trim()]);
  const count = seen.get(key) ?? 0;
  seen.set(key, count + 1);
  return createHash("sha256").update(`${key} ${count}`).digest("hex");
}

function results({ path, text, findings }: LintedFile): readonly object[] {
  const lines = new Lines(text);
  const seen = new Map<string, number>();
  const artifactLocation = { uri: address(path), uriBaseId: "SRCROOT" };
  return findings.map((finding) => {
    const { rule, severity, message, fix, suppressed } = finding;
    const { line } = lines.place(finding.at);
    const written = text.slice(lines.start(line), lines.start(line + 1));
    return {
      ruleId: rule.id,
      ruleIndex: rules.indexOf(rule),
      level: levels[severity],
      message: { text: message },
      locations: [{ physicalLocation: { artifactLocation, region: region(lines, finding) } }],
      partialFingerprints: { "lockstepFinding/v1": fingerprint(finding, written, seen) },
      ...(suppressed === undefined ? {} : { suppressions: [{ kind: "inSource", justification: suppressed }] }),
      ...(fix === undefined
        ? {}
        : {
            fixes: [
              {
                description: { text: rule.fix ?? rule.remedy },
                artifactChanges: [
                  {
                    artifactLocation,
                    replacements: fix.map((edit) => ({
                      deletedRegion: region(lines, edit),
                      insertedContent: { text: edit.text },
                    })),
                  },
                ],
              },
            ],
          }),
    };
  });
}

/** The log; the same findings give the same bytes. */
export function sarifLog(result: LintResult): string {
  const driver = {
    name: "lockstep check",
    rules: rules.map((rule) => ({
      id: rule.id,
      shortDescription: { text: rule.title },
      fullDescription: { text: rule.why },
      help: { text: rule.remedy, markdown: rulePage(rule) },
      defaultConfiguration: { level: levels[rule.severity] },
      properties: { tags: ["determinism", ...rule.rows] },
    })),
  };
  const log = {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver },
        columnKind: "utf16CodeUnits",
        originalUriBaseIds: { SRCROOT: { description: { text: "the root of the repository" } } },
        results: result.files.flatMap(results),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}
