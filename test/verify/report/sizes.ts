/** Sizes of two releases that were made up: packages that stay, grow, shrink, come and go. */
import type { Sizes } from "../../../pipeline/verify/report/sizes-page.ts";
import type { SizeNode } from "../../../pipeline/verify/report/treemap.ts";

function node(name: string, children: readonly SizeNode[]): SizeNode {
  return { name, children, size: children.reduce((sum, { size }) => sum + size, 0) };
}

const base = Array.from({ length: 30 }, (_, n) => ({ name: `lib${n}`, size: 40_000 * ((n * 7) % 31) + 1000 }));

export const sizes: Sizes = {
  a: node("web 1.2", [
    node("layer 1", base),
    node("layer 2", [
      { name: "app", size: 900_000 },
      { name: "<old>", size: 300_000 },
    ]),
  ]),
  b: node("web 1.3", [
    node(
      "layer 1",
      base.map(({ name, size }, n) => ({ name, size: n % 9 === 0 ? size * 2 : n % 7 === 0 ? size / 2 : size })),
    ),
    node("layer 2", [
      { name: "app", size: 990_000 },
      { name: "new & shiny", size: 700_000 },
    ]),
  ]),
};
