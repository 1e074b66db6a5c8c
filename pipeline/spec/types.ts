/** The image spec after validation: what a person wrote in images/<name>/image.yaml, with every default filled in. */
import type { Place } from "../host/errors.ts";

/** The platforms Lockstep builds for, as `os/architecture` (OCI image-spec, image-index.md "platform"); no variant is ever written. */
export type Platform = "linux/amd64" | "linux/arm64";

export const platforms: readonly Platform[] = ["linux/amd64", "linux/arm64"];

export interface DebianLayer {
  readonly kind: "debian";
  readonly place: Place;
  /** Suite by code name, for example `trixie`; its updates and security suites belong to it. */
  readonly suite: string;
  /** Requested packages, sorted, each with where it is written. */
  readonly packages: readonly { readonly name: string; readonly place: Place }[];
  /** `all`: Depends and Pre-Depends are followed. `none`: exactly the named packages (for images without a libc). */
  readonly dependencies: "all" | "none";
  /** At most this many OCI layers for the packages, split by source package; 1 unless given. */
  readonly split: number;
}

export interface FilesLayer {
  readonly kind: "files";
  readonly place: Place;
  /** Directory or file, relative to the repository root with `/` between components; inside the repository. */
  readonly from: string;
  /** Absolute path in the image. */
  readonly into: string;
  /** Globs relative to `from`; `*`, `**`, `?` and `{a,b}`. */
  readonly exclude: readonly string[];
  readonly owner: Owner;
  /** Overrides of permission bits by glob relative to `from`; the last match wins. */
  readonly mode: readonly { readonly glob: string; readonly mode: number }[];
}

export interface DirectoriesLayer {
  readonly kind: "directories";
  readonly place: Place;
  readonly directories: readonly { readonly path: string; readonly owner: Owner; readonly mode: number }[];
}

export interface SymlinksLayer {
  readonly kind: "symlinks";
  readonly place: Place;
  readonly symlinks: readonly { readonly path: string; readonly target: string }[];
}

/** One file that is named by its URL. */
export interface HttpSource {
  /** In the one form that the URL standard gives it. */
  readonly url: string;
  /** What the file has to be, 64 hexadecimal digits; without it `pin` takes what it finds. */
  readonly sha256?: string;
  /** Where its signature is, when the layer has one. */
  readonly signature?: string;
}

/** By whom a file has to be signed. */
export interface HttpSignature {
  readonly kind: "minisign" | "gpg" | "sigstore";
  /** File with the public key, relative to the repository root. */
  readonly key: string;
}

export interface HttpLayer {
  readonly kind: "http";
  readonly place: Place;
  /** At least one for each platform of the image. */
  readonly sources: Readonly<Partial<Record<Platform, HttpSource>>>;
  readonly signature?: HttpSignature;
  /** Absolute path in the image; with a slash at the end a file keeps its name. */
  readonly into: string;
  readonly unpack: "none" | "tar" | "zip";
  /** Leading components of the archive's paths that are left out. */
  readonly strip: number;
  /** Globs on paths after stripping; all is taken when there are none. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly owner: Owner;
  /** Permission bits by glob, the last match wins; of a single file the one of `**`. */
  readonly mode: readonly { readonly glob: string; readonly mode: number }[];
}

/** Dependencies of an npm project, as its lock file has them. */
export interface NpmLayer {
  readonly kind: "npm";
  readonly place: Place;
  /** Directory of package.json and package-lock.json, relative to the repository root. */
  readonly project: string;
  /** Absolute path in the image: node_modules is made in it. */
  readonly into: string;
  /** Kinds of dependencies that are left out, sorted. */
  readonly omit: readonly ("dev" | "optional" | "peer")[];
  /** C library of the image, by which packages with binaries are chosen. */
  readonly libc: "glibc" | "musl";
  readonly owner: Owner;
}

export interface GitLayer {
  readonly kind: "git";
  readonly place: Place;
  /** Address as it is written. */
  readonly repository: string;
  /** A tag, a branch, a full name of a ref, HEAD, or the id of a commit. */
  readonly ref: string;
  /** Directory or file of the commit, without slashes at its ends; all of it unless given. */
  readonly path?: string;
  /** Absolute path in the image. */
  readonly into: string;
  /** Globs relative to `path`. */
  readonly exclude: readonly string[];
  readonly owner: Owner;
  /** Overrides of permission bits by glob relative to `path`; the last match wins. */
  readonly mode: readonly { readonly glob: string; readonly mode: number }[];
  readonly submodules: boolean;
}

export interface PythonLayer {
  readonly kind: "python";
  readonly place: Place;
  /** File of requirements, relative to the repository root; inside the repository. */
  readonly requirements: string;
  /** `3.13`, or `3.13.5`. */
  readonly python: string;
  /** `2.41`; that of the image's Debian suite unless given. */
  readonly glibc?: string;
  /** Absolute path in the image. */
  readonly into: string;
  /** `directory`: modules right in `into`. `prefix`, `debian`: where a Python with that prefix looks for them, or Debian's. */
  readonly layout: "directory" | "prefix" | "debian";
  /** `all`: what packages need must be in the file. `none`: exactly these packages, whatever they need. */
  readonly dependencies: "all" | "none";
  /** Absolute path of the Python that commands start. */
  readonly interpreter: string;
  /** Globs relative to `into` of what is left out. */
  readonly exclude: readonly string[];
  readonly owner: Owner;
}

/** A file that a step asks for while it runs. */
export interface StepFetch {
  readonly place: Place;
  /** At least one for each platform of the image. */
  readonly sources: Readonly<Partial<Record<Platform, HttpSource>>>;
}

/** A step that runs code: on the tree so far, or in an image with tools, of which only outputs are taken. */
export interface RunLayer {
  readonly kind: "run";
  readonly place: Place;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path. */
  readonly workdir: string;
  /** Seconds. */
  readonly timeout: number;
  readonly fetch: readonly StepFetch[];
  /** Names, sorted. */
  readonly secrets: readonly string[];
  readonly user: Owner;
  readonly tools?: {
    /** Name of an image of this repository. */
    readonly image: string;
    readonly files: readonly FilesLayer[];
    /** Absolute paths: in the step, and in the image. */
    readonly outputs: readonly { readonly from: string; readonly into: string }[];
  };
}

/** The file system that a Dockerfile makes. */
export interface DockerfileLayer {
  readonly kind: "dockerfile";
  readonly place: Place;
  /** Directory, relative to the repository root. */
  readonly context: string;
  /** Relative to `context`. */
  readonly file: string;
  readonly target?: string;
  readonly args: Readonly<Record<string, string>>;
  /** Names of images of this repository, sorted. */
  readonly images: readonly string[];
  readonly exclude: readonly string[];
  readonly timeout: number;
  readonly fetch: readonly StepFetch[];
  /** Names, sorted. */
  readonly secrets: readonly string[];
}

/** Layers that need an engine to run code. */
export type StepLayerSpec = RunLayer | DockerfileLayer;

export type LayerSpec =
  | DebianLayer
  | FilesLayer
  | DirectoriesLayer
  | SymlinksLayer
  | HttpLayer
  | NpmLayer
  | GitLayer
  | PythonLayer
  | StepLayerSpec;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface UserSpec {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  readonly gecos: string;
}

export interface GroupSpec {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

export interface ConfigSpec {
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  /** `8080/tcp`, sorted. */
  readonly ports: readonly string[];
  /** In the order they are written. */
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly stopSignal?: string;
}

/** An image of a registry that an image is built on. */
export interface BaseSpec {
  /** As it is written: `registry.example/debian:trixie`. */
  readonly image: string;
  readonly place: Place;
}

export interface ImageSpec {
  readonly name: string;
  /** `images/web/image.yaml`, relative to the repository root. */
  readonly file: string;
  /** Sorted. */
  readonly platforms: readonly Platform[];
  /** Name of the image of this repository whose layers and config come first. */
  readonly from?: string;
  /** Image of a registry whose layers and config come first; never together with `from`. */
  readonly base?: BaseSpec;
  readonly layers: readonly LayerSpec[];
  readonly users: readonly UserSpec[];
  readonly groups: readonly GroupSpec[];
  readonly config: ConfigSpec;
}
