/** From a package lock to the tree of a platform: which tarball is unpacked where, with which commands, and the links between packages. */
import { LockstepError, type Problem } from "../../host/errors.ts";
import { comparePaths } from "../../tree/entry.ts";
import { type BinLink, binLinks, linkText } from "./bins.ts";
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

/** A tarball in its place. */
export interface NpmPlace {
  /** Below the project: `node_modules/a`. */
  readonly location: string;
  readonly tarball: NpmTarball;
  /** Commands whose files are in this tarball: `file` is below `location`, `link` below the project. */
  readonly bins: readonly { readonly link: string; readonly file: string }[];
  /** Files of commands that have no link, because another package has the name. */
  readonly executable: readonly string[];
  /** Paths below `location` at which other tarballs are unpacked, so that nothing of this one is there. */
  readonly drop: readonly string[];
  /** Packages that come within this tarball, below `location`. */
  readonly bundled: readonly string[];
}

export interface NpmTree {
  /** Sorted by location. */
  readonly places: readonly NpmPlace[];
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

/** Where the tarball of an entry comes from; a problem when it comes from nowhere that is known. */
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
  if (/^git(?:\+|:|@)|^github:|^ssh:/.test(resolved)) return "a git repository";
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

function tarballOf(entry: NpmEntry, lock: PackageLock): NpmTarball | Problem {
  const { name, version, integrity, location } = entry;
  const shown = `${name}${version === undefined ? "" : `@${version}`}`;
  const problem = (code: "LS2503" | "LS2504" | "LS2506", message: string, field: string, hint: string): Problem => ({
    code,
    message,
    place: lock.at(location, field),
    hint,
  });
  if (version === undefined) {
    const hint =
      "npm writes that when the registry does not have a package for every platform; when it has, remove the entry and run `npm install --package-lock-only`";
    return problem("LS2504", `entry "${location}" has no version`, "", hint);
  }
  // Both are the key of an entry of the lock, and part of an address.
  if (!/^(?:@[A-Za-z0-9._~!'()*-]+\/)?[A-Za-z0-9._~!'()*-]+$/.test(name) || !/^[0-9A-Za-z.+-]+$/.test(version))
    return problem("LS2503", `entry "${location}" has no name and version that a registry would take`, "", relock);
  const origin = originOf(entry, version);
  if (typeof origin === "string") {
    const hint = "depend on a published version, or on a tarball in the repository";
    return problem("LS2506", `${shown} comes from ${origin}`, "resolved", hint);
  }
  if (integrity === undefined) return problem("LS2504", `${shown} has no integrity`, "", relock);
  return { name, version, integrity: strongest(integrity).join(" "), origin };
}

/**
 * The tree that `npm ci` makes for a platform. Throws LS2504 (no version or integrity), LS2505, LS2506 (a source that is not read) and
 * LS2507, all of them at once where they can be.
 */
export function npmTree(lock: PackageLock, options: SelectionOptions): NpmTree {
  const selected = selectPackages(lock, options);
  const problems: Problem[] = [];
  const tarballs = new Map<string, NpmTarball>();
  const bundledIn = new Map<string, string[]>();
  const links: NpmEntry[] = [];
  for (const entry of selected.values()) {
    const bundler = entry.inBundle ? bundlerOf(entry, lock) : undefined;
    if (entry.link !== undefined) links.push(entry);
    else if (bundler !== undefined) {
      bundledIn.set(bundler.location, [...(bundledIn.get(bundler.location) ?? []), entry.location]);
    } else {
      const tarball = tarballOf(entry, lock);
      if ("code" in tarball) problems.push(tarball);
      else tarballs.set(entry.location, tarball);
    }
  }
  if (problems.length > 0) throw new LockstepError(problems.slice(0, 50));

  const bins = new Map<string, BinLink[]>();
  for (const bin of binLinks(selected.values(), lock.entries)) {
    const bundler = bin.of.inBundle ? bundlerOf(bin.of, lock) : undefined;
    const { location } = bundler ?? bin.of;
    bins.set(location, [...(bins.get(location) ?? []), bin]);
  }
  const nested = new Map<string, string[]>();
  for (const { location } of [...links, ...[...tarballs.keys()].map((location) => ({ location }))]) {
    const host = hostOf(location);
    if (host !== undefined) nested.set(host, [...(nested.get(host) ?? []), location]);
  }
  const places = [...tarballs]
    .toSorted(([a], [b]) => comparePaths(a, b))
    .map(([location, tarball]): NpmPlace => {
      const below = (path: string): string => path.slice(location.length + 1);
      // What is nested in a bundled package lies in this tarball's part of the tree too.
      const inside = [location, ...(bundledIn.get(location) ?? [])];
      const linked = new Set((bins.get(location) ?? []).map(({ file }) => below(file)));
      const declared = Object.values(lock.entries.get(location)?.bin ?? {});
      return {
        location,
        tarball,
        bins: (bins.get(location) ?? [])
          .map(({ link, file }) => ({ link, file: below(file) }))
          .toSorted((a, b) => comparePaths(a.link, b.link)),
        executable: [...new Set(declared)].filter((file) => !linked.has(file)).toSorted(comparePaths),
        drop: inside
          .flatMap((host) => nested.get(host) ?? [])
          .map(below)
          .toSorted(comparePaths),
        bundled: (bundledIn.get(location) ?? []).map(below).toSorted(comparePaths),
      };
    });
  const linkedBins = links.flatMap(({ location, link = "" }) =>
    (bins.get(location) ?? []).map((bin) => ({
      path: bin.link,
      target: linkText(bin.link, bin.file),
      file: `${link}${bin.file.slice(location.length)}`,
    })),
  );
  return {
    places,
    links: links
      .map(({ location, link = "" }) => ({ path: location, target: linkText(location, link) }))
      .toSorted((a, b) => comparePaths(a.path, b.path)),
    linkedBins: linkedBins.toSorted((a, b) => comparePaths(a.path, b.path)),
  };
}
