/** From a package lock to the tree of a platform: which tarball or commit is unpacked where, with which commands, and the links between packages. */
import { LockstepError, type Problem } from "../../host/errors.ts";
import { comparePaths } from "../../tree/entry.ts";
import { type BinLink, binLinks, linkText } from "./bins.ts";
import { isGitOrigin, type NpmCommit, readGitOrigin } from "./git-origin.ts";
import { strongest } from "./integrity.ts";
import { type NpmEntry, type PackageLock, relock } from "./package-lock.ts";
import { hostOf, selectPackages, type SelectionOptions } from "./selection.ts";

/** Where a tarball comes from. */
export type NpmOrigin =
  /** The registry that npm is configured for, below which a tarball's address follows from name and version. */
  | {
      readonly kind: "registry";
      /** Where the lock file says that it was. */
      readonly resolved?: string;
    }
  /** An address that the project's own package.json, or its lock file, writes. */
  | { readonly kind: "address"; readonly address: string }
  /** A file of the repository, relative to the project. */
  | { readonly kind: "file"; readonly path: string };

export interface NpmTarball {
  readonly name: string;
  readonly version: string;
  /** Hashes of the strongest algorithm, any of which the bytes must have; separated by a blank. */
  readonly integrity: string;
  readonly origin: NpmOrigin;
}

/** Where a package is, whatever it comes in. */
interface NpmPlaced {
  /** Below the project: `node_modules/a`. */
  readonly location: string;
  /** Commands whose files are in this package: `file` is below `location`, `link` below the project. */
  readonly bins: readonly { readonly link: string; readonly file: string }[];
  /** Files of commands that have no link, because another package has the name. */
  readonly executable: readonly string[];
  /** Paths below `location` at which other packages are unpacked, so that nothing of this one is there. */
  readonly drop: readonly string[];
}

/** A tarball in its place. */
export interface NpmPlace extends NpmPlaced {
  readonly tarball: NpmTarball;
  /** Packages that come within this tarball, below `location`. */
  readonly bundled: readonly string[];
}

/** A commit in its place. */
export interface NpmCommitPlace extends NpmPlaced {
  readonly commit: NpmCommit;
}

export interface NpmTree {
  /** Sorted by location. */
  readonly places: readonly NpmPlace[];
  /** Sorted by location. */
  readonly commits: readonly NpmCommitPlace[];
  /** Symbolic links to packages of the project, sorted by path. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Commands of those packages: links that are made when the file is there. `file` is below the project. */
  readonly linkedBins: readonly { readonly path: string; readonly target: string; readonly file: string }[];
}

/** Whether an address is that of a tarball below a registry: `…/name/-/name-1.0.0.tgz`. */
function isRegistryAddress(address: string, name: string, version: string): boolean {
  const base = name.slice(name.indexOf("/") + 1);
  return decodeURIComponent(new URL(address).pathname).endsWith(`/${name}/-/${base}-${version}.tgz`);
}

/** Where the tarball of an entry comes from; a text when it comes from nowhere that is known. */
function originOf(entry: NpmEntry, version: string): NpmOrigin | string {
  const { name, resolved } = entry;
  if (resolved === undefined) return { kind: "registry" };
  if (/^https?:\/\//i.test(resolved)) {
    if (!URL.canParse(resolved)) return "an address that cannot be read";
    const { username, password } = new URL(resolved);
    // Not repeated in the message: it is a secret.
    if (username !== "" || password !== "") return "an address with a user name or a password in it";
    try {
      return isRegistryAddress(resolved, name, version)
        ? { kind: "registry", resolved }
        : { kind: "address", address: resolved };
    } catch {
      return "an address that cannot be read";
    }
  }
  if (resolved.startsWith("file:"))
    return { kind: "file", path: resolved.slice("file:".length).replace(/^(?:\.\/)+/, "") };
  return "a place of a kind that is not known";
}

/** The entry whose tarball an entry of a bundle is in; undefined for packages that the project itself bundles. */
function bundlerOf(entry: NpmEntry, lock: PackageLock): NpmEntry | undefined {
  let host: NpmEntry | undefined = entry;
  while (host?.inBundle === true) {
    const location = hostOf(host.location);
    host = location === undefined ? undefined : lock.entries.get(location);
  }
  return host;
}

/** What is unpacked for an entry: a tarball or a commit; a problem when nobody can say what that is. */
function contentOf(entry: NpmEntry, lock: PackageLock): NpmTarball | NpmCommit | Problem {
  const { name, version, integrity, location, resolved } = entry;
  const shown = `${name}${version === undefined ? "" : `@${version}`}`;
  const problem = (code: "LS2503" | "LS2504" | "LS2506", message: string, field: string, hint: string): Problem => ({
    code,
    message,
    place: lock.at(location, field),
    hint,
  });
  const foreign = (where: string): Problem => {
    const hint = "depend on a published version, or on a tarball in the repository";
    return problem("LS2506", `${shown} comes from ${where}`, "resolved", hint);
  };
  if (resolved !== undefined && isGitOrigin(resolved)) {
    // The id of the commit says what it is; npm itself goes by no integrity here.
    const commit = readGitOrigin(resolved);
    return typeof commit === "string" ? foreign(commit) : commit;
  }
  if (version === undefined) {
    const hint =
      "npm writes that when the registry does not have a package for every platform; when it has, remove the entry and run `npm install --package-lock-only`";
    return problem("LS2504", `entry "${location}" has no version`, "", hint);
  }
  // Both are the key of an entry of the lock, and part of an address.
  if (!/^(?:@[A-Za-z0-9._~!'()*-]+\/)?[A-Za-z0-9._~!'()*-]+$/.test(name) || !/^[0-9A-Za-z.+-]+$/.test(version))
    return problem("LS2503", `entry "${location}" has no name and version that a registry would take`, "", relock);
  const origin = originOf(entry, version);
  if (typeof origin === "string") return foreign(origin);
  if (integrity === undefined) return problem("LS2504", `${shown} has no integrity`, "", relock);
  return { name, version, integrity: strongest(integrity).join(" "), origin };
}

/**
 * The tree that `npm ci` makes for a platform. Throws LS2504 (no version or integrity), LS2505, LS2506 (a source that is not read), LS2507
 * and LS2512 (a bundle in a commit), all of them at once where they can be.
 */
export function npmTree(lock: PackageLock, options: SelectionOptions): NpmTree {
  const selected = selectPackages(lock, options);
  const problems: Problem[] = [];
  const contents = new Map<string, NpmTarball | NpmCommit>();
  const bundledIn = new Map<string, string[]>();
  const links: NpmEntry[] = [];
  for (const entry of selected.values()) {
    const bundler = entry.inBundle ? bundlerOf(entry, lock) : undefined;
    if (entry.link !== undefined) links.push(entry);
    else if (bundler !== undefined) {
      bundledIn.set(bundler.location, [...(bundledIn.get(bundler.location) ?? []), entry.location]);
    } else {
      const content = contentOf(entry, lock);
      if ("code" in content) problems.push(content);
      else contents.set(entry.location, content);
    }
  }
  for (const [location, bundled] of bundledIn) {
    const content = contents.get(location);
    if (content === undefined || !("commit" in content)) continue;
    const message = `"${location}" comes from a git repository and bundles ${bundled.join(", ")}`;
    const hint = "depend on a published version, or on a tarball in the repository";
    problems.push({ code: "LS2512", message, place: lock.at(location), hint });
  }
  if (problems.length > 0) throw new LockstepError(problems.slice(0, 50));

  const bins = new Map<string, BinLink[]>();
  for (const bin of binLinks(selected.values(), lock.entries)) {
    const bundler = bin.of.inBundle ? bundlerOf(bin.of, lock) : undefined;
    const { location } = bundler ?? bin.of;
    bins.set(location, [...(bins.get(location) ?? []), bin]);
  }
  const nested = new Map<string, string[]>();
  for (const { location } of [...links, ...[...contents.keys()].map((location) => ({ location }))]) {
    const host = hostOf(location);
    if (host !== undefined) nested.set(host, [...(nested.get(host) ?? []), location]);
  }
  const placed = (location: string): NpmPlaced => {
    const below = (path: string): string => path.slice(location.length + 1);
    // What is nested in a bundled package lies in this package's part of the tree too.
    const inside = [location, ...(bundledIn.get(location) ?? [])];
    const linked = new Set((bins.get(location) ?? []).map(({ file }) => below(file)));
    const declared = Object.values(lock.entries.get(location)?.bin ?? {});
    return {
      location,
      bins: (bins.get(location) ?? [])
        .map(({ link, file }) => ({ link, file: below(file) }))
        .toSorted((a, b) => comparePaths(a.link, b.link)),
      executable: [...new Set(declared)].filter((file) => !linked.has(file)).toSorted(comparePaths),
      drop: inside
        .flatMap((host) => nested.get(host) ?? [])
        .map(below)
        .toSorted(comparePaths),
    };
  };
  const places: NpmPlace[] = [];
  const commits: NpmCommitPlace[] = [];
  for (const [location, content] of [...contents].toSorted(([a], [b]) => comparePaths(a, b))) {
    if ("commit" in content) commits.push({ ...placed(location), commit: content });
    else {
      const bundled = (bundledIn.get(location) ?? []).map((path) => path.slice(location.length + 1));
      places.push({ ...placed(location), tarball: content, bundled: bundled.toSorted(comparePaths) });
    }
  }
  const linkedBins = links.flatMap(({ location, link = "" }) =>
    (bins.get(location) ?? []).map((bin) => ({
      path: bin.link,
      target: linkText(bin.link, bin.file),
      file: `${link}${bin.file.slice(location.length)}`,
    })),
  );
  return {
    places,
    commits,
    links: links
      .map(({ location, link = "" }) => ({ path: location, target: linkText(location, link) }))
      .toSorted((a, b) => comparePaths(a.path, b.path)),
    linkedBins: linkedBins.toSorted((a, b) => comparePaths(a.path, b.path)),
  };
}
