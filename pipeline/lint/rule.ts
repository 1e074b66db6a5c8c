/** What a rule of the lint is, what it looks at, and what it finds. */
import type { Extent } from "../shell/syntax.ts";
import type { Dockerfile } from "../dockerfile/parser.ts";
import type { Script, ShellCommand } from "./shell/script.ts";
import type { Slice } from "../dockerfile/text.ts";
import type { Node } from "../dockerfile/tree.ts";

/** `error` makes `check` end with 1; `warning` and `note` do not. */
export type Severity = "error" | "warning" | "note";

/** A file as rules see it. */
export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  /** Whether that is all of it; of what is too large there is none. */
  readonly complete: boolean;
  /** Whether another file is there; the path is relative to the directory of this one. */
  readonly beside: (path: string) => boolean;
  /** The text of a small file in the same directory; undefined where there is none. */
  readonly readBeside: (name: string) => string | undefined;
}

/** Puts `text` in the place of what is between `at` and `end`. */
export interface Edit extends Extent {
  readonly text: string;
}

export interface Found extends Extent {
  /** What is wrong here, as a clause. */
  readonly message: string;
  /** Edits that mend it, where nothing has to be decided. */
  readonly fix?: readonly Edit[];
}

/** One line of a file that has an entry a line: requirements, .npmrc. */
export interface EntryLine extends Extent {
  /** Without comments and continuation, trimmed. */
  readonly text: string;
  readonly slice: Slice;
}

/** What rules are shown, by the kind of thing. */
export interface Subjects {
  readonly command: ShellCommand;
  readonly script: Script;
  readonly dockerfile: Dockerfile;
  readonly spec: Node;
  readonly package: Node;
  readonly "package-lock": Node;
  readonly npmrc: readonly EntryLine[];
  readonly requirements: readonly EntryLine[];
  readonly workflow: Node;
  readonly gitlab: Node;
  readonly tekton: Node;
  readonly kubernetes: Node;
  readonly compose: Node;
}

export type Kind = keyof Subjects;

export interface Example {
  /** Path of the file that the two texts are of. */
  readonly file: string;
  /** Each line ended by a newline. */
  readonly bad: string;
  readonly good: string;
  /** A file that is in the same directory, where that matters. */
  readonly beside?: string;
}

interface Description {
  /** `LK2101`. Never used again for something else. */
  readonly id: string;
  /** What is found, as a short clause. */
  readonly title: string;
  readonly severity: Severity;
  /** Of a rule about commands: how grave it is outside of Dockerfiles, where it is not the same. */
  readonly elsewhere?: Severity;
  /** Rows of the catalogue of what makes images differ. */
  readonly rows: readonly string[];
  /** Why two builds come to differ. One paragraph. */
  readonly why: string;
  /** What to do. One paragraph. */
  readonly remedy: string;
  /** What `--fix` does; absent where it does nothing. */
  readonly fix?: string;
  readonly example: Example;
}

export type RuleOf<K extends Kind> = Description & {
  readonly on: K;
  readonly check: (subject: Subjects[K], file: SourceFile) => Iterable<Found>;
};

export type Rule = { [K in Kind]: RuleOf<K> }[Kind];

/** A rule that is found by the lint itself rather than in one kind of file. */
export type OwnRule = Description & { readonly on: "lint" };

/** A finding with its rule and its file. */
export interface Finding extends Found {
  readonly rule: Rule | OwnRule;
  readonly file: string;
  readonly severity: Severity;
  /** The reason of the suppression, of one that is suppressed. */
  readonly suppressed?: string;
}
