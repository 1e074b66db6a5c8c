/** The sizes of an image as a tree: its layers, and in each the packages that its files belong to. */
import type { SizeNode } from "../report/treemap.ts";
import type { Inventory } from "./inventory.ts";

/** What holds a file that belongs to no package: the first directory of its path, or the root. */
function elsewhere(path: string): string {
  const slash = path.indexOf("/");
  return slash < 0 ? "other files" : `other files in /${path.slice(0, slash)}`;
}

/** By what is seen in the image; what a layer holds and another one hides is not in it. */
export function sizesOf({ layers, tree, owners }: Inventory, name: string): SizeNode {
  const sums = layers.map(() => new Map<string, number>());
  for (const { path, node, file } of tree.files()) {
    const owner = owners.get(node);
    const label = owner === undefined ? elsewhere(path) : owner.name;
    const sum = sums[file.layer - 1];
    sum?.set(label, (sum.get(label) ?? 0) + file.size);
  }
  const children = sums.map((sum, index): SizeNode => {
    const packages = [...sum].map(([label, size]): SizeNode => ({ name: label, size }));
    return {
      name: `layer ${index + 1}`,
      size: packages.reduce((total, { size }) => total + size, 0),
      children: packages,
    };
  });
  return { name, size: children.reduce((total, { size }) => total + size, 0), children };
}
