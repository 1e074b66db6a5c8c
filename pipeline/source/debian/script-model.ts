/** What a maintainer script would find when it looks around, and what it would have changed: a file system without contents, in memory. */
import { comparePaths, type Entry, parentOf } from "../../tree/entry.ts";
import { Accounts } from "./accounts.ts";
import type { PackageFacts } from "./facts.ts";

export interface Node {
  readonly type: Entry["type"];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** A symlink's text. */
  readonly target?: string;
  /** A file's content where it is known: what scripts wrote, and the small files that are kept with a package's facts. */
  readonly content?: Buffer;
  /** Whether it has no attributes that tools would see (`security.capability`). */
  readonly plain: boolean;
  /** Whether a package ships it; else a script or Lockstep made it. */
  readonly shipped: boolean;
}

/** A link group of update-alternatives(1) as one package offers it. */
export interface Alternative {
  readonly name: string;
  readonly link: string;
  readonly path: string;
  readonly priority: number;
  readonly slaves: readonly { readonly name: string; readonly link: string; readonly path: string }[];
  /** The package that offers it. */
  readonly origin: string;
}

/** A diversion (dpkg-divert(1)), with absolute paths as the script gave them. */
export interface Diversion {
  readonly from: string;
  readonly to: string;
  /** The package whose files are not diverted; `:` for a local diversion, as dpkg stores it. */
  readonly by: string;
}

/** What is changed of something that a package ships. */
export interface Override {
  readonly path: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

const linkLimit = 40;
/** PATH_MAX of Linux. */
const pathLimit = 4096;

/** The path without leading slash, `.`, empty components and `..` (which stays inside the root). */
export function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

export class ImageModel {
  readonly architecture: string;
  readonly packages: ReadonlyMap<string, PackageFacts>;
  readonly accounts = new Accounts();
  readonly alternatives: Alternative[] = [];
  readonly statOverrides = new Map<string, { readonly user: string; readonly group: string; readonly mode: string }>();
  /** Triggers that scripts set off by name. */
  readonly triggers = new Set<string>();
  /** Shells that packages add to /etc/shells, absolute. */
  readonly shells: string[] = [];
  #diversions: readonly Diversion[] = [];
  readonly #nodes = new Map<string, Node>();
  readonly #overrides = new Map<string, Override>();
  readonly #removed = new Set<string>();

  constructor(packages: readonly PackageFacts[], architecture: string) {
    this.architecture = architecture;
    this.packages = new Map(packages.map((facts) => [facts.control["Package"] ?? "", facts]));
    this.#nodes.set("", { type: "directory", mode: 0o755, uid: 0, gid: 0, plain: true, shipped: true });
    for (const facts of packages) {
      for (const entry of facts.entries) {
        // Several packages ship the same directory; a link that one of them ships in its place wins, as it does on disk.
        if (entry.type === "directory" && this.#nodes.has(entry.path)) continue;
        const content = facts.contents[entry.path];
        this.#nodes.set(entry.path, {
          type: entry.type,
          mode: entry.mode,
          uid: entry.uid,
          gid: entry.gid,
          plain: entry.xattrs === undefined,
          shipped: true,
          ...(entry.type === "symlink" ? { target: entry.target } : {}),
          ...(content === undefined ? {} : { content: Buffer.from(content, "base64") }),
        });
      }
    }
  }

  get diversions(): readonly Diversion[] {
    return this.#diversions;
  }

  divert(diversion: Diversion): void {
    this.#diversions = [...this.#diversions.filter(({ from }) => from !== diversion.from), diversion];
  }

  undivert(from: string): void {
    this.#diversions = this.#diversions.filter((diversion) => diversion.from !== from);
  }

  /**
   * Where a path leads: every symlink on the way is followed, the last one only when `follow`. Undefined when links go round in circles.
   * What is found need not exist.
   */
  resolve(path: string, follow: boolean): string | undefined {
    if (path.length > pathLimit) return undefined;
    let rest = normalise(path).split("/");
    let at = "";
    let links = 0;
    while (rest.length > 0) {
      const [part = "", ...more] = rest;
      const next = at === "" ? part : `${at}/${part}`;
      const node = this.#nodes.get(next);
      if (node?.target !== undefined && (follow || more.length > 0)) {
        if (++links > linkLimit) return undefined;
        const target = node.target.startsWith("/") ? node.target : `${at}/${node.target}`;
        rest = [...normalise(target).split("/"), ...more];
        at = "";
      } else {
        at = next;
        rest = more;
      }
    }
    return at;
  }

  /** What is at a path; with `follow`, a last symlink is followed. */
  find(path: string, follow = true): Node | undefined {
    const resolved = this.resolve(path, follow);
    return resolved === undefined ? undefined : this.#nodes.get(resolved);
  }

  /** Makes something, and the directories above it where they are missing. What a package ships of another kind is replaced. */
  put(path: string, node: Omit<Node, "shipped" | "plain">): void {
    const at = this.resolve(path, false);
    if (at === undefined || at === "") return;
    this.#parents(parentOf(at));
    if (node.type === "directory") this.#removed.delete(at);
    this.#overrides.delete(at);
    this.#nodes.set(at, { ...node, plain: true, shipped: false });
  }

  #parents(path: string): void {
    if (path === "" || this.#nodes.has(path)) return;
    this.#parents(parentOf(path));
    this.#nodes.set(path, { type: "directory", mode: 0o755, uid: 0, gid: 0, plain: true, shipped: false });
  }

  /** Changes owner or mode of what is there; links are followed. False when nothing is there. */
  change(path: string, change: { readonly mode?: number; readonly uid?: number; readonly gid?: number }): boolean {
    const at = this.resolve(path, true);
    const node = at === undefined ? undefined : this.#nodes.get(at);
    if (at === undefined || node === undefined) return false;
    const changed = { ...node, ...change };
    if (changed.mode === node.mode && changed.uid === node.uid && changed.gid === node.gid) return true;
    this.#nodes.set(at, changed);
    if (node.shipped) this.#overrides.set(at, { ...this.#overrides.get(at), path: at, ...change });
    return true;
  }

  /** Removes a file, a link or an empty directory. False when a package ships it as anything but a directory, or it is not empty. */
  remove(path: string): boolean {
    const at = this.resolve(path, false);
    const node = at === undefined ? undefined : this.#nodes.get(at);
    if (at === undefined || node === undefined) return true;
    if (node.shipped && node.type !== "directory") return false;
    if (node.type === "directory" && this.#hasChildren(at)) return false;
    this.#nodes.delete(at);
    this.#overrides.delete(at);
    if (node.shipped) this.#removed.add(at);
    return true;
  }

  #hasChildren(path: string): boolean {
    return this.glob(`/${path}/`, /./).length > 0;
  }

  /** Absolute paths that begin with `start` and match a pattern, in the order of paths. */
  glob(start: string, pattern: RegExp): readonly string[] {
    const found: string[] = [];
    const prefix = start.slice(1);
    for (const path of this.#nodes.keys())
      if (path.startsWith(prefix) && pattern.test(`/${path}`)) found.push(`/${path}`);
    return found.toSorted(comparePaths);
  }

  /** Everything that was made, by path. */
  get made(): ReadonlyMap<string, Node> {
    return new Map([...this.#nodes].filter(([, node]) => !node.shipped));
  }

  get overrides(): readonly Override[] {
    return [...this.#overrides.values()];
  }

  /** Directories that packages ship and that are gone, or something else. */
  get removed(): readonly string[] {
    return [...this.#removed].toSorted(comparePaths);
  }

  /** The program a name on the PATH of maintainer scripts leads to, absolute. */
  program(name: string): string | undefined {
    const candidates = name.includes("/") ? [name] : [`/usr/sbin/${name}`, `/usr/bin/${name}`];
    return candidates.find((path) => {
      const node = this.find(path);
      return node !== undefined && node.type !== "directory" && (node.mode & 0o111) !== 0;
    });
  }
}
