/** The page at work: reads the comparison that it carries, and connects search, filters, tree and details. */
import { showDetail } from "./detail.js";
import { byId, element, grouped, oncePerFrame, shown } from "./dom.js";
import { gradeNames, openSome, searchTextOf, treeOf } from "./model.js";
import { treeView } from "./tree.js";

/** @import { Comparison, Difference } from "../../compare/comparison.ts" */
/** @import { Branch } from "./model.js" */

/** Up to so many differences everything is open from the start. */
const openAll = 200;

/** @type {Comparison} */
const comparison = JSON.parse(byId("comparison", HTMLScriptElement).textContent ?? "");
const { differences } = comparison;
const search = byId("search", HTMLInputElement);
const causeFilter = byId("cause", HTMLSelectElement);
const gradeFilters = byId("grades", HTMLFieldSetElement);
const status = byId("status", HTMLElement);
const detail = byId("detail", HTMLElement);
const nothing = detail.textContent ?? "";

/** @type {string[] | undefined} */
let searchTexts;

/** @param {Difference} difference */
function summary({ a, b }) {
  if (a === undefined && b === undefined) return "";
  return `${a === undefined ? "nothing" : shown(a)} → ${b === undefined ? "nothing" : shown(b)}`;
}

/**
 * @param {Branch} node
 * @returns {readonly Node[]}
 */
function content(node) {
  const difference = differences[node.leaf];
  const grade = gradeNames[node.grade] ?? "encoding";
  const mark = element("span", { class: `dot ${grade}`, title: grade }, grade);
  const label = node.label === "" ? [] : [element("span", { class: "label" }, shown(node.label))];
  if (difference === undefined) return [mark, ...label, element("span", { class: "count" }, `${grouped(node.count)}`)];
  return [
    mark,
    ...label,
    element("span", { class: "field" }, shown(difference.where.field)),
    element("span", { class: "summary" }, summary(difference)),
    ...(difference.waived === undefined ? [] : [element("span", { class: "count" }, "waived")]),
  ];
}

const tree = treeView(byId("tree", HTMLElement), {
  content,
  chosen(node) {
    const difference = differences[node.leaf];
    if (difference === undefined) detail.replaceChildren(element("p", {}, nothing));
    else showDetail(detail, difference, comparison);
  },
  entered: () => detail.querySelector("h3")?.focus(),
});

const ranked = new Set(comparison.causes.map(({ id }) => id));

/**
 * The value of the filter that has this difference.
 * @param {Difference} difference
 */
function causeOf({ causes: [guess] }) {
  return guess !== undefined && ranked.has(guess.id) ? `is ${guess.id}` : "unknown";
}

/** @returns {number[]} */
function chosenDifferences() {
  const words = search.value
    .toLowerCase()
    .split(" ")
    .filter((word) => word !== "");
  const grades = new Set([...gradeFilters.querySelectorAll("input:checked")].map((box) => box.getAttribute("value")));
  const cause = causeFilter.value;
  if (words.length > 0) searchTexts ??= differences.map(searchTextOf);
  /** @type {number[]} */
  const chosen = [];
  for (const [index, difference] of differences.entries()) {
    if (!grades.has(difference.grade)) continue;
    if (cause !== "" && cause !== causeOf(difference)) continue;
    if (!words.every((word) => searchTexts?.[index]?.includes(word) === true)) continue;
    chosen.push(index);
  }
  return chosen;
}

function update() {
  const chosen = chosenDifferences();
  const root = treeOf(differences, chosen);
  openSome(root, openAll);
  tree.show(root);
  detail.replaceChildren(element("p", {}, nothing));
  status.textContent =
    chosen.length === differences.length
      ? `${grouped(chosen.length)} differences`
      : `${grouped(chosen.length)} of ${grouped(differences.length)} differences`;
}

const updateSoon = oncePerFrame(update);

function reset() {
  search.value = "";
  causeFilter.value = "";
  for (const box of gradeFilters.querySelectorAll("input")) box.checked = true;
  update();
}

search.addEventListener("input", updateSoon);
causeFilter.addEventListener("change", update);
gradeFilters.addEventListener("change", update);
document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest("button[data-cause]") : null;
  if (!(button instanceof HTMLElement)) return;
  reset();
  causeFilter.value = button.dataset["cause"] ?? "";
  update();
  byId("differences", HTMLElement).scrollIntoView();
  tree.focus();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement && event.target.type === "search";
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape") {
    if (typing || !detail.contains(document.activeElement)) reset();
    tree.focus();
  } else if (typing && (event.key === "Enter" || event.key === "ArrowDown")) {
    event.preventDefault();
    tree.focus();
  }
});

document.documentElement.classList.add("live");
update();
