/** Findings and rules as people read them, and as documents for `--json`. */
import { printable } from "../report/format.ts";
import { table } from "../report/table.ts";
import type { LintedFile, LintResult } from "./lint.ts";
import type { Finding, Severity } from "./rule.ts";
import { rules } from "./rules/rules.ts";
import { Lines } from "../dockerfile/text.ts";

const severities: readonly Severity[] = ["error", "warning", "note"];

function active({ findings }: LintedFile): readonly Finding[] {
  return findings.filter(({ suppressed }) => suppressed === undefined);
}

/** Whether the lint's answer is no. */
export function hasErrors({ files }: LintResult): boolean {
  return files.some((file) => active(file).some(({ severity }) => severity === "error"));
}

/** One line a finding, then how many there are. */
export function describeFindings({ files, checked, fixed }: LintResult): string {
  const lines = files.flatMap((file) => {
    const places = new Lines(file.text);
    return active(file).map(({ rule, severity, at, message, fix }) => {
      const { line, column } = places.place(at);
      const mendable = fix === undefined ? "" : " (--fix mends it)";
      return `${severity} ${rule.id} ${printable(file.path)}:${line}:${column} ${printable(message)}${mendable}\n`;
    });
  });
  const all = files.flatMap(active);
  const amounts = severities.map((severity) => {
    const amount = all.filter((finding) => finding.severity === severity).length;
    return `${amount} ${severity}${amount === 1 ? "" : "s"}`;
  });
  const hidden = files.flatMap(({ findings }) => findings).length - all.length;
  const more = `${hidden > 0 ? `, ${hidden} suppressed` : ""}${fixed.length > 0 ? `, ${fixed.length} changed` : ""}`;
  return `${lines.join("")}lint of ${checked} file${checked === 1 ? "" : "s"}: ${amounts.join(", ")}${more}\n`;
}

/** The `lint` member of the JSON document. */
export function lintDocument({ files, checked, fixed }: LintResult) {
  const findings = files.flatMap((file) => {
    const lines = new Lines(file.text);
    return file.findings.map(({ rule, severity, at, end, message, fix, suppressed }) => ({
      rule: rule.id,
      severity,
      message,
      place: { file: file.path, ...lines.place(at) },
      end: lines.place(end),
      fixable: fix !== undefined,
      ...(suppressed === undefined ? {} : { suppressed }),
    }));
  });
  return { checked, fixed, findings };
}

/** A table of the rules. */
export function describeRules(): string {
  return table(rules, [
    { title: "rule", value: ({ id }) => id },
    { title: "severity", value: ({ severity }) => severity },
    { title: "fix", value: ({ fix }) => (fix === undefined ? "" : "yes") },
    { title: "what", value: ({ title }) => title },
  ]);
}

export function ruleDocument() {
  return rules.map(({ id, title, severity, elsewhere, rows, why, remedy, fix }) => ({
    id,
    title,
    severity,
    ...(elsewhere === undefined ? {} : { elsewhere }),
    rows,
    why,
    remedy,
    fixable: fix !== undefined,
  }));
}
