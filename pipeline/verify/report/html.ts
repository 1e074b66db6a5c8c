/** A comparison as one page that needs nothing else: no network, no other file; readable without its script, and on paper. */
import { counted, humanCount, humanDuration, printable } from "../../report/format.ts";
import type { Comparison, Experiment, RankedCause } from "../compare/comparison.ts";
import { grades } from "../compare/finding.ts";
import { type Fold, storyOf } from "./fold.ts";
import { type Markup, join, markup, raw, text } from "./markup.ts";
import { pageFile, pageOf } from "./page-frame.ts";
import { type Sizes, sizesSection } from "./sizes-page.ts";
import { countedPlaces, headlineOf, percentOf, placeOf, sideOf, summaryOf, valuesOf } from "./words.ts";

/** The script of the page as files, each after what it imports. */
const scripts = ["dom.js", "lines.js", "model.js", "tree.js", "detail.js", "main.js"];
/** Rows of the table that paper and browsers without script show. */
const mostRows = 500;

/**
 * The files of the script as one: they are modules that import each other and nothing else, so that in the right order the lines about that
 * can go. No two of them have the same name for something.
 */
export function pageScript(): string {
  const code = scripts.map((name) =>
    pageFile(name)
      .replaceAll(/^import .*\n/gm, "")
      .replaceAll(/^export /gm, ""),
  );
  return `\n${code.join("\n")}`;
}

/** JSON that does not end the element it is in, and that no parser of HTML sees anything in. */
function dataOf(document: unknown): string {
  return JSON.stringify(document).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function causeItem(cause: RankedCause): Markup {
  const { id, title, grade, confidence, count, evidence, fix } = cause;
  return markup`<li class="cause">
<h3>${title}</h3>
<p class="facts"><span class="grade ${grade}">${grade}</span> ${id}, ${percentOf(confidence)} sure, ${counted(count, "difference")}</p>
${evidence.length === 0 ? "" : markup`<ul class="evidence">${join(evidence.map((sentence) => markup`<li>${sentence}</li>`))}</ul>`}
<p class="fix"><strong>Fix:</strong> ${fix}</p>
<button type="button" class="scripted" data-cause="is ${id}">Show its differences<span class="unseen"> (${title})</span></button>
</li>`;
}

function causesSection({ causes, verdict }: Comparison): Markup {
  if (verdict === "equal") return text("");
  return markup`<section aria-labelledby="causes"><h2 id="causes">Causes</h2>
${causes.length === 0 ? markup`<p>No known cause explains what differs.</p>` : markup`<ol class="causes">${join(causes.map(causeItem))}</ol>`}
</section>`;
}

function foldRow({ first, members, places, documents, field, same }: Fold, cause: string): Markup {
  const [a, b] = valuesOf(first);
  const where =
    members.length === 1
      ? placeOf(first.where)
      : `${countedPlaces(first.where.part, places)} in ${documents.slice(0, 3).join(", ")}${documents.length > 3 ? ` and ${documents.length - 3} more` : ""}`;
  const such = same ? "" : "such as ";
  return markup`<tr><td>${first.grade}</td><td>${where}</td><td>${field}</td><td>${such}${a}</td><td>${such}${b}</td><td>${cause}</td></tr>`;
}

/** What is shown where the tree is not: folded, as a table. */
function listing(comparison: Comparison): Markup {
  const { chapters, unexplained, waived } = storyOf(comparison);
  const rows = [
    ...chapters.flatMap(({ cause, folds }) => folds.map((fold) => foldRow(fold, cause.title))),
    ...unexplained.map((fold) => foldRow(fold, "not known")),
    ...waived.flatMap(({ waiver, folds }) =>
      folds.map((fold) => foldRow(fold, `waived until ${waiver.expires} by ${waiver.owner}: ${waiver.reason}`)),
    ),
  ];
  return markup`<div class="listing"><table><thead><tr><th scope="col">grade</th><th scope="col">where</th><th scope="col">field</th><th scope="col">A</th><th scope="col">B</th><th scope="col">cause</th></tr></thead>
<tbody>${join(rows.slice(0, mostRows))}</tbody></table>
${rows.length > mostRows ? markup`<p>… ${humanCount(rows.length - mostRows)} more kinds of differences.</p>` : ""}</div>`;
}

function explorer({ causes }: Comparison): Markup {
  return markup`<div class="explorer">
<div class="filters">
<label>Search <input type="search" id="search" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"></label>
<label>Cause <select id="cause"><option value="">all</option>${join(causes.map(({ id, title }) => markup`<option value="is ${id}">${id} ${title}</option>`))}<option value="unknown">not known</option></select></label>
<fieldset id="grades"><legend>Grades</legend>${join(grades.map((grade) => markup`<label><input type="checkbox" value="${grade}" checked> ${grade}</label>`))}</fieldset>
</div>
<p class="keys">Keys: <kbd>/</kbd> search, <kbd>↑</kbd> <kbd>↓</kbd> <kbd>←</kbd> <kbd>→</kbd> move, <kbd>Enter</kbd> details, <kbd>Esc</kbd> back</p>
<p id="status" role="status" aria-live="polite"></p>
<div class="panes">
<div id="tree" role="tree" aria-label="differences"></div>
<section id="detail" aria-label="details of the difference"><p>Choose a difference to see both sides.</p></section>
</div>
</div>`;
}

function differencesSection(comparison: Comparison): Markup {
  if (comparison.verdict === "equal") return text("");
  const { more } = comparison;
  return markup`<section aria-labelledby="differences"><h2 id="differences">Differences</h2>
${more > 0 ? markup`<p>${counted(more, "more difference")} not listed: there were too many to keep.</p>` : ""}
${explorer(comparison)}
${listing(comparison)}
</section>`;
}

function unreadSection({ unread }: Comparison): Markup {
  if (unread.length === 0) return text("");
  const items = unread.slice(0, mostRows).map(({ where, reason }) => markup`<li>${placeOf(where)}: ${reason}</li>`);
  return markup`<section aria-labelledby="unread"><h2 id="unread">Could not be looked into</h2>
<p>More may differ there.</p>
<ul>${join(items)}</ul>
${unread.length > mostRows ? markup`<p>… ${humanCount(unread.length - mostRows)} more.</p>` : ""}
</section>`;
}

/** A bar on the time line; numbers are thousandths of the whole. */
function rerunItem({ perturbations, start, duration, outcome, note, digest }: Experiment, total: number): Markup {
  const under = perturbations.length === 0 ? "unchanged surroundings" : perturbations.join(", ");
  const share = (time: number): string => ((1000 * time) / total).toFixed(1);
  const words = { same: "the same", differs: "differs", failed: "failed" } as const;
  return markup`<li class="${outcome}"><span class="under">${under}</span> <strong>${words[outcome]}</strong>${note === undefined ? "" : ` (${note})`}, ${humanDuration(duration)}
<svg viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true"><rect x="${share(start)}" y="0" width="${share(duration)}" height="12"/></svg>
${digest === undefined ? "" : markup`<code>${digest}</code>`}</li>`;
}

function rerunsSection({ experiments = [] }: Comparison): Markup {
  if (experiments.length === 0) return text("");
  const total = Math.max(1, ...experiments.map(({ start, duration }) => start + duration));
  return markup`<section aria-labelledby="reruns"><h2 id="reruns">Reruns</h2>
<p>What each rerun of the build gave, compared with A; bars from left to right are the ${humanDuration(total)} that they took.</p>
<ol class="reruns">${join(experiments.map((experiment) => rerunItem(experiment, total)))}</ol>
</section>`;
}

function header(comparison: Comparison): Markup {
  const { verdict, a, b, causes } = comparison;
  const [likeliest] = causes;
  const side = (name: string, compared: Comparison["a"]): Markup =>
    markup`<dt>${name}</dt><dd>${compared.name}<br><code>${sideOf(compared)}</code></dd>`;
  return markup`<header class="${verdict}">
<p class="verdict">${verdict}</p>
<h1>${verdict === "equal" ? "Both sides are the same" : (likeliest?.title ?? "No known cause")}</h1>
${verdict === "equal" ? "" : markup`<p>${summaryOf(comparison)}</p>`}
${likeliest === undefined ? "" : markup`<p class="fix"><strong>Fix:</strong> ${likeliest.fix}</p>`}
<dl class="sides">${side("A", a)}${side("B", b)}</dl>
</header>`;
}

/** What a page is made of besides the comparison. */
export interface PageParts {
  /** Layers and packages by size, where they are known. */
  readonly sizes?: readonly Sizes[];
}

/** The whole page. */
export function comparisonHtml(comparison: Comparison, { sizes = [] }: PageParts = {}): string {
  const body = markup`${header(comparison)}
<main>
${causesSection(comparison)}
${differencesSection(comparison)}
${unreadSection(comparison)}
${rerunsSection(comparison)}
${sizesSection(sizes)}
</main>`;
  const title = printable(headlineOf(comparison));
  if (comparison.verdict === "equal") return pageOf(title, body);
  const data = markup`<script type="application/json" id="comparison">${raw(dataOf(comparison))}</script>`;
  return pageOf(title, body, pageScript(), data);
}
