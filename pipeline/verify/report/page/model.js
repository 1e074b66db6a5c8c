/** The tree of differences: documents and layers, directories, files, members, and at the ends the differences. */

/** @import { Difference } from "../../compare/comparison.ts" */

/**
 * @typedef {object} Branch
 * @property {string} label
 * @property {Branch | undefined} parent
 * @property {Branch[]} children
 * @property {number} position Among its siblings, from 1.
 * @property {number} level From 1; 0 of the root.
 * @property {number} count Differences at and below it.
 * @property {number} grade The gravest of them, as a number.
 * @property {number} leaf Index of the difference that it is; -1 for what only holds others.
 * @property {boolean} expanded
 */

/** From harmless to grave, as the program has them. */
export const gradeNames = /** @type {const} */ (["encoding", "clock", "cosmetic", "content", "privilege"]);

/** Levels of the tree; what is nested deeper, which only malice does, is one line. */
const deepest = 100;

/**
 * @param {string} label
 * @param {Branch} [parent]
 * @returns {Branch}
 */
function branch(label, parent) {
  return { label, parent, children: [], position: 0, level: 0, count: 0, grade: 0, leaf: -1, expanded: false };
}

/**
 * The labels from the outermost place to the innermost: `linux/amd64 layer 2`, `usr`, `bin`, `x`, `.text`.
 * @param {Difference["where"]} where
 * @returns {string[]}
 */
export function placesOf({ platform, part, layer, path, inside }) {
  const layered = part === "layer" || part === "entry";
  const what = layered ? (layer === undefined ? "layer" : `layer ${layer}`) : part;
  const document = platform === undefined ? what : `${platform} ${what}`;
  if (part !== "entry") return [document];
  const names = [...(path === undefined || path === "" ? ["/"] : path.split("/")), ...(inside ?? [])];
  return names.length <= deepest
    ? [document, ...names]
    : [document, ...names.slice(0, deepest - 1), names.slice(deepest - 1).join("/")];
}

/**
 * What search looks at, in lower case.
 * @param {Difference} difference
 */
export function searchTextOf({ where, a, b, format, grade }) {
  const place = placesOf(where).join("/");
  return `${place} ${where.field} ${format ?? ""} ${grade} ${a ?? ""} ${b ?? ""}`.toLowerCase();
}

/**
 * A directory with nothing but one other in it is one line with it: `usr/share/doc`. A file that differs in one thing is one line.
 * @param {Branch} node
 */
function join(node) {
  for (const child of node.children) join(child);
  if (node.level === 0 || node.parent?.level === 0) return;
  const [only, ...others] = node.children;
  if (only === undefined || others.length > 0) return;
  if (only.label !== "") node.label += `/${only.label}`;
  node.children = only.children;
  node.leaf = only.leaf;
  for (const child of node.children) child.parent = node;
}

/**
 * Numbers, counts and grades, from the ends to the root.
 * @param {Branch} node
 * @param {number} level
 * @param {readonly Difference[]} differences
 */
function settle(node, level, differences) {
  node.level = level;
  const difference = differences[node.leaf];
  node.count = difference === undefined ? 0 : 1;
  node.grade = difference === undefined ? 0 : gradeNames.indexOf(difference.grade);
  for (const [index, child] of node.children.entries()) {
    child.position = index + 1;
    settle(child, level + 1, differences);
    node.count += child.count;
    node.grade = Math.max(node.grade, child.grade);
  }
}

/**
 * The tree of some differences; documents in the order of the comparison, what is in them by name.
 * @param {readonly Difference[]} differences
 * @param {readonly number[]} chosen Their indexes.
 * @returns {Branch}
 */
export function treeOf(differences, chosen) {
  const root = branch("");
  root.level = 0;
  /** @type {Map<Branch, Map<string, Branch>>} */
  const known = new Map();
  for (const index of chosen) {
    const difference = differences[index];
    if (difference === undefined) continue;
    let node = root;
    for (const label of placesOf(difference.where)) {
      let names = known.get(node);
      if (names === undefined) known.set(node, (names = new Map()));
      let next = names.get(label);
      if (next === undefined) {
        next = branch(label, node);
        next.level = node.level + 1;
        names.set(label, next);
        node.children.push(next);
      }
      node = next;
    }
    const leaf = branch("", node);
    leaf.leaf = index;
    node.children.push(leaf);
  }
  for (const node of known.keys())
    if (node !== root) node.children.sort((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0));
  join(root);
  settle(root, 0, differences);
  root.expanded = true;
  return root;
}

/**
 * Opens everything while that stays a page or so, otherwise only the documents.
 * @param {Branch} root
 * @param {number} most
 */
export function openSome(root, most) {
  const all = root.count <= most;
  /** @param {Branch} node */
  const open = (node) => {
    node.expanded = true;
    if (all || node.level === 0) for (const child of node.children) open(child);
  };
  open(root);
}

/**
 * The nodes that are to be seen, from top to bottom.
 * @param {Branch} root
 * @returns {Branch[]}
 */
export function visibleOf(root) {
  /** @type {Branch[]} */
  const rows = [];
  /** @param {Branch} node */
  const visit = (node) => {
    for (const child of node.children) {
      rows.push(child);
      if (child.expanded) visit(child);
    }
  };
  visit(root);
  return rows;
}
