/** The syntax tree of a maintainer script: the part of the POSIX shell language that such scripts use (POSIX XCU 2). */

/** A piece of a word. `quoted` pieces are neither split into fields nor taken as patterns. */
export type Part =
  | { readonly kind: "text"; readonly text: string; readonly quoted: boolean }
  | {
      readonly kind: "parameter";
      readonly name: string;
      /** `:-`, `-`, `:=`, `=`, `:?`, `?`, `:+`, `+`, `%`, `%%`, `#`, `##`; `length` for `${#name}`; other forms are not understood. */
      readonly operator?: string;
      readonly argument?: Word;
      readonly quoted: boolean;
    }
  | { readonly kind: "substitution"; readonly body: Command; readonly quoted: boolean }
  | { readonly kind: "arithmetic"; readonly quoted: boolean };

export type Word = readonly Part[];

export interface Redirect {
  /** The file descriptor that is redirected. */
  readonly descriptor: number;
  /** `<`, `>`, `>>`, `>|`, `<>`, `<&`, `>&`, `<<`. */
  readonly operator: string;
  /** The file, the descriptor, or the text of a here-document. */
  readonly target: Word;
}

export interface SimpleCommand {
  readonly kind: "simple";
  readonly assignments: readonly { readonly name: string; readonly value: Word }[];
  readonly words: readonly Word[];
  readonly redirects: readonly Redirect[];
  /** As it is written, for reports. */
  readonly source: string;
}

export type Command =
  | SimpleCommand
  | { readonly kind: "pipeline"; readonly commands: readonly Command[]; readonly source: string }
  | { readonly kind: "not"; readonly command: Command }
  | { readonly kind: "and" | "or"; readonly left: Command; readonly right: Command }
  | { readonly kind: "sequence"; readonly commands: readonly Command[] }
  | {
      readonly kind: "if";
      readonly branches: readonly { readonly condition: Command; readonly body: Command }[];
      readonly otherwise?: Command;
    }
  | {
      readonly kind: "case";
      readonly subject: Word;
      readonly items: readonly { readonly patterns: readonly Word[]; readonly body: Command }[];
    }
  /** Without `words`: over the positional parameters. */
  | { readonly kind: "for"; readonly name: string; readonly words?: readonly Word[]; readonly body: Command }
  | { readonly kind: "loop"; readonly until: boolean; readonly condition: Command; readonly body: Command }
  | {
      readonly kind: "group";
      readonly subshell: boolean;
      readonly body: Command;
      readonly redirects: readonly Redirect[];
      readonly source: string;
    }
  | { readonly kind: "function"; readonly name: string; readonly body: Command };

/** A script that is not written in the part of the language that is understood. */
export class ScriptSyntaxError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(`line ${line}: ${message}`);
    this.name = "ScriptSyntaxError";
    this.line = line;
  }
}
