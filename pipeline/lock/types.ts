/** The lock: what lockstep.lock pins, by kind of input. */

import type { Digest } from "../store/digest.ts";

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

/** A blob of an image in a registry (OCI image-spec, descriptor.md). */
export interface LockedBlob {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** What a base image is on one platform. */
export interface LockedBasePlatform {
  readonly manifest: LockedBlob;
  readonly config: LockedBlob;
  /** Time of the config in UTC with whole seconds: `2026-11-21T09:15:44Z`; that of the year 1970 when it names none. */
  readonly created: string;
  /** Lowest first; `diffId` is the digest of the uncompressed tar. */
  readonly layers: readonly (LockedBlob & { readonly diffId: Digest })[];
}

/** An image of a registry that specs are `from`; the blob is its index, or its manifest where it has no index. */
export interface LockedBase extends LockedBlob {
  readonly platforms: Readonly<Record<string, LockedBasePlatform>>;
}

/** A file that a spec names by its URL, which is the key. */
export interface LockedHttp {
  /** Bytes of the file. */
  readonly size: number;
  /** Of the file, 64 hexadecimal digits. */
  readonly sha256: string;
  /** How its signature was made, and by which key: `minisign <key id>`, `gpg <fingerprint>`, `sigstore <SHA-256 of the public key>`. */
  readonly signedBy?: string;
  /** Of the file of the repository that the key was read from, 64 hexadecimal digits; there when `signedBy` is. */
  readonly signingKey?: string;
}

/** Scripts that npm runs after it unpacked a package, in the order it runs them. */
export const installScripts = ["preinstall", "install", "postinstall"] as const;

/** Scripts that npm runs to make a package from a commit and install it, in the order it runs them. */
export const commitScripts = [...installScripts, "prepublish", "preprepare", "prepare", "postprepare"] as const;

/** A tarball that lock files of npm projects name. The key is `<name>@<version>`, and says more where one repository has several of that. */
export interface LockedNpm {
  /** Bytes of the tarball. */
  readonly size: number;
  /** Of the tarball, 64 hexadecimal digits. */
  readonly sha256: string;
  /** The hashes of the lock file that the tarball was checked against: `sha512-…`. */
  readonly integrity: string;
  /** Where it is from when that is not a registry: an address, or a path in the repository. */
  readonly from?: string;
  /** What its package.json says of its licence, in one line: nearly always an SPDX expression. */
  readonly license?: string;
  /** Scripts that npm would run after unpacking, in the order it would: `install: node build.js`. */
  readonly scripts?: readonly string[];
}

/** A commit of a git repository; the key is `<repository>#<ref>` as a spec, a `.gitmodules` or the lock file of an npm project says them. */
export interface LockedCommit {
  /** Id of the commit: 40 digits of SHA-1, or 64 of SHA-256. */
  readonly commit: string;
  /** Id of its tree. */
  readonly tree: string;
  /** When it was committed: `2026-01-02T03:04:05Z`. */
  readonly date: string;
  /** Bytes of its archive (docs/git.md). */
  readonly size: number;
  /** Of the archive, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Scripts that npm would run to make a package of it, in the order it would: `prepare: node build.js`; absent where no npm project asks for it. */
  readonly scripts?: readonly string[];
  /** Keys of the entries of its submodules by their path; absent where no spec asks for them. */
  readonly submodules?: Readonly<Record<string, string>>;
}

/** A wheel of a package index; the key is the name of the file. */
export interface LockedWheel {
  /** Normalized name of the project. */
  readonly name: string;
  readonly version: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Of the file, 64 hexadecimal digits. */
  readonly sha256: string;
  /** What its METADATA says of its licence, in one line. */
  readonly license?: string;
}

/**
 * What an entry of each section says. A new kind of input is a line here and in `noInputs`, a row in section.ts, and one in
 * build/input-kinds.ts.
 */
export interface LockEntries {
  /** By reference as specs write it. */
  readonly bases: LockedBase;
  /** By `<repository>#<ref>`. */
  readonly git: LockedCommit;
  /** By URL. */
  readonly http: LockedHttp;
  /** By image name. */
  readonly images: LockedResolution;
  /** By name and version: `@s/name@1.0.0`. */
  readonly npm: LockedNpm;
  /** By key: `<name>_<version>_<architecture>`. */
  readonly packages: LockedPackage;
  readonly releases: LockedRelease;
  /** By file name. */
  readonly wheels: LockedWheel;
}

export type SectionName = keyof LockEntries;

/** Sections of what specs ask for directly, one a kind of input; each is in the file only when it has entries. */
export type InputSection = Exclude<SectionName, "images" | "packages" | "releases">;

/** An entry of any of them. */
export type InputEntry = LockEntries[InputSection];

type Sections<Names extends SectionName> = {
  readonly [Section in Names]: ReadonlyMap<string, LockEntries[Section]>;
};

export type Lock = Sections<SectionName>;

/** The part of a lock that is about inputs other than Debian packages. */
export type LockedInputs = Sections<InputSection>;

export const noInputs: LockedInputs = {
  bases: new Map(),
  git: new Map(),
  http: new Map(),
  npm: new Map(),
  wheels: new Map(),
};

export const emptyLock: Lock = { ...noInputs, images: new Map(), packages: new Map(), releases: new Map() };

/** Bytes that an entry says it is, of a base image those of its layers; 0 for one that does not say it. */
export function sizeOf(entry: InputEntry | undefined): number {
  if (entry !== undefined && "platforms" in entry) {
    const layers = Object.values(entry.platforms).flatMap((platform) => platform.layers);
    return [...new Map(layers.map(({ digest, size }) => [digest, size])).values()].reduce((a, b) => a + b, 0);
  }
  return entry !== undefined && "size" in entry ? entry.size : 0;
}

/** When the newest of some entries was made, in seconds since 1970; 0 when none of them has a date. */
export function newestDate(entries: Iterable<InputEntry>): number {
  let newest = 0;
  for (const entry of entries) if ("date" in entry) newest = Math.max(newest, Date.parse(entry.date) / 1000);
  return newest;
}

export function packageKey(item: Pick<LockedPackage, "name" | "version" | "architecture">): string {
  return `${item.name}_${item.version}_${item.architecture}`;
}

export function releaseKey(release: Pick<LockedRelease, "suite" | "sha256">): string {
  return `${release.suite}@${release.sha256.slice(0, 12)}`;
}
