/** What goes into the files of the system and what comes out: the contract between this room and the assembly of layers. */
import type { PackageFacts, ScriptName } from "../../source/debian/facts.ts";
import type { Diversion, Override } from "../../source/debian/script-model.ts";
import type { GroupSpec, UserSpec } from "../../spec/types.ts";
import type { GeneratedFile } from "../../tree/generated.ts";

export interface SystemInput {
  /** All packages of the image, those of the images it is `from` too. */
  readonly packages: readonly PackageFacts[];
  readonly architecture: string;
  /** From the image spec, in its order. */
  readonly users: readonly UserSpec[];
  readonly groups: readonly GroupSpec[];
  /** Seconds: the time that the caller gives to what is generated. No content depends on it (peers.md T12). */
  readonly epoch?: number;
  /** The image spec's file, for problems that it has to solve. */
  readonly file?: string;
  /** Paths that other layers bring; home directories among them are left to those layers. */
  readonly existing?: ReadonlySet<string>;
}

/** A maintainer script of which something is not done. */
export interface ScriptNote {
  readonly package: string;
  readonly script: ScriptName;
  /** What it would have run; `(perhaps)` when that depends on what only running could tell. */
  readonly commands: readonly string[];
}

export interface SystemResult {
  /** What is to be added, sorted by path; parents come before what is in them. */
  readonly files: readonly GeneratedFile[];
  /** Owners and modes of packages' entries that scripts change, sorted by path. */
  readonly overrides: readonly Override[];
  /** Packages' directories that are not to be written, because scripts remove them or put a link in their place (`var/run`); sorted. */
  readonly removed: readonly string[];
  /** All diversions, as scripts gave them; `divertedEntries` tells which entries they move. */
  readonly diversions: readonly Diversion[];
  readonly done: readonly { readonly package: string; readonly script: ScriptName; readonly what: string }[];
  readonly notDone: readonly ScriptNote[];
}
