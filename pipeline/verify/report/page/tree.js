/** A tree on the screen, as the ARIA pattern has it, with no more elements than fit: a hundred thousand rows cost what forty do. */
import { element, oncePerFrame } from "./dom.js";
import { visibleOf } from "./model.js";

/** @import { Branch } from "./model.js" */

/** Pixels; the style sheet has the same. */
const rowHeight = 28;
/** Rows beyond the edges that are there already when one scrolls. */
const spare = 12;

/**
 * @param {HTMLElement} box The element with role `tree`, which scrolls.
 * @param {object} actions
 * @param {(node: Branch) => readonly Node[]} actions.content What a row shows.
 * @param {(node: Branch) => void} actions.chosen The focus moved to a row, or it was clicked.
 * @param {() => void} actions.entered Enter was pressed on a difference.
 */
export function treeView(box, { content, chosen, entered }) {
  const space = element("div", { role: "none", class: "space" });
  box.replaceChildren(space);
  /** @type {Branch} */
  let root;
  /** @type {Branch[]} */
  let rows = [];
  let current = 0;
  /** @type {Map<number, HTMLElement>} */
  const made = new Map();

  /** @param {number} index */
  function make(index) {
    const node = rows[index];
    if (node === undefined) return;
    const row = element(
      "div",
      {
        role: "treeitem",
        class: "row",
        "aria-level": String(node.level),
        "aria-setsize": String(node.parent?.children.length ?? 1),
        "aria-posinset": String(node.position),
        "aria-selected": String(index === current),
        tabindex: index === current ? "0" : "-1",
        ...(node.children.length > 0 ? { "aria-expanded": String(node.expanded) } : {}),
      },
      ...content(node),
    );
    row.style.transform = `translateY(${index * rowHeight}px)`;
    row.style.paddingInlineStart = `${0.5 + (node.level - 1) * 1.1}rem`;
    row.dataset["row"] = String(index);
    made.set(index, row);
    space.append(row);
  }

  function draw() {
    const first = Math.max(0, Math.floor(box.scrollTop / rowHeight) - spare);
    const last = Math.min(rows.length - 1, Math.ceil((box.scrollTop + box.clientHeight) / rowHeight) + spare);
    for (const [index, row] of made) {
      // The row with the focus stays, or the focus would be lost when it scrolls away.
      if ((index < first || index > last) && index !== current) {
        row.remove();
        made.delete(index);
      }
    }
    for (let index = first; index <= last; index++) if (!made.has(index)) make(index);
    if (!made.has(current)) make(current);
  }

  function redraw() {
    const focused = space.contains(document.activeElement);
    space.style.height = `${rows.length * rowHeight}px`;
    box.style.setProperty("--rows", `${rows.length * rowHeight + 2}px`);
    space.replaceChildren();
    made.clear();
    draw();
    if (focused) made.get(current)?.focus({ preventScroll: true });
  }

  const drawSoon = oncePerFrame(draw);

  /** @param {number} index */
  function scrollTo(index) {
    const top = index * rowHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + rowHeight > box.scrollTop + box.clientHeight) box.scrollTop = top + rowHeight - box.clientHeight;
  }

  /**
   * @param {number} index
   * @param {boolean} focus
   */
  function moveTo(index, focus) {
    const to = Math.min(rows.length - 1, Math.max(0, index));
    const before = made.get(current);
    before?.setAttribute("tabindex", "-1");
    before?.setAttribute("aria-selected", "false");
    current = to;
    scrollTo(to);
    draw();
    const row = made.get(to);
    row?.setAttribute("tabindex", "0");
    row?.setAttribute("aria-selected", "true");
    if (focus) row?.focus({ preventScroll: true });
    const node = rows[to];
    if (node !== undefined) chosen(node);
  }

  /**
   * @param {Branch} node
   * @param {boolean} expanded
   */
  function expand(node, expanded) {
    if (node.children.length === 0 || node.expanded === expanded) return;
    node.expanded = expanded;
    rows = visibleOf(root);
    redraw();
  }

  /** @param {Branch} node */
  function right(node) {
    if (node.children.length === 0) return;
    if (node.expanded) moveTo(current + 1, true);
    else expand(node, true);
  }

  /** @param {Branch} node */
  function left(node) {
    if (node.expanded && node.children.length > 0) expand(node, false);
    else if (node.parent !== undefined && node.parent.level > 0) moveTo(rows.indexOf(node.parent), true);
  }

  /** @param {Branch} node */
  function enter(node) {
    if (node.children.length > 0) expand(node, !node.expanded);
    else entered();
  }

  const page = () => Math.max(1, Math.floor(box.clientHeight / rowHeight) - 1);
  /** @type {Readonly<Record<string, (node: Branch) => void>>} */
  const keys = {
    ArrowDown: () => moveTo(current + 1, true),
    ArrowUp: () => moveTo(current - 1, true),
    ArrowRight: right,
    ArrowLeft: left,
    Home: () => moveTo(0, true),
    End: () => moveTo(rows.length - 1, true),
    PageDown: () => moveTo(current + page(), true),
    PageUp: () => moveTo(current - page(), true),
    Enter: enter,
    " ": enter,
  };

  box.addEventListener("keydown", (event) => {
    const node = rows[current];
    const act = keys[event.key];
    if (node === undefined || act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(node);
  });
  box.addEventListener("click", (event) => {
    const row = event.target instanceof Element ? event.target.closest(".row") : null;
    if (!(row instanceof HTMLElement)) return;
    const index = Number(row.dataset["row"]);
    moveTo(index, true);
    const node = rows[index];
    if (node !== undefined) expand(node, !node.expanded);
  });
  box.addEventListener("scroll", drawSoon, { passive: true });
  new ResizeObserver(drawSoon).observe(box);

  return {
    /** @param {Branch} tree */
    show(tree) {
      root = tree;
      rows = visibleOf(root);
      current = 0;
      box.scrollTop = 0;
      redraw();
    },
    focus: () => moveTo(current, true),
  };
}
