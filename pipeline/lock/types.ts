/** The lock: what lockstep.lock pins, by kind of input. */

/** Which tree of the archive a path is in; mirrors are configured for each. */
export type DebianArchive = "debian" | "debian-security";

export type DebianArchitecture = "amd64" | "arm64" | "all";

/** A signed InRelease file that vouches for packages. */
export interface LockedRelease {
  readonly suite: string;
  readonly archive: DebianArchive;
  /** Its Date field, ISO 8601 in UTC with seconds: `2026-11-21T09:15:44Z`. */
  readonly date: string;
  /** Of the InRelease file as served, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Fingerprints of the primary keys whose signatures were good, sorted, upper case. */
  readonly signedBy: readonly string[];
}

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: DebianArchitecture;
  readonly archive: DebianArchive;
  /** Pool path below the archive: `pool/main/n/netbase/netbase_6.5_all.deb`. */
  readonly path: string;
  /** Bytes of the .deb file. */
  readonly size: number;
  /** Of the .deb file, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Source package and its version. */
  readonly source: string;
  readonly sourceVersion: string;
  /** Key of the release that vouched for it when it was first pinned: `<suite>@<first 12 digits of its sha256>`. */
  readonly release: string;
}

/** What the debian layers of one image resolve to: the answer to exactly this question, or the lock is out of date. */
export interface LockedResolution {
  readonly suite: string;
  readonly dependencies: "all" | "none";
  /** Names asked for by the spec and, first, by the images it is `from`; sorted. */
  readonly request: readonly string[];
  /** Per platform the keys of the packages, sorted: `netbase_6.5_all`. */
  readonly platforms: Readonly<Record<string, readonly string[]>>;
}

export interface Lock {
  readonly releases: ReadonlyMap<string, LockedRelease>;
  /** By key: `<name>_<version>_<architecture>`. */
  readonly packages: ReadonlyMap<string, LockedPackage>;
  /** By image name. */
  readonly images: ReadonlyMap<string, LockedResolution>;
}

export const emptyLock: Lock = { releases: new Map(), packages: new Map(), images: new Map() };

export function packageKey(item: Pick<LockedPackage, "name" | "version" | "architecture">): string {
  return `${item.name}_${item.version}_${item.architecture}`;
}

export function releaseKey(release: Pick<LockedRelease, "suite" | "sha256">): string {
  return `${release.suite}@${release.sha256.slice(0, 12)}`;
}
