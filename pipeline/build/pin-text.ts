/** The difference of two locks as lines for a terminal. */
import { humanBytes, pad, displayWidth, printable, signedBytes } from "../report/format.ts";
import type { ItemChange } from "./pin-diff.ts";
import { pinKinds } from "./pin-items.ts";
import {
  type AdvisoryMatch,
  type AdvisoryReport,
  type PinReport,
  countChanges,
  installedChange,
  licenceChange,
  noteChanges,
  otherNames,
} from "./pin-report.ts";

/** The change of the download as a person reads it: what is added has a size, everything else a difference. */
export function sizeChange({ from, to }: ItemChange): string {
  if (from === undefined) return humanBytes(to?.size ?? 0);
  return signedBytes((to?.size ?? 0) - from.size);
}

/** The change of the installed size as `sizeChange` has that of the download; undefined where it is not known. */
export function installedSize(report: PinReport, change: ItemChange): string | undefined {
  const difference = installedChange(report, change);
  if (difference === undefined) return undefined;
  return change.from === undefined ? humanBytes(difference) : signedBytes(difference);
}

/** `1 → 2`, and what a reader should not miss about it. */
export function versionChange({ change, from, to }: ItemChange): string {
  const versions = [...new Set([from?.version, to?.version])].filter((version) => version !== undefined);
  const remark =
    change === "rebuilt"
      ? from?.version === to?.version
        ? " (same version, other bytes)"
        : " (other bytes)"
      : change === "downgraded"
        ? " (downgrade)"
        : "";
  return `${versions.join(" → ")}${remark}`;
}

/** Advisories that remain and are listed: what the pin changes has to be found among them. */
const mostRemaining = 20;

const marks: Readonly<Record<ItemChange["change"], string>> = {
  added: "+",
  removed: "-",
  upgraded: " ",
  downgraded: "!",
  rebuilt: "!",
  changed: " ",
};

/** Whether a change is one to look at twice: older than before, or other bytes under the same version. */
export function isLoud({ change }: ItemChange): boolean {
  return change === "downgraded" || change === "rebuilt";
}

function licenceLines(report: PinReport, change: ItemChange): readonly string[] {
  const licence = licenceChange(report, change);
  if (licence?.kind === "new") return [`licence: ${licence.names.join(", ")}`];
  if (licence?.kind === "text") return ["licence: the text is another one"];
  if (licence?.kind !== "names") return [];
  const names = [...licence.removed.map((name) => `-${name}`), ...licence.added.map((name) => `+${name}`)];
  return [`licence: ${names.join(", ")}`];
}

function noteLines(change: ItemChange): readonly string[] {
  const { added, removed } = noteChanges(change);
  return [...removed.map((note) => `no longer ${note}`), ...added];
}

function kindLines(report: PinReport, changes: readonly ItemChange[], title: string | undefined): readonly string[] {
  const rows = changes.map((change) => {
    const where = change.everywhere ? "" : ` (${change.platforms.join(", ")})`;
    const installed = installedSize(report, change);
    return {
      cells: [
        `${marks[change.change]} ${change.name}${where}`,
        versionChange(change),
        sizeChange(change),
        ...(report.facts.size === 0 ? [] : [installed === undefined ? "" : `installed ${installed}`]),
        change.images.join(", "),
      ].map(printable),
      notes: [...noteLines(change), ...licenceLines(report, change)].map(printable),
    };
  });
  const columns = (rows[0]?.cells.length ?? 1) - 1;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map(({ cells }) => displayWidth(cells[column] ?? ""))),
  );
  const lines = rows.flatMap(({ cells, notes }) => [
    cells
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
    ...notes.map((note) => `    ${note}`),
  ]);
  return title === undefined ? lines : [`${title}:`, ...lines];
}

function advisoryLine({ advisory, subjects }: AdvisoryMatch): string {
  const names = otherNames(advisory);
  const also = names.length === 0 ? "" : ` (${names.join(", ")})`;
  const severity = advisory.severity === undefined ? "" : ` [${advisory.severity}]`;
  const summary = advisory.summary === "" ? "" : `: ${advisory.summary}`;
  return printable(`  ${advisory.id}${also}${severity} ${subjects.join(", ")}${summary}`);
}

function advisoryLines({ read, modified, fixed, introduced, remaining, undecided }: AdvisoryReport): readonly string[] {
  const part = (title: string, matches: readonly AdvisoryMatch[], most = matches.length): readonly string[] => {
    const more = matches.length > most ? [`  and ${matches.length - most} more (--json has all)`] : [];
    return matches.length === 0 ? [] : [`${title}:`, ...matches.slice(0, most).map(advisoryLine), ...more];
  };
  return [
    ...part("advisories fixed", fixed),
    ...part("advisories introduced", introduced),
    ...part("advisories that remain", remaining, mostRemaining),
    ...(undecided.length === 0
      ? []
      : [printable(`versions without an order, not fully checked: ${undecided.join(", ")}`)]),
    `advisories: ${fixed.length} fixed, ${introduced.length} introduced, ${remaining.length} remain (of ${read}, the newest of ${printable(modified)})`,
  ];
}

/** `packages: 1 upgraded, 2 added`, for each kind that changed. */
export function summaryOf(report: PinReport): readonly string[] {
  return pinKinds.flatMap(({ kind, plural }) => {
    const counts = countChanges(report.diff.changes.filter((change) => change.kind === kind));
    return counts.length === 0 ? [] : [`${plural}: ${counts.map(([count, way]) => `${count} ${way}`).join(", ")}`];
  });
}

/** `licences: 2 not known`, when some of those that changed are not; empty otherwise. */
export function unknownLicences(report: PinReport): string {
  const unknown = report.diff.changes.filter((change) => licenceChange(report, change)?.kind === "unknown");
  return unknown.length === 0 ? "" : `licences: ${unknown.length} not compared (pin --licences fetches the packages)`;
}

/** `download of everything locked: 48.0 MiB (+1.21 KiB)`. */
export function totalOf({ diff: { size } }: PinReport): string {
  return `download of everything locked: ${humanBytes(size.after)} (${signedBytes(size.after - size.before)})`;
}

/**
 * One line for each item with old → new version, the change of its size, and its images; platforms only where not all of them changed
 * alike. `!` marks what is older than before, or has other bytes under the same version. Ends with a summary.
 */
export function reportText(report: PinReport): string {
  const { diff, advisories } = report;
  const kinds = pinKinds.filter(({ kind }) => diff.changes.some((change) => change.kind === kind));
  const found = advisories === undefined ? [] : advisoryLines(advisories);
  if (diff.unchanged) return ["nothing changed", ...found, ""].join("\n");
  const summary = summaryOf(report);
  return [
    ...diff.addedImages.map((image) => `+ image ${printable(image)}`),
    ...diff.removedImages.map((image) => `- image ${printable(image)}`),
    ...kinds.flatMap(({ kind, plural }) =>
      kindLines(
        report,
        diff.changes.filter((change) => change.kind === kind),
        kind === "debian" && kinds.length === 1 ? undefined : plural,
      ),
    ),
    ...(summary.length === 0 ? ["no package changed"] : [...summary, totalOf(report), unknownLicences(report)]).filter(
      Boolean,
    ),
    ...found,
    "",
  ].join("\n");
}
