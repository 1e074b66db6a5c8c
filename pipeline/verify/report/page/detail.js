/** One difference in full: its values and causes, its lines side by side, its bytes side by side. */
import { element, grouped, shown } from "./dom.js";
import { innerDifference, pairLines } from "./lines.js";
import { placesOf } from "./model.js";

/** @import { Comparison, Difference } from "../../compare/comparison.ts" */
/** @import { Excerpt } from "../../compare/finding.ts" */

/** Bytes of a line: both sides fit beside each other. */
const lineBytes = 8;

/** @param {string | undefined} text */
function value(text) {
  return text === undefined
    ? element("em", {}, "nothing")
    : text === ""
      ? element("em", {}, "empty")
      : element("span", { class: "value" }, shown(text));
}

/**
 * @param {readonly string[]} titles
 * @param {readonly (readonly Node[])[]} rows
 * @param {string} name What it is called for those who do not see it.
 */
function table(titles, rows, name) {
  return element(
    "table",
    { "aria-label": name },
    element("thead", {}, element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)))),
    element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells))),
  );
}

/**
 * @param {Difference} difference
 * @param {Comparison} comparison
 */
function fieldView(difference, comparison) {
  const { where, format, grade, natures = [], facts = {}, causes, waived } = difference;
  /** @type {[string, Node][]} */
  const rows = [
    ["differs in", value(format === undefined ? where.field : `${where.field} (${format})`)],
    ["A", value(difference.a)],
    ["B", value(difference.b)],
    ["grade", element("span", { class: `grade ${grade}` }, grade)],
  ];
  if (natures.length > 0) rows.push(["of kind", value(natures.join(", "))]);
  for (const [name, fact] of Object.entries(facts)) rows.push([shown(name), value(String(fact))]);
  for (const { id, confidence } of causes) {
    const known = comparison.causes.find((cause) => cause.id === id);
    const sure = `${Math.round(confidence * 100)} %`;
    const title = known === undefined ? `${id}, ${sure}` : `${known.title} (${id}, ${sure})`;
    rows.push(["cause", element("span", {}, shown(title))]);
    if (known !== undefined) rows.push(["fix", element("span", {}, shown(known.fix))]);
  }
  if (causes.length === 0) rows.push(["cause", element("em", {}, "not known")]);
  if (waived !== undefined)
    rows.push(["waived", value(`until ${waived.expires} by ${waived.owner}: ${waived.reason}`)]);
  return element("dl", {}, ...rows.flatMap(([name, content]) => [element("dt", {}, name), element("dd", {}, content)]));
}

/** @param {Excerpt} excerpt */
function textView({ a, b, offset }) {
  const rows = pairLines(a, b).map((pair) => {
    if (pair.a === pair.b) return [pair.a, pair.b].map((line) => element("td", {}, value(line)));
    if (pair.a === undefined || pair.b === undefined)
      return [pair.a, pair.b].map((line) =>
        line === undefined
          ? element("td", { class: "absent" })
          : element("td", { class: "other" }, element("mark", {}, shown(line))),
      );
    return innerDifference(pair.a, pair.b).map(([before, differs, after]) =>
      element("td", { class: "other" }, shown(before), element("mark", {}, shown(differs)), shown(after)),
    );
  });
  return element(
    "div",
    { class: "excerpt" },
    element("p", {}, `from byte ${grouped(offset)} on`),
    table(["A", "B"], rows, "lines of A and B side by side"),
  );
}

/** @param {Excerpt} excerpt */
function bytesOf({ text, a, b }) {
  /** @param {string} base64 */
  const decode = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const encoder = new TextEncoder();
  return text ? [encoder.encode(a), encoder.encode(b)] : [decode(a), decode(b)];
}

/**
 * Some bytes in hexadecimal and as characters; those that differ are marked.
 * @param {Uint8Array} bytes
 * @param {Uint8Array} others
 * @param {number} from
 */
function byteCells(bytes, others, from) {
  /** @type {Node[]} */
  const hex = [];
  /** @type {Node[]} */
  const characters = [];
  for (let index = from; index < from + lineBytes; index++) {
    const byte = bytes[index];
    const digits = byte === undefined ? "  " : byte.toString(16).padStart(2, "0");
    const character = byte === undefined ? " " : byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
    const mark = byte !== undefined && byte !== others[index] ? "mark" : "span";
    if (index > from) hex.push(document.createTextNode(" "));
    hex.push(element(mark, {}, digits));
    characters.push(element(mark, {}, character));
  }
  return [element("td", { class: "hex" }, ...hex), element("td", { class: "hex" }, ...characters)];
}

/** @param {Excerpt} excerpt */
function byteView(excerpt) {
  const [a = new Uint8Array(), b = new Uint8Array()] = bytesOf(excerpt);
  /** @type {Node[][]} */
  const rows = [];
  for (let from = 0; from < Math.max(a.length, b.length); from += lineBytes) {
    const offset = (excerpt.offset + from).toString(16).padStart(8, "0");
    rows.push([
      element("th", { scope: "row", class: "hex" }, offset),
      ...byteCells(a, b, from),
      ...byteCells(b, a, from),
    ]);
  }
  return element(
    "div",
    { class: "excerpt" },
    table(["offset", "A", "A as text", "B", "B as text"], rows, "bytes of A and B side by side"),
  );
}

/**
 * The views as tabs; the arrow keys go from one to the next.
 * @param {readonly (readonly [name: string, view: () => HTMLElement])[]} views
 */
function tabs(views) {
  const panel = element("div", { role: "tabpanel", id: "view", tabindex: "0", "aria-labelledby": "tab-0" });
  const buttons = views.map(([name], index) =>
    element("button", { type: "button", role: "tab", id: `tab-${index}`, "aria-controls": "view" }, name),
  );
  /** @param {number} chosen */
  const open = (chosen) => {
    for (const [index, button] of buttons.entries()) {
      button.setAttribute("aria-selected", String(index === chosen));
      button.setAttribute("tabindex", index === chosen ? "0" : "-1");
    }
    panel.setAttribute("aria-labelledby", `tab-${chosen}`);
    panel.replaceChildren(...views.slice(chosen, chosen + 1).map(([, view]) => view()));
  };
  const list = element("div", { role: "tablist", "aria-label": "views of the difference" }, ...buttons);
  list.addEventListener("click", (event) => {
    const index = buttons.findIndex((button) => button === event.target);
    if (index >= 0) open(index);
  });
  list.addEventListener("keydown", ({ key }) => {
    const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const next =
      (buttons.findIndex((button) => button === document.activeElement) + step + buttons.length) % buttons.length;
    open(next);
    buttons[next]?.focus();
  });
  open(0);
  return [list, panel];
}

/**
 * @param {HTMLElement} box
 * @param {Difference} difference
 * @param {Comparison} comparison
 */
export function showDetail(box, difference, comparison) {
  const { where, excerpt } = difference;
  const [outermost = "", ...inner] = placesOf(where);
  /** @type {[string, () => HTMLElement][]} */
  const views = [["Field", () => fieldView(difference, comparison)]];
  if (excerpt?.text === true) views.push(["Text", () => textView(excerpt)]);
  if (excerpt !== undefined) views.push(["Bytes", () => byteView(excerpt)]);
  box.replaceChildren(
    element("p", { class: "place" }, shown(outermost)),
    element(
      "h3",
      { tabindex: "-1" },
      value(inner.length === 0 ? where.field : `/${inner.join("/").replace(/^\/+/, "")}`),
    ),
    ...tabs(views),
  );
}
