/** Who depends on whom in a package lock, by the rule with which Node finds modules. */
import type { NpmEntry, PackageLock } from "./package-lock.ts";

export interface Edge {
  readonly from: NpmEntry;
  readonly name: string;
  /** Undefined when nothing is found. */
  readonly to: NpmEntry | undefined;
  readonly kind: "prod" | "dev" | "optional" | "peer" | "peerOptional" | "workspace";
}

export interface Graph {
  readonly out: (entry: NpmEntry) => readonly Edge[];
  readonly into: (entry: NpmEntry) => readonly Edge[];
}

/** Whether the edge may lead nowhere. */
export function mayBeMissing({ kind }: Edge): boolean {
  return kind === "optional" || kind === "peerOptional";
}

/** Whether an entry is a project of its own: the root, or what a link leads to. */
export function isTop({ location }: NpmEntry): boolean {
  return !/(?:^|\/)node_modules\//.test(location);
}

/** The package that `name` is, for a module of the package at `from`: the nearest one in a `node_modules` on the way up. */
function find(lock: PackageLock, from: string, name: string): NpmEntry | undefined {
  for (let directory = from; ; directory = directory.slice(0, Math.max(0, directory.lastIndexOf("/")))) {
    const found = lock.entries.get(directory === "" ? `node_modules/${name}` : `${directory}/node_modules/${name}`);
    if (found !== undefined || directory === "") return found;
  }
}

/** What an entry asks for. Of several kinds of one name the last counts: peer, then regular, optional, development. */
function wants(entry: NpmEntry): ReadonlyMap<string, Edge["kind"]> {
  const kinds = new Map<string, Edge["kind"]>();
  if (entry.link !== undefined) return kinds;
  for (const name of Object.keys(entry.peerDependencies))
    kinds.set(name, entry.optionalPeers.has(name) ? "peerOptional" : "peer");
  for (const name of Object.keys(entry.dependencies)) kinds.set(name, "prod");
  for (const name of Object.keys(entry.optionalDependencies)) kinds.set(name, "optional");
  if (isTop(entry)) for (const name of Object.keys(entry.devDependencies)) kinds.set(name, "dev");
  return kinds;
}

export function graphOf(lock: PackageLock, workspaces: ReadonlySet<string>): Graph {
  const out = new Map<NpmEntry, readonly Edge[]>();
  const into = new Map<NpmEntry, Edge[]>();
  for (const from of lock.entries.values()) {
    const edges = [...wants(from)].map(([name, kind]): Edge => ({
      from,
      name,
      to: find(lock, from.location, name),
      kind,
    }));
    if (from.location === "") {
      for (const to of lock.entries.values())
        if (to.link !== undefined && workspaces.has(to.link))
          edges.push({ from, name: to.name, to, kind: "workspace" });
    }
    out.set(from, edges);
    for (const edge of edges) {
      if (edge.to === undefined) continue;
      const others = into.get(edge.to);
      if (others === undefined) into.set(edge.to, [edge]);
      else others.push(edge);
    }
  }
  return { out: (entry) => out.get(entry) ?? [], into: (entry) => into.get(entry) ?? [] };
}

/**
 * What goes when an optional package cannot be installed: all that need it, up to where they are optional themselves, and what nobody else
 * needs. `gone` are those that went before.
 */
export function optionalSet(graph: Graph, start: NpmEntry, gone: ReadonlySet<NpmEntry>): ReadonlySet<NpmEntry> {
  const core = new Set([start]);
  // A set is walked to its end even when it grows meanwhile.
  for (const entry of core) for (const edge of graph.into(entry)) if (!mayBeMissing(edge)) core.add(edge.from);
  const all = new Set(core);
  for (const entry of all)
    for (const { from, to } of graph.out(entry)) if (to !== undefined && !gone.has(from)) all.add(to);
  for (let changed = true; changed;) {
    changed = false;
    for (const entry of all) {
      if (core.has(entry)) continue;
      if (!graph.into(entry).some(({ from }) => !all.has(from) && !gone.has(from))) continue;
      all.delete(entry);
      changed = true;
    }
  }
  return all;
}
