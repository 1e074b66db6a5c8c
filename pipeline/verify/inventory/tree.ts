/** What is at which path of an image once its layers lie on each other. */
import { whiteoutOf } from "../../tree/whiteout.ts";

/** A file or a link; directories are nodes without one. */
export interface PlacedFile {
  /** Bytes that its layer holds of it. */
  readonly size: number;
  /** Number of the layer, from 1. */
  readonly layer: number;
  /** The content, where it is one of those that say which packages there are. */
  readonly content?: Buffer;
}

export interface TreeNode {
  readonly children: Map<string, TreeNode>;
  file?: PlacedFile;
}

export interface PlacedPath {
  readonly path: string;
  readonly node: TreeNode;
  readonly file: PlacedFile;
}

/** Longer names no Linux can open (PATH_MAX); without a limit, few bytes of an archive would take much memory here. */
const longestPath = 4096;
/** Nodes of a tree; an image with more is an attack on memory. */
const mostNodes = 3_000_000;

function partsOf(path: string): readonly string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

export class FileTree {
  readonly root: TreeNode = { children: new Map() };
  #nodes = 0;

  /** The node at a path; undefined when there is none. */
  find(path: string): TreeNode | undefined {
    let here: TreeNode | undefined = this.root;
    for (const part of partsOf(path)) here = here?.children.get(part);
    return here;
  }

  /** Whether there was room for it. Anything but a directory replaces what was below its path. */
  put(path: string, file: PlacedFile | undefined): boolean {
    if (path.length > longestPath) return false;
    let here = this.root;
    for (const part of partsOf(path)) {
      let next = here.children.get(part);
      if (next === undefined) {
        if (this.#nodes === mostNodes) return false;
        this.#nodes++;
        next = { children: new Map() };
        here.children.set(part, next);
        delete here.file;
      }
      here = next;
    }
    if (here === this.root) return true;
    if (file === undefined) delete here.file;
    else {
      here.file = file;
      here.children.clear();
    }
    return true;
  }

  /** Takes away what a whiteout of a layer says (OCI image-spec, layer.md, "Whiteouts"). Whether it was one. */
  remove(path: string): boolean {
    const gone = whiteoutOf(partsOf(path).join("/"));
    if (gone === undefined) return false;
    if (gone === "nothing") return true;
    if (gone.opaque !== undefined) this.find(gone.opaque)?.children.clear();
    if (gone.removed !== undefined) {
      const slash = gone.removed.lastIndexOf("/");
      this.find(gone.removed.slice(0, Math.max(slash, 0)))?.children.delete(gone.removed.slice(slash + 1));
    }
    return true;
  }

  /** Every file with its path, directories in the order in which they came to be. */
  *files(): Generator<PlacedPath, void> {
    const open: { readonly path: string; readonly node: TreeNode }[] = [{ path: "", node: this.root }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { path, node } = next;
      if (node.file !== undefined) yield { path, node, file: node.file };
      for (const [name, child] of node.children)
        open.push({ path: path === "" ? name : `${path}/${name}`, node: child });
    }
  }
}
