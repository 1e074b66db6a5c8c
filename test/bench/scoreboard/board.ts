/** The scoreboard as a table: what each contender made of each treatment; pure. */

/** `same`, `differs`, or why there is nothing to say. */
export type Cell = "same" | "differs" | "–";

export interface Row {
  readonly what: string;
  /** Of the layer, by contender. */
  readonly layers: readonly Cell[];
  /** Of the image; `–` where only a layer is made. */
  readonly images: readonly Cell[];
}

export interface Board {
  readonly contenders: readonly string[];
  readonly rows: readonly Row[];
  /** What of the files each layer does not have; empty when it has everything. */
  readonly lost: readonly (readonly string[])[];
  /** Those that could not take part, and treatments that could not be given. */
  readonly skipped: readonly string[];
}

function score(cells: readonly Cell[]): string {
  const counted = cells.filter((cell) => cell !== "–");
  return counted.length === 0 ? "–" : `${counted.filter((cell) => cell === "same").length}/${counted.length}`;
}

const column = (rows: readonly Row[], key: "layers" | "images", index: number): readonly Cell[] =>
  rows.map((row) => row[key][index] ?? "–");

/** Lines of a Markdown table. */
export function boardMarkdown({ contenders, rows, lost, skipped }: Board): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const shown = ({ layers, images }: Row, index: number): string => {
    const [layer = "–", image = "–"] = [layers[index], images[index]];
    return layer === "same" && image === "differs" ? "same, image differs" : layer;
  };
  const table = [
    line(["", ...contenders]),
    line(["---", ...contenders.map(() => "---")]),
    ...rows.map((row) => line([row.what, ...contenders.map((_, index) => shown(row, index))])),
    line(["**layers that are the same**", ...contenders.map((_, index) => score(column(rows, "layers", index)))]),
    line(["**images that are the same**", ...contenders.map((_, index) => score(column(rows, "images", index)))]),
    line(["**not in the layer**", ...lost.map((list) => (list.length === 0 ? "nothing" : list.join(", ")))]),
  ];
  const left = skipped.map((text) => `* Not measured: ${text}.`);
  return `${[...table, ...(left.length > 0 ? ["", ...left] : [])].join("\n")}\n`;
}

/** Whether the first contender, which is Lockstep, is the same in every row that was made, in layer and image, and loses nothing. */
export function isFull({ rows, lost }: Board): boolean {
  const cells = rows.flatMap(({ layers, images }) => [layers[0], images[0]]);
  return rows.length > 0 && cells.every((cell) => cell === "same") && lost[0]?.length === 0;
}
