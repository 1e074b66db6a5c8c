/** Two releases side by side: sizes of layers, files and packages, and what came, went, grew and shrank; also where nothing is wrong. */
import type { Ecosystem } from "../../advisory/affects.ts";
import { comparePaths } from "../../tree/entry.ts";
import type { Compared } from "../compare/comparison.ts";
import type { Unread } from "../compare/finding.ts";
import type { Inventory, LayerSize } from "./inventory.ts";
import { type InstalledPackage, type PackageKind, packageKinds } from "./packages.ts";

/** Number of things and their bytes. */
export interface Amount {
  readonly count: number;
  readonly size: number;
}

export interface ImageSize {
  /** Bytes of all layers as they are downloaded. */
  readonly download: number;
  /** What can be seen in the image. */
  readonly files: Amount;
  readonly packages: number;
}

export interface LayerChange {
  /** From 1. */
  readonly number: number;
  readonly a?: LayerSize;
  readonly b?: LayerSize;
}

export interface PackageSide {
  readonly version: string;
  readonly size: number;
}

export interface PackageChange {
  readonly kind: PackageKind;
  readonly name: string;
  /** `version`: both versions have no order; `size`: the same version with other bytes of files. */
  readonly change: "added" | "removed" | "upgraded" | "downgraded" | "version" | "size";
  readonly a?: PackageSide;
  readonly b?: PackageSide;
}

export interface FileChange {
  readonly path: string;
  /** Bytes. */
  readonly a?: number;
  readonly b?: number;
}

export interface FileChanges {
  readonly added: Amount;
  readonly removed: Amount;
  /** The size is how much they grew or shrank. */
  readonly grown: Amount;
  readonly shrunk: Amount;
  /** Those that changed most, the largest change first. */
  readonly largest: readonly FileChange[];
}

export interface ImageChange {
  readonly platform?: string;
  readonly a?: ImageSize;
  readonly b?: ImageSize;
  readonly layers: readonly LayerChange[];
  readonly packages: readonly PackageChange[];
  readonly files: FileChanges;
}

/** What `lockstep report --json` has as its result. */
export interface ReleaseReport {
  /** Version of this document. */
  readonly schema: 1;
  readonly a: Compared;
  readonly b: Compared;
  readonly images: readonly ImageChange[];
  /** What could not be read, so that more may have changed there. */
  readonly unread: { readonly a: readonly Unread[]; readonly b: readonly Unread[] };
}

/** Files in `largest`. */
const mostFiles = 200;

const ecosystemOf: Readonly<Record<PackageKind, string>> = { debian: "Debian", npm: "npm", python: "PyPI" };

export type Ecosystems = ReadonlyMap<string, Ecosystem>;

function sideOf({ version, size }: InstalledPackage): PackageSide {
  return { version, size };
}

function changeOf(a: InstalledPackage, b: InstalledPackage, ecosystems: Ecosystems): PackageChange["change"] {
  if (a.version === b.version) return "size";
  const order = ecosystems.get(ecosystemOf[a.kind])?.order(a.version, b.version);
  return order === undefined || order === 0 ? "version" : order < 0 ? "upgraded" : "downgraded";
}

/** Packages of one name: those of equal version belong together, the others in their order, and what is left came or went. */
function compareNamed(
  a: readonly InstalledPackage[],
  b: readonly InstalledPackage[],
  ecosystems: Ecosystems,
): readonly PackageChange[] {
  const left = [...a];
  const right = [...b];
  const changes: PackageChange[] = [];
  const pair = (x: InstalledPackage, y: InstalledPackage): void => {
    if (x.version !== y.version || x.size !== y.size)
      changes.push({ kind: x.kind, name: x.name, change: changeOf(x, y, ecosystems), a: sideOf(x), b: sideOf(y) });
  };
  for (const x of a) {
    const at = right.findIndex(({ version }) => version === x.version);
    const [y] = at < 0 ? [] : right.splice(at, 1);
    if (y === undefined) continue;
    left.splice(left.indexOf(x), 1);
    pair(x, y);
  }
  for (const x of left.splice(0, Math.min(left.length, right.length))) {
    const y = right.shift();
    if (y !== undefined) pair(x, y);
  }
  return [
    ...changes,
    ...left.map((x) => ({ kind: x.kind, name: x.name, change: "removed", a: sideOf(x) }) as const),
    ...right.map((y) => ({ kind: y.kind, name: y.name, change: "added", b: sideOf(y) }) as const),
  ];
}

/** By kind and name. */
function comparePackages(
  a: readonly InstalledPackage[],
  b: readonly InstalledPackage[],
  ecosystems: Ecosystems,
): readonly PackageChange[] {
  const key = ({ kind, name }: InstalledPackage): string =>
    `${packageKinds.indexOf(kind)} ${ecosystems.get(ecosystemOf[kind])?.nameOf(name) ?? name}`;
  const [left, right] = [Map.groupBy(a, key), Map.groupBy(b, key)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .toSorted(comparePaths)
    .flatMap((name) => compareNamed(left.get(name) ?? [], right.get(name) ?? [], ecosystems));
}

function sizesOf(inventory: Inventory | undefined): ReadonlyMap<string, number> {
  return new Map(inventory === undefined ? [] : [...inventory.tree.files()].map(({ path, file }) => [path, file.size]));
}

function compareFiles(a: Inventory | undefined, b: Inventory | undefined): FileChanges {
  const [left, right] = [sizesOf(a), sizesOf(b)];
  const changes: FileChange[] = [];
  for (const [path, size] of left) {
    const other = right.get(path);
    if (other !== size) changes.push({ path, a: size, ...(other === undefined ? {} : { b: other }) });
  }
  for (const [path, size] of right) if (!left.has(path)) changes.push({ path, b: size });
  const by = ({ a: before = 0, b: after = 0 }: FileChange): number => after - before;
  const amount = (all: readonly FileChange[]): Amount => ({
    count: all.length,
    size: all.reduce((sum, change) => sum + Math.abs(by(change)), 0),
  });
  const both = changes.filter((change) => change.a !== undefined && change.b !== undefined);
  return {
    added: amount(changes.filter((change) => change.a === undefined)),
    removed: amount(changes.filter((change) => change.b === undefined)),
    grown: amount(both.filter((change) => by(change) > 0)),
    shrunk: amount(both.filter((change) => by(change) < 0)),
    largest: changes
      .toSorted((x, y) => Math.abs(by(y)) - Math.abs(by(x)) || comparePaths(x.path, y.path))
      .slice(0, mostFiles),
  };
}

function imageSize({ layers, tree, packages }: Inventory): ImageSize {
  let [count, size] = [0, 0];
  for (const { file } of tree.files()) {
    count++;
    size += file.size;
  }
  const download = layers.reduce((sum, layer) => sum + layer.download, 0);
  return { download, files: { count, size }, packages: packages.length };
}

/** Compares the inventories of one platform; one side may have none. */
export function compareImages(a: Inventory | undefined, b: Inventory | undefined, ecosystems: Ecosystems): ImageChange {
  const platform = a?.platform ?? b?.platform;
  const numbers = Math.max(a?.layers.length ?? 0, b?.layers.length ?? 0);
  return {
    ...(platform === undefined ? {} : { platform }),
    ...(a === undefined ? {} : { a: imageSize(a) }),
    ...(b === undefined ? {} : { b: imageSize(b) }),
    layers: Array.from({ length: numbers }, (_, index): LayerChange => {
      const [x, y] = [a?.layers[index], b?.layers[index]];
      return { number: index + 1, ...(x === undefined ? {} : { a: x }), ...(y === undefined ? {} : { b: y }) };
    }),
    packages: comparePackages(a?.packages ?? [], b?.packages ?? [], ecosystems),
    files: compareFiles(a, b),
  };
}
