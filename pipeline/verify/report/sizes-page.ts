/** Layers and packages by size, of both sides, as treemaps and as a table. */
import { humanBytes } from "../../report/format.ts";
import { type Markup, join, markup } from "./markup.ts";
import { divide, type Rectangle, type SizeNode } from "./treemap.ts";

export interface Sizes {
  readonly a: SizeNode;
  readonly b: SizeNode;
}

/** Units of the drawing, which is scaled to the page. */
const whole: Rectangle = { x: 0, y: 0, width: 600, height: 400 };
const titleHeight = 16;
const gap = 2;
/** Rectangles of one layer; the smallest are one together. */
const mostPackages = 150;
const mostRows = 500;

type Change = "same" | "grown" | "shrunk" | "added" | "removed";

/** A package in all layers of one side together: it may have moved from one layer to another. */
interface Together {
  size: number;
  readonly layers: string[];
}

type Known = ReadonlyMap<string, Together>;

function packagesOf({ name, size, children }: SizeNode): readonly SizeNode[] {
  return children === undefined || children.length === 0 ? [{ name, size }] : children;
}

function knownOf(node: SizeNode): Known {
  const known = new Map<string, Together>();
  for (const layer of node.children ?? [node])
    for (const { name, size } of packagesOf(layer)) {
      const together = known.get(name) ?? { size: 0, layers: [] };
      together.size += size;
      together.layers.push(layer.name);
      known.set(name, together);
    }
  return known;
}

interface KnownSides {
  readonly a: Known;
  readonly b: Known;
}

function changeOf(before: number | undefined, after: number | undefined): Change {
  if (before === undefined) return "added";
  if (after === undefined) return "removed";
  return after > before ? "grown" : after < before ? "shrunk" : "same";
}

/** By size, the largest first; what is too small to be seen is one. */
function ranked(nodes: readonly SizeNode[]): readonly SizeNode[] {
  const sorted = nodes.filter(({ size }) => size > 0).toSorted((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
  const rest = sorted.slice(mostPackages);
  if (rest.length < 2) return sorted;
  const size = rest.reduce((sum, node) => sum + node.size, 0);
  return [...sorted.slice(0, mostPackages), { name: `${rest.length} smaller ones`, size }].toSorted(
    (a, b) => b.size - a.size,
  );
}

function drawing({ x, y, width, height }: Rectangle, kind: string, title: string, label: string): Markup {
  const at = markup`x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${Math.max(0, width).toFixed(1)}" height="${Math.max(0, height).toFixed(1)}"`;
  const words = width > 30 && height > 12 ? markup`<text x="4" y="11">${label}</text>` : "";
  return markup`<svg ${at} class="${kind}"><title>${title}</title><rect width="100%" height="100%"/>${words}</svg>`;
}

function layerDrawing(layer: SizeNode, place: Rectangle, known: KnownSides): Markup {
  const packages = ranked(packagesOf(layer));
  const inner: Rectangle = {
    x: place.x + gap,
    y: place.y + titleHeight,
    width: place.width - 2 * gap,
    height: place.height - titleHeight - gap,
  };
  const places = divide(
    inner,
    packages.map(({ size }) => size),
  );
  const drawn = packages.flatMap(({ name, size }, index) => {
    const at = places[index];
    if (at === undefined || at.width < 0.5 || at.height < 0.5) return [];
    const change = changeOf(known.a.get(name)?.size, known.b.get(name)?.size);
    return [drawing(at, change, `${layer.name}, ${name}: ${humanBytes(size)}, ${change}`, name)];
  });
  const title = `${layer.name} ${humanBytes(layer.size)}`;
  return markup`${drawing(place, "layer", title, title)}${join(drawn)}`;
}

/** One side; its area is in proportion to its size, and that of the larger side is the whole. */
function treemap(name: "A" | "B", node: SizeNode, other: SizeNode, known: KnownSides): Markup {
  const factor = Math.sqrt(node.size / Math.max(node.size, other.size, 1));
  const layers = ranked(node.children ?? [node]);
  const places = divide(
    { ...whole, width: whole.width * factor, height: whole.height * factor },
    layers.map(({ size }) => size),
  );
  const drawn = layers.flatMap((layer, index) => {
    const place = places[index];
    return place === undefined ? [] : [layerDrawing(layer, place, known)];
  });
  return markup`<figure><figcaption>${name}: ${node.name}, ${humanBytes(node.size)}</figcaption>
<svg class="treemap" viewBox="0 0 ${whole.width} ${whole.height}" role="img" aria-label="treemap of ${name} by size; the table below says the same">${join(drawn)}</svg></figure>`;
}

interface SizeRow {
  readonly name: string;
  readonly a: Together | undefined;
  readonly b: Together | undefined;
}

/** What changed most first, then what is largest. */
function rowsOf({ a, b }: KnownSides): readonly SizeRow[] {
  const rows = [...new Set([...a.keys(), ...b.keys()])].map((name) => ({ name, a: a.get(name), b: b.get(name) }));
  const moved = (row: SizeRow): number => Math.abs((row.b?.size ?? 0) - (row.a?.size ?? 0));
  const largest = (row: SizeRow): number => Math.max(row.a?.size ?? 0, row.b?.size ?? 0);
  return rows.toSorted((one, two) => moved(two) - moved(one) || largest(two) - largest(one));
}

function layersOf(together: Together | undefined): string {
  const [first, ...others] = together?.layers ?? [];
  return first === undefined ? "" : others.length === 0 ? first : `${first} and ${others.length} more`;
}

function tableOf(known: KnownSides): Markup {
  const rows = rowsOf(known);
  const size = (together: Together | undefined): string => (together === undefined ? "–" : humanBytes(together.size));
  const body = rows
    .slice(0, mostRows)
    .map(
      ({ name, a, b }) =>
        markup`<tr><td>${name}</td><td>${layersOf(a)}</td><td>${layersOf(b)}</td><td class="number">${size(a)}</td><td class="number">${size(b)}</td><td>${changeOf(a?.size, b?.size)}</td></tr>`,
    );
  return markup`<details><summary>As a table, what changed most first</summary>
<table><thead><tr><th scope="col">package</th><th scope="col">in A</th><th scope="col">in B</th><th scope="col">A</th><th scope="col">B</th><th scope="col">change</th></tr></thead><tbody>${join(body)}</tbody></table>
${rows.length > mostRows ? markup`<p>… ${rows.length - mostRows} more.</p>` : ""}</details>`;
}

/** All platforms that both sides have. */
export function sizesSection(all: readonly Sizes[]): Markup {
  if (all.length === 0) return join([]);
  const legend = (["same", "grown", "shrunk", "added", "removed"] as const).map(
    (change) =>
      markup`<li><svg viewBox="0 0 12 12" class="${change}" aria-hidden="true"><rect width="12" height="12"/></svg> ${change}</li>`,
  );
  const drawn = all.map(({ a, b }) => {
    const known = { a: knownOf(a), b: knownOf(b) };
    return markup`<div class="treemaps">${treemap("A", a, b, known)}${treemap("B", b, a, known)}</div>\n${tableOf(known)}`;
  });
  return markup`<section aria-labelledby="sizes"><h2 id="sizes">Sizes</h2>
<p>Files as they are seen in the image, by layer and package; areas are in proportion.</p>
<ul class="legend">${join(legend)}</ul>
${join(drawn)}
</section>`;
}
