/** Results as text, as Markdown, and as the part of a document between two markers; pure. */
import { table } from "../../pipeline/report/table.ts";
import type { Machine } from "./machine.ts";
import type { Figure, Result } from "./model.ts";
import { isReached } from "./statistics.ts";

/** The document that is written as JSON. */
export interface BenchDocument {
  readonly version: 1;
  readonly machine: Machine;
  readonly rounds: number;
  readonly results: readonly Result[];
  /** Experiments that could not be measured here, and why. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

type Cells = readonly string[];

function value(figure: Figure, amount: number): string {
  switch (figure.unit) {
    case "×":
      return `${amount.toFixed(3)} ×`;
    case "s":
      return `${amount.toFixed(3)} s`;
    case "MiB":
      return `${amount.toFixed(0)} MiB`;
    default:
      return String(amount);
  }
}

function figureCells({ results }: BenchDocument): readonly Cells[] {
  return results.flatMap((result) =>
    result.figures.map((figure, index) => {
      const reached = isReached(figure);
      return [
        index === 0 ? String(result.row) : "",
        index === 0 ? result.title : "",
        figure.name,
        value(figure, figure.value),
        figure.target === undefined
          ? ""
          : `≤ ${value(figure, figure.target)
              .replace(/(\.\d*?)0+(?= )/, "$1")
              .replace(/\.(?= )/, "")}`,
        reached === undefined ? "" : reached ? "yes" : "no",
      ];
    }),
  );
}

const figureTitles: Cells = ["row", "work", "figure", "value", "target", "reached"];

function measuredCells({ results }: BenchDocument): readonly Cells[] {
  return results.flatMap(({ row, measured }) =>
    measured.map(({ name, rounds, wall, cpu, peak }) => [
      String(row),
      name,
      wall.median.toFixed(3),
      wall.min.toFixed(3),
      wall.max.toFixed(3),
      cpu === undefined ? "" : cpu.median.toFixed(2),
      peak === undefined ? "" : (peak / 2 ** 20).toFixed(0),
      String(rounds),
    ]),
  );
}

const measuredTitles: Cells = ["row", "who", "median s", "min s", "max s", "CPU s", "peak MiB", "rounds"];

function machineLines({ machine, rounds }: BenchDocument): readonly string[] {
  const { cpu, cores, memory, system, architecture, fileSystem, node, programs, commit, date, load } = machine;
  return [
    `${date}, commit ${commit}, ${rounds} ${rounds === 1 ? "round" : "rounds"}, load before the run ${load}`,
    `${cpu}, ${cores} cores, ${(memory / 2 ** 30).toFixed(0)} GiB, ${architecture}; ${system}; temporary files on ${fileSystem}`,
    `Node.js ${node}; ${Object.values(programs).join("; ")}`,
  ];
}

function noteLines({ results, skipped }: BenchDocument): readonly string[] {
  return [
    ...results.flatMap(({ row, notes }) => notes.map((note) => `row ${row}: ${note}`)),
    ...skipped.map(({ name, reason }) => `skipped: ${name} (${reason})`),
  ];
}

const numbers = /^[≤0-9. ×sMiB]+$/;

function plain(titles: Cells, rows: readonly Cells[]): string {
  return table(
    rows,
    titles.map((title, i) => ({
      title,
      value: (row) => row[i] ?? "",
      align: rows.every((row) => numbers.test(row[i] ?? "") || row[i] === "") ? "right" : "left",
    })),
  );
}

export function asText(document: BenchDocument): string {
  const notes = noteLines(document);
  return [
    `${machineLines(document).join("\n")}\n`,
    plain(figureTitles, figureCells(document)),
    plain(measuredTitles, measuredCells(document)),
    notes.length === 0 ? "" : `${notes.join("\n")}\n`,
  ]
    .filter(Boolean)
    .join("\n");
}

function markdownTable(titles: Cells, rows: readonly Cells[]): string {
  const line = (cells: Cells): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return line(titles) + line(titles.map(() => "---")) + rows.map(line).join("");
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `* ${line}\n`).join("");
}

export function asMarkdown(document: BenchDocument): string {
  return [
    bullets(machineLines(document)),
    markdownTable(figureTitles, figureCells(document)),
    markdownTable(measuredTitles, measuredCells(document)),
    bullets(noteLines(document)),
  ]
    .filter(Boolean)
    .join("\n");
}

export const beginMarker = "<!-- begin: npm run bench -- --write docs/benchmarks.md -->";
export const endMarker = "<!-- end -->";

/** The document with another text between the markers; throws when it does not have both, once and in order. */
export function replaceMarked(text: string, replacement: string, beginning = beginMarker): string {
  const begin = text.indexOf(beginning);
  const end = text.indexOf(endMarker, begin);
  if (begin < 0 || end < 0 || text.includes(beginning, begin + 1))
    throw new Error(`the document needs one line "${beginning}" and after it one line "${endMarker}"`);
  return `${text.slice(0, begin + beginning.length)}\n\n${replacement}\n${text.slice(end)}`;
}
