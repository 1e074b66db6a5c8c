/** Which packages are in an image, told from the files that package managers leave, and which files belong to each. */
import { parseDeb822 } from "../../source/debian/deb822.ts";
import { parseRecord } from "../../source/python/record.ts";
import { messageOf } from "../../host/errors.ts";
import { comparePaths } from "../../tree/entry.ts";
import type { FileTree, PlacedPath, TreeNode } from "./tree.ts";

export const packageKinds = ["debian", "npm", "python"] as const;
export type PackageKind = (typeof packageKinds)[number];

export interface InstalledPackage {
  readonly kind: PackageKind;
  readonly name: string;
  readonly version: string;
  /** The directory or file that says so. */
  readonly path: string;
  /** Bytes of its files. */
  readonly size: number;
  readonly files: number;
}

export interface PackageListing {
  readonly packages: readonly InstalledPackage[];
  /** The package of each file that has one. */
  readonly owners: ReadonlyMap<TreeNode, InstalledPackage>;
  /** Files about packages that could not be understood, with the reason. */
  readonly unread: readonly { readonly path: string; readonly reason: string }[];
}

/** Files whose contents are needed. */
const telling =
  /^var\/lib\/dpkg\/(?:status|status\.d\/[^/]+|info\/[^/]+\.(?:list|md5sums))$|(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@][^/]*\/package\.json$|(?:^|\/)[^/]+\.dist-info\/(?:METADATA|RECORD)$/;

/** Whether the content of a path says something about packages. */
export function tells(path: string): boolean {
  return telling.test(path);
}

interface Found {
  readonly kind: PackageKind;
  readonly name: string;
  readonly version: string;
  readonly path: string;
  readonly at: TreeNode;
  readonly nodes: Set<TreeNode>;
}

/** A field of a header: one line, of some length, as names and versions are. */
function short(text: string | undefined): string | undefined {
  return text !== undefined && text !== "" && text.length <= 256 && !/[\r\n]/.test(text) ? text : undefined;
}

function packageJson(text: string): { readonly name: string; readonly version: string } | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) return undefined;
  const { name, version } = value as Readonly<Record<string, unknown>>;
  const [named, numbered] = [name, version].map((field) => short(typeof field === "string" ? field : undefined));
  return named === undefined || numbered === undefined ? undefined : { name: named, version: numbered };
}

/** The node of a path of a package; on systems with merged directories `/bin/x` is `/usr/bin/x`. */
function installed(tree: FileTree, path: string): TreeNode | undefined {
  const plain = tree.find(path);
  return plain?.file === undefined && /^\/?(?:bin|sbin|lib\w*)\//.test(path) ? tree.find(`usr/${path}`) : plain;
}

class Packages {
  readonly found: Found[] = [];
  readonly unread: { readonly path: string; readonly reason: string }[] = [];
  readonly #tree: FileTree;

  constructor(tree: FileTree) {
    this.#tree = tree;
  }

  #text(path: string): string | undefined {
    return this.#tree.find(path)?.file?.content?.toString("utf8");
  }

  debian({ path, node }: PlacedPath, text: string): void {
    for (const { stanza } of parseDeb822(text).stanzas) {
      const [name, version] = [short(stanza.get("Package")), short(stanza.get("Version"))];
      if (
        name === undefined ||
        version === undefined ||
        / (?:not-installed|config-files)$/.test(stanza.get("Status") ?? "")
      )
        continue;
      const one: Found = { kind: "debian", name, version, path, at: node, nodes: new Set() };
      const base = `var/lib/dpkg/info/${name}`;
      const named = [base, `${base}:${stanza.get("Architecture") ?? ""}`];
      const list = named.map((info) => this.#text(`${info}.list`)).find((lines) => lines !== undefined);
      const sums = [...named.map((info) => `${info}.md5sums`), `${path}.md5sums`];
      const sum = sums.map((info) => this.#text(info)).find((lines) => lines !== undefined) ?? "";
      const paths = list?.split("\n") ?? sum.split("\n").map((line) => line.slice(34));
      for (const file of paths) {
        const owned = file === "" ? undefined : installed(this.#tree, file);
        if (owned?.file !== undefined) one.nodes.add(owned);
      }
      this.found.push(one);
    }
  }

  npm({ path, node }: PlacedPath, text: string): void {
    const named = packageJson(text);
    const directory = path.slice(0, -"/package.json".length);
    if (named !== undefined) this.found.push({ kind: "npm", ...named, path: directory, at: node, nodes: new Set() });
  }

  python({ path, node }: PlacedPath, text: string): void {
    const head = text.split(/\r?\n\r?\n/)[0] ?? "";
    const field = (name: string): string | undefined =>
      short(new RegExp(`^${name}:[ \\t]*(.*?)[ \\t\\r]*$`, "im").exec(head)?.[1]);
    const [name, version] = [field("Name"), field("Version")];
    if (name === undefined || version === undefined) return;
    const directory = path.slice(0, -"/METADATA".length);
    const site = directory.slice(0, directory.lastIndexOf("/") + 1);
    const nodes = new Set<TreeNode>();
    const record = this.#text(`${directory}/RECORD`) ?? "";
    for (const file of parseRecord(record, { file: `${directory}/RECORD` }).keys()) {
      const owned = file.startsWith("..") ? undefined : this.#tree.find(file.startsWith("/") ? file : site + file);
      if (owned?.file !== undefined) nodes.add(owned);
    }
    this.found.push({ kind: "python", name, version, path: directory, at: node, nodes });
  }

  read(file: PlacedPath): void {
    const content = file.file.content;
    if (content === undefined) return;
    const text = content.toString("utf8");
    try {
      if (/^var\/lib\/dpkg\/status(?:\.d\/[^/]+(?<!\.md5sums))?$/.test(file.path)) this.debian(file, text);
      else if (file.path.endsWith("/package.json")) this.npm(file, text);
      else if (file.path.endsWith(".dist-info/METADATA")) this.python(file, text);
    } catch (error) {
      this.unread.push({ path: file.path, reason: messageOf(error).split("\n")[0] ?? "" });
    }
  }
}

/** Gives each file in the directory of an npm package to it, but not those of the packages nested in it. */
function fillDirectories(tree: FileTree, found: readonly Found[]): void {
  const roots = new Map<TreeNode, Found>();
  for (const one of found) {
    const node = one.kind === "npm" ? tree.find(one.path) : undefined;
    if (node !== undefined) roots.set(node, one);
  }
  if (roots.size === 0) return;
  const open: { readonly node: TreeNode; readonly owner: Found | undefined }[] = [
    { node: tree.root, owner: undefined },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const owner = roots.get(next.node) ?? next.owner;
    if (next.node.file !== undefined) owner?.nodes.add(next.node);
    for (const child of next.node.children.values()) open.push({ node: child, owner });
  }
}

/**
 * The packages of an image, by kind, name and version. What a Debian package brings of another kind (a module of Python) is the Debian
 * package's, and a file belongs to one package.
 */
export function packagesOf(tree: FileTree): PackageListing {
  const reader = new Packages(tree);
  for (const file of tree.files()) reader.read(file);
  fillDirectories(tree, reader.found);
  const debian = new Set(reader.found.filter(({ kind }) => kind === "debian").flatMap(({ nodes }) => [...nodes]));
  const own = reader.found.filter(({ kind, at }) => kind === "debian" || !debian.has(at));
  const taken = new Set<TreeNode>();
  const owners = new Map<TreeNode, InstalledPackage>();
  const ordered = own.toSorted(
    (a, b) =>
      packageKinds.indexOf(a.kind) - packageKinds.indexOf(b.kind) ||
      comparePaths(a.name, b.name) ||
      comparePaths(a.version, b.version) ||
      comparePaths(a.path, b.path),
  );
  const packages = ordered.map(({ kind, name, version, path, nodes }): InstalledPackage => {
    const mine = [...nodes].filter((node) => !taken.has(node));
    const size = mine.reduce((sum, { file }) => sum + (file?.size ?? 0), 0);
    const made = { kind, name, version, path, size, files: mine.length };
    for (const node of mine) {
      taken.add(node);
      owners.set(node, made);
    }
    return made;
  });
  return { packages, owners, unread: reader.unread };
}
