/** Plans: the fully resolved, canonical JSON of one build. Everything the bytes depend on is in it, and nothing else. */
import type { LockedPackage } from "../lock/types.ts";
import type { RuntimeConfig } from "../image/oci.ts";
import type { GroupSpec, Platform, UserSpec } from "../spec/types.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { type Digest, digestOf, hexOf } from "../store/digest.ts";

/** The number of the byte rules in docs/format.md. */
export const format = 1;

export interface PlannedPackage {
  /** `<name>_<version>_<architecture>`. */
  readonly key: string;
  /** Of the .deb file, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** What a system is made of besides packages; present in the layer that carries the files made from all packages up to it. */
export interface PlannedSystem {
  readonly users: readonly UserSpec[];
  readonly groups: readonly GroupSpec[];
}

export interface PackagesLayer {
  readonly kind: "packages";
  /** What the history entry says of it. */
  readonly title: string;
  /** Seconds; the time of everything that has none of its own, and the latest that anything may have. */
  readonly epoch: number;
  /** Sorted by key. */
  readonly packages: readonly PlannedPackage[];
  readonly system?: PlannedSystem;
}

export interface PlannedEntry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Files: bytes and SHA-256 of the content. */
  readonly size?: number;
  readonly sha256?: string;
  /** Symlinks: the link's text. */
  readonly target?: string;
}

export interface EntriesLayer {
  readonly kind: "entries";
  readonly title: string;
  readonly epoch: number;
  /** Sorted by path. */
  readonly entries: readonly PlannedEntry[];
}

export type PlannedLayer = PackagesLayer | EntriesLayer;

export interface Plan {
  readonly format: typeof format;
  readonly platform: Platform;
  /** Seconds since 1970; the image's creation time. */
  readonly epoch: number;
  readonly layers: readonly PlannedLayer[];
  readonly config: RuntimeConfig;
}

/** A plan with what is needed to carry it out on this machine, which is not part of its identity. */
export interface PlannedImage {
  readonly image: string;
  readonly plan: Plan;
  readonly hash: Digest;
  /** Where the files of entries layers lie, by the SHA-256 of their content: paths on this machine. */
  readonly sources: ReadonlyMap<string, string>;
  /** Locked packages by key. */
  readonly packages: ReadonlyMap<string, LockedPackage>;
}

export function planHash(plan: Plan): Digest {
  return digestOf(canonicalJson(plan));
}

/**
 * The cache key of layer `index`: the hash of the plan cut off after it, without the config. Everything below counts, because which
 * directories and system files a layer repeats depends on it.
 */
export function layerKey(plan: Plan, index: number): string {
  return hexOf(
    digestOf(canonicalJson({ format: plan.format, platform: plan.platform, layers: plan.layers.slice(0, index + 1) })),
  );
}
