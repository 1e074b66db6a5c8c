/** Text from outside within Markdown: it stays text, whatever is in it. */
import { humanCount, printable } from "./format.ts";

/** Characters of one text in a cell, unless said otherwise. */
const usual = 120;

/** Characters of a whole text; a comment of the large forges may have 65,536. */
const mostTogether = 60_000;

/** A character without width: cuts what the page would make a link of, after it has decoded everything else. */
const cut = "&#8203;";

/**
 * Text from outside as a cell: one line of limited length, in which everything that means something in Markdown or HTML is only itself.
 * References to people and issues, and addresses that would become links, are cut.
 */
export function cell(text: string, mostCharacters = usual): string {
  const line = printable(text.replaceAll(/\s+/g, " ").trim());
  const short = [...line].length > mostCharacters ? `${[...line].slice(0, mostCharacters - 1).join("")}…` : line;
  return short
    .replaceAll("&", "&amp;")
    .replaceAll(/[\\`*_[\]<>|~$]/g, (mark) => `&#${mark.charCodeAt(0)};`)
    .replaceAll(/(?<!&)#/g, `&#35;${cut}`)
    .replaceAll("@", `&#64;${cut}`)
    .replaceAll(/(GH|https?|ftp|mailto|xmpp|www)(?=[-:.])/gi, `$1${cut}`);
}

/** Lines up to a limit of characters: what does not fit any more is counted by whoever adds it. */
export class MarkdownLines {
  readonly #lines: string[] = [];
  #room = mostTogether;

  get text(): string {
    return `${this.#lines.join("\n").trimEnd()}\n`;
  }

  /** Whether the line was added. */
  add(line: string): boolean {
    if (line.length + 1 > this.#room) return false;
    this.#room -= line.length + 1;
    this.#lines.push(line);
    return true;
  }

  /** A table below a heading, and how many rows it has not; nothing without rows. */
  table(title: string, columns: readonly string[], rows: readonly string[][], most: number): void {
    if (rows.length === 0) return;
    const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
    const head = ["", title, "", line(columns), line(columns.map(() => "---"))];
    const reserve = 40;
    if (head.join("\n").length + 2 * reserve > this.#room) return;
    for (const text of head) this.add(text);
    this.#room -= reserve;
    const cut = rows.slice(0, most).findIndex((cells) => !this.add(line(cells)));
    this.#room += reserve;
    const shown = cut === -1 ? Math.min(most, rows.length) : cut;
    if (shown < rows.length) {
      this.add("");
      this.add(`… ${humanCount(rows.length - shown)} more`);
    }
  }
}
