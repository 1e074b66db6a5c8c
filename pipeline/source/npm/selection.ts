/** Which entries of a package lock are installed on a platform: what `npm ci` would leave in node_modules, decided without npm. */
import { LockstepError, type Problem } from "../../host/errors.ts";
import { matchesAny, parseGlob } from "../../tree/glob.ts";
import { graphOf, isTop, mayBeMissing, optionalSet } from "./graph.ts";
import { type NpmEntry, type PackageLock, relock } from "./package-lock.ts";
import { isFor, type Target } from "./platform.ts";

/** Kinds of dependencies that can be left out, as npm's setting `omit` names them. */
export type Omittable = "dev" | "optional" | "peer";

export interface SelectionOptions extends Target {
  readonly omit: readonly Omittable[];
}

/** Locations of the project's own packages that its `workspaces` name. */
function workspaceLocations(lock: PackageLock): ReadonlySet<string> {
  const patterns = (lock.entries.get("")?.workspaces ?? []).map((glob) => ({
    negative: glob.startsWith("!"),
    glob: parseGlob(
      glob
        .replace(/^!/, "")
        .replace(/^(?:\.?\/)+/, "")
        .replace(/\/+$/, ""),
    ),
  }));
  const positive = patterns.flatMap(({ negative, glob }) => (negative ? [] : [glob]));
  const negative = patterns.flatMap(({ negative, glob }) => (negative ? [glob] : []));
  const tops = [...lock.entries.values()].filter((entry) => entry.location !== "" && isTop(entry));
  return new Set(
    tops.map(({ location }) => location).filter((path) => matchesAny(positive, path) && !matchesAny(negative, path)),
  );
}

/** The project, or the package of the project, whose node_modules a location is in. */
function topOf(location: string): string {
  const end = location.search(/(?:^|\/)node_modules\//);
  return end < 0 ? location : location.slice(0, end);
}

/** The package that a location is nested in; undefined for those in a project's own node_modules. */
export function hostOf(location: string): string | undefined {
  const end = location.lastIndexOf("/node_modules/");
  const host = end < 0 ? "" : location.slice(0, end);
  return /(?:^|\/)node_modules\//.test(host) ? host : undefined;
}

function isOmitted(entry: NpmEntry, omit: ReadonlySet<Omittable>): boolean {
  return (
    (entry.peer && omit.has("peer")) ||
    (entry.dev && omit.has("dev")) ||
    (entry.optional && omit.has("optional")) ||
    (entry.devOptional && omit.has("dev") && omit.has("optional"))
  );
}

function named({ name, version }: NpmEntry): string {
  return version === undefined ? name : `${name}@${version}`;
}

/**
 * The entries that are installed, by location, in the order of the lock file: packages and links, also those that come in a bundle. Throws,
 * for all at once, LS2505 (a dependency that the lock file does not have) and LS2507 (a required package that is not for the platform).
 */
export function selectPackages(lock: PackageLock, options: SelectionOptions): ReadonlyMap<string, NpmEntry> {
  const workspaces = workspaceLocations(lock);
  const graph = graphOf(lock, workspaces);
  const omit = new Set(options.omit);
  const problems: Problem[] = [];
  const left = new Set<NpmEntry>();
  const packages = [...lock.entries.values()].filter((entry) => !isTop(entry));
  for (const entry of packages) {
    // What belongs to a linked package that is no workspace is that package's own affair.
    const top = topOf(entry.location);
    if ((top === "" || workspaces.has(top)) && isOmitted(entry, omit)) left.add(entry);
  }
  const gone = new Set<NpmEntry>();
  for (const entry of packages) {
    if (gone.has(entry) || isFor(entry, options)) continue;
    if (entry.optional) for (const other of optionalSet(graph, entry, gone)) gone.add(other);
    else if (!left.has(entry)) {
      const lists = [entry.os, entry.cpu, entry.libc].flatMap((list) => list ?? []).join(", ");
      problems.push({
        code: "LS2507",
        message: `${named(entry)} is required and is not for ${options.platform} with ${options.libc} (it is for ${lists})`,
        place: lock.at(entry.location),
        hint: "depend on it optionally, or build the image for its platforms only",
      });
    }
  }
  const selected = new Map<string, NpmEntry>();
  const isThere = (location: string | undefined): boolean =>
    location === undefined || (selected.has(location) && isThere(hostOf(location)));
  for (const entry of packages) if (!left.has(entry) && !gone.has(entry)) selected.set(entry.location, entry);
  for (const { location } of packages) if (!isThere(hostOf(location))) selected.delete(location);
  for (const from of lock.entries.values()) {
    const own = isTop(from);
    // Whoever bundles packages answers for what is in the bundle.
    if ((own && from.location !== "" && !workspaces.has(from.location)) || from.inBundle) continue;
    if (!own && !selected.has(from.location)) continue;
    for (const edge of graph.out(from)) {
      if (mayBeMissing(edge) || edge.kind === "peer" || edge.kind === "workspace") continue;
      if (edge.kind === "dev" && omit.has("dev")) continue;
      if (edge.to !== undefined && (selected.has(edge.to.location) || gone.has(edge.to))) continue;
      const what =
        edge.to === undefined ? "which the lock file does not have" : "which the lock file marks as left out";
      problems.push({
        code: "LS2505",
        message: `${from.location === "" ? "the project" : named(from)} needs ${edge.name}, ${what}`,
        place: lock.at(from.location),
        hint: relock,
      });
    }
  }
  if (problems.length > 0) throw new LockstepError(problems.slice(0, 50));
  return selected;
}
