/** The directories of an image: each written once, before anything in it, with metadata that does not depend on who names it first. */
import { LockstepError } from "../host/errors.ts";
import { comparePaths, type DirectoryEntry, parentOf } from "../tree/entry.ts";

export interface DirectoryMetadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const plain: DirectoryMetadata = { mode: 0o755, uid: 0, gid: 0 };

function same(a: DirectoryMetadata, b: DirectoryMetadata): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}

export function showDirectory({ mode, uid, gid }: DirectoryMetadata): string {
  return `${mode.toString(8).padStart(4, "0")} ${uid}:${gid}`;
}

/** Directories that lower layers have, and those that the layer in work adds or changes. */
export class Directories {
  readonly #below: Map<string, DirectoryMetadata>;
  readonly #layer = new Map<string, { readonly metadata: DirectoryMetadata; readonly origin: string }>();

  constructor(below: ReadonlyMap<string, DirectoryMetadata> = new Map()) {
    this.#below = new Map(below);
  }

  has(path: string): boolean {
    return path === "" || this.#layer.has(path) || this.#below.has(path);
  }

  /**
   * A directory as an origin ships it. Many ship the same one: what is not 0755 root:root wins over what is, and two that differ
   * otherwise are a conflict (LS4202).
   */
  add(path: string, metadata: DirectoryMetadata, origin: string): void {
    const { mode, uid, gid } = metadata;
    const known = this.#layer.get(path);
    if (known === undefined || same(known.metadata, plain)) {
      this.#layer.set(path, { metadata: { mode, uid, gid }, origin });
    } else if (!same(metadata, plain) && !same(metadata, known.metadata)) {
      throw new LockstepError({
        code: "LS4202",
        message: `directory ${path} is ${showDirectory(known.metadata)} in ${known.origin} and ${showDirectory(metadata)} in ${origin}`,
      });
    }
  }

  /** A directory of an archive from elsewhere: where lower layers have one already, theirs stays as it is. */
  addNew(path: string, metadata: DirectoryMetadata, origin: string): void {
    if (!this.#below.has(path)) this.add(path, metadata, origin);
  }

  /** A directory as Lockstep itself makes it: it decides. */
  replace(path: string, metadata: DirectoryMetadata, origin: string): void {
    const { mode, uid, gid } = metadata;
    this.#layer.set(path, { metadata: { mode, uid, gid }, origin });
  }

  /** The directories above a path, where no one has named them: 0755, root. */
  addParents(path: string, origin: string): void {
    for (let parent = parentOf(path); !this.has(parent); parent = parentOf(parent)) this.add(parent, plain, origin);
  }

  /** What the layer has to say: directories that are new, or other than below; sorted. A plain mention never resets one from below. */
  entries(epoch: number, explicit: ReadonlySet<string> = new Set()): readonly DirectoryEntry[] {
    const found: DirectoryEntry[] = [];
    for (const [path, { metadata }] of this.#layer) {
      const below = this.#below.get(path);
      if (below !== undefined && (same(below, metadata) || (same(metadata, plain) && !explicit.has(path)))) continue;
      found.push({ type: "directory", path, ...metadata, mtime: epoch });
    }
    return found.toSorted((a, b) => comparePaths(a.path, b.path));
  }

  /** Everything there is once the layer is on top. */
  merged(): ReadonlyMap<string, DirectoryMetadata> {
    const all = new Map(this.#below);
    for (const { path, mode, uid, gid } of this.entries(0)) all.set(path, { mode, uid, gid });
    return all;
  }
}
