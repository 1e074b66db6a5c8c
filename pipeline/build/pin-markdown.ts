/** The difference of two locks as Markdown, for the text of a pull request: a summary first, tables of limited length, nothing that can break out. */
import { cell } from "../report/markdown.ts";
import type { ItemChange } from "./pin-diff.ts";
import { pinKinds } from "./pin-items.ts";
import { type AdvisoryMatch, type PinReport, licenceChange, noteChanges, otherNames } from "./pin-report.ts";
import { installedSize, isLoud, sizeChange, summaryOf, totalOf, unknownLicences, versionChange } from "./pin-text.ts";

/** Rows of a table; what is more is counted. */
const mostRows = 200;
/** Items of a list within a cell. */
const mostItems = 8;

function listCell(items: readonly string[]): string {
  const shown = items
    .slice(0, mostItems)
    .map((item) => cell(item))
    .join(", ");
  return items.length > mostItems ? `${shown}, and ${items.length - mostItems} more` : shown;
}

function tableOf(titles: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(titles),
    line(titles.map(() => "---")),
    ...rows.slice(0, mostRows).map(line),
    ...(rows.length > mostRows ? ["", `and ${rows.length - mostRows} more`] : []),
    "",
  ];
}

function licenceCell(report: PinReport, change: ItemChange): string {
  const licence = licenceChange(report, change);
  switch (licence?.kind) {
    case undefined:
    case "same":
      return "";
    case "new":
      return listCell(licence.names);
    case "unknown":
      return "not known";
    case "text":
      return "**the text is another one**";
    case "names":
      return listCell([...licence.removed.map((name) => `− ${name}`), ...licence.added.map((name) => `+ ${name}`)]);
  }
}

function changeRow(report: PinReport, change: ItemChange): readonly string[] {
  const where = change.everywhere ? "" : ` (${change.platforms.join(", ")})`;
  const version = cell(versionChange(change));
  const notes = noteChanges(change);
  const told = [...notes.removed.map((note) => `no longer ${note}`), ...notes.added];
  return [
    `${cell(`${change.name}${where}`)}${told.length === 0 ? "" : `<br>**${listCell(told)}**`}`,
    change.change,
    isLoud(change) ? `**${version}**` : version,
    cell(sizeChange(change)),
    cell(installedSize(report, change) ?? "not known"),
    licenceCell(report, change),
    listCell(change.images),
  ];
}

function advisoryRow(what: string, { advisory, subjects }: AdvisoryMatch): readonly string[] {
  return [
    what,
    cell(advisory.id),
    listCell(otherNames(advisory)),
    cell(advisory.severity ?? ""),
    listCell(subjects),
    cell(advisory.summary),
  ];
}

function summaryLines(report: PinReport): readonly string[] {
  const { diff, advisories } = report;
  const loud = diff.changes.filter(isLoud);
  const licences = diff.changes.filter((change) =>
    ["names", "text"].includes(licenceChange(report, change)?.kind ?? ""),
  );
  return [
    ...summaryOf(report).map((line) => cell(line)),
    ...(diff.changes.length === 0 ? [] : [cell(totalOf(report))]),
    ...(diff.addedImages.length === 0 ? [] : [`new images: ${listCell(diff.addedImages)}`]),
    ...(diff.removedImages.length === 0 ? [] : [`images gone: ${listCell(diff.removedImages)}`]),
    ...(loud.length === 0
      ? []
      : [`**look twice at** ${listCell([...new Set(loud.map(({ name, change }) => `${name} (${change})`))])}`]),
    ...(licences.length === 0
      ? []
      : [`**licences changed** of ${listCell([...new Set(licences.map(({ name }) => name))])}`]),
    ...(unknownLicences(report) === "" ? [] : [cell(unknownLicences(report))]),
    ...(advisories === undefined
      ? ["advisories: not looked at"]
      : [
          `advisories: ${advisories.fixed.length} fixed, ${advisories.introduced.length === 0 ? "0 introduced" : `**${advisories.introduced.length} introduced**`}, ${advisories.remaining.length} remain (of ${advisories.read}, the newest of ${cell(advisories.modified)})`,
        ]),
    ...(advisories === undefined || advisories.undecided.length === 0
      ? []
      : [`versions without an order, not fully checked: ${listCell(advisories.undecided)}`]),
  ].map((line) => `- ${line}`);
}

/** The whole text; the same for the same difference. */
export function reportMarkdown(report: PinReport): string {
  const { diff, advisories } = report;
  const title = "## Pinned inputs";
  const summary = diff.unchanged ? ["- nothing changed", ...summaryLines(report)] : summaryLines(report);
  const tables = pinKinds.flatMap(({ kind, plural }) => {
    const changes = diff.changes.filter((change) => change.kind === kind);
    if (changes.length === 0) return [];
    const rows = changes.map((change) => changeRow(report, change));
    const titles = ["name", "change", "version", "download", "installed", "licence", "images"];
    return [`### ${plural}`, "", ...tableOf(titles, rows)];
  });
  const found =
    advisories === undefined
      ? []
      : [
          ...advisories.introduced.map((match) => advisoryRow("**introduced**", match)),
          ...advisories.fixed.map((match) => advisoryRow("fixed", match)),
          ...advisories.remaining.map((match) => advisoryRow("remains", match)),
        ];
  const advisoryTable =
    found.length === 0
      ? []
      : ["### advisories", "", ...tableOf(["", "advisory", "also", "severity", "in", "summary"], found)];
  return `${[title, "", ...summary, "", ...tables, ...advisoryTable].join("\n").trimEnd()}\n`;
}
