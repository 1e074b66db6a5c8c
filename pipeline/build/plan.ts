/** Plans: the fully resolved, canonical JSON of one build. Everything the bytes depend on is in it, and nothing else. */
import type { InputSection, LockedInputs, LockedPackage } from "../lock/types.ts";
import type { Selection } from "../source/archive/select.ts";
import type { CommitSelection } from "../source/git/unpack.ts";
import type { NpmCommitOptions } from "../source/npm/commit.ts";
import type { NpmUnpackOptions } from "../source/npm/unpack.ts";
import type { WheelInstall } from "../source/python/wheel.ts";
import type { RuntimeConfig } from "../image/oci.ts";
import type { Place } from "../host/errors.ts";
import type { HistoryEntry } from "../source/image/config.ts";
import type { ConfigSpec, GroupSpec, Platform, UserSpec } from "../spec/types.ts";
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
  /** Files: the content itself, where it was made for the plan; UTF-8. */
  readonly text?: string;
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

/** One entry of the lock's inputs and where it goes. Everything its fragment depends on, but for the epoch, is in it. */
interface PlannedInputBase {
  /** Where in the lock it is. */
  readonly section: InputSection;
  readonly key: string;
  /** Of the blob, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Path in the image, without a slash at the start; empty for the root. */
  readonly into: string;
}

/** The blob is the content of one file, whose path is `into`. */
export interface PlannedFile extends PlannedInputBase {
  readonly unpack: "file";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** The blob is a tar archive, compressed or not. */
export interface PlannedTar extends PlannedInputBase, Selection {
  readonly unpack: "tar";
}

/** The blob is a tarball of npm; `into` is the directory of the project that has the package. */
export interface PlannedNpm extends PlannedInputBase, NpmUnpackOptions {
  readonly unpack: "npm";
}

/** The blob is the archive of a commit that is an npm package; `into` is the directory of the project that has it. */
export interface PlannedNpmCommit extends PlannedInputBase, NpmCommitOptions {
  readonly unpack: "npm-git";
}

/** The blob is the archive of a commit. */
export interface PlannedCommit extends PlannedInputBase, CommitSelection {
  readonly unpack: "git";
}

/** The blob is a wheel. */
export interface PlannedWheel extends PlannedInputBase, WheelInstall {
  readonly unpack: "wheel";
}

/** The blob is a zip archive. */
export interface PlannedZip extends PlannedInputBase, Selection {
  readonly unpack: "zip";
}

export type PlannedInput =
  | PlannedFile
  | PlannedTar
  | PlannedZip
  | PlannedNpm
  | PlannedNpmCommit
  | PlannedCommit
  | PlannedWheel;

/** Inputs that are unpacked, and what the planner adds to them. */
export interface InputsLayer {
  readonly kind: "inputs";
  readonly title: string;
  readonly epoch: number;
  /** Sorted by `into`, then by section and key. */
  readonly inputs: readonly PlannedInput[];
  /** Sorted by path; files have their `text`. */
  readonly entries: readonly PlannedEntry[];
}

/** A layer of a base image, which goes into the image as it is. */
export interface BaseLayer {
  readonly kind: "base";
  readonly title: string;
  /** Of the base. */
  readonly epoch: number;
  /** What the manifest calls it; one of OCI's types. */
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly diffId: Digest;
  /** The base's entries for it. */
  readonly history: readonly HistoryEntry[];
}

/** What an image keeps of how it was put onto its base, so that it can be put onto another. */
export interface PlannedBase {
  /** As the spec writes it. */
  readonly name: string;
  /** Of the base's manifest for this platform. */
  readonly digest: Digest;
  /** What the specs themselves say of the config, from the one on the base upwards. */
  readonly config: readonly ConfigSpec[];
  /** Time of the image's own layers in seconds, and whether that was set from outside and is also the time of the image. */
  readonly epoch: number;
  readonly fixed: boolean;
}

/** A file that a step may ask for while it runs: an entry of the lock's `http`. */
export interface PlannedFetch {
  readonly url: string;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** A program that runs, with everything of its surroundings that may decide what it does (docs/format.md, "Steps"). */
export interface PlannedRun {
  readonly kind: "run";
  readonly argv: readonly string[];
  /** All of it; nothing else is there. */
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly hostname: string;
  readonly network: "none";
  /** Sorted by URL; absent when it asks for nothing. */
  readonly fetch?: readonly PlannedFetch[];
  /** Names of what it finds in /run/secrets, sorted; absent when it needs none. No value is in a plan. */
  readonly secrets?: readonly string[];
  readonly umask: string;
  readonly user: string;
  /** Where it runs instead of the tree so far, and what is taken from there. */
  readonly tools?: {
    /** Digest over the layers of the image with the tools. */
    readonly tree: Digest;
    /** Sorted by path. */
    readonly files: readonly PlannedEntry[];
    /** Paths without a slash at the start. */
    readonly outputs: readonly { readonly from: string; readonly into: string }[];
  };
}

/** A Dockerfile and everything that it is built from. */
export interface PlannedDockerfile {
  readonly kind: "dockerfile";
  /** In the context. */
  readonly file: string;
  readonly target?: string;
  readonly args: Readonly<Record<string, string>>;
  /** Variables that each of its stages begins with. */
  readonly env: Readonly<Record<string, string>>;
  readonly network: "none";
  /** Sorted by URL; absent when it asks for nothing. */
  readonly fetch?: readonly PlannedFetch[];
  /** Names of what it finds in /run/secrets, sorted; absent when it needs none. No value is in a plan. */
  readonly secrets?: readonly string[];
  /** Images of the repository that it may be from, by name: the hash of their plan for the platform. */
  readonly images: Readonly<Record<string, Digest>>;
  /** Sorted by path. */
  readonly context: readonly PlannedEntry[];
}

/** What code does to the tree, run on an engine. */
export interface StepLayer {
  readonly kind: "step";
  readonly title: string;
  readonly epoch: number;
  /** Number of the rules for surroundings and for what is taken (docs/format.md, "Steps"). */
  readonly rules: 1;
  readonly command: PlannedRun | PlannedDockerfile;
}

export type PlannedLayer = BaseLayer | PackagesLayer | EntriesLayer | InputsLayer | StepLayer;

export interface Plan {
  readonly format: typeof format;
  readonly platform: Platform;
  /** Seconds since 1970; the image's creation time. */
  readonly epoch: number;
  readonly layers: readonly PlannedLayer[];
  readonly config: RuntimeConfig;
  /** Only of images on an image of a registry. */
  readonly base?: PlannedBase;
}

/** What the spec says of a step, and its plan does not. */
export interface StepOrigin {
  /** Seconds after which it is ended. */
  readonly timeout: number;
  readonly place: Place;
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
  /** Images that steps of the image run in, or on: those of the images it is `from` too. By what names them in the plan. */
  readonly uses: ReadonlyMap<Digest, PlannedImage>;
  /** Where steps are from, by the position of their layer. */
  readonly origins: ReadonlyMap<number, StepOrigin>;
  /** The other entries of the lock that the image needs on its platform, those of the images it is `from` too. */
  readonly inputs: LockedInputs;
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
