/** The command line: one file per command, a table that lists them. This file says what a command is. */
import { relative, resolve } from "node:path";
import type { Command } from "commander";
import type { ExitCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { Report } from "../report/report.ts";
import type { TextOptions } from "../report/style.ts";
import type { Store } from "../store/store.ts";

/** What a command is given besides its own options. */
export interface Context {
  readonly host: Host;
  readonly report: Report;
  readonly store: Store;
  /** The repository's root directory. */
  readonly root: string;
  /** Fires on Ctrl-C and on SIGTERM. */
  readonly signal: AbortSignal;
  /** What the text for stdout may be like; plain where it is absent. */
  readonly output?: TextOptions;
}

/** What a command has to say: a document for `--json`, and the same for people. */
export interface Outcome {
  readonly exit: ExitCode;
  /** The `result` member of the JSON document. */
  readonly result: unknown;
  /** Text for stdout, each line ended by a newline; empty when there is nothing to say. */
  readonly text: string;
}

export interface CommandModule {
  /** Adds the command's arguments and options. */
  readonly define: (command: Command) => void;
  readonly run: (
    context: Context,
    options: Readonly<Record<string, unknown>>,
    args: readonly string[],
  ) => Promise<Outcome>;
  /** Shown at the end of `--help`. */
  readonly examples: readonly string[];
}

/** Where output goes: what the user names is relative to where they are, the usual place is in the repository. */
export function outputDirectory(context: Context, options: Readonly<Record<string, unknown>>, usual: string): string {
  return namedPath(context, options["out"]) ?? resolve(context.root, usual);
}

/** The path that an option names, relative to where the user is; undefined where it was not given. */
export function namedPath({ host }: Context, option: unknown): string | undefined {
  return typeof option === "string" ? resolve(host.cwd, option) : undefined;
}

/** Who signed a statement, for people: a key by its hint, or an identity and who vouches for it. */
export function shownSigner(signer: string, issuer: string | undefined): string {
  return issuer === undefined ? `key ${signer}` : `identity ${signer} of ${issuer}`;
}

/** A path as a person wants to see it: relative to where they are. */
export function shown({ host }: Context, path: string): string {
  return relative(host.cwd, path) || ".";
}

/** The values of an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** The values of such an option; none where it was not given. */
export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** A row of the table: modules are loaded when their command is called, so that starting stays fast. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}
