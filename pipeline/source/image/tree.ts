/** The tree of a base image: its layers on each other, as a runtime would unpack them (OCI image-spec, layer.md "Applying Changesets"). */
import { LockstepError } from "../../host/errors.ts";
import type { LayerEntry, LayerFacts } from "./layer.ts";

interface Node {
  readonly entry: LayerEntry;
  /** Of directories. */
  readonly children: Map<string, Node>;
}

function node(entry: LayerEntry): Node {
  return { entry, children: new Map() };
}

/** Directories that no entry names: what runtimes make of them. */
function implied(path: string): LayerEntry {
  return { path, type: "directory", mode: 0o755, uid: 0, gid: 0 };
}

export class BaseTree {
  readonly #root = node(implied(""));

  /** Puts a layer on top. `name` is what problems call it: LS2808 for an entry below something that is no directory. */
  apply(facts: LayerFacts, name: string): void {
    // A layer takes away only from the layers below it, wherever in the archive it says so.
    for (const path of facts.opaque) this.#at(path)?.children.clear();
    for (const path of facts.removed) this.#remove(path);
    for (const entry of facts.entries) this.#put(entry, name);
  }

  find(path: string): LayerEntry | undefined {
    return this.#at(path)?.entry;
  }

  /** Everything but the root; a directory before what is in it. */
  *entries(): Generator<LayerEntry, void> {
    const open = [this.#root];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const child of next.children.values()) {
        yield child.entry;
        if (child.children.size > 0) open.push(child);
      }
    }
  }

  #at(path: string): Node | undefined {
    let here: Node | undefined = this.#root;
    if (path === "") return here;
    for (const part of path.split("/")) here = here?.children.get(part);
    return here;
  }

  #remove(path: string): void {
    const slash = path.lastIndexOf("/");
    this.#at(path.slice(0, Math.max(slash, 0)))?.children.delete(path.slice(slash + 1));
  }

  #put(entry: LayerEntry, layer: string): void {
    const parts = entry.path.split("/");
    const name = parts.pop() ?? "";
    let here = this.#root;
    let path = "";
    for (const part of parts) {
      path = path === "" ? part : `${path}/${part}`;
      let next = here.children.get(part);
      if (next === undefined) {
        next = node(implied(path));
        here.children.set(part, next);
      }
      if (next.entry.type !== "directory") {
        throw new LockstepError({
          code: "LS2808",
          message: `${entry.path} lies below ${path}, which is a ${next.entry.type === "symlink" ? "symbolic link" : "file"}; runtimes disagree on where it goes`,
          place: { file: layer },
          hint: "use a base that names the real path",
        });
      }
      here = next;
    }
    const old = here.children.get(name);
    // A directory on a directory changes its metadata and keeps what is in it; everything else replaces all there was.
    const keep = entry.type === "directory" && old?.entry.type === "directory";
    here.children.set(name, keep ? { entry, children: old.children } : node(entry));
  }
}
