/** Aligned text tables for people: what `ship` and `build` end with. */
import { displayWidth, pad, printable } from "./format.ts";

export interface Column<Row> {
  readonly title: string;
  /** The cell's text; what could disturb the terminal in it is escaped. */
  readonly value: (row: Row) => string;
  /** Numbers go to the right. */
  readonly align?: "left" | "right";
}

/**
 * The rows under a line of titles, columns two spaces apart, no spaces at the ends of lines, each line ended by `\n`.
 * Without rows only the titles are given.
 */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [
    columns.map((column) => printable(column.title)),
    ...rows.map((row) => columns.map((column) => printable(column.value(row)))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => displayWidth(line[i] ?? ""))));
  return cells
    .map((line) => line.map((cell, i) => pad(cell, widths[i] ?? 0, columns[i]?.align)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}
