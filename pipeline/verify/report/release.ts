/** A comparison of two releases as text, as Markdown and as a page. */
import { counted, printable } from "../../report/format.ts";
import { cell, MarkdownLines } from "../../report/markdown.ts";
import { painter, type TextOptions } from "../../report/style.ts";
import { table } from "../../report/table.ts";
import type { ReleaseReport } from "../inventory/release.ts";
import { join, type Markup, markup } from "./markup.ts";
import { pageOf } from "./page-frame.ts";
import { chaptersOf, releaseHeadline, type ReportTable } from "./release-rows.ts";
import { type Sizes, sizesSection } from "./sizes-page.ts";
import { placeOf, sideOf } from "./words.ts";

/** Rows of a table; what is more is counted. */
const mostRows = { text: 20, markdown: 100, page: 1000 } as const;

function more({ rows }: ReportTable, most: number): string {
  return rows.length > most ? `… ${counted(rows.length - most, "more row")}` : "";
}

function unreadLines({ unread }: ReleaseReport): readonly string[] {
  return (["a", "b"] as const).flatMap((side) =>
    unread[side].map(({ where, reason }) => `${side.toUpperCase()} ${placeOf(where)}: ${printable(reason)}`),
  );
}

/** Text for terminals; each line ended by a newline. */
export function releaseText(report: ReleaseReport, { color }: TextOptions): string {
  const paint = painter(color);
  const { a, b } = report;
  const lines = [
    paint("bold", printable(releaseHeadline(report))),
    "",
    `- ${printable(a.name)}  ${sideOf(a)}`,
    `+ ${printable(b.name)}  ${sideOf(b)}`,
  ];
  for (const { title, summary, tables } of chaptersOf(report)) {
    lines.push("", paint("bold", printable(title)), ...summary.map((line) => `  ${line}`));
    for (const one of tables.filter(({ rows }) => rows.length > 0)) {
      const columns = one.columns.map((column, index) => ({
        title: column.title,
        align: column.number === true ? ("right" as const) : ("left" as const),
        value: (row: readonly string[]) => row[index] ?? "",
      }));
      const text = table(one.rows.slice(0, mostRows.text), columns).trimEnd();
      lines.push("", `  ${paint("bold", one.title)}`, ...text.split("\n").map((line) => `  ${line}`));
      const left = more(one, mostRows.text);
      if (left !== "") lines.push(paint("dim", `  ${left}, see --json or --html`));
    }
  }
  const unread = unreadLines(report);
  if (unread.length > 0) {
    lines.push("", paint("bold", "could not be read, so more may have changed there"));
    lines.push(...unread.slice(0, mostRows.text).map((line) => `  ${line}`));
    if (unread.length > mostRows.text) lines.push(`  … ${unread.length - mostRows.text} more, see --json or --html`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** Markdown for the text of a pull request, of limited length; the same for the same report. */
export function releaseMarkdown(report: ReleaseReport): string {
  const lines = new MarkdownLines();
  const { a, b } = report;
  for (const line of [`## ${cell(releaseHeadline(report))}`, "", `- A: ${cell(a.name)}, ${a.kind} ${cell(a.digest)}`])
    lines.add(line);
  lines.add(`- B: ${cell(b.name)}, ${b.kind} ${cell(b.digest)}`);
  for (const { title, summary, tables } of chaptersOf(report)) {
    for (const line of ["", `### ${cell(title)}`, "", ...summary.map((one) => `- ${cell(one, 500)}`)]) lines.add(line);
    for (const { title: name, columns, rows } of tables) {
      const cells = rows.map((row) => row.map((text) => cell(text)));
      lines.table(
        `#### ${name}`,
        columns.map((column) => column.title),
        cells,
        mostRows.markdown,
      );
    }
  }
  lines.table(
    "### Could not be read",
    ["where and why"],
    unreadLines(report).map((line) => [cell(line)]),
    mostRows.markdown,
  );
  return lines.text;
}

function tableMarkup(one: ReportTable): Markup {
  if (one.rows.length === 0) return markup``;
  const kind = (index: number): string => (one.columns[index]?.number === true ? "number" : "words");
  const head = one.columns.map(({ title }, index) => markup`<th scope="col" class="${kind(index)}">${title}</th>`);
  const body = one.rows
    .slice(0, mostRows.page)
    .map((row) => markup`<tr>${join(row.map((text, index) => markup`<td class="${kind(index)}">${text}</td>`))}</tr>`);
  return markup`<h3>${one.title}</h3>
<div class="scroll" tabindex="0" role="region" aria-label="${one.title}"><table><thead><tr>${join(head)}</tr></thead><tbody>${join(body)}</tbody></table></div>
<p>${more(one, mostRows.page)}</p>`;
}

/** A page that needs no network and has no script. */
export function releaseHtml(report: ReleaseReport, sizes: readonly Sizes[]): string {
  const { a, b } = report;
  const chapters = chaptersOf(report).map(
    (
      { title, summary, tables },
      index,
    ) => markup`<section aria-labelledby="image-${index}"><h2 id="image-${index}">${title}</h2>
<ul>${join(summary.map((line) => markup`<li>${line}</li>`))}</ul>
${join(tables.map(tableMarkup))}
</section>`,
  );
  const unread = unreadLines(report);
  const missed =
    unread.length === 0
      ? markup``
      : markup`<section aria-labelledby="unread"><h2 id="unread">Could not be read</h2><ul>${join(unread.slice(0, mostRows.page).map((line) => markup`<li>${line}</li>`))}</ul></section>`;
  const body = markup`<header class="release">
<h1>${releaseHeadline(report)}</h1>
<dl class="sides"><dt>A</dt><dd>${a.name}<br><code>${sideOf(a)}</code></dd><dt>B</dt><dd>${b.name}<br><code>${sideOf(b)}</code></dd></dl>
</header>
<main>
${sizesSection(sizes)}
${join(chapters)}
${missed}
</main>`;
  return pageOf(printable(releaseHeadline(report)), body);
}
